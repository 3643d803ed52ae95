"""One decision by its position on the ledger: all that it took, and what it led to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from agora.cli.explain_form import auction_reckoning
from agora.cli.explaining import print_auction
from agora.cli.explaining_jury import say
from agora.cli.explaining_routing import print_routing, routing_form
from agora.cli.explaining_run import (
    body_lines,
    flip_lines,
    lesson_form,
    print_context,
    print_question,
    print_topology,
    source_line,
)
from agora.cli.explaining_task import attempt_lines, print_shortlist
from agora.cli.forms import Form, usage_form
from agora.cli.paint import inset, number, out, safe, steps, verdict
from agora.errors import ConfigError
from agora.events import (
    Asked,
    Awarded,
    BidPlaced,
    BidRefused,
    ContextRouted,
    Credited,
    Event,
    Judged,
    Learned,
    Opened,
    Performed,
    Recalled,
    Routed,
    Scored,
    Screened,
    Settled,
    TopologyChosen,
    Verified,
)
from agora.protocols import Store
from agora.records import Recorded
from agora.traces.explaining.sources import MOST_TOLD, sources_of, uses_of
from agora.traces.told.story import AttemptStory, AuctionStory, RunStory
from agora.traces.told.wording import exact
from agora.values import JsonValue


class Told(NamedTuple):
    """One decision, with the run around it."""

    store: Store
    """With the ledger."""
    story: RunStory
    """The whole run."""
    one: Recorded
    """The decision."""

    @property
    def operators(self) -> dict[str, str]:
        """Agent -> who is behind it."""
        return {name: card.operator for name, card in self.story.cards.items()}


def found_at(entries: Sequence[Recorded], run: str, seq: int) -> Recorded:
    """The event at a position.

    Raises:
        ConfigError: The run has none there; the nearest is named.
    """
    here = next((one for one in entries if one.seq == seq), None)
    if here is not None:
        return here
    near = min(entries, key=lambda one: (abs(one.seq - seq), one.seq))
    kind = near.event.kind if near.event is not None else "erased"
    what = f"is none of run {run}; did you mean {near.seq} ({kind})? `agora trace events {run}` lists them all"
    raise ConfigError(f"event {seq}", what)


def print_decision(told: Told) -> None:
    """Everything that is on record of one decision."""
    one, event = told.one, told.one.event
    kind = event.kind if event is not None else "erased"
    about = f" of task [head]{safe(event.task)}[/]" if event is not None and event.task else ""
    out().print(f"[head]event {one.seq}[/]: {safe(kind)}{about} [quiet](run {safe(one.run)})[/]")
    if event is None:
        say("its body was erased: nothing can be said of it", by=2)
        return
    _printer(event)(told, event)


def decision_form(told: Told) -> Form:
    """The same as JSON: the event as it is on record, and what belongs to it."""
    one, event = told.one, told.one.event
    body: JsonValue = None if event is None else event.model_dump(mode="json")
    form: Form = {
        "event": one.seq,
        "run": one.run,
        "at_us": one.at_us,
        "kind": event.kind if event else "erased",
        "task": event.task if event else "",
        "body": body,
    }
    match event:
        case Routed():
            return {**form, "routing": routing_form(event)}
        case Scored() | Awarded() | Opened() | BidPlaced() | BidRefused() | Judged():
            auction = _auction(told, event)
            return form if auction is None else {**form, "auction": auction_reckoning(auction, told.operators)}
        case Recalled():
            sources = sources_of(told.store, event.lessons, before=one.seq)
            return {**form, "lessons": [lesson_form(lesson, sources) for lesson in event.lessons]}
        case Performed() | Verified() | Settled():
            attempt = _attempt(told, event)
            took = None if attempt is None or attempt.delivered is None else usage_form(attempt.delivered)
            return {**form, "delivered": took}
        case Learned() | Credited():
            uses = uses_of(told.store, one.run, event, seq=one.seq)
            return {**form, "entered": [dict(use._asdict()) for use in uses]}
        case _:
            return form


def _printer(event: Event) -> Callable[[Told, Event], None]:
    match event:
        case Routed() | Screened():
            return _routing
        case Opened() | Scored():
            return _whole_auction
        case Awarded():
            return _award
        case BidPlaced() | BidRefused() | Judged():
            return _part_of_auction
        case Recalled():
            return _recalled
        case Performed() | Verified() | Settled():
            return _outcome
        case Learned() | Credited():
            return _learned
        case _:
            return _other


def _routing(told: Told, event: Event) -> None:
    if (story := told.story.tasks.get(event.task)) is not None:
        print_shortlist(story)
        if story.routed is not None:
            print_routing(story.routed, story.shortlist.waves)
        else:
            say("[quiet]the policy gives no figures: it asks by its rule alone[/]", by=2)


def _whole_auction(told: Told, event: Event) -> None:
    auction = _auction(told, event)
    if auction is not None:
        print_auction(auction, told.operators, of=len(told.story.tasks[event.task].auctions))


def _award(told: Told, event: Event) -> None:
    _whole_auction(told, event)
    _outcome(told, event)


def _part_of_auction(told: Told, event: Event) -> None:
    auction = _auction(told, event)
    if auction is None:
        return
    lines: Iterator[str] = iter(())
    if isinstance(event, BidPlaced):
        lines = _bid_lines(event, auction)
    elif isinstance(event, BidRefused):
        lines = _refusal_lines(event)
    elif isinstance(event, Judged):
        lines = _judge_lines(event, auction, told)
    for line in lines:
        say(line, by=2)


def _bid_lines(event: BidPlaced, auction: AuctionStory) -> Iterator[str]:
    bid = event.bid
    record = f"{bid.standing.passed} of {bid.standing.tried} passed on this skill before"
    plan = f"{bid.projected_tokens} tokens in {steps(bid.plan.steps)}"
    yield f"{safe(bid.agent)} asks {exact(bid.price)} for {plan}; {record}"
    yield f"plan: [quiet]{safe(bid.plan.text, limit=400)}[/]"
    marks = auction.marks(bid.agent, round=bid.round)
    if marks:
        yield "marks: " + ", ".join(f"{safe(judge)} {mark}" for judge, mark in marks.items())
    scored = (auction.second if bid.round else auction.first).scored
    if scored is None:
        return
    clearing, last = scored.clearing, auction.scored
    if bid.agent in clearing.refused:
        yield f"refused: it {safe(clearing.refused[bid.agent])}"
    for place, score in enumerate(clearing.ranking, start=1):
        if score.agent == bid.agent:
            terms = ", ".join(f"{safe(term)} {value:+.6f}" for term, value in score.terms.items())
            yield f"score {score.total:.6f} ({terms}): place {place} of {len(clearing.ranking)}"
    if last is not None and last is not scored:
        counts = "its second bid counts in the end" if bid.agent in last.refined else "it stands in the last scores too"
        yield f"[quiet]these are the scores of the first bids; {counts}[/]"
    if clearing.winner == bid.agent:
        yield "[quiet]it was the best; what would have turned that stands with the scores[/]"
    elif bid.agent not in clearing.refused:
        yield from flip_lines(clearing, auction.opened.reserve, agent=bid.agent)


def _refusal_lines(event: BidRefused) -> Iterator[str]:
    what = "did not write its plan once more" if event.round else "made no bid"
    yield f"{safe(event.agent)} {what}: {safe(event.reason, limit=400)}"
    if event.malformed:
        yield "what it gave was no plan: that counts on its record"
    elif event.failure:
        yield f"it could not be reached ({safe(event.failure)}): that counts for its health, not for its ability"
    else:
        yield "[quiet]nothing is learned from that[/]"


def _judge_lines(event: Judged, auction: AuctionStory, told: Told) -> Iterator[str]:
    if event.dropped:
        yield f"{safe(event.judge)} is no judge here: {safe(event.dropped, limit=300)}"
        return
    yield f"{safe(event.judge)} gave (0 to 5): " + ", ".join(f"{safe(who)} {mark}" for who, mark in event.marks.items())
    own = [who for who in event.marks if told.operators.get(who) == told.operators.get(event.judge)]
    if own:
        names = ", ".join(map(safe, own))
        yield f"[quiet]{names}: of its own operator, which the others' marks bound, or which is left out[/]"
    yield f"[quiet]its agreement with outcomes so far: {event.agreement:.4f} (0.5 says nothing, 1 is always right)[/]"
    for attempt in auction.attempts:
        if attempt.outcome is not None and (mark := event.marks.get(attempt.award.agent)) is not None:
            yield f"it gave {safe(attempt.award.agent)} {mark}, whose work then {verdict(attempt.outcome.verdict)}"


def _recalled(told: Told, event: Event) -> None:
    assert isinstance(event, Recalled)
    sources = sources_of(told.store, event.lessons, before=told.one.seq)
    if not event.lessons:
        say(f"{safe(event.agent)}: nothing like this task is remembered of which it could learn", by=2)
        return
    shown = f"{len(event.lessons)} {'pair' if len(event.lessons) == 1 else 'pairs'} of plans"
    say(f"{safe(event.agent)} was shown {shown} of the past before it could write its own once more", by=2)
    for lesson in event.lessons:
        say(source_line(lesson, sources), by=4)
        say(f"lost: [quiet]{safe(lesson.lost, limit=200)}[/]", by=6)
        say(f"won: [quiet]{safe(lesson.won, limit=200)}[/]", by=6)


def _outcome(told: Told, event: Event) -> None:
    attempt = _attempt(told, event)
    auction = _auction(told, event)
    if attempt is None or auction is None:
        return
    for line, by in attempt_lines(attempt, auction):
        out().print(inset(line, by))
    if isinstance(event, Verified) and event.outcome.evidence:
        grounded = "a fact" if event.outcome.grounded else "an opinion of a model"
        say(f"[quiet]{grounded}, in {number(event.outcome.seconds)} s: {safe(event.outcome.evidence, limit=2000)}[/]")


def _learned(told: Told, event: Event) -> None:
    for line in body_lines(event):
        say(line, by=2)
    uses = uses_of(told.store, told.one.run, event, seq=told.one.seq)
    if not uses:
        say("it entered no later decision on this ledger", by=2)
        return
    named = ", ".join(
        f"event {use.seq} ({safe(use.kind)} {safe(use.task)}, run {safe(use.run)})" for use in uses[:MOST_TOLD]
    )
    more = f" and {len(uses) - MOST_TOLD} more" if len(uses) > MOST_TOLD else ""
    count = "1 later decision" if len(uses) == 1 else f"{len(uses)} later decisions"
    say(f"it was known to {count}: {named}{more}", by=2)


def _other(told: Told, event: Event) -> None:
    match event:
        case TopologyChosen():
            print_topology(event)
        case ContextRouted():
            print_context(event)
        case Asked():
            print_question(event)
        case _:
            for line in body_lines(event):
                say(line, by=2)


def _auction(told: Told, event: Event) -> AuctionStory | None:
    """The call for bids that an event belongs to."""
    story = told.story.tasks.get(event.task)
    if story is None:
        return None
    if isinstance(event, (Performed, Verified, Settled)):
        made = (one for one in story.auctions for attempt in one.attempts if attempt.award.attempt == event.attempt)
        return next(made, None)
    number = getattr(event, "auction", 0)
    return next((one for one in story.auctions if one.opened.auction == number), None)


def _attempt(told: Told, event: Event) -> AttemptStory | None:
    story = told.story.tasks.get(event.task)
    if story is None or not isinstance(event, (Awarded, Performed, Verified, Settled)):
        return None
    number = event.award.attempt if isinstance(event, Awarded) else event.attempt
    return next((attempt for attempt in story.attempts if attempt.award.attempt == number), None)
