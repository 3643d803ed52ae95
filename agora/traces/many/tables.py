"""The tables of figures over many runs: agents, pools, promises, judges; long ones are cut, and say so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from agora.traces.many.figures import JudgeFigures, ScopeFigures
from agora.traces.many.words import class_name, cost, cost_interval, counted, interval, passed, percent, ratio, short
from agora.traces.pages.parts import Column, joined, paragraph, table
from agora.traces.told.wording import number

if TYPE_CHECKING:
    from markupsafe import Markup

MOST_ROWS: Final = 40
"""So many rows has a table at most; what is left out is said."""


def agents_table(scope: ScopeFigures) -> Markup:
    """What each agent did."""
    columns: list[Column | str] = [
        "agent",
        Column("tasks", right=True),
        Column("attempts", right=True),
        Column("passed a check", right=True),
        Column("95 %", right=True),
        Column("a model says", right=True),
        Column("$ a task", right=True),
        Column("95 %", right=True),
        Column("s a task", right=True),
        Column("95 %", right=True),
    ]
    rows = [
        [
            short(agent.agent),
            str(agent.tasks),
            str(agent.attempts),
            passed(agent.grounded),
            interval(agent.grounded),
            passed(agent.judged),
            cost(agent.usd, "usd"),
            cost_interval(agent.usd, "usd"),
            cost(agent.seconds, "s"),
            cost_interval(agent.seconds, "s"),
        ]
        for agent in scope.agents
    ]
    return _bounded(f"What each agent did: {class_name(scope.skill)}", columns, rows)


def pools_table(scope: ScopeFigures, *, target: float) -> Markup:
    """What agents together came to, and whether that is enough."""
    columns: list[Column | str] = [
        "pool",
        Column("passed", right=True),
        Column("not known", right=True),
        Column("interval", right=True),
        Column("$ a task", right=True),
        Column("s a task", right=True),
        "frontier",
        f"{percent(target)}?",
    ]
    rows = [
        [
            short(pool.label),
            passed(pool.grounded),
            str(pool.unknown),
            interval(pool.grounded),
            cost(pool.usd, "usd"),
            cost(pool.seconds, "s"),
            "yes" if pool.frontier else "",
            "yes" if pool.grounded.low >= target else "no" if pool.grounded.high < target else "not known yet",
        ]
        for pool in scope.pools
    ]
    said = (
        f"{counted(len(rows), 'pool is', 'pools are')} compared: each interval is one of {100 * scope.sure:.2f} %, so "
        "that all of them hold together with 95 %."
    )
    return joined(_bounded(f"What agents together came to: {class_name(scope.skill)}", columns, rows), paragraph(said))


def promises_table(total: ScopeFigures) -> Markup:
    """What each agent promised and delivered."""
    columns: list[Column | str] = [
        "agent",
        "in",
        Column("attempts", right=True),
        Column("promised", right=True),
        Column("delivered", right=True),
        Column("ratio", right=True),
        Column("kept", right=True),
        Column("95 %", right=True),
    ]
    rows = [
        [
            short(agent.agent),
            kept.unit,
            str(kept.kept.n),
            number(kept.promised),
            number(kept.delivered),
            ratio(kept.delivered, kept.promised),
            passed(kept.kept),
            interval(kept.kept),
        ]
        for agent in total.agents
        for kept in agent.promises
    ]
    if not rows:
        return paragraph("No attempt has ended.")
    said = "A promise is kept by an attempt that took no more than its plan, or its bid, said."
    return joined(_bounded("Promised against delivered", columns, rows), paragraph(said, quiet=True))


def judges_table(judges: Sequence[JudgeFigures]) -> Markup:
    """What each judge's marks were worth."""
    if not judges:
        return paragraph("No plan that a judge marked has been followed and checked.")
    columns: list[Column | str] = [
        "judge",
        Column("said so of what passed", right=True),
        Column("95 %", right=True),
        Column("said so of what failed", right=True),
        Column("95 %", right=True),
        Column("agreement", right=True),
    ]
    rows = [
        [
            short(judge.judge),
            passed(judge.passed),
            interval(judge.passed),
            passed(judge.failed),
            interval(judge.failed),
            f"{judge.agreement:.2f}",
        ]
        for judge in judges
    ]
    said = "Agreement is the market's weight for a judge: 0.5 says nothing, towards 1 it is always right."
    return joined(_bounded("Marks against checks", columns, rows), paragraph(said, quiet=True))


def _bounded(caption: str, columns: Sequence[Column | str], rows: Sequence[Sequence[Markup | str]]) -> Markup:
    more = len(rows) - MOST_ROWS
    said = paragraph(f"And {more} more: the JSON has them all.", quiet=True) if more > 0 else ""
    return joined(table(caption, columns, rows[:MOST_ROWS]), said)
