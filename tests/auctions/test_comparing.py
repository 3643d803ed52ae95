"""Cross-validation of fitted weights against others."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from agora.auctions.comparing import cross_validate
from agora.auctions.fitting import Delivered, Example, PastBid, fit_regret
from agora.errors import ConfigError
from auctions.past_tasks import drawn_tasks

JURY = {"cost": 0.01, "entropy": 0.01, "jury": 0.98}
NOISE = {"cost": 0.01, "entropy": 0.98, "jury": 0.01}


def test_no_fold_is_chosen_in_by_weights_that_saw_it() -> None:
    seen = list[set[int]]()

    def fit(places: Sequence[int]) -> dict[str, float]:
        seen.append(set(places))
        return JURY

    examples = drawn_tasks(1, tasks=23, bids=3)
    found = cross_validate(examples, fit, rival=JURY, price=0.2, folds=5, seed=4)
    held_out = [set(range(23)) - places for places in seen]
    assert sorted(place for fold in held_out for place in fold) == list(range(23))
    assert {len(fold) for fold in held_out} == {4, 5}
    assert (found.tasks, found.tried) == (23, 23)


def test_weights_against_themselves_are_as_good_and_move_nothing() -> None:
    found = cross_validate(drawn_tasks(1, tasks=40, bids=3), lambda _: JURY, rival=JURY, price=0.2)
    assert (found.moved, found.gain, found.low, found.high) == (0, 0.0, 0.0, 0.0)
    assert found.fitted == found.rival
    assert found.verdict == "as good"


def test_weights_that_follow_the_jury_beat_those_that_follow_noise_and_the_other_way_round() -> None:
    examples = drawn_tasks(2, tasks=400, bids=4)
    better = cross_validate(examples, lambda _: JURY, rival=NOISE, price=0.0)
    assert better.verdict == "better"
    assert better.gain is not None
    assert better.fitted is not None
    assert better.rival is not None
    assert better.gain == pytest.approx(better.fitted.passed - better.rival.passed)
    assert cross_validate(examples, lambda _: NOISE, rival=JURY, price=0.0).verdict == "worse"


def test_a_fit_to_outcomes_is_found_better_than_noise_on_tasks_that_it_did_not_see() -> None:
    examples = drawn_tasks(3, tasks=300, bids=4)

    def fit(places: Sequence[int]) -> dict[str, float]:
        return dict(fit_regret([examples[place] for place in places], price=0.05).weights)

    assert cross_validate(examples, fit, rival=NOISE, price=0.05).verdict == "better"


def test_tasks_without_two_outcomes_say_nothing_of_success_but_who_would_win() -> None:
    untried = [
        Example(bids=tuple(bid.model_copy(update={"delivered": None}) for bid in example.bids))
        for example in drawn_tasks(4, tasks=50, bids=3)
    ]
    found = cross_validate(untried, lambda _: JURY, rival=NOISE, price=0.2)
    assert (found.tried, found.gain, found.verdict) == (0, None, "unknown")
    assert 10 < found.moved <= 50


def test_among_bids_whose_outcome_is_known_the_choice_is_made_without_the_rest() -> None:
    def bid(jury: float, passed: bool | None) -> PastBid:
        figures = {"cost": 0.5, "entropy": 0.5, "jury": jury}
        return PastBid(figures=figures, delivered=None if passed is None else Delivered(passed=passed, cost=0.5))

    example = Example(bids=(bid(0.9, None), bid(0.6, True), bid(0.3, False)))
    found = cross_validate([example] * 4, lambda _: JURY, rival=JURY, price=0.0, folds=2)
    assert found.fitted is not None
    assert found.fitted.passed == 1.0


@pytest.mark.parametrize("folds", [0, 1, 4])
def test_more_folds_than_tasks_or_fewer_than_two_are_refused(folds: int) -> None:
    with pytest.raises(ConfigError, match="folds of 3 examples"):
        cross_validate(drawn_tasks(1, tasks=3, bids=2), lambda _: JURY, rival=JURY, price=0.2, folds=folds)
