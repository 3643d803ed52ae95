"""In which topology a workflow runs, decided before it begins: as it says, by the rule, or by what was learned.

The decision is an event beside the graph that it leads to, so a run that is taken up again decides nothing anew. What
is learned (AgensFlow, arXiv 2605.27466; `choosing.py`) comes from the ledger alone: from runs whose verdict rests on
tests, matches or a person, in the order in which they ended, each decision once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from agora.errors import ConfigError
from agora.events import Asked, Awarded, Done, FlowEnded, TopologyChosen, Verified
from agora.flow_events import ActionChosen
from agora.records import Recorded
from agora.tasks import Verdict
from agora.values import JsonValue
from agora.workflows import choosing
from agora.workflows.arranging import arranged, features_of
from agora.workflows.checking import checked
from agora.workflows.choosing import Experience, Option, Outcome, Regime, Rule, Step, fold, invoke, skip
from agora.workflows.nodes import Flow, TaskNode
from agora.workflows.renaming import without
from agora.workflows.topology import Topology, decide
from agora.workflows.unrolling import synthesised

RULE: Final = Rule(even_share=0.05)
"""One choice in twenty is drawn evenly, so that the propensity of each is known and above 0."""
MOST_RUNS: Final = 1_000
"""So many of the latest runs are learned from."""
MOST_OPTIONAL: Final = 20
"""The most nodes of one workflow that are learned to be left out."""

Draw = Callable[[str], float]
"""Label -> a draw in [0, 1) that depends on the run's seed and the label alone."""


class Shaped(NamedTuple):
    """A workflow as it is put on record, and what was decided of it and of those that it uses."""

    flow: Flow
    chosen: tuple[TopologyChosen, ...]


def shaped(flow: Flow, *, decision: str, draw: Draw, experience: Callable[[], Experience]) -> Shaped:
    """The workflow, and each that it uses, in its topology and with its synthesis.

    Args:
        flow: One that was checked.
        decision: What the ids of decisions begin with: the run.
        draw: Chance.
        experience: What was learned; asked for only where a workflow is chosen for by it.

    Raises:
        ConfigError: A topology that is stated, or a synthesis, cannot be.
    """
    known: list[Experience] = []

    def learned() -> Experience:
        if not known:
            known.append(experience())
        return known[0]

    made: list[Flow] = []
    chosen: list[TopologyChosen] = []
    for one in (flow, *flow.flows):
        if one.topology == "parallel" and one.synthesis is None:
            made.append(one)
            continue
        alone = one.model_copy(update={"flows": ()})
        new, event = topology_of(alone, decision=f"{decision}/{one.name}", draw=draw, experience=learned)
        made.append(new)
        chosen.append(event)
    whole = made[0].model_copy(update={"flows": tuple(made[1:])})
    return Shaped(checked(whole) if chosen else flow, tuple(chosen))


def topology_of(
    flow: Flow, *, decision: str, draw: Draw, experience: Callable[[], Experience]
) -> tuple[Flow, TopologyChosen]:
    """One workflow in its topology and with its synthesis, and what was decided of it.

    Args:
        flow: Without those that it uses.
        decision: The decision's id.
        draw: Chance.
        experience: What was learned; asked for only where it is chosen by that.

    Raises:
        ConfigError: A topology that is stated, or a synthesis, cannot be.
    """
    found = features_of(flow)
    stated = {
        "task": flow.name,
        "decision": decision,
        "features": found.model_dump(mode="json"),
        "stated": on_record(flow),
    }
    rule = decide(found)
    if flow.topology == "learned":
        new, more = _learned(flow, draw, experience())
        topology = Topology(str(more["topology"]))
    elif flow.topology == "auto":
        new, topology, reason = flow, rule.topology, rule.reason
        if topology not in _possible(flow):
            topology, reason = Topology.PARALLEL, f"{reason}; {topology} would add too many edges"
        more = {"by": "rule", "topology": topology, "reason": reason}
    else:
        new, topology = flow, Topology(flow.topology)
        more = {"by": "stated", "topology": topology, "reason": "its definition says so"}
    if flow.synthesis is None:
        return arranged(new, topology), TopologyChosen.model_validate({**stated, **more})
    unrolled = synthesised(new, topology)
    more = {**more, "topology": unrolled.topologies[0], "reroutes": unrolled.topologies[1:]}
    return unrolled.flow, TopologyChosen.model_validate({**stated, **more})


def on_record(flow: Flow) -> dict[str, JsonValue]:
    """A workflow as JSON, without what it leaves open; the same whatever PYTHONHASHSEED says."""
    nodes: list[JsonValue] = []
    for node in flow.nodes:
        stated = node.model_dump(mode="json", exclude_defaults=True)
        if "labels" in stated:
            stated["labels"] = sorted(stated["labels"])
        nodes.append({"kind": node.kind, **stated})
    whole: dict[str, JsonValue] = flow.model_dump(mode="json", exclude_defaults=True, exclude={"nodes", "flows"})
    return {**whole, "nodes": nodes, "flows": [on_record(other) for other in flow.flows]}


def _possible(flow: Flow) -> list[Topology]:
    """The topologies in which the workflow can run."""
    possible: list[Topology] = []
    for topology in Topology:
        try:
            arranged(flow, topology)
        except ConfigError:
            continue
        possible.append(topology)
    return possible


def _learned(flow: Flow, draw: Draw, known: Experience) -> tuple[Flow, dict[str, object]]:
    """The topology, then each node that may be left out."""
    found = features_of(flow)
    regime = regime_of(flow)
    signature = fold(found, regime=regime)
    actions = {invoke(topology.value): topology for topology in _possible(flow)}
    by_rule = invoke(decide(found).topology.value)
    first = _chosen(known, signature, list(actions), suggested=by_rule, draw=draw(f"topology/{flow.name}"))
    choices, left_out = [first], list[str]()
    for node in [node for node in flow.nodes if node.optional][:MOST_OPTIONAL]:
        under = f"{signature} {flow.name}"
        one = _chosen(
            known,
            under,
            [invoke(node.id), skip(node.id)],
            suggested=invoke(node.id),
            draw=draw(f"topology/{flow.name}/{node.id}"),
        )
        choices.append(one)
        if one.action == skip(node.id):
            left_out.append(node.id)
    more: dict[str, object] = {
        "by": "learned",
        "topology": actions[first.action],
        "reason": f"under {signature!r}: {first.reason}",
        "version": choosing.VERSION,
        "regime": regime,
        "choices": tuple(choices),
        "left_out": tuple(left_out),
    }
    return (without(flow, left_out) if left_out else flow), more


def _chosen(known: Experience, signature: str, actions: list[str], *, suggested: str, draw: float) -> ActionChosen:
    options = [Option(action, lot=_lot(signature, action)) for action in actions]
    one = choosing.choose(known, signature, options, draw=draw, suggested=suggested, rule=RULE)
    return ActionChosen(
        signature=signature,
        action=one.action,
        propensity=one.propensity,
        scores={scored.action: scored.score for scored in sorted(one.options, key=lambda each: each.action)},
        reason=one.reason,
    )


def _lot(signature: str, action: str) -> str:
    return hashlib.sha256(f"{signature}\0{action}".encode()).hexdigest()


def regime_of(flow: Flow) -> Regime:
    """What kind of work it is taken for: a judgement from what is stated, not measured.

    Ambiguous where nothing is verified, evidence-heavy where it goes over lists, else straightforward.
    """
    tasks = [node for node in flow.nodes if isinstance(node, TaskNode)]
    if not any(node.verify for node in tasks):
        return "ambiguous"
    return "evidence_heavy" if any(node.each for node in flow.nodes) else "straightforward"


def experienced(runs: Iterable[Iterable[Recorded]]) -> Experience:
    """What is known after runs that ended with a verdict that rests on tests, matches or a person.

    Args:
        runs: The events of each, in order.
    """
    ended: list[tuple[int, list[Outcome]]] = []
    for events in runs:
        chosen: list[TopologyChosen] = []
        grounded: list[bool] = []
        verdict, tokens, awards, seq = Verdict.UNKNOWN, 0, dict[str, int](), 0
        for at, event in ((one.seq, one.event) for one in events):
            if isinstance(event, TopologyChosen) and event.version == choosing.VERSION:
                chosen.append(event)
            elif isinstance(event, Verified) and event.outcome.verdict is not Verdict.UNKNOWN:
                grounded.append(event.outcome.grounded)
            elif isinstance(event, Asked) and event.question.about == "step" and event.granted is not None:
                grounded.append(True)
            elif isinstance(event, Awarded):
                awards[event.task] = awards.get(event.task, 0) + 1
            elif isinstance(event, FlowEnded):
                verdict = event.verdict
            elif isinstance(event, Done):
                tokens, seq = event.usage.tokens, at
        if seq and grounded and all(grounded) and verdict is not Verdict.UNKNOWN:
            retries = sum(awards.values()) - len(awards)
            ended.append((seq, [_outcome(one, verdict, tokens, retries) for one in chosen]))
    return Experience.restored(outcome for _, outcomes in sorted(ended, key=lambda one: one[0]) for outcome in outcomes)


def _outcome(chosen: TopologyChosen, verdict: Verdict, tokens: int, retries: int) -> Outcome:
    passed = verdict is Verdict.PASSED
    return Outcome(
        decision=chosen.decision,
        steps=tuple(Step(signature=one.signature, action=one.action, failed=not passed) for one in chosen.choices),
        quality=float(passed),
        tokens=tokens,
        retries=retries,
    )
