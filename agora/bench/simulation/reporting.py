"""The whole measurement: what is run with which rules, and all of it as one JSON object or as rows of one table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from agora.bench.simulation.arms import EVERYTHING, LEARNING, PLAIN, POSTED, WHOLE
from agora.bench.simulation.auction import Rules
from agora.bench.simulation.comparing import Comparison, Row, compare
from agora.bench.simulation.learning import Learned, learn
from agora.bench.simulation.parameters import Parameters
from agora.bench.simulation.seeds import Interval
from agora.bench.simulation.sweeping import Point, assumptions, strengths, sweep
from agora.errors import ConfigError
from agora.values import JsonValue

VALUE: Final = "dial 0"
"""The dial at value alone: cost has no weight. On choosing seeds it passed most of all settings that had the reliance
and the cost of the paper's shape, without memory and at every strength from 0.1 to 0.7."""
LEAST_TASKS: Final = 30
"""With fewer, bins would be empty."""
MOST_TASKS: Final = 100_000
"""Of one seed."""
MOST_SEEDS: Final = 1000
"""Below those on which settings are chosen."""
CHANGED_AT: Final = 0.6
"""The strength of the plan signal at which one assumption at a time is changed."""

RULES: Final[Mapping[str, Rules]] = {
    PLAIN: Rules(memory=False, learn=False),
    WHOLE: Rules(),
    f"{PLAIN}, {VALUE}": Rules(memory=False, dial=0.0, learn=False),
    f"{WHOLE}, {VALUE}": Rules(dial=0.0),
    POSTED: Rules(post=True, told=0.0, fine=True),
    LEARNING: Rules(memory=False, dial=0.1, judges=True, post=True, told=0.1, explored=0.3, fine=True),
    EVERYTHING: Rules(record=1 / 3, judges=True, post=True, explored=0.1),
}
"""The auctions that are compared, by name. Those of SALE, learning, were chosen on choosing seeds, of 36."""
SWEPT: Final = (PLAIN, WHOLE, f"{PLAIN}, {VALUE}")
"""Those of them that are swept."""
TRAITS: Final = ("chooses", "cheap", "shaped", "sure")
"""Properties of a point of the sweep."""
CHANGED: Final = (f"{PLAIN}, {VALUE}",)
"""Those of them for which assumptions are changed."""


class Part(StrEnum):
    """What is measured."""

    ARMS = "arms"
    """Every way of choosing, one attempt a task."""
    LOOP = "loop"
    """The same, with the attempts that the market's rule allows."""
    SWEEP = "sweep"
    """The auctions, by the strength of the plan signal."""
    ASSUMPTIONS = "assumptions"
    """The auctions, with one assumption changed at a time."""
    LEARNING = "learning"
    """First tasks against last ones."""


class Measured(NamedTuple):
    """All that was measured; parts that were not are empty."""

    parameters: Parameters
    seeds: int
    tasks: int
    arms: Comparison | None
    loop: Comparison | None
    sweep: tuple[Point, ...]
    assumptions: tuple[Point, ...]
    learning: tuple[Learned, ...]


async def measure_all(
    *,
    seeds: int,
    tasks: int,
    signal: float | None = None,
    points: int = 11,
    parts: Sequence[Part] = tuple(Part),
    workers: int | None = None,
) -> Measured:
    """Run the simulation.

    Args:
        seeds: How many, from 0 up; 2 or more.
        tasks: How many a seed.
        signal: Strength of the plan signal, in [0, 1]; None: as the parameters have it.
        points: How many strengths are swept, from 0 to 1.
        parts: What is measured.
        workers: Processes; None: all processors.

    Raises:
        ConfigError: A number is out of its range.
    """
    _check("--seeds", seeds, 2, MOST_SEEDS)
    _check("--tasks", tasks, LEAST_TASKS, MOST_TASKS)
    _check("--points", points, 2, 101)
    if signal is not None:
        _check("--signal", signal, 0, 1)
    given = Parameters() if signal is None else Parameters(signal=signal)
    drawn = range(seeds)
    swept, for_changes = ({name: RULES[name] for name in names} for names in (SWEPT, CHANGED))

    async def compared(part: Part, *, loop: bool) -> Comparison | None:
        if part not in parts:
            return None
        return await compare(given, RULES, seeds=drawn, tasks=tasks, loop=loop, matched=WHOLE, workers=workers)

    async def of_sweep() -> tuple[Point, ...]:
        steps = [step / (points - 1) for step in range(points)] if Part.SWEEP in parts else []
        cases = [(f"{step:.2f}", given.model_copy(update={"signal": step}), swept) for step in steps]
        return await sweep(cases, seeds=drawn, tasks=tasks, workers=workers)

    async def of_assumptions() -> tuple[Point, ...]:
        base = given.model_copy(update={"signal": CHANGED_AT if signal is None else signal})
        changed = assumptions(base) if Part.ASSUMPTIONS in parts else []
        return await sweep([(*one, for_changes) for one in changed], seeds=drawn, tasks=tasks, workers=workers)

    async def of_learning() -> tuple[Learned, ...]:
        cases = _markets(given) if Part.LEARNING in parts else []
        return await learn(cases, seeds=drawn, tasks=tasks, workers=workers)

    return Measured(
        parameters=given,
        seeds=seeds,
        tasks=tasks,
        arms=await compared(Part.ARMS, loop=False),
        loop=await compared(Part.LOOP, loop=True),
        sweep=await of_sweep(),
        assumptions=await of_assumptions(),
        learning=await of_learning(),
    )


def traits(points: Sequence[Point]) -> dict[str, dict[str, tuple[float, ...]]]:
    """Auction -> trait of `Point` -> the strengths at which it has it."""
    arms = dict.fromkeys(point.arm for point in points)
    return {arm: {trait: strengths(points, arm, trait=trait) for trait in TRAITS} for arm in arms}


def form_of(measured: Measured) -> dict[str, JsonValue]:
    """All of it as a JSON object; an infinite figure is null."""
    given = measured.parameters
    return {
        "simulation": True,
        "seeds": measured.seeds,
        "tasks": measured.tasks,
        "parameters": given.model_dump(mode="json"),
        "rules": {name: rules.model_dump(mode="json") for name, rules in RULES.items()},
        "arms": _comparison_form(measured.arms),
        "loop": _comparison_form(measured.loop),
        "sweep": [_point_form(point) for point in measured.sweep],
        "strengths": {
            arm: {trait: list(at) for trait, at in found.items()} for arm, found in traits(measured.sweep).items()
        },
        "assumptions": [_point_form(point) for point in measured.assumptions],
        "learning": [_learned_form(one) for one in measured.learning],
    }


def table_of(measured: Measured) -> Iterator[tuple[str, ...]]:
    """One flat table for plots: its heads, then a row for each figure of each part."""
    yield ("part", "arm", "case", "figure", "mean", "low", "high", "seeds")
    for part, found in (("arms", measured.arms), ("loop", measured.loop)):
        for row in found.rows if found else ():
            yield from _cells(part, "all" if row.bin is None else f"bin {row.bin + 1}", row)
    for part, points in (("sweep", measured.sweep), ("assumptions", measured.assumptions)):
        for point in points:
            yield from _cells(part, point.what, point.row)
    for one in measured.learning:
        for place, (mine, other) in enumerate(zip(one.curve, one.control_curve, strict=True), start=1):
            yield ("learning", one.name, f"part {place}", "usd_solved", *_words(mine))
            yield ("learning", f"{one.name}, control", f"part {place}", "usd_solved", *_words(other))


def _markets(given: Parameters) -> list[tuple[str, Parameters, Rules, bool]]:
    """What may learn, each against itself without learning; the last one has other parameters."""
    best, everything, memory = RULES[LEARNING], RULES[EVERYTHING], RULES[WHOLE]
    strong = given.model_copy(update={"lesson_gain": 5 * given.lesson_gain, "text_error": 0.0})
    return [
        ("memory", given, memory, False),
        ("judges' weights", given, Rules(memory=False, judges=True), False),
        (POSTED, given, RULES[POSTED], False),
        (LEARNING, given, best, False),
        (f"{LEARNING}, in the loop", given, best, True),
        (EVERYTHING, given, everything, False),
        ("memory, lessons 5 x, alike", strong, memory, False),
    ]


def _check(option: str, number: float, low: float, high: float) -> None:
    if not (math.isfinite(number) and low <= number <= high):
        raise ConfigError(option, f"{number:g} must be from {low:g} to {high:g}")


def _cells(part: str, case: str, row: Row) -> Iterator[tuple[str, ...]]:
    for name, found in _named(row).items():
        yield (part, row.arm, case, name, *_words(found))


def _named(row: Row) -> dict[str, Interval]:
    return {**row.figures, "more_passed": row.more_passed, "cost": row.cost, "choosing": row.choosing}


def _words(found: Interval) -> tuple[str, ...]:
    return (*(f"{figure:.6g}" for figure in found[:3]), str(found.n))


def _comparison_form(found: Comparison | None) -> JsonValue:
    if found is None:
        return None
    best: dict[str, JsonValue] = {"agent": found.best_of.agent, "n": found.best_of.n}
    return {"best_of": best, "rows": [_row_form(row) for row in found.rows]}


def _row_form(row: Row) -> dict[str, JsonValue]:
    cells: dict[str, JsonValue] = {name: _interval_form(found) for name, found in _named(row).items()}
    return {"arm": row.arm, "bin": None if row.bin is None else row.bin + 1, "tasks_a_seed": row.tasks, **cells}


def _point_form(point: Point) -> JsonValue:
    kept: dict[str, JsonValue] = {trait: getattr(point, trait) for trait in ("cheap", "shaped", "sure", "chooses")}
    return {"what": point.what, "signal": point.signal, **kept, **_row_form(point.row)}


def _learned_form(one: Learned) -> JsonValue:
    cells: dict[str, JsonValue] = {}
    for name in Learned._fields:
        value = getattr(one, name)
        if isinstance(value, Interval):
            cells[name] = _interval_form(value)
    curves: dict[str, JsonValue] = {
        "curve": [_interval_form(part) for part in one.curve],
        "control_curve": [_interval_form(part) for part in one.control_curve],
    }
    return {"market": one.name, "tasks": one.tasks, "met": one.met, **cells, **curves}


def _interval_form(found: Interval) -> JsonValue:
    figures: list[JsonValue] = [figure if math.isfinite(figure) else None for figure in found[:3]]
    return dict(zip(("mean", "low", "high"), figures, strict=True))
