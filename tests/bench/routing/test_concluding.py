"""One plain sentence that follows from the figures, and says no more than they do."""

from __future__ import annotations

from agora.bench.routing.concluding import concluded
from agora.bench.routing.results import Entry, Span
from bench.routing.reports import entry, report, single, spot, stream, whole


def test_who_reaches_the_best_single_models_score_for_less_is_named_with_what_is_saved() -> None:
    told = concluded(
        report(single(score=0.675), entry("knn", better=0.0, kind="baseline"), entry("uniroute", better=0))
    )
    assert "uniroute scores .680 at $.00152, 70% less than the best single model's .675 at $.005" in told
    assert "picked among" not in told


def test_a_point_of_the_grid_that_no_fitting_part_chose_does_not_count() -> None:
    lucky = Entry(policy="lucky", points=(spot("lambda 9", 0.99, 0.0001, dial=9.0),))
    told = concluded(report(single(), lucky, entry("uniroute", better=0.1)))
    assert "lucky" not in told


def test_where_nobody_reaches_it_that_is_said_with_the_nearest() -> None:
    told = concluded(report(single(score=0.9), entry("uniroute", better=0.0), entry("pilot", better=0.05)))
    assert "nobody reaches the best single model's .900 at $.005 a query for less; the nearest is pilot" in told
    assert "picked among 2 policies by this figure, baselines not counted)" in told


def test_surely_better_than_the_table_only_where_a_whole_interval_is_above_0() -> None:
    unsure = concluded(report(single(), entry("uniroute", better=0.0, gain=0.019)))
    sure = concluded(report(single(), entry("uniroute", better=0.0, gain=0.03)))
    assert "at none of 5 amounts of money is a policy surely better than the lookup table by tag" in unsure
    assert "uniroute is surely better than the lookup table by tag at 5 of 5 amounts of money" in sure
    assert "by up to 3.0 points (1.0 to 5.0)" in sure


def test_it_is_one_sentence_with_the_oracle_and_the_ceiling_at_its_end() -> None:
    told = concluded(whole())
    assert told.startswith("On made (1,882 queries, 11 models) ")
    assert told.endswith(
        "; without a check, an oracle scores .970, and no choice of one answer exceeds .976 (.968 to .982)."
    )
    assert "\n" not in told


def test_without_dollars_scores_are_compared_and_it_is_said() -> None:
    alone, unpriced = (
        Entry(policy=name, points=(spot("lambda 0", score, 0.0).model_copy(update={"usd": None}),))
        for name, score in (("uniroute", 0.9), ("best single", 0.84))
    )
    told = concluded(report(unpriced, alone, money=()))
    assert "uniroute scores .900, more than the best single model's .840, and no dollars are recorded" in told
    free = concluded(report(single(usd=0.0), alone, money=()))
    assert "and there are no amounts of money to compare at" in free
    assert "no dollars" not in free


def test_streams_alone_are_concluded_from_by_their_regret() -> None:
    told = concluded(report(stream("pilot", 30.0), stream("port", 20.0)))
    assert "port has the least regret (cold): 20.0 (17.0 to 23.0) over 20 shuffles" in told


def test_a_report_of_nothing_says_so() -> None:
    assert "nothing was measured" in concluded(report())


def test_of_checks_it_speaks_of_the_one_that_errs_and_compares_with_the_cascade() -> None:
    cascade = entry("fixed cascade", better=0.0, gain=None, kind="baseline", protocol="check .9")
    perfect = entry("uniroute", better=0.1, gain=0.9, protocol="check 1")
    told = concluded(report(single(), entry("uniroute", better=0.0), cascade, perfect, _checked(0.03)))
    assert (
        "with a check that is right 9 times of 10, uniroute is surely better than the fixed cascade at 5 of 5" in told
    )
    none = concluded(report(single(), entry("uniroute", better=0.0), cascade, _checked(0.0)))
    assert "9 times of 10, at none of 5 amounts of money is a policy surely better than the fixed cascade" in none


def _checked(gain: float) -> Entry:
    return entry("uniroute", better=0.1, gain=gain, protocol="check .9")


def test_where_scores_are_fractions_it_does_not_say_that_nobody_can_exceed_anything() -> None:
    spans = {"ceiling": Span(value=0.4, low=0.3, high=0.5), "solvable": Span(value=0.0, low=0.0, high=0.4)}
    told = concluded(report(single(), entry("uniroute", better=0.0)).model_copy(update=spans))
    assert "exceeds" not in told
    assert "some model solves .000 (.000 to .400) of the queries" in told
    assert "an oracle, each query's best answer, scores .400 (.300 to .500)" in told
