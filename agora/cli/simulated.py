"""What the simulation of the auction came to, as tables for a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from rich.table import Table

from agora.bench.simulation.arms import LARGEST
from agora.bench.simulation.comparing import Comparison, Row
from agora.bench.simulation.learning import PART, Learned
from agora.bench.simulation.parameters import BINS
from agora.bench.simulation.reporting import Measured, traits
from agora.bench.simulation.seeds import Interval
from agora.bench.simulation.sweeping import Point
from agora.cli.paint import grid, inset, out, remarks

_TRAITS: Final = {
    "chooses": "passes more than a lot at the same dollars, interval above 0",
    "shaped": "the paper's shape, by the means",
    "sure": "the paper's shape, and the whole interval of what it passes more is 0 or above",
}
_BY_BIN: Final = (
    ("passed %", "passed", 100.0, ".1f"),
    ("$/1000 tasks", "usd_task", 1000.0, ".1f"),
    ("$/1000 solved", "usd_solved", 1000.0, ".1f"),
    ("$/Mtok", "usd_mtok", 1.0, ".3f"),
    ("share of the largest %", "largest", 100.0, ".0f"),
    ("overhead % of dollars", "overhead_usd", 100.0, ".1f"),
)
_SHAPE: Final = "half of the awards or fewer to the largest, two thirds of its cost or less, no fewer tasks pass"


def print_measured(measured: Measured, *, seconds: float) -> None:
    """Print every part that was measured."""
    given, console = measured.parameters, out()
    console.print("[head]A simulation[/]: agents are numbers, the rules are the market's own; nothing of a real model.")
    told = f"{measured.tasks} tasks a seed, {measured.seeds} seeds, plan signal {given.signal:g} unless swept"
    console.print(
        f"[quiet]{told}; ± is half of a 95 % interval over seeds; parameters: agora/bench/simulation/parameters.py[/]"
    )
    if measured.arms:
        _print_comparison("One attempt a task (pass@1)", measured.arms)
        _print_bins(measured.arms)
    if measured.loop:
        _print_comparison("With the attempts that the market's rule allows", measured.loop)
    if measured.sweep:
        _print_points("By the strength of the plan signal", "signal", measured.sweep)
        _print_strengths(measured.sweep)
    if measured.assumptions:
        at = f"One assumption changed at a time, plan signal {measured.assumptions[0].signal:g}"
        _print_points(at, "assumption", measured.assumptions)
    if measured.learning:
        _print_learning(measured.learning)
    console.print(f"\n[quiet]took {seconds:.0f} s[/]")


def _print_comparison(title: str, found: Comparison) -> None:
    console = out()
    console.print(f"\n[head]{title}[/]")
    table = _table("", "passed %>", "$/1000>", "solved>", "$/Mtok>", "large %>", "over %>", "less lot's>")
    for row in found.rows:
        if row.bin is None:
            table.add_row(*_cells(row))
    console.print(table)
    console.print(
        remarks(
            [
                ("$/1000, solved", "dollars for a thousand tasks, and for a thousand solved ones, all included"),
                ("large", "share of the attempts by the dearest agent"),
                ("over", "bids, jury and refinement: share of the dollars (of the tokens: with --json)"),
                ("less lot's", "passed, less what a lot among single agents passes for the same dollars: points"),
            ]
        )
    )


def _cells(row: Row) -> list[str]:
    one = row.figures
    return [
        row.arm,
        _with_reach(one["passed"], 100, ".1f"),
        _with_reach(one["usd_task"], 1000, ".1f"),
        _with_reach(one["usd_solved"], 1000, ".1f"),
        f"{one['usd_mtok'].mean:.3f}",
        f"{100 * one['largest'].mean:.0f}",
        _percent(one["overhead_usd"].mean),
        _with_reach(row.choosing, 100, "+.1f"),
    ]


def _print_bins(found: Comparison) -> None:
    console = out()
    for title, figure, scale, form in _BY_BIN:
        console.print(f"\n[head]{title}, by bin[/]")
        table = _table("", *(f"{level + 1}>" for level in range(BINS)))
        cells = {(row.arm, row.bin): row.figures[figure] for row in found.rows}
        for arm in dict.fromkeys(row.arm for row in found.rows):
            table.add_row(arm, *(_with_reach(cells[arm, level], scale, form) for level in range(BINS)))
        console.print(table)


def _print_points(title: str, what: str, points: Sequence[Point]) -> None:
    console = out()
    for arm in dict.fromkeys(point.arm for point in points):
        console.print(f"\n[head]{title}: {arm}[/]")
        table = _table(what, "passed %>", "less large's>", "cost of it>", "large %>", "over %>", "less lot's>", "shape")
        for point in (one for one in points if one.arm == arm):
            row = point.row
            table.add_row(
                point.what,
                _percent(row.figures["passed"].mean),
                _with_reach(row.more_passed, 100, "+.1f"),
                f"{row.cost.mean:.2f}",
                f"{100 * row.figures['largest'].mean:.0f}",
                _percent(row.figures["overhead_usd"].mean),
                _with_reach(row.choosing, 100, "+.1f"),
                "surely" if point.sure else "yes" if point.shaped else "cheap" if point.cheap else "no",
            )
        console.print(table)
    console.print(
        remarks(
            [
                ("less large's", f"passed, less {LARGEST}'s, in points; cost of it: dollars a task / its dollars"),
                ("shape", f"{_SHAPE}; surely: with the whole interval; cheap: all but the last"),
            ]
        )
    )


def _print_strengths(points: Sequence[Point]) -> None:
    console = out()
    console.print("\n[head]At which strengths of the plan signal an auction[/]")
    for trait, words in _TRAITS.items():
        console.print(inset(f"{words}:", 2))
        for arm, found in traits(points).items():
            at = ", ".join(f"{strength:.2f}" for strength in found[trait])
            console.print(inset(f"{arm}: {at or 'at none'}", 4))


def _print_learning(learned: Sequence[Learned]) -> None:
    console, tasks = out(), learned[0].tasks
    console.print(f"\n[head]Learning on disjoint tasks[/]: the last {tasks // PART} of {tasks}, against the first")
    table = _table("", "first>", "last>", "change %>", "control %>", "learned %>", "success>", "met")
    for one in learned:
        table.add_row(
            one.name,
            f"{1000 * one.first.mean:.2f}",
            f"{1000 * one.last.mean:.2f}",
            _with_reach(one.change, 100, "+.1f"),
            f"{100 * one.control.mean:+.1f}",
            _with_reach(one.net_change, 100, "+.1f"),
            _with_reach(one.net_success, 100, "+.1f"),
            "yes" if one.met else "no",
        )
    console.print(table)
    console.print(
        remarks(
            [
                ("first, last", "dollars for a thousand solved tasks"),
                ("control", "the same market that learns nothing, on the same tasks with the same chance"),
                ("learned", "the change less the control's, seed by seed"),
                ("success", "passed of the last tasks, less the control's, in points"),
                ("met", "learned -20 % or lower, its interval below 0, success no lower"),
            ]
        )
    )
    console.print("\n[head]$/1000 solved, by part of the stream[/]")
    curves = _table("", *(f"{place + 1}>" for place in range(len(learned[0].curve))))
    for one in learned:
        for name, curve in ((one.name, one.curve), ("  its control", one.control_curve)):
            curves.add_row(name, *(_with_reach(point, 1000, ".1f") for point in curve))
    console.print(curves)


def _table(*columns: str) -> Table:
    table = grid(*columns)
    table.columns[0].no_wrap = True
    return table


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _with_reach(found: Interval, scale: float, form: str) -> str:
    """The mean with half of its interval; a dash where a figure is infinite."""
    if not math.isfinite(found.mean):
        return "-"
    return f"{scale * found.mean:{form}} ±{scale * (found.high - found.low) / 2:{form.lstrip('+')}}"
