"""One task on a page: what was wanted, who was asked and who was kept out, its routing, auctions, attempts, its end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, cast

from agora.routing_events import Routed
from agora.traces.pages.excerpts import Excerpts
from agora.traces.pages.parts import Column, facts, fold, heading, joined, listed, paragraph, state, table, words
from agora.traces.report.attempt import attempt_part, calls_part
from agora.traces.report.auction import auction_part
from agora.traces.report.summary import standing
from agora.traces.told.story import TaskStory
from agora.traces.told.wording import by_reason, plain, taken, usd
from agora.values import JsonValue

if TYPE_CHECKING:
    from markupsafe import Markup

_TERMS: Final = ("mean", "width", "score", "tau", "ability", "eta", "p")
"""In the order in which they are shown; others after them."""


def task_part(
    story: TaskStory, operators: Mapping[str, str], excerpts: Excerpts, *, anchor: str, drawn: bool
) -> Markup:
    """All of one task.

    Args:
        story: Which.
        operators: Agent -> who is behind it.
        excerpts: What may still be shown.
        anchor: Unique on the page.
        drawn: Whether its auctions become pictures.
    """
    task = story.task
    word = standing(story)
    bodies: list[Markup] = [heading(joined(task.id, state(word)), id=anchor), words(excerpts.cut(task.goal))]
    pairs: list[tuple[str, Markup | str]] = [
        ("Skill", task.skill or "any"),
        ("Verified by", task.verify.kind if task.verify else "nothing"),
        ("May bid, with which probability", _members(story)),
    ]
    if any(value is not None for value in task.limits.model_dump().values()):
        pairs.append(("Its own limits", _limits(story)))
    if story.done is not None:
        pairs.append(("Took", taken(story.done.usage)))
    bodies.append(facts(pairs))
    kept_out = [f"{names}: {why}" for why, names in by_reason(story.shortlist.kept_out)]
    if kept_out:
        bodies.append(fold(f"Kept out ({len(story.shortlist.kept_out)})", listed(kept_out)))
    if story.routed is not None:
        bodies.append(_routing(story.routed, story.shortlist.waves))
    attempts = iter(range(len(story.attempts)))
    for at, auction in enumerate(story.auctions):
        bodies.append(
            auction_part(
                auction,
                operators,
                excerpts,
                of=len(story.auctions),
                anchor=f"{anchor}-call-{at}",
                drawn=drawn,
            )
        )
        for attempt in auction.attempts:
            bodies.append(attempt_part(story, attempt, excerpts, anchor=f"{anchor}-attempt-{next(attempts)}"))
    bodies += calls_part(story)
    bodies += _end(story, excerpts)
    return joined(*bodies)


def _members(story: TaskStory) -> str:
    members = story.shortlist.members
    if not members:
        return "nobody" if story.screened else "it was not screened"
    return ", ".join(f"{name} {chance:g}" for name, chance in members.items())


def _limits(story: TaskStory) -> str:
    limits = story.task.limits
    parts = [f"${plain(limits.usd)}"] if limits.usd is not None else []
    for name, value in (("tokens", limits.tokens), ("steps", limits.steps), ("s", limits.seconds)):
        if value is not None:
            parts.append(f"{value:,g} {name}")
    return ", ".join(parts)


def _routing(routed: Routed, waves: Sequence[Sequence[str]]) -> Markup:
    """Why these were asked and not others, with every figure."""
    routing = routed.routing
    named = {term for one in routing.considered for term in one.terms}
    terms = [*(term for term in _TERMS if term in named), *sorted(named.difference(_TERMS))]
    turn = {name: number for number, wave in enumerate(waves, start=1) for name in wave}
    rows = [
        [
            one.agent,
            str(turn.get(one.agent, "-")),
            *(f"{one.terms[term]:.4f}" if term in one.terms else "-" for term in terms),
        ]
        for one in routing.considered
    ]
    columns: list[Column | str] = ["agent", Column("wave", right=True), *(Column(term, right=True) for term in terms)]
    bodies: list[Markup] = [paragraph(routing.reason), table("Everyone that was looked at", columns, rows)]
    if routing.draw is not None:
        bodies.append(paragraph(f"The chance that decided: {routing.draw:.6f}", quiet=True))
    bodies += _pheromone(routed)
    return fold(f"Routing by {routing.by}", *bodies)


def _pheromone(routed: Routed) -> Iterator[Markup]:
    """Of ants: the task's types, and what last changed the edges."""
    details = routed.routing.details
    weights = cast("Mapping[str, float]", details.get("weights") or {})
    if weights:
        told = ", ".join(
            f"{kind} {weight:.2f}" for kind, weight in sorted(weights.items(), key=lambda item: (-item[1], item[0]))
        )
        yield paragraph(f"Layer {routed.place.layer}; task types: {told}", quiet=True)
    lately = cast("Mapping[str, Sequence[Mapping[str, JsonValue]]]", details.get("lately") or {})
    rows = [
        [source or "the start", str(change["decision"]), str(change["effect"]), kind, f"{old:.3f}", f"{new:.3f}"]
        for source, changes in sorted(lately.items())
        for change in changes
        for kind, (old, new) in sorted(cast("Mapping[str, Sequence[float]]", change["tau"]).items())
    ]
    if rows:
        columns: list[Column | str] = [
            "from",
            "decision",
            "effect",
            "type",
            Column("before", right=True),
            Column("after", right=True),
        ]
        yield table("What last changed the pheromone of the edge", columns, rows)


def _end(story: TaskStory, excerpts: Excerpts) -> Iterator[Markup]:
    """What was asked of a person, whether the diff was applied, how it ended."""
    rows: list[list[Markup | str]] = []
    for asked in story.asked.values():
        question = asked.question
        what = " ".join(question.argv) or question.reason or question.workspace
        said = "waits" if asked.granted is None else "yes" if asked.granted else "no"
        rows.append([question.about, question.agent, excerpts.line(what), usd(question.usd), said])
    if rows:
        columns: list[Column | str] = ["asked about", "agent", "what", Column("at most", right=True), "answer"]
        yield table("What a person was asked", columns, rows)
    if story.applied is not None:
        paths = ", ".join(story.applied.paths)
        how = "Written to the workspace" if story.applied.applied else f"Not written: {story.applied.reason}"
        yield paragraph(f"{how}: {paths}")
    if story.done is not None and story.done.reason:
        parked = " It is set aside for a person to look at." if story.done.parked else ""
        yield paragraph(joined("Ended", state(standing(story)), f": {excerpts.line(story.done.reason)}{parked}"))
