"""One attempt on a page: the award, promised against delivered, what was handed in, tool calls, the verdict."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from agora.events import ToolUsed
from agora.past import phase_of
from agora.traces.pages.excerpts import Excerpts
from agora.traces.pages.parts import Column, diff, facts, fold, heading, joined, paragraph, state, table, words
from agora.traces.told.story import AttemptStory, TaskStory
from agora.traces.told.wording import number, plain, taken, usd

if TYPE_CHECKING:
    from markupsafe import Markup

MOST_TOOLS: Final = 100
"""Of more uses of tools in one attempt than these the others are counted."""
MOST_CALLS: Final = 200
_MOST_READ: Final = 100_000
"""Longer arguments are shown as they were written."""


def attempt_part(story: TaskStory, attempt: AttemptStory, excerpts: Excerpts, *, anchor: str) -> Markup:
    """All of one attempt.

    Args:
        story: Its task.
        attempt: Which.
        excerpts: What may still be shown.
        anchor: Unique on the page.
    """
    award, outcome = attempt.award, attempt.outcome
    title = f"Attempt {award.attempt}: {award.agent}"
    bodies: list[Markup] = [heading(title, level=4, id=anchor), paragraph(excerpts.line(award.reason, limit=600))]
    if attempt.evidence:
        bodies.append(
            fold("What earlier attempts handed on", *(words(excerpts.cut(text)) for text in attempt.evidence))
        )
    bodies.append(_promised(attempt))
    tools = [tool for tool in story.tools if _phase(story, tool) == f"attempt-{award.attempt}"]
    if tools:
        bodies.append(_tools(tools, excerpts))
    if attempt.output.strip():
        bodies.append(fold("What was handed in", words(excerpts.cut(attempt.output))))
    if attempt.patch.text:
        paths = ", ".join(change.path for change in attempt.patch.changes[:8])
        name = f"Diff of attempt {award.attempt}"
        bodies.append(fold(f"The diff: {paths or 'files'}", diff(excerpts.cut(attempt.patch.text), name=name)))
    if attempt.error:
        bodies.append(paragraph(joined(state("failed", "Broke off"), excerpts.line(attempt.error, limit=600))))
    if outcome is not None:
        sure = "" if outcome.grounded else ", a model's opinion"
        by = f"by {outcome.verifier}{sure}, in {number(outcome.seconds)} s"
        bodies.append(paragraph(joined(state(outcome.verdict.value), by)))
        if outcome.evidence.strip():
            bodies.append(fold("The evidence", words(excerpts.cut(outcome.evidence))))
    return joined(*bodies)


def calls_part(story: TaskStory) -> Iterator[Markup]:
    """The model calls of a task, each with its reservation and what it took; nothing where there are none."""
    rows = [
        [
            intent.agent,
            phase_of(story.task.id, intent.call),
            intent.model,
            usd(intent.usd),
            "unknown" if end is None else taken(end.usage),
            "no end on record" if end is None else end.failure or "replied",
        ]
        for intent, end in story.calls[:MOST_CALLS]
    ]
    if rows:
        more = f"; {len(story.calls) - len(rows)} more are not shown" if len(story.calls) > len(rows) else ""
        columns: list[Column | str] = ["agent", "for", "model", Column("reserved", right=True), "took", "came to"]
        yield fold(f"Model calls ({len(story.calls)})", table(f"In the order of their intents{more}", columns, rows))


def _phase(story: TaskStory, tool: ToolUsed) -> str:
    """Where a tool was used; of older ledgers it stands in the call's id only."""
    return tool.phase or phase_of(story.task.id, tool.call.id)


def _promised(attempt: AttemptStory) -> Markup:
    """What was promised against what was delivered."""
    plan, took = attempt.award.plan, attempt.delivered or attempt.running
    asked, cap = attempt.award.payment, "no cap" if plan.tokens is None else f"{plan.tokens:,}"
    rows = [
        ["steps", str(plan.steps), str(took.steps)],
        ["tokens written", cap, f"{took.output_tokens:,}"],
        ["dollars", f"${plain(asked.value)}" if asked.unit == "usd" else "-", f"${plain(took.usd)}"],
        ["seconds", f"{number(asked.value)}" if asked.unit == "s" else "-", number(took.seconds)],
    ]
    state_of = "delivered" if attempt.delivered is not None else "so far"
    columns: list[Column | str] = ["", Column("promised", right=True), Column(state_of, right=True)]
    columns[0] = "what"
    return table("Promised against delivered", columns, rows)


def _tools(tools: Sequence[ToolUsed], excerpts: Excerpts) -> Markup:
    """The uses of tools, each to be opened: what was asked for, what came back, what it changed."""
    bodies: list[Markup] = []
    for at, tool in enumerate(tools[:MOST_TOOLS], start=1):
        marks = [word for word, there in (("failed", not tool.ok), ("unknown end", tool.unknown)) if there]
        marks += [f"text from {tool.origin}"] if tool.origin else []
        about = f"{at}. {excerpts.line(tool.call.name, limit=60)}: {excerpts.line(_argued(tool), limit=90)}"
        inside: list[Markup] = [
            facts([("Asked for", words(excerpts.cut(_argued(tool)))), ("Came back", words(excerpts.cut(tool.result)))])
        ]
        if tool.patch is not None and tool.patch.text:
            inside.append(diff(excerpts.cut(tool.patch.text), name=f"What use {at} of a tool changed"))
        inside.append(paragraph(taken(tool.usage), quiet=True))
        bodies.append(fold(about + (f" ({', '.join(marks)})" if marks else ""), *inside))
    more = len(tools) - len(bodies)
    if more > 0:
        bodies.append(paragraph(f"and {more:,} more", quiet=True))
    return fold(f"Tool calls and commands ({len(tools)})", *bodies)


def _argued(tool: ToolUsed) -> str:
    """The arguments as a person reads them: one a line where they are a JSON object, else as they were given."""
    text = tool.call.arguments
    if len(text) > _MOST_READ:
        return text
    try:
        read: object = json.loads(text)
    except (ValueError, RecursionError):
        return text.replace("\n", " ") if tool.call.name == "command" else text
    if not isinstance(read, dict):
        return text
    return json.dumps(read, ensure_ascii=False, indent=1)
