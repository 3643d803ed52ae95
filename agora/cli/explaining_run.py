"""What a whole run decided besides its awards: topology, context, nodes passed over, who came and left, questions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from agora.bids import Clearing, Lesson, Reserve
from agora.cli.endings import brief
from agora.cli.explaining_jury import lay, say
from agora.cli.forms import Form, plain
from agora.cli.paint import fork_line, grid, number, out, safe
from agora.desk_events import Happening
from agora.events import Asked, ContextRouted, TopologyChosen
from agora.records import Recorded
from agora.traces.explaining.flips import Flip, flips_of, smallest
from agora.traces.explaining.sources import Source
from agora.traces.told.pool import change_line
from agora.traces.told.story import AuctionStory, RunStory
from agora.traces.told.wording import exact, short_price
from agora.values import JsonValue

_ON_THE_WAY = {
    "routed": "routed",
    "screened": "screened",
    "context_routed": "context",
    "opened": "call",
    "scored": "scores",
    "awarded": "award",
    "verified": "verdict",
    "task_done": "end",
}


def print_run(story: RunStory) -> None:
    """What was decided of the run as a whole; nothing where nothing was."""
    console, lines = out(), [*_run_lines(story)]
    for line in lines:
        console.print(line)
    if lines:
        console.print()


def print_context(routed: ContextRouted) -> None:
    """What a node was shown besides its goal, and what was left out and why."""
    say(f"[head]context[/][quiet] ({routed.tokens} tokens may be shown{_too_many(routed)})[/]", by=2)
    if not routed.items:
        say("[quiet]nothing came before it that could be shown[/]")
        return
    table = grid("source", "shown", "tokens>", "of>", "score>", "why not")
    for item in routed.items:
        shown = (str(item.tokens), str(item.whole_tokens), f"{item.score:.3f}")
        table.add_row(safe(item.source), safe(item.taken), *shown, safe(item.why, limit=80))
    lay(table)


def print_topology(chosen: TopologyChosen) -> None:
    """In which topology a workflow runs, who chose it, and how the others stood."""
    out().print(f"[head]topology of {safe(chosen.task)}[/]: {chosen.topology} ({chosen.by}): {safe(chosen.reason)}")
    figures = ", ".join(f"{safe(name)} {_figure(value)}" for name, value in sorted(chosen.features.items()))
    if figures:
        say(f"[quiet]figures of the graph: {figures}[/]", by=2)
    for choice in chosen.choices:
        scores = ", ".join(
            f"{safe(action)} {'never tried' if score is None else f'{score:.4f}'}"
            for action, score in sorted(choice.scores.items())
        )
        why = f": {safe(choice.reason)}" if choice.reason else ""
        say(f"[quiet]{safe(choice.action)} (p={choice.propensity:.4g}){why}; scores: {scores or 'none'}[/]", by=2)


def print_question(asked: Asked) -> None:
    """What a person was asked and said."""
    said = "nobody has answered yet" if asked.granted is None else "yes" if asked.granted else "no"
    say(f"a person was asked ({asked.question.about}): {brief(asked.question)}", by=2)
    say(f"answer: {said} [quiet](it counts for digest {safe(asked.digest[:12])} alone)[/]", by=2)


def positions_line(entries: Iterable[Recorded], task: str) -> str:
    """Where a task's decisions stand on the ledger, for markup: what `agora explain RUN EVENT` takes."""
    found: dict[str, list[int]] = {}
    for one in entries:
        if one.event is not None and one.event.task == task and (word := _ON_THE_WAY.get(one.event.kind)):
            found.setdefault(word, []).append(one.seq)
    told = ", ".join(f"{word} {', '.join(map(str, seqs))}" for word, seqs in found.items())
    return f"[quiet]events: {told}[/]"


def flip_lines(clearing: Clearing, reserve: Reserve, *, agent: str = "") -> Iterator[str]:
    """The smallest changes that would have flipped an award, the smallest first, for markup.

    Args:
        clearing: As it is on record.
        reserve: Of its auction.
        agent: Only what would have given it to this one; empty: to anybody.
    """
    flips = tuple(flip for flip in flips_of(clearing, reserve=reserve) if agent in ("", flip.agent))
    found = smallest(flips)
    runner_up = clearing.ranking[1].agent if len(clearing.ranking) > 1 else ""
    if not agent and not any(flip.what in ("weight", "figure") or flip.agent != runner_up for flip in found):
        return  # the sentence about who was next says it all
    if not found:
        yield "[quiet]no single change of a price, a figure or a weight would have given it the award[/]"
        return
    what = "given it the award" if agent else "flipped it"
    yield f"[head]smallest changes that would have {what}[/][quiet] (each alone, all else equal)[/]"
    for flip in found:
        yield f"  {_flip(flip)}"


def flips_form(auction: AuctionStory) -> list[JsonValue]:
    """The same as JSON: every single change, the smallest relative change first."""
    if auction.clearing is None:
        return []
    return [
        {
            "agent": flip.agent,
            "what": flip.what,
            "term": flip.term,
            "was": flip.was,
            "past": plain(flip.price.value) if flip.price else flip.bound,
            "share": flip.share if flip.share != float("inf") else None,
        }
        for flip in flips_of(auction.clearing, reserve=auction.opened.reserve)
    ]


def source_line(lesson: Lesson, sources: Mapping[tuple[str, str], Source]) -> str:
    """Where the two plans of a lesson were remembered, for markup."""
    told = [
        f"{word} in task {safe(source.task)} of run {safe(source.run)} (event {source.seq})"
        for word, plan in (("lost", lesson.lost), ("won", lesson.won))
        if (source := sources.get((lesson.goal, plan))) is not None
    ]
    where = "; ".join(told) or "where it was remembered is not in this ledger"
    return f"[quiet]remembered, {safe(lesson.goal, limit=60)}: {where}[/]"


def lesson_form(lesson: Lesson, sources: Mapping[tuple[str, str], Source]) -> Form:
    """A lesson, with where both plans were remembered."""

    def where(plan: str) -> JsonValue:
        source = sources.get((lesson.goal, plan))
        return None if source is None else {"run": source.run, "task": source.task, "event": source.seq}

    text: Form = {"goal": lesson.goal, "lost": lesson.lost, "won": lesson.won, "own": lesson.own}
    return {**text, "lost_from": where(lesson.lost), "won_from": where(lesson.won)}


def body_lines(event: Happening) -> Iterator[str]:
    """An event's fields, for markup, where nothing better can be said of it."""
    for name, value in event.model_dump(mode="json", exclude={"kind", "task"}).items():
        if value not in (None, "", [], {}):
            yield f"{safe(_words(name))}: [quiet]{safe(_told(value), limit=600)}[/]"


def _told(value: JsonValue) -> str:
    """A value in words: of an object its fields, of a list its items; what says nothing is left out."""
    if isinstance(value, Mapping):
        return ", ".join(f"{_words(name)} {_told(part)}" for name, part in value.items() if part not in (None, "", []))
    if isinstance(value, list):
        return "; ".join(_told(part) for part in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _run_lines(story: RunStory) -> Iterator[str]:
    if story.started is not None and story.started.forked is not None:
        yield fork_line(story.started.forked)
    for name, chosen in story.topologies.items():
        why = f" ({chosen.by}): {safe(chosen.reason)}"
        yield f"topology of {safe(name)}: {chosen.topology}{why}"
    for change in story.changes:
        what, line = change_line(change)
        yield f"{what} {safe(line)}"
    for node, reason in story.skipped.items():
        yield f"[quiet]{safe(node)} was passed over: {safe(reason, limit=160)}[/]"
    for node, compared in story.compared.items():
        agree = "agree" if compared.agree else "differ"
        yield f"{safe(node)}: {compared.of} answers {agree}, consistency {compared.consistency:.4f}"


def _flip(flip: Flip) -> str:
    past = "above" if flip.more else "below"
    share = (
        "from nothing"
        if flip.share == float("inf")
        else f"{number(100 * flip.share)} % {'more' if flip.more else 'less'}"
    )
    who = safe(flip.agent)
    if flip.what == "price" and flip.price is not None:
        most = flip.price.model_copy(update={"value": short_price(flip.price.value)})
        return f"{who} asking less than {exact(most)} instead of {_amount(flip)} ({share})"
    told = f"{past} {flip.bound:.6g} instead of {flip.was:.6g} ({share})"
    if flip.what == "weight":
        return f"the weight of {safe(flip.term)} {past} {flip.bound:.6g} instead of {flip.was:.6g} ({share}): {who}"
    return f"a {safe(flip.term)} figure of {who} {told}"


def _amount(flip: Flip) -> str:
    return f"{flip.was:g} s" if flip.price is not None and flip.price.unit == "s" else f"${flip.was:g}"


def _figure(value: JsonValue) -> str:
    return f"{value:.4g}" if isinstance(value, float) else safe(str(value), limit=40)


def _too_many(routed: ContextRouted) -> str:
    return f"; {routed.too_many} more outputs were not looked at" if routed.too_many else ""
