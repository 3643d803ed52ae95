"""One run of one workflow: its nodes are opened when what they wait for has ended, and settled when they have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal

from agora.tasks import Verdict
from agora.values import JsonValue
from agora.workflows.instances import Ending, Remark, Settled, holds, output_of, said
from agora.workflows.nodes import CompareNode, Each, Flow, Node, TextNode
from agora.workflows.quoting import panel, quoted
from agora.workflows.references import QUOTED, as_text, items_of, parsed, placeholders, referred, walked
from agora.workflows.slot import Key, Slot

if TYPE_CHECKING:
    from agora.workflows.expanding import Progress

_VERDICTS: Final = {"passed": Verdict.PASSED, "failed": Verdict.FAILED, "unknown": Verdict.UNKNOWN}
_SHOWN_CHARS: Final = 80
_MOST_BEFORE: Final = 100
"""So many tasks that a node follows are told the coordinator at most."""


class Scope:
    """One run of one workflow: the whole, or one that a node uses.

    Args:
        progress: Of the whole.
        flow: The workflow.
        inputs: What it is given, complete.
        parent: The slot that uses it; None: it is the whole.
        prefix: What the ids of its instances begin with.
        key: Where it stands in the order of all instances.
    """

    def __init__(
        self, progress: Progress, flow: Flow, inputs: Mapping[str, str], *, parent: Slot | None, prefix: str, key: Key
    ) -> None:
        self.progress, self.flow, self.inputs = progress, flow, inputs
        self.parent, self.prefix, self.key = parent, prefix, key
        self.layout = progress.layout(flow)
        self.labels: frozenset[str] = parent.labels if parent else frozenset()
        self.path: tuple[str, ...] = parent.path if parent else ()
        self.stopped: list[tuple[Key, Remark]] = []
        self.settled: list[Settled | None] = [None] * len(flow.nodes)
        self._slots: dict[int, list[Slot]] = {}
        self._open: dict[int, int] = {}  # position -> instances of it that have not come to an end
        self._waiting = [len(before) for before in self.layout.before]
        self._left = len(flow.nodes) - len(self.layout.stands_in)
        for position, count in enumerate(self._waiting):
            if not count and position not in self.layout.stands_in:
                progress.open(self, position)

    @property
    def over(self) -> bool:
        """Whether nothing of it is left to be done."""
        return bool(self.stopped) or not self._left

    @property
    def wanted(self) -> bool:
        """Whether neither it nor any that uses it was stopped."""
        scope: Scope | None = self
        while scope is not None:
            if scope.stopped:
                return False
            scope = scope.parent.scope if scope.parent else None
        return True

    def result(self) -> tuple[Verdict, dict[str, JsonValue]]:
        """The verdict and the outputs of what has come to an end."""
        ends = [(self.flow.nodes[at].id, self.settled[at]) for at in self.layout.ends]
        outputs: dict[str, JsonValue] = {name: one.output for name, one in ends if one and not one.gone}
        verdicts = [_VERDICTS[one.verdict] for _, one in ends if one and not one.gone and one.verdict in _VERDICTS]
        if self.stopped:
            return Verdict.FAILED, outputs
        return (combined(verdicts) if verdicts and not self._left else Verdict.UNKNOWN), outputs

    def opened(self, position: int) -> None:
        """All that a node waits for has come to an end: skip it, or start its instances."""
        node = self.flow.nodes[position]
        why = self._passed_over(node, position)
        if why:
            self.progress.skip((*self.key, (position, 0, 0)), Remark(id=self.prefix + node.id, why=why))
            self._settle(position, Settled(verdict="skipped", gone=True))
            return
        items = [""] if node.each is None else items_of(self.looked_up(node.each.of))
        if node.each is not None and (why := self._no_list(node.each, items)):
            self._unstarted(node, position, why)
            return
        mapped = node.each is not None
        slots = [Slot(self, position, index=at if mapped else None, item=item) for at, item in enumerate(items)]
        self._slots[position], self._open[position] = slots, len(slots)
        for slot in slots:
            slot.begin()
        if not slots:
            self._join(position)

    def came_to_an_end(self, position: int) -> None:
        """One instance of a node has."""
        self._open[position] -= 1
        if not self._open[position]:
            self._join(position)

    def stop(self, key: Key, remark: Remark) -> None:
        """A failure stops this workflow, and fails the node that uses it."""
        self.stopped.append((key, remark))
        if len(self.stopped) == 1 and self.parent is not None:
            self.parent.ended(Ending(verdict=Verdict.FAILED))  # no output: what had ended by now hangs on chance

    def looked_up(self, text: str, local: Mapping[str, Settled] | None = None) -> str:
        """What a reference means here and now."""
        found = referred(text)
        if found is None:
            return ""
        if found.path[-1:] == (QUOTED,):
            return self._quoted(found.name, text, local)
        one = (local or {}).get(found.name)
        if one is None and found.name in self.layout.position:
            one = self.settled[self.layout.position[found.name]]
        if one is not None:
            return one.verdict if found.verdict else walked(one.output, found.path) if found.path else one.output
        given = self.inputs.get(found.name, "")
        return walked(given, found.path) if found.path else given

    def outputs_of(self, node: CompareNode) -> list[str]:
        """What a node compares: the items of a list, or of several nodes what those gave that gave something."""
        if len(node.compare) == 1:
            return items_of(self.looked_up(node.compare[0]))
        return [self.looked_up(one) for one in node.compare if self.gave(one)]

    def verdict_of(self, node: TextNode) -> Literal["passed", "failed", "unknown"]:
        """That of the tasks that a text names, of those that were not skipped; unknown where it names none."""
        found = [referred(name) for name in placeholders(node.text)]
        places = [self.layout.position[one.name] for one in found if one and one.name in self.layout.position]
        named = [self.settled[at] for at in places if self.flow.nodes[at].kind not in ("compare", "text")]
        verdicts = [_VERDICTS[one.verdict] for one in named if one and not one.gone]
        return combined(verdicts or [Verdict.UNKNOWN]).value

    def tasks_before(self, position: int) -> tuple[str, ...]:
        """The tasks that a node follows, through nodes that are none, in the order of the definition."""
        found: dict[str, None] = {}
        for at in self.layout.needed[position]:
            done = [slot.did for slot in self._slots.get(at, ()) if slot.did]
            found |= dict.fromkeys(done or self.tasks_before(at))
        if not found and self.parent is not None:
            return self.parent.scope.tasks_before(self.parent.position)
        return tuple(found)[:_MOST_BEFORE]

    def _quoted(self, name: str, text: str, local: Mapping[str, Settled] | None) -> str:
        at = self.layout.position.get(name)
        node, one = (None, None) if at is None else (self.flow.nodes[at], self.settled[at])
        if isinstance(node, CompareNode) and text == f"{name}.{QUOTED}":
            return panel(self.outputs_of(node)) if one and not one.gone else ""
        return quoted(self.looked_up(text.removesuffix(f".{QUOTED}"), local))

    def gave(self, text: str) -> bool:
        """Whether the node that a reference names gave something: it was not skipped, and has not failed."""
        found = referred(text)
        one = self.settled[self.layout.position[found.name]] if found else None
        return one is not None and not one.gone and one.verdict != Verdict.FAILED.value

    def _passed_over(self, node: Node, position: int) -> str:
        gone = [at for at in self.layout.needed[position] if (one := self.settled[at]) is not None and one.gone]
        if gone and (node.needs == "all" or len(gone) == len(self.layout.needed[position])):
            return f"{self.flow.nodes[gone[0]].id!r} came to nothing"
        for when in node.when:
            if not holds(when, self.looked_up):
                seen = " ".join(self.looked_up(when.of).split())[:_SHOWN_CHARS]
                return f"not {said(when)}: it is {seen!r}"
        return ""

    def _no_list(self, each: Each, items: Sequence[str]) -> str:
        """Why nothing can be done for each item of what a reference means; empty where it can."""
        if isinstance(inside := parsed(self.looked_up(each.of)), dict):
            named = f"as {f'{each.of}.{next(iter(inside))}'!r}" if inside else "which is empty"
            return f"{each.of!r} is an object and no list: name the list inside it, {named}"
        if len(items) > each.most:
            many = f"{each.of!r} has {len(items):,} items, and {each.most:,} is the most here"
            return f"{many}: raise each.most, or split the list"
        return ""

    def _unstarted(self, node: Node, position: int, why: str) -> None:
        """A node that cannot be started has failed; nobody stands in for it, since there is no item to do it with."""
        remark = Remark(id=self.prefix + node.id, why=why)
        key = (*self.key, (position, 0, 0))
        if node.on_failure in ("stop", "fallback"):
            self.stop(key, remark)
            return
        self.progress.skip(key, remark)
        self._settle(position, Settled(verdict="failed", gone=node.on_failure == "skip"))

    def _join(self, position: int) -> None:
        """All instances of a node have come to an end."""
        finals = [slot.final for slot in self._slots[position]]
        if self.flow.nodes[position].each is None:
            self._settle(position, finals[0])
            return
        kept = [one for one in finals if not one.gone]
        gone = bool(finals) and not kept
        verdict = "failed" if gone else combined([_VERDICTS[one.verdict] for one in kept]).value
        output = as_text([one.output for one in kept])
        self._settle(position, Settled(verdict=verdict, output=output, gone=gone))

    def _settle(self, position: int, one: Settled) -> None:
        self.settled[position] = one
        self._left -= 1
        for after in self.layout.behind[position]:
            self._waiting[after] -= 1
            if not self._waiting[after]:
                self.progress.open(self, after)
        if not self._left and not self.stopped and self.parent is not None:
            verdict, outputs = self.result()
            self.parent.ended(Ending(verdict=verdict, output=output_of(outputs)))


def combined(verdicts: Sequence[Verdict]) -> Verdict:
    """Several verdicts as one: failed if one failed, else unknown if one is unknown; of none: passed.

    >>> combined([Verdict.PASSED, Verdict.UNKNOWN]).value, combined([]).value
    ('unknown', 'passed')
    """
    if Verdict.FAILED in verdicts:
        return Verdict.FAILED
    return Verdict.UNKNOWN if Verdict.UNKNOWN in verdicts else Verdict.PASSED
