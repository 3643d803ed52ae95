"""What of a workflow can be started now: a pure function of its definition, its inputs and what has ended so far.

The same endings give the same answer in whatever order they came, so a run that is taken up again asks for the same. A
node is opened when all that it waits for has come to an end (Kahn, 1962); only then are its conditions asked, its list
counted and its text filled in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from agora.errors import LedgerError
from agora.flow_events import Compared
from agora.values import JsonValue
from agora.workflows.checking import checked_inputs
from agora.workflows.instances import Ending, Instance, Ready, Remark, Settled
from agora.workflows.layout import Layout, laid_out
from agora.workflows.nodes import Flow
from agora.workflows.scope import Scope
from agora.workflows.slot import Key, Slot


def next_ready(flow: Flow, inputs: Mapping[str, JsonValue], done: Mapping[str, Ending]) -> Ready:
    """What can be started now, what was passed over and why, and whether the workflow is over.

    Args:
        flow: One that was checked.
        inputs: What it is given.
        done: Instance -> how it ended; their order means nothing.

    Raises:
        ConfigError: An input is unknown or missing.
        LedgerError: An instance ended that this workflow does not start.
    """
    return Progress(flow, inputs, done=done).ready


class Progress:
    """The same, kept up to date: each ending costs what it opens, not the size of the graph. Owned by one writer.

    Args:
        flow: One that was checked.
        inputs: What it is given.
        done: What ended already.

    Raises:
        ConfigError: An input is unknown or missing.
        LedgerError: An instance ended that this workflow does not start.
    """

    def __init__(
        self, flow: Flow, inputs: Mapping[str, JsonValue], *, done: Mapping[str, Ending] | None = None
    ) -> None:
        self._library = {flow.name: flow, **{other.name: other for other in flow.flows}}
        self._layouts: dict[str, Layout] = {}
        self._todo: deque[tuple[Scope, int]] = deque()
        self._slots: dict[str, tuple[Slot, Instance]] = {}  # what may run, by id
        self._ended: set[str] = set()
        self._new: list[str] = []
        self._skipped: list[tuple[Key, Remark]] = []
        self._compared: list[tuple[Key, Compared]] = []
        self._done = dict(done or {})
        self._root = Scope(self, flow, checked_inputs(flow, inputs), parent=None, prefix="", key=())
        self._run()
        if self._done:
            raise LedgerError(
                f"{next(iter(self._done))!r} is on record and workflow {flow.name!r} does not start it: its definition "
                "was changed; go on with the one on record"
            )

    def finish(self, instance: str, ending: Ending) -> tuple[Instance, ...]:
        """Take in how an instance ended, and say what can be started because of it; a second time changes nothing.

        Raises:
            LedgerError: There is no such instance, or not yet.
        """
        if instance in self._ended:
            return ()
        if instance not in self._slots:
            raise LedgerError(f"{instance!r} ended and was never ready: report instances that `ready` names")
        self._new.clear()
        self._end(instance, ending)
        self._run()
        opened = [self._slots[name] for name in self._new if name in self._slots]
        return tuple(one for slot, one in sorted(opened, key=lambda pair: pair[0].key) if slot.scope.wanted)

    def instance(self, id: str) -> Instance | None:
        """What is ready or runs under an id; None: nothing."""
        return self._slots[id][1] if id in self._slots else None

    def wanted(self, instance: str) -> bool:
        """Whether an instance is ready or runs, and the workflow that it is in was not stopped."""
        return instance in self._slots and self._slots[instance][0].scope.wanted

    @property
    def ready(self) -> Ready:
        """How the workflow stands."""
        inside = sorted(self._slots.values(), key=lambda pair: pair[0].key)
        start = tuple(one for slot, one in inside if slot.scope.wanted)
        verdict, outputs = self._root.result()
        return Ready(
            start=start,
            skipped=tuple(one for _, one in sorted(self._skipped, key=lambda pair: pair[0])),
            over=self._root.over,
            stopped=tuple(one for _, one in sorted(self._root.stopped, key=lambda pair: pair[0])),
            verdict=verdict,
            outputs=outputs,
        )

    def passed_over(self, after: int) -> list[Remark]:
        """What was passed over, in the order in which that was found out, without the first so many."""
        return [remark for _, remark in self._skipped[after:]]

    def compared(self, after: int) -> list[Compared]:
        """What was found by comparing, in the order in which it was, without the first so many."""
        return [found for _, found in self._compared[after:]]

    def settled(self) -> dict[str, Settled]:
        """Node -> what became of it, of those of the workflow itself that have come to an end."""
        return {node.id: one for node, one in zip(self._root.flow.nodes, self._root.settled, strict=True) if one}

    def layout(self, flow: Flow) -> Layout:
        """Who comes after whom in a workflow."""
        if flow.name not in self._layouts:
            self._layouts[flow.name] = laid_out(flow, self._library)
        return self._layouts[flow.name]

    def open(self, scope: Scope, position: int) -> None:
        """All that a node waits for has come to an end."""
        self._todo.append((scope, position))

    def start(self, slot: Slot, instance: Instance) -> None:
        """An instance is ready."""
        self._slots[instance.id] = (slot, instance)
        self._new.append(instance.id)

    def use(self, slot: Slot, name: str, inputs: Mapping[str, str], *, prefix: str) -> None:
        """A workflow that a node uses begins."""
        flow = self._library[name]
        Scope(self, flow, {**checked_inputs(flow, dict(inputs))}, parent=slot, prefix=prefix, key=slot.key)

    def skip(self, key: Key, remark: Remark) -> None:
        """A node is passed over."""
        self._skipped.append((key, remark))

    def compare(self, key: Key, found: Compared) -> None:
        """Outputs were compared."""
        self._compared.append((key, found))

    def _end(self, instance: str, ending: Ending) -> None:
        slot, _ = self._slots.pop(instance)
        self._ended.add(instance)
        slot.ended(ending)

    def _run(self) -> None:
        """Open what can be opened, and end what has ended already, until nothing changes."""
        seen = 0
        while self._todo or seen < len(self._new):
            if self._todo:
                scope, position = self._todo.popleft()
                scope.opened(position)
                continue
            name = self._new[seen]
            seen += 1
            if name in self._done:
                self._end(name, self._done.pop(name))
