"""Lines of an exported ledger: what is written is read, byte for byte; what is no line is named; what lies is kept."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.errors import LedgerError
from agora.events import Event
from agora.ledger.canonical import encode
from agora.ledger.chain import GENESIS, SALT_BYTES, VERSION, body_hash, entry_hash, follows
from agora.ledger.lines import FORMAT, Header, read_entry, read_head, read_header, write_entry, write_header
from agora.records import Entry, Envelope, Stored
from ledger.event_strategies import events

SALT = bytes(range(SALT_BYTES))
HEADER = Header(FORMAT, "agora-ledger/0123456789abcdef", 1, 3, "r1", ("a\nb\n",))


def entry(body: bytes | None, *, run: str = "r1", kind: str = "posted", at_us: int = 7) -> Stored:
    hashed = body_hash(SALT, body or b"gone")
    envelope = Envelope(VERSION, 1, run, kind, at_us, hashed, GENESIS)
    return Stored(Entry(envelope, entry_hash(envelope)), None if body is None else SALT, body)


@given(event=events)
def test_every_event_comes_back_byte_for_byte(event: Event) -> None:
    try:
        stored = entry(encode(event), kind=event.kind)
    except LedgerError:
        return  # has no canonical form, and so was never recorded
    line = write_entry(stored)
    assert line.count(b"\n") == 1
    assert read_entry(line) == stored
    assert follows(read_entry(line), seq=0, prev=GENESIS)
    assert read_head(line) == (1, "r1", event.kind, True)


@given(
    run=st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1), at_us=st.integers(1 - 2**53, 2**53 - 1)
)
def test_any_run_id_and_time_come_back(run: str, at_us: int) -> None:
    stored = entry(None, run=run, at_us=at_us)
    assert read_entry(write_entry(stored)) == stored
    assert read_head(write_entry(stored)) == (1, run, "posted", False)


def test_another_spelling_of_the_same_json_is_the_same_entry() -> None:
    stored = entry(encode_text("\u202e<script>\u2028é"))
    fields = json.loads(write_entry(stored))
    shuffled = json.dumps(dict(reversed(fields.items())), indent=None, ensure_ascii=True).encode() + b"\n"
    assert read_entry(shuffled) == stored
    assert read_head(shuffled) == (1, "r1", "posted", True)


def encode_text(text: str) -> bytes:
    return json.dumps({"kind": "posted", "text": text}, ensure_ascii=False, separators=(",", ":")).encode()


LINE = write_entry(entry(b'{"a":1}')).decode()


def with_field(name: str, text: str) -> str:
    fields = {key: json.dumps(value) for key, value in json.loads(LINE).items()}
    fields[name] = text
    return "{" + ",".join(f'"{key}":{value}' for key, value in fields.items()) + "}\n"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "no JSON object"),
        ("[]", "no JSON object"),
        ("{", "no JSON object"),
        ("\x00\x01", "no JSON object"),
        ("[" * 100_000, "no JSON object"),
        (f"[{'9' * 5000}]", "no JSON object"),
        (LINE.replace('"seq":1,', ""), "seq is missing"),
        (with_field("extra", "1"), "'extra' is no field"),
        (with_field("seq", "1.0"), "seq is no whole number"),
        (with_field("seq", "true"), "seq is no whole number"),
        (with_field("at_us", str(2**53)), "at_us is no whole number"),
        (with_field("v", '"1"'), "v is no whole number"),
        (with_field("run", "1"), "run is no text"),
        (with_field("run", r'"\ud800"'), "run is no text"),
        (
            with_field("run", r'"\u001b[31m\u202eevil\n"'),
            r"run '\\x1b\[31m\\u202eevil\\n' is not an id: it is printable ASCII",
        ),
        (with_field("run", '""'), "run '' is not an id"),
        (LINE.replace('"run":"r1"', '"run":""'), "run '' is not an id"),
        (LINE.replace('"run":"r1"', '"run":"r\x7f"'), "is not an id"),
        (with_field("hash", "null"), "hash is no text"),
        (with_field("hash", '"00"'), "hash is no hash: it is 64 hexadecimal digits"),
        (with_field("prev", f'"{GENESIS}\\n"'), "prev is no hash"),
        (with_field("body_hash", f'"{64 * "A"}"'), "body_hash is no hash"),
        (with_field("salt", '"xyz"'), "salt is neither hexadecimal nor null"),
        (LINE.replace('"body":{"a":1}', '"body":{"a":1,"a":2}'), "'a' stands in one object twice"),
        (LINE.replace("}\n", ',"seq":9}\n'), "'seq' stands in one object twice"),
    ],
)
def test_what_is_no_entry_is_named(line: str, why: str) -> None:
    with pytest.raises(LedgerError, match=why):
        read_entry(line.encode())
    if "is not an id" in why or "is no hash" in why:
        with pytest.raises(LedgerError, match=why):
            read_head(line.encode())


@pytest.mark.parametrize(
    "body", ["0.5", "[]", '"text"', '{"a":NaN}', r'{"a":"\ud800"}', '{"é":1}', '{"a":9007199254740993}']
)
def test_a_body_that_nobody_recorded_is_read_and_does_not_hash(body: str) -> None:
    stored = read_entry(with_field("body", body).encode())
    assert stored.body is not None
    assert not follows(stored, seq=0, prev=GENESIS)


def test_a_body_that_cannot_stand_in_a_line_is_not_written() -> None:
    for body in (b"not json", b'{"a":\n1}', b""):
        with pytest.raises(LedgerError, match="the body of entry 1 is no JSON object"):
            write_entry(entry(None)._replace(body=body))


def test_a_header_comes_back() -> None:
    assert read_header(write_header(HEADER)) == HEADER
    later = json.loads(write_header(HEADER)) | {"made_by": "somebody"}
    assert read_header(json.dumps(later).encode()) == HEADER


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "it is no header"),
        ("[1]", "it is no header"),
        ('{"v":1}', "it is no header"),
        ('{"agora.ledger":true}', "it is no header"),
        ('{"agora.ledger":0}', "it is no header"),
        ('{"agora.ledger":2}', r"format 2, and this Agora reads up to 1: install the newer one that made it"),
        ('{"agora.ledger":1,"first":-1}', "not of its form"),
        ('{"agora.ledger":1,"last":"9"}', "not of its form"),
        ('{"agora.ledger":1,"run":[]}', "not of its form"),
        ('{"agora.ledger":1,"checkpoints":"x"}', "not a list of texts"),
        ('{"agora.ledger":1,"checkpoints":[1]}', "not a list of texts"),
        ('{"agora.ledger":1,"last":21,"run":null,"last":3}', "'last' stands in one object twice"),
        ('{"agora.ledger":1,"run":"\\u001b[31m"}', r"run '\\x1b\[31m' is not an id"),
        ('{"agora.ledger":1,"origin":"\\ud800"}', "a lone surrogate"),
        ('{"agora.ledger":1,"checkpoints":["a\\n\\ud800\\n"]}', "a lone surrogate"),
    ],
)
def test_what_is_no_header_is_named(line: str, why: str) -> None:
    with pytest.raises(LedgerError, match=why):
        read_header(line.encode())
