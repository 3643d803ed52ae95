"""What can be told of a plan's graph before anything is spent (AdaptOrch, arXiv 2602.16873, section 3).

Everything is O(V + E) besides the exact width, which is by Dilworth's theorem V less a maximum matching of the
transitive closure, and is found for up to 200 subtasks only. (The matching is by augmenting paths over bit sets: at
this size no slower than Hopcroft and Karp's, and without a library.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from pydantic import Field, field_validator

from agora.errors import ConfigError
from agora.values import Value

Coupling = Literal["none", "weak", "strong", "critical"]

COUPLINGS: Final[Mapping[str, float]] = MappingProxyType({"none": 0.0, "weak": 0.3, "strong": 0.7, "critical": 1.0})
"""How far a subtask hangs on what its predecessors made, in [0, 1]."""

EXACT_UP_TO: Final = 200
"""The most subtasks for which the exact width is found."""

_SHOWN: Final = 12


class Subtask(Value):
    """One subtask of a plan, as a planner writes it."""

    id: str = Field(min_length=1)
    description: str = ""
    depends_on: tuple[str, ...] = ()
    """Subtasks that must be finished before; stated twice is stated once."""
    coupling: Coupling = "weak"
    """How far it hangs on each of its predecessors' outputs."""
    estimated_tokens: int = Field(default=0, ge=0)
    """0: nobody knows."""
    skills: tuple[str, ...] = ()
    verifier: str = ""

    @field_validator("depends_on")
    @classmethod
    def _once(cls, named: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(named))


class Features(Value):
    """Figures of a plan's graph that no name and no order of the subtasks can move."""

    nodes: int = Field(ge=1)
    edges: int = Field(ge=0)
    layer_width: int = Field(ge=1)
    """Subtasks in the widest topological layer: never more than the exact width."""
    exact_width: int | None = None
    """Subtasks in the largest set of which none waits for another; None over `EXACT_UP_TO` subtasks."""
    depth: int = Field(ge=1)
    """Topological layers."""
    heaviest_tokens: int = Field(ge=0)
    """Estimated tokens on the heaviest path."""
    total_tokens: int = Field(ge=0)
    coupling: float = Field(ge=0, le=1)
    """Mean over the edges; 0 without edges."""

    @property
    def width(self) -> int:
        """The exact width where it is known, else that of the widest layer."""
        return self.layer_width if self.exact_width is None else self.exact_width

    @property
    def parallelism(self) -> float:
        """Width over nodes, in (0, 1]: AdaptOrch's r."""
        return self.width / self.nodes


class PlanGraph(NamedTuple):
    """A plan that was checked, by places: subtask `i` is the i-th of the plan."""

    subtasks: tuple[Subtask, ...]
    before: tuple[tuple[int, ...], ...]
    """The predecessors of each."""
    after: tuple[tuple[int, ...], ...]
    """The successors of each."""
    layer: tuple[int, ...]
    """The topological layer of each: 0, or one more than the highest layer of its predecessors."""
    order: tuple[int, ...]
    """All places, no subtask before its predecessors: by layer, then by place in the plan."""


def checked(subtasks: Sequence[Subtask]) -> PlanGraph:
    """Check a plan's graph, and order it.

    Raises:
        ConfigError: No subtasks, an id twice, an unknown predecessor, or a cycle, which is printed.
    """
    if not subtasks:
        raise ConfigError("plan", "has no subtasks: state at least one")
    place: dict[str, int] = {}
    for index, one in enumerate(subtasks):
        if place.setdefault(one.id, index) != index:
            raise ConfigError("plan", f"two subtasks have the id {one.id!r}: give each its own")
    before = tuple(_places(one, place) for one in subtasks)
    after: list[list[int]] = [[] for _ in subtasks]
    for index, needed in enumerate(before):
        for earlier in needed:
            after[earlier].append(index)
    layer, order, waiting = _layered(before, after)
    if len(order) < len(subtasks):
        raise ConfigError(
            "plan", f"subtasks wait for each other: {_cycle(subtasks, before, waiting)}: drop one dependency"
        )
    return PlanGraph(tuple(subtasks), before, tuple(map(tuple, after)), tuple(layer), tuple(order))


def features(graph: PlanGraph) -> Features:
    """The figures of a plan's graph.

    >>> a, b, c = Subtask(id="a"), Subtask(id="b", depends_on=("a",)), Subtask(id="c", depends_on=("a",))
    >>> found = features(checked([a, b, c]))
    >>> found.depth, found.width, found.coupling
    (2, 2, 0.3)
    """
    edges = sum(map(len, graph.before))
    widths = [0] * (1 + max(graph.layer))
    for layer in graph.layer:
        widths[layer] += 1
    tokens = [one.estimated_tokens for one in graph.subtasks]
    coupled = _mean_coupling(graph, edges)
    small = len(graph.subtasks) <= EXACT_UP_TO
    return Features(
        nodes=len(graph.subtasks),
        edges=edges,
        layer_width=max(widths),
        exact_width=exact_width(graph) if small else None,
        depth=len(widths),
        heaviest_tokens=max(heaviest_after(graph, tokens)),
        total_tokens=sum(tokens),
        coupling=coupled,
    )


def heaviest_after(graph: PlanGraph, weights: Sequence[int]) -> list[int]:
    """The weight of the heaviest path from each subtask to an end, itself included."""
    heaviest = [0] * len(weights)
    for index in reversed(graph.order):
        heaviest[index] = weights[index] + max((heaviest[later] for later in graph.after[index]), default=0)
    return heaviest


def heaviest_before(graph: PlanGraph, weights: Sequence[int]) -> list[int]:
    """The weight of the heaviest path from a start to each subtask, itself included."""
    heaviest = [0] * len(weights)
    for index in graph.order:
        heaviest[index] = weights[index] + max((heaviest[earlier] for earlier in graph.before[index]), default=0)
    return heaviest


def exact_width(graph: PlanGraph) -> int:
    """Subtasks in the largest set of which none waits for another (Dilworth, 1950): O(V^3 / 64) at worst."""
    reach = [0] * len(graph.subtasks)  # whoever waits for it, near or far, as bits
    for index in reversed(graph.order):
        for later in graph.after[index]:
            reach[index] |= reach[later] | 1 << later
    owner: dict[int, int] = {}  # right side -> left side
    owned: dict[int, int] = {}  # left side -> right side
    return len(reach) - sum(_augmented(index, reach, owner, owned) for index in graph.order)


def _layered(before: Sequence[Sequence[int]], after: Sequence[Sequence[int]]) -> tuple[list[int], list[int], list[int]]:
    """The layer of each, the order, and for how many each still waits, which is none without cycles (Kahn, 1962)."""
    waiting = [len(needed) for needed in before]
    layer = [0] * len(before)
    order: list[int] = []
    now = [index for index, count in enumerate(waiting) if not count]
    while now:
        order += now
        free: list[int] = []
        for index in now:
            for later in after[index]:
                waiting[later] -= 1
                if not waiting[later]:
                    layer[later] = layer[index] + 1
                    free.append(later)
        now = sorted(free)
    return layer, order, waiting


def _augmented(start: int, reach: Sequence[int], owner: dict[int, int], owned: dict[int, int]) -> bool:
    """Whether one more could be matched, by an alternating path from a left side that is free."""
    untried = ~0
    came_from: dict[int, int] = {}
    trail = [start]
    while trail:
        rest = reach[trail[-1]] & untried
        if not rest:
            trail.pop()
            continue
        right = (rest & -rest).bit_length() - 1
        untried ^= 1 << right
        came_from[right] = trail[-1]
        if right in owner:
            trail.append(owner[right])
            continue
        at: int | None = right
        while at is not None:  # flip the path back to its start, which owned nothing
            left = came_from[at]
            owner[at], owned[left], at = left, at, owned.get(left)
        return True
    return False


def _mean_coupling(graph: PlanGraph, edges: int) -> float:
    """Counted by label, so that the order of the edges cannot move the last bit."""
    counts = dict.fromkeys(COUPLINGS, 0)
    for one, needed in zip(graph.subtasks, graph.before, strict=True):
        counts[one.coupling] += len(needed)
    return sum(COUPLINGS[label] * count for label, count in counts.items()) / edges if edges else 0.0


def _places(one: Subtask, place: Mapping[str, int]) -> tuple[int, ...]:
    try:
        return tuple([place[name] for name in one.depends_on])
    except KeyError:
        unknown = next(name for name in one.depends_on if name not in place)
        raise ConfigError("plan", f"{one.id!r} depends on {unknown!r}, and there is no such subtask") from None


def _cycle(subtasks: Sequence[Subtask], before: Sequence[Sequence[int]], waiting: Sequence[int]) -> str:
    """One cycle in words, in the order of the work: every subtask that still waits has a predecessor that does."""
    at = next(index for index, count in enumerate(waiting) if count)
    seen: dict[int, int] = {}
    walked: list[int] = []
    while at not in seen:
        seen[at] = len(walked)
        walked.append(at)
        at = next(earlier for earlier in before[at] if waiting[earlier])
    ring = [*walked[seen[at] :], at][::-1]
    names = [subtasks[index].id for index in ring]
    if len(names) > _SHOWN:
        names = [*names[: _SHOWN - 2], f"({len(names) - _SHOWN} more)", *names[-2:]]
    return " -> ".join(names)
