"""The whole bench, on the generated set."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from agora.bench.routing.concluding import concluded
from agora.bench.routing.made import recorded
from agora.bench.routing.results import Entry, Report
from agora.bench.routing.running import planned, run_bench, run_plan
from agora.bench.routing.units import PROTOCOLS, Unit, routers
from agora.bench.routing.worlds import STREAMS
from agora.errors import AgoraError, ConfigError, UnknownNameError
from bench.routing import plugged
from bench.routing.stages import by_hand, small

FEW = ("uniroute",)


def without_times(report: Report) -> Report:
    still = {"us_a_decision": None, "us_to_learn": None, "fit_s": None}
    return report.model_copy(update={"entries": tuple(one.model_copy(update=still) for one in report.entries)})


@pytest.fixture(scope="module")
def everything() -> Report:
    return run_bench(small(90), policies=FEW, seeds=1, protocols=("all",), features="words")


def test_all_protocols_give_figures_for_a_policy_with_what_always_stands_beside_it(everything: Report) -> None:
    by = {(one.policy, one.protocol): one for one in everything.entries}
    for protocol in PROTOCOLS:
        for policy in ("tag_table", "knn", *FEW):
            assert by[policy, protocol].points
    for policy in ("best single", "cheapest", "random"):
        assert all(by[policy, protocol].kind == "baseline" for protocol in PROTOCOLS)
    for policy in ("best single", "cheapest"):
        assert "known in hindsight" in by[policy, "budget"].note
    assert by["oracle", "full"].kind == "bound"
    assert by["fixed cascade", "check .9"].points
    assert "no repeated trials" in by["retries", "check .9"].note
    assert everything.ceiling is not None
    assert by["oracle", "full"].points[0].score <= everything.ceiling.high


def test_the_oracle_is_never_beaten_and_gains_are_against_the_table(everything: Report) -> None:
    by = {one.policy: one for one in everything.entries if one.protocol == "full"}
    best = by["oracle"].points[0].score
    assert all(point.score <= best for one in by.values() for point in one.points)
    assert all(point.gain is None for point in by["tag_table"].points)
    assert all(point.gain is not None for point in by["knn"].points)


def test_a_report_survives_json(everything: Report) -> None:
    assert Report.model_validate_json(everything.model_dump_json()) == everything


def test_two_processes_and_a_start_half_way_give_the_same_figures(everything: Report) -> None:
    plan = planned(small(40), policies=FEW, seeds=1, protocols=("full", "cold"), features="words")
    here: dict[Unit, Entry] = {}
    one = run_plan(plan, done=lambda unit, entry: here.update({unit: entry}))
    assert list(here) == list(plan.units)
    half = {unit: here[unit] for unit in plan.units[::2]}
    measured: list[Unit] = []
    other = run_plan(plan, workers=2, have=half, done=lambda unit, _: measured.append(unit))
    assert without_times(one) == without_times(other)
    assert sorted(measured) == sorted(set(plan.units) - set(half))


def test_protocols_that_the_data_cannot_give_are_left_out_with_a_word() -> None:
    bare = small(60)._replace(costs=np.full((60, len(small(60).models)), np.nan), dates=(), checkable=())
    plan = planned(bare, policies=FEW, protocols=("all",), features="words")
    assert {unit.protocol for unit in plan.units} == {"full", "cold", "warm", "drift death", "drift join", "arrivals"}
    assert plan.matrix.oddities[-3:] == (
        "no dates of queries are recorded: no drift by date",
        "no dollars are recorded: no drift by price, and no shared budget",
        "no task here brings a check: nothing is asked in turn",
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_a_router_that_breaks_is_noted_and_the_others_are_measured_all_the_same(
    workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(plugged.install(tmp_path)), *sys.path])
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    plan = planned(small(40), policies=(plugged.NAME, *FEW), seeds=1, protocols=("full", "cold"), features="words")
    report = run_plan(plan, workers=workers)
    assert [(one.policy, one.protocol) for one in report.entries] == list(plan.units)
    (failed,) = [one for one in report.entries if one.failed]
    assert (failed.policy, failed.protocol, failed.kind, failed.points) == (plugged.NAME, "cold", "policy", ())
    assert f"KeyError: '{plugged.SAID}'" in failed.note
    assert all(one.points for one in report.entries if one is not failed)


def test_amounts_of_money_that_round_alike_keep_all_their_figures() -> None:
    money = (0.00102, 0.001015, 0.00102)
    report = run_bench(small(60), policies=FEW, seeds=1, protocols=("full", "check .9"), features="words", money=money)
    assert report.money == (0.001015, 0.00102)
    for protocol in ("full", "check .9"):
        (one,) = [entry for entry in report.entries if (entry.policy, entry.protocol) == (*FEW, protocol)]
        targets = [point for point in one.points if point.money_usd is not None]
        assert [point.money_usd for point in targets] == list(report.money)
        assert [point.setting for point in targets] == [
            "at most $0.001015 on the fitting part",
            "at most $0.001020 on the fitting part",
        ]
        assert sum(name.startswith("gap to the oracle closed") for name in one.figures) == 2 * (protocol != "full")


def test_only_the_tags_that_are_wanted_are_measured() -> None:
    plan = planned(small(120), policies=FEW, tags=("programming",), features="words")
    assert set(plan.matrix.tags) == {"programming"}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"policies": ("knnn",)}, "did you mean 'knn'"),
        ({"policies": ("sale",)}, "no router named 'sale'"),
        ({"protocols": ("fulll",)}, "did you mean 'full'"),
        ({"features": "bert"}, "no features named 'bert'"),
        ({"seeds": 0}, "seeds: 0 is not at least 1"),
        ({"options": {"knn": {"k": 0}}}, "policy 'knn'"),
        ({"tags": ("programing",)}, "did you mean 'programming'"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_anything_is(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(AgoraError, match=message) as refused:
        planned(small(60), **wrong)  # type: ignore[arg-type]
    assert isinstance(refused.value, UnknownNameError | ConfigError)


def test_too_few_queries_are_refused() -> None:
    with pytest.raises(ConfigError, match="too few to part in five folds"):
        planned(recorded(queries=3), policies=FEW)


def test_every_router_has_a_name() -> None:
    assert {"knn", "tag_table", "random"} <= set(routers())
    assert "sale" not in routers()


def test_a_policy_that_always_stands_beside_the_others_has_one_row() -> None:
    plan = planned(small(60), policies=("random", *FEW), protocols=("full", "check .9"), features="words")
    assert len(set(plan.units)) == len(plan.units)
    assert sum(unit.policy == "random" for unit in plan.units) == 2


def test_where_the_best_model_costs_nothing_there_is_no_budget_and_that_is_said() -> None:
    free = small(60)._replace(costs=np.zeros((60, len(small(60).models))))
    plan = planned(free, policies=FEW, protocols=("budget", "drift price", "cold"), features="words")
    assert {unit.protocol for unit in plan.units} == {"cold"}
    assert plan.matrix.oddities[-1] == "the best model costs nothing: no drift by price, and no shared budget"


def test_a_set_without_texts_is_measured_with_the_usual_features() -> None:
    bare = small(60)._replace(texts=("",) * 60)
    told = run_bench(bare, policies=FEW, seeds=1, protocols=("full", "cold"))
    assert all(one.points for one in told.entries)


def test_dollars_that_nobody_recorded_are_unknown_and_never_0() -> None:
    free = small(60)._replace(costs=np.full((60, len(small(60).models)), np.nan))
    told = run_bench(free, policies=FEW, seeds=1, protocols=("full", "cold", "arrivals", "check .9"), features="words")
    assert all(point.usd is None and point.dearest_share is None for one in told.entries for point in one.points)
    assert not any(one.policy == "cheapest" for one in told.entries)
    assert Report.model_validate_json(told.model_dump_json()) == told
    assert "no dollars are recorded" in concluded(told)


def test_under_a_check_it_is_said_what_the_oracle_is_and_which_queries_are_meant() -> None:
    several = small(90)._replace(trials=4)
    plan = planned(several, policies=FEW, protocols=("check 1",), features="words")
    by = {one.policy: one for one in run_plan(plan).entries}
    count = sum(several.checkable)
    assert f"on the {count} queries that bring a check" in by["tag_table"].note
    assert "who asks in turn tries anew, so that it may score more" in by["oracle"].note
    assert "asked alone" in by["oracle"].note


def test_the_best_single_model_of_a_stream_loses_nothing_against_itself(everything: Report) -> None:
    by = {(one.policy, one.protocol): one for one in everything.entries}
    for protocol in STREAMS:
        span = by["best single", protocol].regret_best_single
        assert span is not None
        assert span.value == pytest.approx(0.0)
    cheapest = [point.usd for point in by["cheapest", "cold"].points]
    assert cheapest == [min(one.points[0].usd or 0.0 for one in everything.entries if one.protocol == "cold")]


def test_under_a_budget_the_best_single_model_is_the_one_that_makes_the_most_of_it() -> None:
    matrix = by_hand([[1.0, 0.5, 0.1]] * 60, [[10.0, 2.0, 1.0]] * 60)
    told = run_bench(matrix, policies=FEW, seeds=2, protocols=("budget",), features="words")
    scores = {one.policy: one.points[0].score for one in told.entries}
    assert scores["best single"] == pytest.approx(0.5)  # the first one would be paid for a fifth of the queries
    assert scores["cheapest"] == pytest.approx(0.1)
