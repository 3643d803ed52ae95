"""A workflow's tree cut to the rows of a terminal: what is under way stays, what has ended or is to come is counted.

Less and less is drawn until it fits: all; then waves in which nothing is under way as one line each; then such waves
together, and in the others only what is under way or failed; at last as many of those as there is room for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Final

from agora.cli.paint import usd
from agora.workflows.drawing import Branch

_OPEN: Final = ("failed", "running", "waits")
_STATES: Final = (*_OPEN, "unknown", "passed", "agree", "differ", "skipped")
_TO_COME: Final = "to come"


def fitted(whole: Branch, marks: Mapping[str, str], *, rows: int, cost: Mapping[str, Decimal] | None = None) -> Branch:
    """The tree in as many rows as there are, where a row is a branch.

    Args:
        whole: As `agora.workflows.drawing.tree` gives it.
        marks: Node (its path) -> how it stands; of a node that has not begun there is none.
        rows: At least 3 are used.
        cost: Node -> what it cost so far, for those that are counted together.

    >>> waves = [Branch(label=f"wave {turn}", branches=(Branch(label="a", path=f"a{turn}"),)) for turn in (1, 2, 3)]
    >>> marks = {"a1": "passed", "a2": "running"}
    >>> [wave.label for wave in fitted(Branch(label="flow", branches=tuple(waves)), marks, rows=5).branches]
    ['wave 1: 1 passed', 'wave 2', 'wave 3: 1 to come']
    """
    fold = _Fold(marks, cost or {})
    if height(whole) <= rows:
        return whole
    for folded in (fold.by_wave(whole), fold.open_only(whole)):
        if height(folded) <= rows:
            return folded
    return fold.cut(whole, max(rows, 3))


def height(branch: Branch) -> int:
    """How many rows a tree takes."""
    return 1 + sum(map(height, branch.branches))


class _Fold:
    def __init__(self, marks: Mapping[str, str], cost: Mapping[str, Decimal]) -> None:
        self._marks, self._cost = marks, cost

    def by_wave(self, branch: Branch) -> Branch:
        """The waves below it in which nothing is under way as a line each."""
        inner = [
            self.by_wave(one)
            if one.path or not one.branches or self._is_open(one)
            else self._counted(one.label, one.branches)
            for one in branch.branches
        ]
        return branch.model_copy(update={"branches": tuple(inner)})

    def open_only(self, whole: Branch) -> Branch:
        """Such waves together, and of the others what is under way."""
        drawn: list[Branch] = []
        for is_open, waves in groupby(whole.branches, key=self._is_open):
            alike = list(waves)
            if is_open:
                drawn += [self._narrowed(wave) for wave in alike]
                continue
            for begun, same in groupby(alike, key=lambda wave: any(one.path in self._marks for one in _nodes(wave))):
                run = list(same)
                first, last = run[0].label, run[-1].label.removeprefix("wave ")
                named = first if len(run) == 1 else f"waves {first.removeprefix('wave ')} to {last}"
                drawn.append(self._counted(named, [node for wave in run for node in wave.branches], begun=begun))
        return whole.model_copy(update={"branches": tuple(drawn)})

    def cut(self, whole: Branch, rows: int) -> Branch:
        """As many of those under way as there is room for, without their waves; all others in one line."""
        nodes = [node for wave in whole.branches for node in wave.branches]
        ahead = sorted(filter(self._is_open, nodes), key=lambda node: self._state(node) == "failed")
        shown = [node.model_copy(update={"branches": ()}) for node in ahead[: rows - 2]]
        kept = {node.path for node in shown}
        rest = self._counted("and", [node for node in nodes if node.path not in kept])
        return whole.model_copy(update={"branches": (*shown, rest)})

    def _narrowed(self, wave: Branch) -> Branch:
        shown = [self.by_wave(node) for node in wave.branches if self._is_open(node)]
        rest = [node for node in wave.branches if not self._is_open(node)]
        return wave.model_copy(update={"branches": (*shown, *([self._counted("", rest)] if rest else []))})

    def _is_open(self, branch: Branch) -> bool:
        return any(word in self._marks.get(node.path, "") for node in _nodes(branch) for word in _OPEN)

    def _counted(self, label: str, nodes: Sequence[Branch], *, begun: bool = True) -> Branch:
        counts = Counter(self._state(node) for node in nodes if node.path)
        cost = sum((self._cost.get(one.path, Decimal(0)) for node in nodes for one in _nodes(node)), Decimal(0))
        said = [f"{counts[state]} {state}" for state in (*_STATES, _TO_COME) if counts[state]]
        if cost and begun:
            said.append(usd(cost))
        return Branch(label=f"{label}{' ' if label == 'and' else ': ' if label else ''}{', '.join(said)}")

    def _state(self, node: Branch) -> str:
        """One word for a node: of one that uses a workflow, of what is inside."""
        inside = " ".join(self._marks.get(one.path, "") for one in _nodes(node))
        return next((state for state in _STATES if state in inside), _TO_COME)


def _nodes(branch: Branch) -> list[Branch]:
    """A branch, if it is a node, and all nodes that hang on it."""
    return [*([branch] if branch.path else []), *(one for inner in branch.branches for one in _nodes(inner))]
