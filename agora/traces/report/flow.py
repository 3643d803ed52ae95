"""The workflow that a run followed, on a page: its graph by waves, topologies, what nodes were shown, what it gave."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from agora.events import FlowBegan, TopologyChosen
from agora.traces.pages.excerpts import Excerpts
from agora.traces.pages.graph import Box, Edge, graph
from agora.traces.pages.parts import Column, facts, fold, heading, joined, paragraph, state, table, words
from agora.traces.pages.plots import Told
from agora.traces.told.marks import cost_of, marks_of
from agora.traces.told.story import RunStory
from agora.traces.told.wording import usd
from agora.workflows.drawing import Branch, tree
from agora.workflows.graph import waves
from agora.workflows.nodes import Flow

if TYPE_CHECKING:
    from markupsafe import Markup

MOST_DRAWN: Final = 80
"""A larger graph is a table only."""
MOST_ROWS: Final = 500
_STATES: Final = {
    "failed": "failed",
    "running": "running",
    "waits": "waiting",
    "unknown": "unknown",
    "passed": "passed",
    "agree": "passed",
    "differ": "unknown",
    "skipped": "skipped",
}
"""By the first of these words that stands in a node's mark."""


def flow_part(story: RunStory, began: FlowBegan, excerpts: Excerpts) -> Markup:
    """All about the workflow of a run."""
    flow = Flow.model_validate(began.graph)
    marks, cost = marks_of(story), cost_of(story)
    bodies: list[Markup] = [_planned(story, excerpts)] if story.planned else []
    rows = list(_rows(tree(flow, most=MOST_ROWS), 0, marks, cost, excerpts))
    columns: list[Column | str] = [
        "node",
        Column("wave", right=True),
        "stands",
        "what it is about",
        "how it is joined",
        Column("cost", right=True),
    ]
    more = f"; {len(rows) - MOST_ROWS} more are not shown" if len(rows) > MOST_ROWS else ""
    shown = table(f"The nodes of {flow.name}, by waves{more}", columns, rows[:MOST_ROWS])
    bodies.append(_picture(flow, marks, cost, shown) if len(flow.nodes) <= MOST_DRAWN else shown)
    for name, chosen in story.topologies.items():
        bodies.append(_topology(name, chosen))
    for node, reason in list(story.skipped.items())[:MOST_ROWS]:
        bodies.append(paragraph(f"{node} was passed over: {excerpts.line(reason)}", quiet=True))
    bodies += _context(story)
    if began.inputs:
        bodies.append(fold("What it was given", words(excerpts.cut(_json(began.inputs)))))
    ended = story.flow_ended
    if ended is not None:
        reason = f": {excerpts.line(ended.reason)}" if ended.reason else ""
        bodies.append(paragraph(joined("The workflow", state(ended.verdict.value), reason)))
        if ended.outputs:
            bodies.append(fold("What it gave", words(excerpts.cut(_json(ended.outputs)))))
    return joined(*bodies)


def _picture(flow: Flow, marks: Mapping[str, str], cost: Mapping[str, Decimal], shown: Markup) -> Markup:
    levels = waves(flow)
    boxes = [
        [
            Box(name, _state(marks.get(name, "")), _line(marks.get(name, ""), cost.get(name, Decimal(0))))
            for name in level
        ]
        for level in levels
    ]
    edges = [Edge(name, node.id) for node in flow.nodes for name in node.after]
    edges += [
        Edge(name, node.id, dotted=True) for node in flow.nodes for name in node.follows if name not in node.after
    ]
    edges += [Edge(node.id, node.fallback, dotted=True) for node in flow.nodes if node.fallback]
    wave = "wave" if len(levels) == 1 else "waves"
    widest = max((len(level) for level in levels), default=0)
    says = (
        f"{flow.name}: {len(flow.nodes)} nodes in {len(levels)} {wave}, at most {widest} at once. Each row waits for "
        "those above it that it is joined to; dotted: it only follows, or stands in after a failure."
    )
    return graph(Told("graph-picture", "The graph, by waves", says), boxes, edges, table=fold("The nodes", shown))


def _rows(
    branch: Branch, depth: int, marks: Mapping[str, str], cost: Mapping[str, Decimal], excerpts: Excerpts
) -> Iterator[list[Markup | str]]:
    for number, wave in enumerate(branch.branches, start=1):
        inner = wave.branches if not wave.path else (wave,)
        for node in inner:
            mark = marks.get(node.path, "waits")
            yield [
                node.path or node.label,
                str(number),
                state(_state(mark), mark),
                excerpts.line(node.about),
                "; ".join(node.notes),
                usd(cost[node.path]) if node.path in cost else "",
            ]
            yield from _rows(node, depth + 1, marks, cost, excerpts)


def _topology(name: str, chosen: TopologyChosen) -> Markup:
    bodies: list[Markup] = [paragraph(chosen.reason)]
    if chosen.features:
        bodies.append(facts([(feature, str(value)) for feature, value in chosen.features.items()]))
    rows = [
        [choice.action, f"{choice.propensity:.3f}", _scores(choice.scores), choice.reason] for choice in chosen.choices
    ]
    if rows:
        columns: list[Column | str] = ["chosen", Column("with probability", right=True), "scores then", "why"]
        bodies.append(table("What was learned from earlier runs, and chose", columns, rows))
    for what, names in (("Left out", chosen.left_out), ("Run again as", chosen.reroutes)):
        if names:
            bodies.append(paragraph(f"{what}: {', '.join(names)}"))
    return fold(f"{name} runs in topology {chosen.topology} ({chosen.by})", *bodies)


def _scores(scores: Mapping[str, float | None]) -> str:
    return ", ".join(f"{name} {'never tried' if score is None else f'{score:.3f}'}" for name, score in scores.items())


def _context(story: RunStory) -> Iterator[Markup]:
    """What nodes were shown of what came before them."""
    rows = [
        [node, item.source, item.taken, f"{item.tokens:,}/{item.whole_tokens:,}", f"{item.score:.3f}", item.why]
        for node, event in story.routed.items()
        for item in event.items
    ]
    if rows:
        columns: list[Column | str] = [
            "node",
            "what",
            "shown",
            Column("tokens", right=True),
            Column("score", right=True),
            "why it was left out",
        ]
        yield fold(
            "What nodes were shown", table("By role, goal, stage and recency; shown/whole", columns, rows[:MOST_ROWS])
        )


def _planned(story: RunStory, excerpts: Excerpts) -> Markup:
    planned = story.planned
    if planned is None:
        return joined()
    lines = [f"A goal was planned into this by {planned.agent or 'nobody'}; it came to: {planned.came_to}."]
    lines += ["A person changed the plan before it ran."] if planned.edited else []
    wrong: Sequence[str] = (*planned.errors, *(planned.repair or ()))
    lines += [f"Wrong with what was written: {excerpts.line('; '.join(wrong), limit=1_000)}"] if wrong else []
    return joined(heading("The plan"), *(paragraph(line) for line in lines))


def _line(mark: str, cost: Decimal) -> str:
    return mark if not cost or "$" in mark else f"{mark}, {usd(cost)}"


def _state(mark: str) -> str:
    return next((word for part, word in _STATES.items() if part in mark), "waiting")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, default=str)
