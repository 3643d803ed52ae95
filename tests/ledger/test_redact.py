"""Secrets do not reach the ledger; ordinary text does."""

from __future__ import annotations

import json

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


@given(secret=texts.filter(lambda text: len(text) > 8), before=texts, after=texts)
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
