"""What a judge is worth by outcomes: a coin for who praises everybody, more for every mark that came true."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.auctions import agreement, agreement_of, judge_weights
from agora.bids import Juror
from agora.errors import ConfigError
from agora.records import LEAST_YES, AgentRecord

counts = st.integers(min_value=0, max_value=200)


class Judged(NamedTuple):
    """Bids that were marked, and for how many of them the outcome was as marked."""

    passed: int
    passed_right: int
    failed: int
    failed_right: int

    @property
    def value(self) -> float:
        return agreement(**self._asdict())


@st.composite
def judged(draw: st.DrawFn) -> Judged:
    passed, failed = draw(counts), draw(counts)
    return Judged(passed, draw(st.integers(0, passed)), failed, draw(st.integers(0, failed)))


@given(one=judged())
def test_agreement_is_what_the_formula_says_and_between_zero_and_one(one: Judged) -> None:
    expected = Fraction(1, 2)
    if rarer := min(one.passed, one.failed):
        youden = Fraction(one.passed_right, one.passed) + Fraction(one.failed_right, one.failed) - 1
        expected += Fraction(rarer, rarer + 2) * youden / 2
    assert one.value == pytest.approx(float(expected), abs=1e-15)
    assert 0 < one.value < 1


@given(passed=counts, failed=counts)
def test_who_says_the_same_of_everything_is_worth_a_coin_at_any_time(passed: int, failed: int) -> None:
    assert Judged(passed, passed, failed, 0).value == 0.5
    assert Judged(passed, 0, failed, failed).value == 0.5


@given(size=counts, data=st.data())
def test_with_equal_numbers_of_both_it_is_the_rule_of_succession_for_each(size: int, data: st.DataObject) -> None:
    rights = data.draw(st.tuples(st.integers(0, size), st.integers(0, size)))
    expected = sum((right + 1) / (size + 2) for right in rights) / 2
    assert Judged(size, rights[0], size, rights[1]).value == pytest.approx(expected)


def test_the_rule_of_succession_for_each_kind_apart_would_pay_for_praise() -> None:
    passed, failed = 98, 0
    apart = ((passed + 1) / (passed + 2) + (0 + 1) / (failed + 2)) / 2
    assert apart == pytest.approx(0.745)
    assert Judged(passed, passed, failed, 0).value == 0.5


@given(size=st.integers(min_value=1, max_value=10_000), more=counts)
def test_a_judge_that_is_always_right_goes_to_one_and_one_that_never_is_to_zero(size: int, more: int) -> None:
    right, wrong = Judged(size, size, size + more, size + more), Judged(size, 0, size + more, 0)
    assert right.value == pytest.approx(1 - 1 / (size + 2))
    assert wrong.value == pytest.approx(1 / (size + 2))
    assert right.value > 0.5 > wrong.value


@given(one=judged())
def test_more_right_marks_never_lower_it_and_wrong_ones_never_raise_it(one: Judged) -> None:
    right = [
        one._replace(passed=one.passed + 1, passed_right=one.passed_right + 1),
        one._replace(failed=one.failed + 1, failed_right=one.failed_right + 1),
    ]
    wrong = [one._replace(passed=one.passed + 1), one._replace(failed=one.failed + 1)]
    assert all(after.value >= one.value - 1e-15 for after in right)
    assert all(after.value <= one.value + 1e-15 for after in wrong)


@given(one=judged())
def test_passed_and_failed_are_alike_and_the_contrary_is_as_far_below_a_coin(one: Judged) -> None:
    mirrored = Judged(one.failed, one.failed_right, one.passed, one.passed_right)
    contrary = Judged(one.passed, one.passed - one.passed_right, one.failed, one.failed - one.failed_right)
    assert mirrored.value == one.value
    assert contrary.value == pytest.approx(1 - one.value, abs=1e-15)


def test_a_record_gives_its_four_counts_and_none_gives_a_coin() -> None:
    silent = AgentRecord("acme", "ann", "python", 0, 0, 0, 0, 0, 0, "0", 0.0)
    known = silent._replace(judged_passed=6, judged_passed_right=6, judged_failed=2, judged_failed_right=1)
    assert agreement_of(known) == Judged(6, 6, 2, 1).value == 0.625
    assert agreement_of(None) == agreement_of(silent) == 0.5


def test_a_judge_that_praises_everybody_has_no_weight_beside_one_that_tells_them_apart() -> None:
    agreements = {"praises": Judged(40, 40, 10, 0).value, "tells": Judged(40, 30, 10, 8).value}
    weights = judge_weights({name: Juror(operator=name, agreement=one) for name, one in agreements.items()})
    assert weights["praises"] == 0 < weights["tells"]


def test_three_of_five_says_that_it_will_pass() -> None:
    assert LEAST_YES == 3


@pytest.mark.parametrize(
    "bad", [Judged(1, 2, 0, 0), Judged(0, 0, 1, 2), Judged(-1, -1, 0, 0), Judged(1, -1, 0, 0)], ids=str
)
def test_counts_that_are_none_are_refused(bad: Judged) -> None:
    with pytest.raises(ConfigError, match="are no counts"):
        agreement(**bad._asdict())
