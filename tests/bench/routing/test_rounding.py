"""Numbers as texts that are told apart."""

from __future__ import annotations

from agora.bench.routing.rounding import told_apart


def written(value: float, digits: int) -> str:
    return f"{value:.{digits}g}"


def test_only_those_that_read_alike_get_more_digits() -> None:
    assert told_apart([0.1234, 0.5, 0.1235], written, first=2) == ["0.1234", "0.5", "0.1235"]


def test_equal_values_have_equal_texts_and_the_closest_floats_have_not() -> None:
    assert told_apart([0.3, 0.3], written, first=2) == ["0.3", "0.3"]
    assert len(set(told_apart([0.3, 0.1 + 0.2], written, first=2))) == 2
    assert told_apart([], written, first=2) == []
