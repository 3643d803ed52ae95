"""A workflow of a run, followed along the run's events: its topology, what may start, what is shown, compared, skipped.

What of a graph can start is a pure function of what has ended (`agora.workflows.expanding`), and is asked again here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from agora.events import (
    Asked,
    Compared,
    ContextRouted,
    Event,
    FlowBegan,
    FlowEnded,
    NodeSkipped,
    Posted,
    Remembered,
    Started,
    TaskDone,
    TopologyChosen,
)
from agora.lots import House, Lot
from agora.posting import DEFAULT_LIMITS, fill
from agora.protocols import Store
from agora.records import Recorded
from agora.tasks import Verdict
from agora.traces.replay.desks import Uncalled
from agora.workflows.choosing import Experience
from agora.workflows.context_shown import shown_to
from agora.workflows.deciding import MOST_RUNS, experienced, on_record, topology_of
from agora.workflows.expanding import Progress
from agora.workflows.instances import Ending
from agora.workflows.nodes import Flow

FLOW_KINDS: Final = frozenset(
    {"topology_chosen", "flow_began", "flow_ended", "node_skipped", "compared", "context_routed", "asked"}
)
"""The kinds of events that `FlowReplay.take` knows."""
_ENDED: Final = frozenset({"started", "done"})


class FlowReplay:
    """Owned by one replay.

    Args:
        store: With the ledger of all runs: what a topology is learned from.
        run: The run's id.
    """

    def __init__(self, store: Store, run: str) -> None:
        self._store, self._run = store, run
        self._progress: Progress | None = None
        self._arranged: dict[str, Flow] = {}  # workflow -> in its topology
        self._skips: dict[str, str] = {}  # what was passed over -> why
        self._found: dict[str, Compared] = {}
        self._told: set[tuple[str, str]] = set()  # what is on record: kind, node
        self._reasons: dict[str, str] = {}
        self._remembered: dict[str, tuple[Remembered, ...]] = {}
        self._seen = 0, 0
        self._over = False
        self.holes: list[str] = []
        """What is not there of other runs that a topology was learned from."""

    def take(self, seq: int, event: Event, house: House) -> Event | None:
        """Follow one event.

        Returns:
            It as it is made again; None of what is only received.

        Raises:
            Uncalled: The graph did not call for it.
        """
        match event:
            case TopologyChosen():
                return self._topology(seq, event, house)
            case FlowBegan():
                return self._begin(event)
            case ContextRouted():
                return self._context(event)
            case Compared():
                return self._comparison(event)
            case NodeSkipped():
                return self._skip(event)
            case FlowEnded():
                return self._end(event)
            case Asked():
                self._answer(event)
            case _:
                pass
        return None

    def missing(self) -> str:
        """What must stand before the run's terminal row, in words; empty: nothing must."""
        return "" if self._progress is None or self._over else "what came of the graph is missing"

    def posted(self, event: Posted) -> Event | None:
        """A task that the graph starts, as it is worded and bounded; None of one that no graph is asked about."""
        if self._progress is None:
            return None
        instance = self._progress.instance(event.spec.id)
        if instance is None:
            raise Uncalled(f"task {event.spec.id!r} was not to start then: the graph does not call for it")
        routed = self._remembered.pop(event.spec.id, ())
        task, chosen = shown_to(instance, routed)
        if chosen is not None and ("context_routed", task.id) not in self._told:
            raise Uncalled(f"what task {task.id!r} is shown besides its goal is missing")
        spec = task.model_copy(
            update={
                "limits": fill(task.limits, DEFAULT_LIMITS),
                "workspace": event.spec.workspace if task.workspace is not None else None,  # found on that machine
            }
        )
        return event.model_copy(update={"spec": spec})

    def ended(self, event: TaskDone, lot: Lot) -> None:
        """A task came to its end: what waits for it may start."""
        self._reasons[event.task] = event.reason
        output = lot.attempts[-1].output if lot.attempts else ""
        self._finish(event.task, Ending(verdict=event.verdict, output=output))

    def _topology(self, seq: int, event: TopologyChosen, house: House) -> Event | None:
        if not event.stated:
            raise ValueError("the workflow as it was before is not on record")
        flow = Flow.model_validate(event.stated)
        decision = f"{self._run}/{flow.name}"
        self._arranged[flow.name], now = topology_of(
            flow, decision=decision, draw=house.run.chance.uniform, experience=lambda: self._experience(seq)
        )
        return now

    def _experience(self, seq: int) -> Experience:
        """What was learned of runs that had ended before a position of the ledger, as `OpenRun.others` reads it."""
        started: list[str] = []
        done: set[str] = set()
        for one in self._store.events(kinds=_ENDED):
            if one.seq >= seq:
                break
            if one.event is None:
                self.holes.append(f"the body of event {one.seq} was erased, from which the topology may be learned")
            elif isinstance(one.event, Started):
                started.append(one.run)
            else:
                done.add(one.run)
        latest = [run for run in started if run != self._run][-MOST_RUNS:]
        return experienced(self._whole(run) for run in latest if run in done)

    def _whole(self, run: str) -> Iterator[Recorded]:
        for one in self._store.events(run):
            if one.event is None:
                self.holes.append(f"the body of event {one.seq} was erased, from which the topology may be learned")
            yield one

    def _begin(self, event: FlowBegan) -> Event:
        if self._progress is not None:
            raise Uncalled("the run follows a graph already")
        flow = Flow.model_validate(event.graph)
        self._progress = Progress(flow, event.inputs)
        self._look()
        parts = {one.name: one for one in (flow, *flow.flows)}
        for name, arranged in self._arranged.items():
            if name not in parts:
                raise Uncalled(f"workflow {name!r} was put in a topology, and is not in the graph")
            parts[name] = arranged
        whole = parts[flow.name].model_copy(update={"flows": tuple(parts[one.name] for one in flow.flows)})
        return event.model_copy(update={"graph": on_record(whole)}) if self._arranged else event

    def _context(self, event: ContextRouted) -> Event:
        instance = self._graph(event).instance(event.task)
        if instance is None:
            raise Uncalled(f"task {event.task!r} was not to start then: the graph does not call for it")
        self._told.add(("context_routed", event.task))
        self._remembered[event.task] = event.remembered
        _, now = shown_to(instance, event.remembered)
        if now is None:
            raise Uncalled(f"task {event.task!r} asks to be shown nothing besides its goal")
        return now

    def _comparison(self, event: Compared) -> Event:
        self._graph(event)
        if event.task not in self._found or (event.kind, event.task) in self._told:
            raise Uncalled(f"node {event.task!r} had nothing to compare then")
        self._told.add((event.kind, event.task))
        return self._found[event.task]

    def _skip(self, event: NodeSkipped) -> Event | None:
        progress = self._graph(event)
        if (event.kind, event.task) in self._told:
            raise Uncalled(f"node {event.task!r} was passed over before")
        self._told.add((event.kind, event.task))
        if event.task in self._skips:
            return event.model_copy(update={"reason": self._skips[event.task]})
        if progress.instance(event.task) is None:
            raise Uncalled(f"node {event.task!r} was not to be passed over")
        self._reasons[event.task] = event.reason  # its text or its folder could not be used, on that machine
        self._finish(event.task, Ending(verdict=Verdict.FAILED))
        return None

    def _answer(self, event: Asked) -> None:
        if event.question.about == "step" and event.granted is not None and self._progress is not None:
            if self._progress.instance(event.task) is None:
                raise Uncalled(f"node {event.task!r} was not to ask a person then")
            verdict = Verdict.PASSED if event.granted else Verdict.FAILED
            self._finish(event.task, Ending(verdict=verdict))

    def _end(self, event: FlowEnded) -> Event:
        stands = self._graph(event).ready
        for kind, nodes in (("node_skipped", self._skips), ("compared", self._found)):
            if missing := [node for node in nodes if (kind, node) not in self._told]:
                raise Uncalled(f"what became of node {missing[0]!r} is missing ({kind})")
        self._over = True
        reason = "; ".join(f"{one.id} failed: {self._reasons.get(one.id) or one.why}" for one in stands.stopped)
        return FlowEnded(verdict=stands.verdict, outputs=stands.outputs, reason=reason)

    def _finish(self, instance: str, ending: Ending) -> None:
        if self._progress is not None and self._progress.instance(instance) is not None:
            self._progress.finish(instance, ending)
            self._look()

    def _look(self) -> None:
        """Take in what was compared and passed over since."""
        assert self._progress is not None
        compared, skipped = self._seen
        found, over = self._progress.compared(compared), self._progress.passed_over(skipped)
        self._found |= {one.task: one for one in found}
        for one in over:
            self._skips.setdefault(one.id, one.why)
        self._seen = compared + len(found), skipped + len(over)

    def _graph(self, event: Event) -> Progress:
        if self._progress is None:
            raise Uncalled(f"{event.kind} belongs to a graph, and the run follows none")
        return self._progress
