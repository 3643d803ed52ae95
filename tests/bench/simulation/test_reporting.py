"""The measurement says the same each time, orders what must be ordered, and refuses what it cannot measure."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial

import anyio
import pytest

from agora.bench.simulation.arms import LARGEST, PLAIN
from agora.bench.simulation.auction import Rules
from agora.bench.simulation.comparing import Row
from agora.bench.simulation.learning import learn
from agora.bench.simulation.parameters import Parameters
from agora.bench.simulation.reporting import RULES, Measured, Part, form_of, measure_all, table_of
from agora.bench.simulation.seeds import interval
from agora.bench.simulation.sweeping import Point, assumptions, strengths, sweep
from agora.errors import ConfigError

PROGRAM = """
import anyio, json
from functools import partial
from agora.bench.simulation.reporting import Part, form_of, measure_all
parts = (Part.ARMS, Part.LOOP, Part.LEARNING)
run = partial(measure_all, seeds=2, tasks=30, parts=parts, workers=1)
print(json.dumps(form_of(anyio.run(run))))
"""


def small(**options: object) -> Measured:
    return anyio.run(partial(measure_all, **{"seeds": 2, "tasks": 30, "points": 2, "workers": 1, **options}))  # type: ignore[arg-type]


def points_at(*signals: float, seeds: int, arm: str = PLAIN) -> tuple[Point, ...]:
    cases = [(f"{signal}", Parameters(signal=signal), {arm: RULES[arm]}) for signal in signals]
    return anyio.run(partial(sweep, cases, seeds=range(seeds), tasks=200, workers=1))


def test_the_same_figures_come_whatever_python_hashes_by() -> None:
    said = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
    assert json.loads(said.pop())["simulation"] is True


def test_processes_do_not_move_figures() -> None:
    parts = {"parts": (Part.ARMS,)}
    assert form_of(small(**parts)) == form_of(small(**parts, workers=2))


def test_without_signal_the_auction_chooses_no_better_than_a_lot_at_its_price() -> None:
    (point,) = points_at(0.0, seeds=6)
    assert not point.chooses
    assert point.row.choosing.mean < 0.01
    assert not point.shaped


def test_more_signal_passes_more() -> None:
    passed = [point.row.figures["passed"].mean for point in points_at(0.0, 0.35, 0.7, 1.0, seeds=4)]
    assert passed == sorted(passed)
    assert passed[-1] > passed[0] + 0.1


def test_a_strength_counts_only_where_share_cost_and_success_all_have_the_papers_shape() -> None:
    row = points_at(0.0, seeds=2)[0].row

    def point(signal: float, passed: float, *, share: float = 0.4, cost: float = 0.6) -> Point:
        figures = {**row.figures, "largest": interval([share, share])}
        more = interval([passed, passed])
        changed = row._replace(figures=figures, more_passed=more, cost=interval([cost, cost]), choosing=more)
        return Point("", signal, "a", changed)

    found = [point(1.0, 0.1, cost=0.7), point(0.9, 0.1, share=0.6), point(0.8, 0.0), point(0.5, -0.1), point(0.2, 0.1)]
    assert strengths(found, "a", trait="shaped") == strengths(found, "a", trait="sure") == (0.2, 0.8)
    assert strengths(found, "a", trait="cheap") == (0.2, 0.5, 0.8)
    assert strengths(found, "a", trait="chooses") == (0.2, 0.9, 1.0)
    assert strengths(found, "b", trait="chooses") == ()


def test_assumptions_change_one_thing_at_a_time() -> None:
    same, *changed = assumptions(Parameters())
    assert same[1] == Parameters()
    assert all(one != Parameters() for _, one in changed)
    assert len({name for name, _ in changed}) == len(changed)
    long = next(one for name, one in changed if "ten times" in name)
    assert [kind.token_limit for kind in long.kinds] == [10 * kind.token_limit for kind in Parameters().kinds]


def test_learning_is_measured_against_the_same_market_on_the_same_tasks() -> None:
    off = Rules(memory=False, learn=False)
    (nothing,) = anyio.run(partial(learn, [("off", Parameters(), off, False)], seeds=range(3), tasks=90, workers=1))
    assert nothing.net_change[:3] == nothing.net_success[:3] == (0.0, 0.0, 0.0)
    assert nothing.change == nothing.control
    assert not nothing.met


def test_a_market_that_could_learn_what_lessons_are_worth_gets_cheaper() -> None:
    wise = Parameters(lesson_gain=2.0, text_error=0.0, signal=0.8)
    (found,) = anyio.run(partial(learn, [("wise", wise, Rules(), False)], seeds=range(6), tasks=150, workers=1))
    assert found.net_success.low > 0
    assert found.by_learning.high < 0


def test_every_arm_has_a_row_for_all_tasks_and_for_each_bin() -> None:
    measured = small(parts=(Part.ARMS,))
    assert measured.arms is not None
    rows: dict[tuple[str, int | None], Row] = {(row.arm, row.bin): row for row in measured.arms.rows}
    arms = {arm for arm, _ in rows}
    assert arms >= {LARGEST, *RULES, "random", "cascade", "central router", "nearest neighbours", "oracle"}
    assert {name.startswith("best of") for name in arms} == {True, False}
    for arm in arms:
        assert sum(rows[arm, level].tasks for level in range(5)) == rows[arm, None].tasks == 30
    assert rows[LARGEST, None].cost.mean == 1.0
    assert rows[LARGEST, None].figures["largest"].mean == 1.0


def test_the_json_has_no_number_that_json_has_not_and_the_table_no_row_of_another_length() -> None:
    measured = small()
    json.dumps(form_of(measured), allow_nan=False)
    head, *rows = table_of(measured)
    assert {len(row) for row in rows} == {len(head)}
    assert {row[0] for row in rows} == {"arms", "loop", "sweep", "assumptions", "learning"}


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"seeds": 1}, "--seeds"),
        ({"tasks": 5}, "--tasks"),
        ({"signal": 1.5}, "--signal"),
        ({"signal": float("nan")}, "--signal"),
        ({"points": 1}, "--points"),
        ({"seeds": 1001}, "--seeds"),
    ],
)
def test_a_number_out_of_its_range_is_refused_by_the_name_of_its_option(options: dict[str, float], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        small(**options)
