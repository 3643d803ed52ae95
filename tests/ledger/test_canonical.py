"""The bytes of an event are RFC 8785, say everything, and can be read back."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import get_args

import pytest
import rfc8785
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agora.errors import LedgerError
from agora.events import BidRefused, Event, Learned, Performed
from agora.ledger.canonical import MAX_BYTES, MAX_DEPTH, MAX_INTEGER, Recordable, canonical, decode, encode, seal
from agora.tasks import Change, Patch, Work
from agora.values import JsonValue
from ledger.event_strategies import KINDS, dirty_texts, events, texts

allowed: st.SearchStrategy[JsonValue] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-MAX_INTEGER, MAX_INTEGER), texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(st.characters(max_codepoint=127)), inner, max_size=4)
    ),
)


@given(value=allowed)
def test_allowed_values_have_the_bytes_of_rfc_8785(value: JsonValue) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    "value",
    [
        0.5,
        float("nan"),
        Decimal(1),
        b"bytes",
        MAX_INTEGER + 1,
        -MAX_INTEGER - 1,
        {"é": 1},
        "\ud800",
        {"a": [{"b": 1.0}]},
        frozenset({"a"}),
    ],
    ids=repr,
)
def test_what_has_no_certain_form_is_refused(value: Recordable) -> None:
    with pytest.raises(LedgerError):
        canonical(value)


def nested(levels: int) -> JsonValue:
    value: JsonValue = "deep"
    for _ in range(levels):
        value = [value]
    return value


def test_depth_is_capped_before_the_stack_is() -> None:
    canonical(nested(MAX_DEPTH))
    for levels in (MAX_DEPTH + 1, 800):
        with pytest.raises(LedgerError, match="deeper than 64 levels"):
            canonical(nested(levels))
        with pytest.raises(LedgerError, match="deeper than 64 levels"):
            encode(Learned(what="x", key="k", update={"a": nested(min(levels, 200))}))


def test_size_is_capped_and_thirty_megabytes_still_fit() -> None:
    large = BidRefused(agent="a", reason="x" * 30_000_000)
    assert decode(encode(large)) == large
    with pytest.raises(LedgerError, match="over the cap"):
        encode(BidRefused(agent="a", reason="x" * MAX_BYTES))
    with pytest.raises(LedgerError, match="over the cap"):
        encode(BidRefused(agent="a", reason="é" * (MAX_BYTES - 1000)))


def test_there_is_a_strategy_for_every_kind_of_event() -> None:
    union = get_args(Event)[0]
    assert {member.model_fields["kind"].default for member in get_args(union)} == set(KINDS)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=300)
@given(event=events)
def test_a_clean_event_is_read_back_equal_and_its_bytes_are_canonical(event: Event) -> None:
    body, changed = seal(event)
    assert decode(body) == event
    assert not changed
    assert rfc8785.dumps(json.loads(body)) == body
    assert encode(decode(body)) == body


@given(reason=dirty_texts, key=dirty_texts, value=dirty_texts)
def test_a_dirty_event_is_read_back_cleaned_and_says_how_often(reason: str, key: str, value: str) -> None:
    def clean(text: str) -> str:
        return "".join("\ufffd" if mark == "\0" or "\ud800" <= mark <= "\udfff" else mark for mark in text)

    event = Learned(task=reason, what="x", key="k", update={key: [value]})
    body, changed = seal(event)
    assert decode(body) == Learned(task=clean(reason), what="x", key="k", update={clean(key): [clean(value)]})
    dirt = sum(text != clean(text) for text in (reason, key, value))
    marks = json.loads(body).get("~", {})
    assert changed is bool(dirt)
    assert marks.get("cleaned", 0) == sum(
        one != other for text in (reason, key, value) for one, other in zip(text, clean(text), strict=True)
    )


def test_keys_that_cleaning_makes_equal_are_both_kept() -> None:
    event = Learned(what="x", key="k", update={"\0": 1, "\ud800": 2})
    read = decode(encode(event))
    assert isinstance(read, Learned)
    assert sorted(read.update.values(), key=repr) == [1, 2]


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), 1 << 1025, -(1 << 5000)], ids=["nan", "inf", "big", "huge"]
)
def test_numbers_that_no_reader_keeps_are_refused(value: float) -> None:
    with pytest.raises(LedgerError, match="cannot be recorded"):
        encode(Learned.model_construct(what="x", key="k", update={"a": value}))


def test_integers_that_a_double_would_merge_stay_apart() -> None:
    one, other = (Learned(what="x", key="k", update={"n": 2**53 + extra}) for extra in (0, 1))
    assert encode(one) != encode(other)
    assert decode(encode(other)) == other


def test_an_integer_and_the_float_of_the_same_value_stay_apart() -> None:
    read = decode(encode(Learned(what="x", key="k", update={"i": 1, "f": 1.0, "s": "~1.0"})))
    assert isinstance(read, Learned)
    assert [type(read.update[name]) for name in ("i", "f", "s")] == [int, float, str]


def test_the_content_of_files_is_read_back_byte_for_byte() -> None:
    change = Change(path="a.bin", before=None, after=bytes(range(256)))
    event = Performed(agent="a", attempt=1, work=Work(output="", patch=Patch(changes=(change,))))
    assert decode(encode(event)) == event


@given(data=st.binary(max_size=40))
def test_a_body_that_is_not_an_event_is_a_ledger_error(data: bytes) -> None:
    with pytest.raises(LedgerError, match="cannot be read"):
        decode(data)


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"kind":"nonsense"}', b'{"kind":"done"}', b'{"a":"~x"}', b"\xff"])
def test_a_damaged_body_is_a_ledger_error(body: bytes) -> None:
    with pytest.raises(LedgerError, match="cannot be read"):
        decode(body)


def test_a_lone_surrogate_in_a_key_is_cleaned_too() -> None:
    body, changed = seal(Learned(what="x", key="k", update={"\ud800": 1}))
    assert changed
    assert decode(body) == Learned(what="x", key="k", update={"\ufffd": 1})
