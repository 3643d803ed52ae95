"""One place of a node: its rounds, and whoever stands in for it, until there is a result that counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agora.tasks import MOST_GOAL_CHARS, Verdict
from agora.workflows.comparing import compared
from agora.workflows.context_candidates import candidates_for
from agora.workflows.instances import Ending, Instance, Remark, Settled, holds, said
from agora.workflows.nodes import CompareNode, Node, TaskNode, TextNode, UseNode
from agora.workflows.references import INDEX, ITEM, PREVIOUS, as_text, filled, placeholders
from agora.workflows.texts import texts_of

if TYPE_CHECKING:
    from agora.workflows.context_routing import Candidate
    from agora.workflows.scope import Scope

Key = tuple[tuple[int, int, int], ...]
"""Where an instance stands in the order of all: position, item and round, with those of the nodes around it before."""

_FOUND: Final = {"consistency", "agree", "majority", "votes", "of", "distinct", "method"}


class Slot:
    """One item of a map, or the only one of a node that is no map.

    Args:
        scope: The workflow's run that it is in.
        position: The node's.
        index: The item's place; None: the node is no map.
        item: The item.
    """

    def __init__(self, scope: Scope, position: int, *, index: int | None = None, item: str = "") -> None:
        self.scope, self.index, self.round = scope, index, 1
        self.did = ""  # the task that did it last
        self.final = Settled(verdict="skipped", gone=True)  # until it has come to an end
        self.position, self._at = position, position  # what it is for; who does it now
        self._known: dict[str, Settled] = {}  # what only is known here
        if index is not None:
            self._known[ITEM] = Settled(verdict="unknown", output=item)
            self._known[INDEX] = Settled(verdict="unknown", output=str(index))
        self._known[PREVIOUS] = Settled(verdict="skipped")

    @property
    def node(self) -> Node:
        """Whoever does it now: the node, or who stands in for it."""
        return self.scope.flow.nodes[self._at]

    @property
    def key(self) -> Key:
        """Where the instance of now stands in the order of all."""
        return (*self.scope.key, (self._at, self.index or 0, self.round))

    @property
    def labels(self) -> frozenset[str]:
        """Labels of all that the instance of now may have seen."""
        return self.scope.labels | self.scope.layout.labels[self._at]

    @property
    def path(self) -> tuple[str, ...]:
        """The node's id, with those of the nodes around it before."""
        return (*self.scope.path, self.node.id)

    def begin(self) -> None:
        """Start the round of now."""
        node, name = self.node, self._name()
        if isinstance(node, CompareNode):
            self._compare(node, name)
            return
        texts: dict[str, str] = {}
        cut: dict[str, int] = {}
        inputs: dict[str, str] = {}
        for field, text in texts_of(node):
            texts[field], left_out = filled(text, self._looked_up, most_chars=MOST_GOAL_CHARS)
            cut.update(left_out)
            inputs.update({reference: self._looked_up(reference) for reference in placeholders(text)})
        if isinstance(node, TextNode):
            self._come_to(Settled(verdict=self.scope.verdict_of(node), output=texts["text"]))
            return
        if isinstance(node, UseNode):
            given = {field.partition(".")[2]: text for field, text in texts.items()}
            self.scope.progress.use(self, node.use, given, prefix=f"{name}/")
            return
        before, too_many = self._before(node)
        instance = Instance(
            id=name,
            path=self.path,
            node=node,
            text=next(iter(texts.values())),
            workspace=self._workspace(node),
            inputs=inputs,
            cut=cut,
            before=before,
            too_many=too_many,
            labels=self.labels,
            after=self.scope.tasks_before(self.position),
            index=self.index,
            round=self.round,
        )
        self.did = name if isinstance(node, TaskNode) else ""
        self.scope.progress.start(self, instance)

    def _compare(self, node: CompareNode, name: str) -> None:
        """It has ended as soon as it is open: nobody is needed for it."""
        found = compared(name, self.scope.outputs_of(node), threshold=node.threshold)
        self.scope.progress.compare(self.key, found)
        verdict = Verdict.PASSED if found.agree else Verdict.UNKNOWN
        output = found.model_dump(mode="json", include=_FOUND)
        self.ended(Ending(verdict=verdict, output=as_text(output)))

    def ended(self, ending: Ending) -> None:
        """The round of now has ended: another one, whoever stands in, or a result."""
        node, one = self.node, Settled(verdict=ending.verdict.value, output=ending.output)
        why = "failed"
        if node.repeat is not None and not self._enough(node, one):
            if self.round < node.repeat.most:
                self.round += 1
                self._known[PREVIOUS] = one
                self.begin()
                return
            until = " and ".join(map(said, node.repeat.until)) or f"{node.id}.verdict equals 'passed'"
            why = f"not {until} after {node.repeat.most} rounds"
            one = one.model_copy(update={"verdict": "failed"})
        if one.verdict == Verdict.FAILED.value:
            self._failed(node, one, why)
        else:
            self._come_to(one)

    def _failed(self, node: Node, one: Settled, why: str) -> None:
        if node.on_failure == "fallback":
            self._known[node.id] = one
            self._known[PREVIOUS] = Settled(verdict="skipped")
            self._at, self.round = self.scope.layout.position[node.fallback], 1
            self.begin()
        elif node.on_failure == "stop":
            self.scope.stop(self.key, Remark(id=self._name(), why=why))
        elif node.on_failure == "skip":
            self._come_to(Settled(verdict="failed", gone=True))
        else:
            self._come_to(one)

    def _come_to(self, one: Settled) -> None:
        self.final = one
        self.scope.came_to_an_end(self.position)

    def _enough(self, node: Node, one: Settled) -> bool:
        until = node.repeat.until if node.repeat else ()
        known = {**self._known, node.id: one}
        if not until:
            return one.verdict == Verdict.PASSED.value
        return all(holds(when, lambda text: self.scope.looked_up(text, known)) for when in until)

    def _name(self) -> str:
        item = "" if self.index is None else f"[{self.index}]"
        turn = "" if self.node.repeat is None else f"#{self.round}"
        return f"{self.scope.prefix}{self.node.id}{item}{turn}"

    def _looked_up(self, text: str) -> str:
        return self.scope.looked_up(text, self._known)

    def _before(self, node: Node) -> tuple[tuple[Candidate, ...], int]:
        if not isinstance(node, TaskNode):
            return (), 0
        return candidates_for(self.scope, node, position=self.position, known=self._known)

    def _workspace(self, node: Node) -> str | None:
        if not isinstance(node, TaskNode) or node.workspace is None:
            return None
        return filled(node.workspace, self.scope.looked_up, most_chars=4096)[0]
