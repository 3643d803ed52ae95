"""Synthesis as a graph: what may follow where ends differ is written out before it runs (AdaptOrch, Algorithm 2).

The ends answer the same question. They are compared; where they agree they are merged. Where they differ an arbiter
rules, the workers answer again, and these answers are compared. Where they still differ the whole plan runs again in
the next topology, at most as often as `synthesis.py` allows, the last time with a lead, who then decides. Which
topology comes next depends on the graph's figures alone, so all of it is known before anything runs: one graph, whose
conditions look at what was compared. What is not needed is skipped, and costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from agora.errors import ConfigError
from agora.workflows import synthesis
from agora.workflows.arranging import arranged, behind, by_lead, ends_of, features_of, lead_of, plan_of
from agora.workflows.nodes import MOST_NODES, CompareNode, Flow, Node, Synthesis, TaskNode, TextNode, When
from agora.workflows.renaming import fresh, renamed
from agora.workflows.synthesis import Move
from agora.workflows.topology import Topology

UNRESOLVED: Final = "consistency_unresolved"
"""The node, and so the output, that says that the outputs still differed at the end."""

MERGE: Final = """\
The answers below are to the same question, and agree. Make them one answer: keep all that they share, and what only one
of them has where it does not contradict the others. Hand in that answer alone."""
RULE: Final = """\
The answers below are to the same question, and differ. Say where, and for each difference which of them is right and
why, by reasons that can be checked. Do not write an answer of your own."""
AGAIN: Final = """

You answered this before:
{%s.quoted}

The answers of several differed, and an arbiter ruled:
{%s.quoted}

Answer again."""
DECIDE: Final = """\
The answers below are to the same question, and still differ after an arbiter ruled. Decide: hand in the answer that is
best supported, and say in one line what it rests on."""


class Unrolled(NamedTuple):
    """A workflow with its synthesis."""

    flow: Flow
    topologies: tuple[Topology, ...]
    """In which the plan runs: the first time, then each time that it is re-routed."""


def synthesised(flow: Flow, first: Topology | None = None) -> Unrolled:
    """The workflow with all that its synthesis may need, and without its `synthesis` key.

    Args:
        flow: One that was checked; its ends answer the same question.
        first: The topology in which it runs first; None: by the rule.

    Returns:
        With one end that is no map, or in a sequence, nothing is compared: the last output has seen all others.

    Raises:
        ConfigError: An end is no task, or there would be more nodes than `MOST_NODES`.
    """
    options = flow.synthesis or Synthesis()
    flow = flow.model_copy(update={"synthesis": None})
    by_id = {node.id: node for node in flow.nodes}
    ends = ends_of(flow)
    found = features_of(flow)
    state = synthesis.begin(found, topology=first)
    if len(ends) == 1 and by_id[ends[0]].each is None:
        return Unrolled(arranged(flow, state.topology), (state.topology,))
    if state.topology is Topology.SEQUENTIAL:
        if first is not None and len(ends) > 1:
            return Unrolled(_last_of(arranged(flow, state.topology)), (state.topology,))
        state = state.model_copy(update={"topology": Topology.PARALLEL})  # a map in a chain: its items run at once
    for end in ends:
        if not isinstance(by_id[end], TaskNode):
            what = f"task {end!r} cannot answer again: only a `goal` can be an end of what is made one"
            raise ConfigError(f"workflow {flow.name!r}: synthesis", what)
    topologies = tuple(_topologies(state))
    most = len(topologies) * (len(flow.nodes) + len(ends) + 6) + 3
    if most > MOST_NODES:
        what = f"comes to {most:,} nodes with all re-routes, and {MOST_NODES:,} is the most: use fewer tasks"
        raise ConfigError(f"workflow {flow.name!r}: synthesis", what)
    return Unrolled(_Unrolling(flow, ends, options).unrolled(topologies), topologies)


def _topologies(state: synthesis.Synthesis) -> Iterator[Topology]:
    """The topologies of outputs that never agree."""
    yield state.topology
    while not state.finished:
        step = synthesis.advance(state, -1.0)
        state = step.state
        if step.move is Move.REROUTE:
            yield state.topology


def _last_of(flow: Flow) -> Flow:
    """The output is that of the last in a sequence."""
    waited = {name for node in flow.nodes for name in node.waits_for} | {node.fallback for node in flow.nodes}
    last = next(node.id for node in flow.nodes if node.id not in waited)
    return flow.model_copy(update={"output": last})


class _Unrolling:
    """One synthesis that is being written out."""

    def __init__(self, flow: Flow, ends: Sequence[str], options: Synthesis) -> None:
        self._flow, self._ends, self._options = flow, ends, options
        self._own = {node.id for node in flow.nodes}
        self._taken = self._own | set(flow.inputs)
        self._nodes: list[Node] = []
        self._results: list[str] = []
        lead = lead_of(flow, plan_of(flow))
        stated: dict[str, object] = {"id": "lead", "goal": "lead"}
        self._lead = lead or TaskNode.model_validate(stated)
        self._judge = self._lead.model_copy(update={"agents": options.agents, "skill": ""})
        tasks = [node for node in flow.nodes if node.id in ends and isinstance(node, TaskNode)]
        alike = [{"verify": one.verify, "protect": one.protect, "workspace": one.workspace} for one in tasks]
        self._checks = alike[0] if all(one == alike[0] for one in alike) else {}  # what each must pass, the one must

    def unrolled(self, topologies: Sequence[Topology]) -> Flow:
        """The whole."""
        differ: When | None = None
        answers: tuple[str, ...] = ()
        for turn, topology in enumerate(topologies):
            names = self._plan(turn, topology, differ)
            differ, answers = self._settled(turn, tuple(names[end] for end in self._ends))
        assert differ is not None
        at = differ.of.partition(".")[0]
        more = {**self._checks, "when": (differ,), "follows": (at,)}
        decide = by_lead(self._lead, self._name("decide"), DECIDE, after=answers, **more)
        unresolved = CompareNode(
            id=self._name(UNRESOLVED),
            compare=answers,
            threshold=self._options.threshold,
            needs="any",
            follows=(at,),
            when=(differ,),
        )
        self._results.append(decide.id)
        self._nodes += [decide, unresolved]
        needed = {name for node in self._nodes for name in (*node.after, node.fallback)}
        result = TextNode(
            id=self._name("result"),
            text="".join(f"{{{name}}}" for name in self._results),
            after=tuple(node.id for node in self._nodes if node.id not in needed and node.id != unresolved.id),
            needs="any",
        )
        self._nodes.append(result)
        return self._flow.model_copy(update={"nodes": tuple(self._nodes), "output": ""})

    def _plan(self, turn: int, topology: Topology, differ: When | None) -> Mapping[str, str]:
        """The plan once more, from where the answers of the time before differ; its names."""
        planned = arranged(self._flow, topology, reconcile=False)
        names = {node.id: self._name(f"{node.id}-r{turn}" if turn else node.id, turn) for node in planned.nodes}
        stand_in = {node.fallback for node in planned.nodes}
        for node in planned.nodes:
            copy = renamed(node, names)
            if differ is not None and not copy.after and node.id not in stand_in:
                at = differ.of.partition(".")[0]
                copy = copy.model_copy(update={"after": (at,), "when": (differ, *copy.when)})
            self._nodes.append(copy)
        return names

    def _settled(self, turn: int, ends: tuple[str, ...]) -> tuple[When, tuple[str, ...]]:
        """Compare, merge or rule, answer again, compare, merge: where it then differs, and the last answers."""
        compare = self._compared(f"agree-r{turn}" if turn else "agree", ends)
        differ = When(of=f"{compare}.agree", equals=False)
        self._merged(f"merged-r{turn}" if turn else "merged", ends, compare)
        arbiter = by_lead(
            self._judge,
            self._name(f"arbiter-r{turn}" if turn else "arbiter"),
            RULE,
            after=ends,
            when=(differ,),
            follows=(compare,),
        )
        self._nodes.append(arbiter)
        nodes = {node.id: node for node in self._nodes}
        again: list[str] = []
        for end in ends:
            node = nodes[end]
            assert isinstance(node, TaskNode)
            changed: dict[str, object] = {
                "id": self._name(f"{end}-again"),
                "goal": behind(node.goal, AGAIN % (end, arbiter.id)),
                "after": tuple(dict.fromkeys((*node.after, end))),
                "follows": (arbiter.id,),
                "when": (differ,),
                "fallback": "",
                "on_failure": "continue" if node.on_failure == "fallback" else node.on_failure,
            }
            if node.repeat:
                new = renamed(node, {end: str(changed["id"])})
                changed["repeat"] = new.repeat
            copy = node.model_copy(update=changed)
            again.append(copy.id)
            self._nodes.append(copy)
        last = self._compared(f"agree-again-r{turn}" if turn else "agree-again", tuple(again))
        self._merged(f"merged-again-r{turn}" if turn else "merged-again", tuple(again), last)
        return When(of=f"{last}.agree", equals=False), tuple(again)

    def _compared(self, name: str, texts: tuple[str, ...]) -> str:
        node = CompareNode(
            id=self._name(name), compare=texts, after=texts, threshold=self._options.threshold, needs="any"
        )
        self._nodes.append(node)
        return node.id

    def _merged(self, name: str, texts: tuple[str, ...], compare: str) -> None:
        agree = When(of=f"{compare}.agree", equals=True)
        more = {**self._checks, "when": (agree,), "follows": (compare,)}
        node = by_lead(self._judge, self._name(name), MERGE, after=texts, **more)
        self._results.append(node.id)
        self._nodes.append(node)

    def _name(self, name: str, turn: int = 1) -> str:
        """A name that is free; the plan keeps its own the first time."""
        if not turn and name in self._own:
            return name
        one = fresh(name, self._taken)
        self._taken.add(one)
        return one
