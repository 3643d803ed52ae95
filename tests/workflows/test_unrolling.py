"""Synthesis written out: nothing superfluous where answers agree, and a hard cap where they never do."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable

import pytest

from agora.errors import ConfigError
from agora.tasks import Check, Verdict
from agora.workflows.arranging import features_of
from agora.workflows.checking import checked
from agora.workflows.expanding import Progress
from agora.workflows.features import Coupling
from agora.workflows.flow import Workflow
from agora.workflows.instances import Ending, Instance, Ready
from agora.workflows.nodes import Each, Flow, TaskNode
from agora.workflows.synthesis import most_reroutes
from agora.workflows.topology import Topology
from agora.workflows.unrolling import UNRESOLVED, synthesised


def independent(count: int) -> Flow:
    flow = Workflow("w", inputs={"q": "?"}, synthesis=True)
    for number in range(count):
        flow.task(f"w{number}", "Answer {q}", verify="true")
    return flow.build()


def diamond_of_answers(count: int, coupling: Coupling) -> Flow:
    """One task, and answers that hang on it."""
    flow = Workflow("w", inputs={"q": "?"}, synthesis=True)
    flow.task("read", "Read for {q}")
    for number in range(count - 1):
        flow.task(f"w{number}", "Answer {q} by {read}", after=["read"], coupling=coupling)
    return flow.build()


def run(flow: Flow, answer: Callable[[Instance], str]) -> tuple[list[Instance], Ready]:
    progress, ran = Progress(flow, {}), list[Instance]()
    ready = list(progress.ready.start)
    while ready:
        one = ready.pop(0)
        ran.append(one)
        ready += progress.finish(one.id, Ending(verdict=Verdict.UNKNOWN, output=answer(one)))
    return ran, progress.ready


def alike(one: Instance) -> str:
    return "forty-two"


def own(one: Instance) -> str:
    return f"{one.id} says so"


def test_workers_that_agree_at_once_run_nothing_superfluous() -> None:
    unrolled = synthesised(independent(4))
    ran, stands = run(checked(unrolled.flow), alike)
    assert [one.id for one in ran] == ["w0", "w1", "w2", "w3", "merged"]
    assert stands.outputs == {"result": "forty-two"}
    assert {one.source for one in ran[-1].before} >= {"w0", "w1", "w2", "w3"}


def test_an_arbiter_that_is_heard_ends_it_without_a_re_route() -> None:
    def heard(one: Instance) -> str:
        return "agreed" if "an arbiter ruled" in one.text else own(one)

    ran, stands = run(synthesised(independent(4)).flow, heard)
    assert [one.id for one in ran] == [
        *("w0", "w1", "w2", "w3"),
        "arbiter",
        *("w0-again", "w1-again", "w2-again", "w3-again"),
        "merged-again",
    ]
    assert list(stands.outputs) == ["result"]
    again = next(one for one in ran if one.id == "w1-again")
    assert "| w1 says so" in again.text
    assert "| arbiter says so" in again.text


@pytest.mark.parametrize("count", [4, 5])
@pytest.mark.parametrize(("coupling", "most"), [("none", 5), ("weak", 4), ("strong", 2), ("critical", 0), (None, 5)])
def test_workers_that_never_agree_reach_the_cap_and_it_is_said(
    count: int, coupling: Coupling | None, most: int
) -> None:
    flow = diamond_of_answers(count, coupling) if coupling else independent(count)
    cap = most_reroutes(features_of(flow).coupling)
    assert cap == most
    unrolled = synthesised(flow)
    assert len(unrolled.topologies) == cap + 1
    if cap:
        assert unrolled.topologies[-1] is Topology.HIERARCHICAL
    ran, stands = run(checked(unrolled.flow), own)
    kinds = Counter(one.id.rstrip("0123456789").removesuffix("-r") for one in ran)
    assert kinds["arbiter"] == cap + 1
    first = [one.id for one in ran if one.id.startswith(("w0-r", "w0")) and "again" not in one.id]
    assert first == ["w0", *(f"w0-r{turn}" for turn in range(1, cap + 1))]
    assert (ran[-1].id, kinds["merged"], kinds["merged-again"]) == ("decide", 0, 0)
    assert kinds["brief"] == (1 if cap else 0)
    assert list(stands.outputs) == [UNRESOLVED, "result"]
    assert stands.outputs["result"] == "decide says so"
    assert json.loads(str(stands.outputs[UNRESOLVED]))["agree"] is False
    assert stands.verdict is Verdict.UNKNOWN, "what is unresolved is never passed"


def test_a_re_route_that_agrees_is_the_last() -> None:
    def second(one: Instance) -> str:
        return "agreed" if "-r2" in one.id else own(one)

    ran, stands = run(synthesised(independent(5)).flow, second)
    assert ran[-1].id == "merged-r2"
    assert not any("-r3" in one.id for one in ran)
    assert stands.outputs == {"result": "agreed"}


def test_what_each_answer_must_pass_the_one_must_pass() -> None:
    nodes = {node.id: node for node in synthesised(independent(4)).flow.nodes}
    for name in ("merged", "merged-again-r5", "decide"):
        node = nodes[name]
        assert isinstance(node, TaskNode)
        assert node.verify == Check(kind="command", options={"command": "true"})


def test_the_items_of_a_map_are_answers_to_one_question_and_answer_again() -> None:
    flow = Workflow("w", synthesis=True)
    flow.task("roles", "roles")
    flow.task("answer", "Answer as {item}", after=["roles"], each=Each(of="roles"))

    def answer(one: Instance) -> str:
        if one.id == "roles":
            return '["a", "b", "c"]'
        return "same" if "again" in one.id else own(one)

    ran, stands = run(checked(synthesised(flow.build()).flow), answer)
    assert [one.id for one in ran][4:] == ["arbiter", *(f"answer-again[{at}]" for at in range(3)), "merged-again"]
    assert stands.outputs == {"result": "same"}


def test_nothing_is_compared_where_there_is_one_answer_or_a_sequence() -> None:
    flow = Workflow("w", synthesis=True)
    flow.task("a", "a")
    flow.task("b", "b", after=["a"])
    assert [node.id for node in synthesised(flow.build()).flow.nodes] == ["a", "b"]
    unrolled = synthesised(independent(4), Topology.SEQUENTIAL)
    ran, stands = run(checked(unrolled.flow), own)
    assert [one.id for one in ran] == ["w0", "w1", "w2", "w3"]
    assert stands.outputs == {"w3": "w3 says so"}


def test_an_end_that_cannot_answer_again_is_refused() -> None:
    flow = Workflow("w", synthesis=True)
    flow.task("a", "a")
    flow.approve("ask", "ok?")
    with pytest.raises(ConfigError, match=r"task 'ask' cannot answer again"):
        synthesised(flow.build())
