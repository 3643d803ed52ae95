"""The pictures of figures over many runs; each says in words what can be seen in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from agora.intervals import Mean
from agora.traces.many.figures import AwardsWindow, PoolFigures, ScopeFigures, Window
from agora.traces.many.words import Unit, amount, class_name, interval, passed, percent, short
from agora.traces.pages.drawing import SERIES, Told
from agora.traces.pages.parts import joined
from agora.traces.pages.plots import Bar, Dot, Line, bars, lines, points

if TYPE_CHECKING:
    from markupsafe import Markup

OTHERS: Final = "others"
"""Agents that a picture has no colour left for, together."""
_MOST_DOTS: Final = 24


def frontier(scope: ScopeFigures, *, id: str) -> Markup:
    """What a task costs against how many are passed, for each pool on record.

    Args:
        scope: A class, or all of them.
        id: Of the picture; unique on the page.
    """
    shown = _dots(scope.pools)
    if not any(_mean(pool, scope.unit) for pool in shown):  # nothing is cheaper than another
        return joined()
    dots = [
        Dot(short(pool.label), _mean(pool, scope.unit), 100 * (pool.grounded.value or 0.0), _group(pool))
        for pool in shown
    ]
    best = [pool for pool in shown if pool.frontier]
    corners = [(_mean(pool, scope.unit), 100 * (pool.grounded.value or 0.0)) for pool in best]
    says = "Nobody else is both cheaper and better than " + "; ".join(
        f"{short(pool.label)} ({percent(pool.grounded.value)} at {amount(_mean(pool, scope.unit), scope.unit)})"
        for pool in best
    )
    told = Told(
        id, f"Cost and quality: {class_name(scope.skill)}", f"{says}. By the figures as they are: see the intervals."
    )
    return points(told, dots, x=_axis(scope.unit), y="tasks passed, %", frontier=corners if len(corners) > 1 else ())


def learning(scope: ScopeFigures, *, id: str) -> Markup:
    """How pass rate and cost went, window by window.

    Args:
        scope: A class, or all of them.
        id: Of the pictures; unique on the page.
    """
    windows = scope.windows
    if len(windows) < 2:
        return joined()
    return joined(_rates(scope, id=f"{id}-rate"), _costs(scope, id=f"{id}-cost"))


def shares(windows: Sequence[AwardsWindow], *, id: str) -> Markup:
    """Who got how much of the work, window by window.

    Args:
        windows: Oldest first.
        id: Of the picture; unique on the page.
    """
    if not windows:
        return joined()
    total: Counter[str] = Counter()
    for window in windows:
        total.update(window.to)
    named = [agent for agent, _ in sorted(total.items(), key=lambda item: (-item[1], item[0]))]
    room = len(named) if len(named) <= SERIES else SERIES - 1
    rows = [Bar(label, _parts(window, named[:room])) for label, window in zip(_awards(windows), windows, strict=True)]
    first, last = windows[0], windows[-1]
    top = named[0]
    now = percent(last.to.get(top, 0) / last.awards)
    says = f"{short(top)} got the most: {total[top]} of {sum(total.values())}; {now} of the latest window"
    says += f", {percent(first.to.get(top, 0) / first.awards)} of the first." if len(windows) > 1 else "."
    return bars(Told(id, "Shares of the awards over time", says), rows, axis="share of the awards, %")


def overhead(scope: ScopeFigures, *, id: str) -> Markup:
    """What auctions took of all that was spent, window by window.

    Args:
        scope: A class, or all of them.
        id: Of the picture; unique on the page.
    """
    told = [(at, window.overhead) for at, window in zip(_ends(scope.windows), scope.windows, strict=True)]
    known = [(at, share) for at, share in told if share is not None]
    if len(known) < 2:
        return joined()
    line = Line("auctions", [float(at) for at, _ in known], [100 * share for _, share in known])
    says = f"{percent(known[0][1])} of what was spent in the first window, {percent(known[-1][1])} in the latest."
    return lines(Told(id, "The market's overhead over time", says), [line], x="tasks so far", y="of the spend, %")


def _rates(scope: ScopeFigures, *, id: str) -> Markup:
    at = _ends(scope.windows)
    rows: list[Line] = []
    for name, rates in (
        ("a check decided", [window.grounded for window in scope.windows]),
        ("a model judged", [window.judged for window in scope.windows]),
    ):
        known = [(float(end), rate) for end, rate in zip(at, rates, strict=True) if rate.value is not None]
        if len(known) > 1:
            rows.append(
                Line(
                    name,
                    [end for end, _ in known],
                    [rate.value or 0.0 for _, rate in known],
                    [rate.low for _, rate in known],
                    [rate.high for _, rate in known],
                )
            )
    if not rows:
        return joined()
    tried = [window.grounded for window in scope.windows if window.grounded.n]
    says = "Each point is a window of tasks, with its 95 % interval."
    if tried:
        says += f" First {passed(tried[0])} ({interval(tried[0])}), latest {passed(tried[-1])} ({interval(tried[-1])})."
    told = Told(id, f"Passed over time: {class_name(scope.skill)}", says)
    return lines(told, rows, x="tasks so far", y="share passed", percent=True)


def _costs(scope: ScopeFigures, *, id: str) -> Markup:
    known = [
        (float(end), cost)
        for end, cost in zip(_ends(scope.windows), [_cost(window, scope.unit) for window in scope.windows], strict=True)
        if cost.value is not None and cost.low is not None and cost.high is not None
    ]
    if len(known) < 2:
        return joined()
    line = Line(
        "a task",
        [end for end, _ in known],
        [cost.value or 0.0 for _, cost in known],
        [cost.low or 0.0 for _, cost in known],
        [cost.high or 0.0 for _, cost in known],
    )
    first, last = amount(known[0][1].value, scope.unit), amount(known[-1][1].value, scope.unit)
    says = f"Bids included; with its 95 % interval. First {first} a task, latest {last}."
    told = Told(id, f"Cost over time: {class_name(scope.skill)}", says)
    return lines(told, [line], x="tasks so far", y=_axis(scope.unit))


def _cost(window: Window, unit: Unit) -> Mean:
    return window.usd if unit == "usd" else window.seconds


def _dots(pools: Sequence[PoolFigures]) -> list[PoolFigures]:
    """Those on the frontier, then the smallest and cheapest ones, as many as a picture can show."""
    known = [pool for pool in pools if pool.usd.value is not None and pool.grounded.n]
    first = sorted(known, key=lambda pool: (not pool.frontier, len(pool.agents)))[:_MOST_DOTS]
    return [pool for pool in known if pool in first]


def _mean(pool: PoolFigures, unit: Unit) -> float:
    return (pool.usd.value if unit == "usd" else pool.seconds.value) or 0.0


def _group(pool: PoolFigures) -> str:
    return (
        "the market, bids included" if not pool.agents else "one agent" if len(pool.agents) == 1 else "several agents"
    )


def _axis(unit: Unit) -> str:
    return "US dollars a task" if unit == "usd" else "seconds a task"


def _ends(windows: Sequence[Window]) -> list[int]:
    return list(accumulate(window.tasks for window in windows))


def _awards(windows: Sequence[AwardsWindow]) -> list[str]:
    ends = list(accumulate(window.awards for window in windows))
    return [f"{end - window.awards + 1} to {end}" for end, window in zip(ends, windows, strict=True)]


def _parts(window: AwardsWindow, named: Sequence[str]) -> dict[str, float]:
    parts: dict[str, float] = {}
    for agent in named:
        label = short(agent)
        parts[label] = parts.get(label, 0.0) + 100 * window.to.get(agent, 0) / window.awards
    rest = sum(count for agent, count in window.to.items() if agent not in named)
    return {**parts, OTHERS: 100 * rest / window.awards} if rest else parts
