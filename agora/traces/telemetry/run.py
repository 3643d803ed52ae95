"""The spans of one run while its events come in: which of them are open, and what each event says of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from opentelemetry.trace import Span, SpanKind

from agora.auction_events import Awarded, BidPlaced, BidRefused, Closed, Judged, Opened, Scored, Screened
from agora.desk_events import Called, Reserved, ToolUsed
from agora.events import Done, Event, Performed, Posted, Resumed, Settled, Started, TaskDone, Verified
from agora.flow_events import FlowBegan, NodeSkipped
from agora.ledger.canonical import encode
from agora.messages import Message
from agora.tasks import Verdict
from agora.traces.telemetry import words
from agora.traces.telemetry.pen import Pen

_BIDDING: Final = ("bid", "refine")
_JUDGING: Final = ("jury",)


class Moment(NamedTuple):
    """When an event happened, and where it stands."""

    ns: int
    """Nanoseconds since the epoch."""
    seq: int | None = None
    """Position on the ledger, where that is known."""
    hash: str = ""
    """Its hash there."""


class _Desk(NamedTuple):
    """Where an agent works on a task: spans and conversations are kept by it."""

    task: str
    phase: str
    """ "bid", "jury-0", "attempt-1" and so on."""
    agent: str


class _Call(NamedTuple):
    span: Span
    began_ns: int
    attributes: words.Attributes


class RunSpans:
    """One run.

    Args:
        pen: Writes the spans.
        run: The run's id; empty where nobody knows it.
        at_ns: When it begins, in nanoseconds since the epoch.
    """

    def __init__(self, pen: Pen, run: str, at_ns: int) -> None:
        said = {"gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": "market"}
        named = {"gen_ai.conversation.id": run, "agora.run.id": run} if run else {}
        self._pen, self._last_ns = pen, at_ns
        self._root = pen.begin("invoke_workflow market", None, at_ns, {**said, **named})
        self._tasks: dict[str, Span] = {}
        self._auctions: dict[str, Span] = {}  # task -> the call for bids that is open
        self._desks: dict[_Desk, Span] = {}
        self._calls: dict[str, _Call] = {}
        self._said: dict[_Desk, tuple[Message, ...]] = {}  # the conversation so far, where content is wanted
        self._chances: dict[str, Mapping[str, float]] = {}  # task -> agent -> propensity

    def take(self, event: Event, at: Moment) -> bool:
        """Take the next event; where the clock went back, it happened when the one before did.

        Returns:
            Whether the run has ended with it, and its spans too.
        """
        self._last_ns = max(at.ns, self._last_ns)
        at = at._replace(ns=self._last_ns)
        if rule := _RULES.get(event.kind):
            rule(self, event, at)
        return isinstance(event, Done)

    def end(self, at_ns: int, *, cut: bool = False) -> None:
        """End every span that is open.

        Args:
            at_ns: When, in nanoseconds since the epoch.
            cut: Whether that is no end of the run's own.
        """
        at_ns = max(at_ns, self._last_ns)
        calls = [call.span for call in self._calls.values()]
        inner = [*calls, *self._desks.values(), *self._auctions.values(), *self._tasks.values()]
        for span in (*inner, self._root):
            if cut:
                self._pen.fail(span, "interrupted")
            span.end(at_ns)

    def started(self, event: Started, at: Moment) -> None:
        """The rules of the run."""
        self._pen.say(self._root, words.of_run(event))

    def resumed(self, event: Resumed, at: Moment) -> None:
        """It goes on, maybe in another process, with spans of its own."""
        self._pen.note(self._root, "agora.resumed", at.ns, {"agora.unknown": len(event.unknown)})

    def flow(self, event: FlowBegan, at: Moment) -> None:
        """It follows a graph."""
        self._pen.name(self._root, f"invoke_workflow {event.flow}")
        self._pen.say(self._root, {"gen_ai.workflow.name": event.flow, "gen_ai.agent.name": event.flow})

    def skipped(self, event: NodeSkipped, at: Moment) -> None:
        """A node that nothing was spent on."""
        self._pen.note(self._root, "agora.node_skipped", at.ns, {"agora.task.id": event.task})

    def posted(self, event: Posted, at: Moment) -> None:
        """A task."""
        task = self._task(event.task or event.spec.id, at)
        self._pen.say(task, words.of_task(event), {"agora.task.goal": event.spec.goal})

    def screened(self, event: Screened, at: Moment) -> None:
        """Who may bid."""
        self._chances[event.task] = event.shortlist.members
        self._pen.say(self._task(event.task, at), words.of_shortlist(event))

    def opened(self, event: Opened, at: Moment) -> None:
        """A call for bids."""
        self._end_auction(event.task, at)
        parent = self._task(event.task, at)
        self._auctions[event.task] = self._pen.begin("agora.auction", parent, at.ns, words.of_call_for_bids(event))

    def closed(self, event: Closed, at: Moment) -> None:
        """No more of them."""
        self._end_auction(event.task, at)

    def bid(self, event: BidPlaced, at: Moment) -> None:
        """A bid."""
        self._end_desks(event.task, event.bid.agent, _BIDDING, at)
        content = {"agora.bid.plan": event.bid.plan.text}
        self._pen.note(self._auction(event.task, at), "agora.bid", at.ns, words.of_bid(event), content)

    def no_bid(self, event: BidRefused, at: Moment) -> None:
        """None."""
        self._end_desks(event.task, event.agent, _BIDDING, at, error=event.failure or "")
        content = {"agora.bid.reason": event.reason}
        self._pen.note(self._auction(event.task, at), "agora.bid_refused", at.ns, words.of_no_bid(event), content)

    def judged(self, event: Judged, at: Moment) -> None:
        """A judge's marks."""
        self._end_desks(event.task, event.judge, _JUDGING, at)
        self._pen.note(self._auction(event.task, at), "agora.judged", at.ns, words.of_marks(event))

    def scored(self, event: Scored, at: Moment) -> None:
        """The ranking."""
        self._pen.say(self._auction(event.task, at), words.of_scores(event))

    def awarded(self, event: Awarded, at: Moment) -> None:
        """The end of an auction, and the beginning of an attempt."""
        award, span = event.award, self._auction(event.task, at)
        chance = self._chances.get(event.task, {}).get(award.agent)
        decision = hashlib.sha256(encode(event, redactor=self._pen.redactor)).hexdigest()
        self._pen.say(span, words.of_award(event, chance, decision), {"agora.bid.plan": award.plan.text})
        if at.seq is not None:
            self._pen.say(span, {"agora.ledger.seq": at.seq, "agora.ledger.hash": at.hash})
        self._end_auction(event.task, at)
        self._desk(_Desk(event.task, f"attempt-{award.attempt}", award.agent), at)

    def reserved(self, event: Reserved, at: Moment) -> None:
        """A model is called."""
        desk = _Desk(event.task, _phase(event.task, event.agent, event.call), event.agent)
        said = words.of_request(event)
        span = self._pen.begin(f"chat {event.model}", self._desk(desk, at), at.ns, said, kind=SpanKind.CLIENT)
        if self._pen.content:
            before = self._said.get(desk, ())[: event.follows]
            self._said[desk] = (*before, *event.request.messages)
            self._pen.say(span, words.content_of_request(event.request, before))
        self._calls[event.call] = _Call(span, at.ns, said)

    def called(self, event: Called, at: Moment) -> None:
        """The call has ended."""
        call = self._calls.pop(event.call, None) or self._unasked(event, at)
        self._pen.say(call.span, words.of_reply(event), words.content_of_reply(event))
        if error := words.error_of(event):
            self._pen.fail(call.span, error)
        call.span.end(at.ns)
        self._pen.count(event, call.attributes, seconds=(at.ns - call.began_ns) / 1e9)

    def tool(self, event: ToolUsed, at: Moment) -> None:
        """A tool was used."""
        said, began_ns = words.of_tool(event), at.ns - round(event.usage.seconds * 1e9)
        parent = self._desk(_Desk(event.task, event.phase or "attempt", event.agent), at)
        span = self._pen.begin(f"execute_tool {event.call.name}", parent, began_ns, said)
        self._pen.say(span, {}, words.content_of_tool(event))
        if not event.ok:
            self._pen.fail(span, str(said["error.type"]))
        span.end(at.ns)

    def performed(self, event: Performed, at: Moment) -> None:
        """An attempt has ended."""
        desk = _Desk(event.task, f"attempt-{event.attempt}", event.agent)
        span, said = self._desk(desk, at), words.of_work(event)
        self._pen.say(span, said, {"agora.error": event.error} if event.error else None)
        if event.error:
            self._pen.fail(span, str(said["error.type"]))
        self._end_desks(event.task, event.agent, (desk.phase,), at)

    def verified(self, event: Verified, at: Moment) -> None:
        """What the verifier found."""
        self._end_desks(event.task, None, (f"verify-{event.attempt}",), at)
        content = {"gen_ai.evaluation.explanation": event.outcome.evidence}
        task = self._task(event.task, at)
        self._pen.note(task, "gen_ai.evaluation.result", at.ns, words.of_verdict(event), content)

    def settled(self, event: Settled, at: Moment) -> None:
        """Promised against delivered."""
        self._pen.note(self._task(event.task, at), "agora.settled", at.ns, words.of_settlement(event))

    def task_done(self, event: TaskDone, at: Moment) -> None:
        """The end of a task."""
        self._end_auction(event.task, at)
        self._end_desks(event.task, None, None, at)
        span = self._task(event.task, at)
        self._pen.say(span, words.of_end(event), {"agora.task.reason": event.reason})
        if event.verdict is Verdict.FAILED:
            self._pen.fail(span, "failed")
        span.end(at.ns)
        self._tasks.pop(event.task, None)
        self._chances.pop(event.task, None)

    def done(self, event: Done, at: Moment) -> None:
        """The end of the run."""
        self._pen.say(self._root, words.of_usage(event.usage))
        if any(verdict is Verdict.FAILED for verdict in event.verdicts.values()):
            self._pen.fail(self._root, "failed")
        self.end(at.ns)

    def _unasked(self, event: Called, at: Moment) -> _Call:
        """A call whose intent stands before the run was cut off."""
        desk = _Desk(event.task, _phase(event.task, event.agent, event.call), event.agent)
        model = event.reply.model if event.reply else "unknown"
        said: words.Attributes = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": words.provider_of(model)}
        span = self._pen.begin(f"chat {model}", self._desk(desk, at), at.ns, said, kind=SpanKind.CLIENT)
        return _Call(span, at.ns, said)

    def _task(self, task: str, at: Moment) -> Span:
        if not task:
            return self._root
        if task not in self._tasks:
            self._tasks[task] = self._pen.begin(f"agora.task {task}", self._root, at.ns, {"agora.task.id": task})
        return self._tasks[task]

    def _auction(self, task: str, at: Moment) -> Span:
        return self._auctions.get(task) or self._task(task, at)

    def _desk(self, desk: _Desk, at: Moment) -> Span:
        if desk not in self._desks:
            alone = desk.phase.startswith(("attempt", "verify"))
            parent = self._task(desk.task, at) if alone else self._auction(desk.task, at)
            said = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": desk.agent, "agora.phase": desk.phase}
            self._desks[desk] = self._pen.begin(f"invoke_agent {desk.agent}", parent, at.ns, said)
        return self._desks[desk]

    def _end_desks(
        self, task: str, agent: str | None, phases: tuple[str, ...] | None, at: Moment, *, error: str = ""
    ) -> None:
        """End the work of an agent (None: of all) in some phases (None: in all), with all that belongs to them."""
        for desk in list(self._desks):
            within = phases is None or any(desk.phase == name or desk.phase.startswith(f"{name}-") for name in phases)
            if desk.task == task and agent in (None, desk.agent) and within:
                span = self._desks.pop(desk)
                self._said.pop(desk, None)
                if error:
                    self._pen.fail(span, error)
                span.end(at.ns)

    def _end_auction(self, task: str, at: Moment) -> None:
        if (span := self._auctions.pop(task, None)) is not None:
            self._end_desks(task, None, (*_BIDDING, *_JUDGING), at)
            span.end(at.ns)


_RULES: Final[Mapping[str, Callable[..., None]]] = {
    "started": RunSpans.started,
    "resumed": RunSpans.resumed,
    "flow_began": RunSpans.flow,
    "node_skipped": RunSpans.skipped,
    "posted": RunSpans.posted,
    "screened": RunSpans.screened,
    "opened": RunSpans.opened,
    "closed": RunSpans.closed,
    "bid": RunSpans.bid,
    "bid_refused": RunSpans.no_bid,
    "judged": RunSpans.judged,
    "scored": RunSpans.scored,
    "awarded": RunSpans.awarded,
    "reserved": RunSpans.reserved,
    "called": RunSpans.called,
    "tool": RunSpans.tool,
    "performed": RunSpans.performed,
    "verified": RunSpans.verified,
    "settled": RunSpans.settled,
    "task_done": RunSpans.task_done,
    "done": RunSpans.done,
}


def _phase(task: str, agent: str, call: str) -> str:
    """The phase in a call's id, which is task/phase/agent/number.

    >>> _phase("a/b", "scout", "a/b/bid-1/scout/3")
    'bid-1'
    """
    rest = call.removeprefix(f"{task}/").rpartition("/")[0]
    return rest.removesuffix(f"/{agent}") or "attempt"
