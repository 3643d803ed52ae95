"""Plans for the tests of workflows: known shapes, and any graph without a cycle."""

from __future__ import annotations

from hypothesis import strategies as st

from agora.workflows.features import Coupling, Subtask

LABELS: tuple[Coupling, ...] = ("none", "weak", "strong", "critical")


def plan(edges: dict[str, str], *, coupling: Coupling = "weak") -> list[Subtask]:
    """Subtasks from a letter each and the letters that it depends on."""
    return [Subtask(id=name, depends_on=tuple(needed), coupling=coupling) for name, needed in edges.items()]


def chain(length: int, *, coupling: Coupling = "weak") -> list[Subtask]:
    needs = [(f"s{number - 1}",) if number else () for number in range(length)]
    return [Subtask(id=f"s{number}", depends_on=need, coupling=coupling) for number, need in enumerate(needs)]


def fan(width: int, *, coupling: Coupling = "weak") -> list[Subtask]:
    leaves = [Subtask(id=f"leaf{number}", depends_on=("root",), coupling=coupling) for number in range(width)]
    return [Subtask(id="root"), *leaves]


def diamond(*, coupling: Coupling = "weak") -> list[Subtask]:
    return plan({"a": "", "b": "a", "c": "a", "d": "bc"}, coupling=coupling)


def dense(nodes: int, *, coupling: Coupling = "strong", layers: int = 2) -> list[Subtask]:
    """Every subtask depends on all of every layer before."""
    layer = [number * layers // nodes for number in range(nodes)]
    return [
        Subtask(
            id=f"s{number}",
            depends_on=tuple(f"s{earlier}" for earlier in range(number) if layer[earlier] < layer[number]),
            coupling=coupling,
        )
        for number in range(nodes)
    ]


@st.composite
def graphs(draw: st.DrawFn, most: int = 12) -> list[Subtask]:
    """Any plan without a cycle, its subtasks in any order."""
    size = draw(st.integers(1, most))
    made: list[Subtask] = []
    for number in range(size):
        needed = draw(st.sets(st.integers(0, number - 1), max_size=number)) if number else set[int]()
        tokens, label = draw(st.integers(0, 5000)), draw(st.sampled_from(LABELS))
        depends_on = tuple(f"s{earlier}" for earlier in sorted(needed))
        made.append(Subtask(id=f"s{number}", depends_on=depends_on, coupling=label, estimated_tokens=tokens))
    return draw(st.permutations(made))
