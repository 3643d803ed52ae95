"""Secrets do not reach the ledger; ordinary text does."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.events import BidRefused, Event, Learned, Performed
from agora.ledger.canonical import decode, encode, seal
from agora.ledger.redact import Redactor, secret_values
from agora.tasks import Change, Patch, Work
from ledger.event_strategies import events, texts

KEYS = [
    "sk-proj-a1b2c3d4e5f6g7h8i9j0",
    "sk-ant-api03-AbCdEfGh1234567890",
    "AKIAABCDEFGHIJKLMNOP",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "github_pat_11ABCDEFG0123456789_abcdef",
    "xoxb-123456789012-abcdef",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "hf_abcdefghijklmnopqrstuvwxyzABCDEF",
]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("frame", ["{}", "key={}", '"{}"', "line\n{}\nline", "é {} ü"])
def test_what_has_the_shape_of_a_key_is_replaced(key: str, frame: str) -> None:
    event = BidRefused(agent="a", reason=frame.format(key))
    assert decode(encode(event)) == BidRefused(agent="a", reason=frame.format("[redacted]"))


def test_a_bearer_token_is_replaced_and_its_name_stays() -> None:
    assert Redactor().text("Authorization: Bearer abc123def456ghi789.x") == ("Authorization: Bearer [redacted]", 1)


def test_a_private_key_is_replaced() -> None:
    text = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nAAA\n-----END RSA PRIVATE KEY-----\n"
    event = BidRefused(agent="a", reason=text)
    assert decode(encode(event)) == BidRefused(agent="a", reason="[redacted]\n")


@pytest.mark.parametrize(
    "text",
    [
        "task-implement-the-slugify-function-2",
        "risk-averse-and-very-careful-agent-7",
        "sk-learn",
        "disk-usage-report-2026-11-22",
        "a bearer of good news who walked",
        "AKIA",
        "half_hearted_attempt_number_24_of_many",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    event = BidRefused(task=text, agent="a", reason=text)
    assert decode(encode(event)) == event


@given(
    secret=texts.filter(lambda text: len(text) > 8 and text not in ("assistant", "tool_calls")),
    before=texts,
    after=texts,
)
def test_a_known_secret_is_gone_wherever_it_stands(secret: str, before: str, after: str) -> None:
    text = before + secret + after
    change = Change(path="a", before=None, after=text.encode())
    work = Work(output=text, patch=Patch(changes=(change,), text=text))
    redactor = Redactor([secret])
    refused = decode(encode(BidRefused(task=text, agent="a", reason=text), redactor=redactor))
    learned = decode(encode(Learned(what="x", key="k", update={text: text}), redactor=redactor))
    performed = decode(encode(Performed(agent="a", attempt=1, work=work), redactor=redactor))
    assert isinstance(refused, BidRefused)
    assert isinstance(learned, Learned)
    assert isinstance(performed, Performed)
    assert performed.work is not None
    patch = performed.work.patch
    written = (patch.changes[0].after or b"").decode()
    for found in (
        refused.task,
        refused.reason,
        *learned.update,
        *map(str, learned.update.values()),
        performed.work.output,
        patch.text,
        written,
    ):
        assert secret not in found.replace("[redacted]", "\0")


@given(event=events, data=st.data())
def test_redaction_leaves_every_event_readable_and_a_second_pass_changes_nothing(
    event: Event, data: st.DataObject
) -> None:
    written = json.dumps(json.loads(encode(event)), ensure_ascii=False)
    start = data.draw(st.integers(0, len(written)))
    redactor = Redactor([written[start : start + data.draw(st.integers(9, 14))], event.kind, "assistant", "tool_calls"])
    read = decode(encode(event, redactor=redactor))
    assert read.kind == event.kind
    assert decode(encode(read, redactor=redactor)) == read


def test_the_body_says_how_many_were_replaced() -> None:
    body, changed = seal(
        BidRefused(agent="a", reason="hunter2hunter2 twice: hunter2hunter2"), redactor=Redactor(["hunter2hunter2"])
    )
    assert changed
    assert json.loads(body)["~"] == {"redacted": 2}


def test_short_values_are_no_secrets_since_they_would_hit_ordinary_text() -> None:
    assert Redactor(["true", "12345678"]).text("12345678 is true") == ("12345678 is true", 0)


def test_a_secret_inside_another_leaves_nothing_of_the_longer_one() -> None:
    assert Redactor(["secret-one", "secret-one-and-two"]).text("secret-one-and-two") == ("[redacted]", 1)


def test_values_of_variables_named_like_keys_are_secrets() -> None:
    env = {"OPENAI_API_KEY": "value-one", "DB_PASSWORD": "value-two", "PATH": "/usr/bin:/bin", "GH_TOKEN": "short"}
    assert secret_values(env) == ("value-one", "value-two")


KEY = "vq7/Xw+Lr0 mnop=12345-abcdeFGHij&?"
"""With everything that a URL, JSON or a shell writes otherwise."""
LONG = "Zk9QwErTyUiOpAsDfGhJkLzXcVbNm0123456789"


FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "json": json.dumps,
    "json in utf-8": lambda secret: json.dumps(secret, ensure_ascii=False),
    "url": lambda secret: quote(secret, safe=""),
    "form": quote_plus,
    "base64": lambda secret: b64encode(secret.encode()).decode(),
    "base64 behind 2": lambda secret: b64encode(b"u:" + secret.encode()).decode(),
    "base64 between": lambda secret: b64encode(b"user:" + secret.encode() + b"@host").decode(),
    "base64 behind 3": lambda secret: b64encode(b"ab " + secret.encode() + b"\n").decode(),
    "urlsafe": lambda secret: urlsafe_b64encode(b"x" + secret.encode()).decode(),
    "hex": lambda secret: secret.encode().hex(),
}


@pytest.mark.parametrize("secret", [KEY, LONG, "pässwörter-und-mehr-davon", 'quo"te\\back\\slash-secret'])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_known_secret_is_found_in_every_form_in_texts_files_and_events(
    secret: str, form: Callable[[str], str]
) -> None:
    written = form(secret)
    kernel = written.strip('"')[6:-6]  # the ends of a base64 text hold what stands around the secret, too
    redactor = Redactor([secret])
    text = f"before {written} after\nand more"
    assert kernel not in redactor.clean(text)
    assert redactor.clean(text).startswith("before ")
    assert redactor.clean(text).endswith(" after\nand more")
    assert kernel.encode() not in redactor.raw(text.encode())[0]
    assert kernel.encode() not in redactor.raw(b"\xff\xfe" + text.encode())[0]
    event = decode(encode(BidRefused(agent="a", reason=text), redactor=redactor))
    assert isinstance(event, BidRefused)
    assert kernel not in event.reason


@pytest.mark.parametrize("place", range(1, len(LONG)))
@pytest.mark.parametrize("gap", ["\n", "\r\n", "\n    ", " \\\n"])
def test_a_key_broken_over_two_lines_is_found_wherever_it_is_broken(place: int, gap: str) -> None:
    text = f"key: {LONG[:place]}{gap}{LONG[place:]} end"
    redactor = Redactor([LONG])
    for clean in (redactor.clean(text), _recorded(text, redactor)):
        assert LONG[len(LONG) // 2 :] not in clean
        if "\\" not in gap:
            assert clean == "key: [redacted] end"


@pytest.mark.parametrize(
    "cut", [slice(0, 25), slice(0, 19), slice(20, None), slice(12, None), slice(0, -1), slice(1, None)]
)
def test_a_key_that_was_cut_off_is_found_by_its_half(cut: slice) -> None:
    redactor = Redactor([LONG])
    assert redactor.clean(f"<{LONG[cut]}>") == "<[redacted]>"
    assert _recorded(f"<{LONG[cut]}>", redactor) == "<[redacted]>"


def test_the_last_four_characters_that_a_provider_shows_stay() -> None:
    text = f"Incorrect API key provided: Zk9Q****{LONG[-4:]}"
    assert Redactor([LONG]).text(text) == (text, 0)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("see https://ada:hunter2x@host/v1 now", "see https://ada:[redacted]@host/v1 now"),
        ("postgresql://u:p%40ss@db:5432/x", "postgresql://u:[redacted]@db:5432/x"),
        ("GET /v1?key=abc123def456&x=1", "GET /v1?key=[redacted]&x=1"),
        ("https://h/v1beta?alt=sse&api_key=abc123def456", "https://h/v1beta?alt=sse&api_key=[redacted]"),
        ("sorted(rows, key=lambda row: row.name12345)", None),
        ("/list?sort_key=created_at_2026&page=2", None),
        ("mail ada@example.org, see https://example.org:8080/a@b", None),
        ("?token=abc", None),
    ],
)
def test_what_stands_in_a_url_for_a_password_is_replaced(text: str, clean: str | None) -> None:
    assert Redactor().clean(text) == (clean or text)
    assert _recorded(text, Redactor()) == (clean or text)
    assert Redactor().clean(clean or text) == (clean or text)


def test_passwords_in_urls_of_the_environment_are_secrets() -> None:
    env = {"DATABASE_URL": "postgresql://me:pass%2Fword1@host/db", "HTTPS_PROXY": "http://proxy:3128"}
    assert secret_values(env) == ("pass%2Fword1", "pass/word1")


@given(event=events, secret=texts.filter(lambda text: len(text) > 8), data=st.data())
def test_the_quick_look_never_misses_what_the_slow_one_finds(event: Event, secret: str, data: st.DataObject) -> None:
    redactor = Redactor([secret])
    form = data.draw(
        st.sampled_from([secret, quote(secret, errors="replace"), secret.encode("utf-8", "replace").hex()])
    )
    place = data.draw(st.integers(0, len(form)))
    text = form[:place] + data.draw(st.sampled_from(["", "\n", " \n\t", "\\"])) + form[place:]
    if redactor.text(text)[1]:
        assert redactor.may_hit(json.dumps({"x": text, "y": event.kind}, ensure_ascii=False))


def _recorded(text: str, redactor: Redactor) -> str:
    event = decode(encode(BidRefused(agent="a", reason=text), redactor=redactor))
    assert isinstance(event, BidRefused)
    return event.reason
