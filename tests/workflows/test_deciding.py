"""Topologies in real runs: the order of starts, what is on record, and what later runs learn from it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from agora.agents.function import FunctionAgent
from agora.ambient import SystemClock
from agora.bids import Plan
from agora.errors import ConfigError
from agora.events import Done, Event, FlowBegan, FlowEnded, Performed, Posted, TopologyChosen, Verified
from agora.flow_events import ActionChosen
from agora.market import Market
from agora.memory.in_memory import MemoryStore
from agora.memory.sql_store import SQLStore
from agora.protocols import Desk, Store
from agora.records import Recorded
from agora.tasks import Check, Usage, Verdict
from agora.tasks import Outcome as Found
from agora.workflows.choosing import VERSION, Experience, Option, Outcome, Step, choose, invoke, skip
from agora.workflows.deciding import MOST_RUNS, experienced, shaped
from agora.workflows.executor import FlowReport, resume_flow, run_flow
from agora.workflows.flow import Workflow
from agora.workflows.nodes import Flow, Topologies
from agora.workflows.toml import load_flow
from agora.workflows.unrolling import UNRESOLVED


def market(perform: Callable[[Desk], str], *, store: Store | None = None) -> Market:
    async def work(desk: Desk, plan: Plan) -> str:
        await anyio.lowlevel.checkpoint()
        return perform(desk)

    agents = [FunctionAgent("worker", work, plan=Plan(text="1. do it"))]
    return Market(agents, store=store or MemoryStore(clock=SystemClock()), seed=1, attempts=1)


def say(desk: Desk) -> str:
    return f"made by {desk.task.id}"


def two_layers(topology: Topologies) -> Flow:
    """Two roots, and one task behind each: wide and weak."""
    flow = Workflow("plan", topology=topology)
    for name in "ab":
        flow.task(name, f"do {name}")
    for name in "ab":
        flow.task(f"{name}2", f"go on with {{{name}}}", after=[name])
    return flow.build()


async def order_of(topology: Topologies) -> tuple[list[str], FlowReport, MemoryStore]:
    store = MemoryStore(clock=SystemClock())
    done = await run_flow(market(say, store=store), two_layers(topology), parallel=4)
    events = [item.event for item in store.events(done.report.run)]
    told = [
        ("+" if isinstance(one, Posted) else "-") + one.task for one in events if isinstance(one, Posted | Performed)
    ]
    return told, done, store


async def test_parallel_starts_a_node_when_its_own_predecessor_is_done() -> None:
    told, done, store = await order_of("parallel")
    assert told.index("+a2") > told.index("-a")
    assert set(done.outputs) == {"a2", "b2"}
    assert not [item for item in store.events() if isinstance(item.event, TopologyChosen)], "nothing was decided"


async def test_sequential_does_one_thing_at_a_time_and_shows_what_was_done() -> None:
    told, done, store = await order_of("sequential")
    names = [name[1:] for name in told[::2]]
    assert told == [sign + name for name in names for sign in "+-"]
    assert names[:2] in (["a", "b"], ["b", "a"])
    goals = {one.task.id: one.task.goal for one in done.report.results}
    assert "made by a" in goals["b2"], "it is shown more than its own predecessor"
    (chosen,) = [item.event for item in store.events() if isinstance(item.event, TopologyChosen)]
    assert (chosen.by, chosen.topology, chosen.decision) == ("stated", "sequential", f"{done.report.run}/plan")
    assert set(done.outputs) == {"a2", "b2"}


async def test_hybrid_waits_for_the_whole_layer() -> None:
    told, _, _ = await order_of("hybrid")
    ends = max(told.index("-a"), told.index("-b"))
    assert min(told.index("+a2"), told.index("+b2")) > ends


async def test_hierarchical_is_briefed_first_and_merged_last() -> None:
    told, done, _ = await order_of("hierarchical")
    assert told[:2] == ["+brief", "-brief"]
    assert told[-2:] == ["+merge", "-merge"]
    assert done.outputs == {"merge": "made by merge"}
    goals = {one.task.id: one.task.goal for one in done.report.results}
    assert "| made by brief" in goals["b2"]
    assert "made by a2" in goals["merge"]


async def test_auto_goes_by_the_rule_and_says_why() -> None:
    _, _, store = await order_of("auto")
    (chosen,) = [item.event for item in store.events() if isinstance(item.event, TopologyChosen)]
    assert (chosen.by, chosen.topology) == ("rule", "hybrid")
    assert "mean coupling 0.30" in chosen.reason
    assert chosen.features["nodes"] == 4


async def test_a_run_that_is_taken_up_again_decides_nothing_anew(tmp_path: Path) -> None:
    """The graph on record is the one that was decided; it was cut off in the middle."""
    path, cut, begun = str(tmp_path / "agora.db"), anyio.CancelScope(), list[str]()

    def until(name: str) -> Callable[[Desk], str]:
        def perform(desk: Desk) -> str:
            begun.append(desk.task.id)
            if desk.task.id == name:
                cut.cancel()
            return f"made by {desk.task.id}"

        return perform

    store = SQLStore.open(path, clock=SystemClock())
    with cut:
        await run_flow(market(until("b"), store=store), two_layers("hierarchical"), parallel=1)
    run = store.runs()[0].id
    await store.close()
    before = [name for name in begun if name != "b"]
    assert before[0] == "brief"
    assert "merge" not in before
    begun.clear()
    store = SQLStore.open(path, clock=SystemClock())
    done = await resume_flow(market(until(""), store=store), run)
    assert begun[-1] == "merge"
    assert not set(before) & set(begun), "what was done is not done again"
    assert done.output == "made by merge"
    for kind in (FlowBegan, TopologyChosen):
        assert sum(isinstance(item.event, kind) for item in store.events(run)) == 1
    await store.close()


async def test_answers_that_never_agree_end_and_it_is_said_in_the_report() -> None:
    flow = Workflow("q", synthesis=True, topology="auto")
    for number in range(4):
        flow.task(f"w{number}", "How many?")
    store = MemoryStore(clock=SystemClock())
    done = await run_flow(market(say, store=store), flow.build())
    assert done.consistency_unresolved
    assert done.outputs["result"] == "made by decide"
    assert json.loads(str(done.outputs[UNRESOLVED]))["distinct"] == 4
    (chosen,) = [item.event for item in store.events() if isinstance(item.event, TopologyChosen)]
    assert chosen.reroutes == ("parallel", "parallel", "parallel", "parallel", "hierarchical")
    arbiters = [one.task.id for one in done.report.results if one.task.id.startswith("arbiter")]
    assert len(arbiters) == 6


async def test_answers_that_agree_take_one_more_call_and_nothing_else() -> None:
    flow = Workflow("q", synthesis=True)
    for number in range(4):
        flow.task(f"w{number}", "How many?")
    done = await run_flow(market(lambda desk: "42"), flow.build())
    assert [one.task.id for one in done.report.results] == ["w0", "w1", "w2", "w3", "merged"]
    assert not done.consistency_unresolved
    assert done.outputs == {"result": "42"}


def learning_flow() -> Flow:
    flow = Workflow("plan", topology="learned")
    flow.task("a", "do a")
    flow.task("check", "look at {a}", after=["a"], optional=True)
    flow.task("b", "go on with {a}{check}", after=["check"], verify=exact("good"))
    return flow.build()


def exact(answer: str) -> Check:
    return Check(kind="exact", options={"answer": answer})


async def test_later_runs_learn_from_the_ledger_what_failed_and_what_passed() -> None:
    """Work that passes only when the check is left out: later runs leave it out; no state but the ledger."""
    store = MemoryStore(clock=SystemClock())

    def perform(desk: Desk) -> str:
        return (
            "bad"
            if desk.task.id == "b" and "made by check" in desk.task.goal
            else ("good" if desk.task.id == "b" else say(desk))
        )

    left_out: list[bool] = []
    for seed in range(8):
        here = Market(
            [FunctionAgent("worker", lambda desk, plan: _done(perform, desk), plan=Plan(text="1. do it"))],
            store=store,
            seed=seed,
            attempts=1,
        )
        done = await run_flow(here, learning_flow())
        left_out.append("check" not in {one.task.id for one in done.report.results})
        assert (done.verdict is Verdict.PASSED) == left_out[-1]
    assert not left_out[0], "who was never tried comes first, and to do it before to leave it out"
    assert left_out[1]
    assert sum(left_out) >= 5
    runs = [info.id for info in reversed(store.runs())]
    known = experienced(store.events(run) for run in runs)
    again = experienced(store.events(run) for run in runs + runs)
    assert known.to_json() == again.to_json(), "each decision is learned once"
    events = [item.event for item in store.events() if isinstance(item.event, TopologyChosen)]
    under = events[0].choices[1].signature
    assert known.cell(under, skip("check")).failures == 0
    assert known.cell(under, invoke("check")).failures == known.cell(under, invoke("check")).visits > 0
    for number, event in enumerate(events):  # what was chosen is what the ledger until then says
        then = experienced(store.events(run) for run in runs[:number])
        topologies = event.choices[0]
        assert {one: None if score is None else round(score, 9) for one, score in topologies.scores.items()} == {
            one.action: None if one.score is None else round(one.score, 9)
            for one in choose(
                then, topologies.signature, [Option(action) for action in topologies.scores], draw=0.5
            ).options
        }


async def _done(perform: Callable[[Desk], str], desk: Desk) -> str:
    await anyio.lowlevel.checkpoint()
    return perform(desk)


async def test_nothing_is_learned_from_verdicts_that_nobody_grounded() -> None:
    store = MemoryStore(clock=SystemClock())
    for _ in range(2):
        await run_flow(market(say, store=store), two_layers("learned"))
    known = experienced(store.events(info.id) for info in store.runs(limit=MOST_RUNS))
    assert json.loads(known.to_json())["seen"] == []


def test_one_choice_in_twenty_is_drawn_evenly_and_its_propensity_known() -> None:
    def event(draw: float) -> TopologyChosen:
        made = shaped(two_layers("learned"), decision="r", draw=lambda _: draw, experience=Experience)
        return made.chosen[0]

    assert event(0.5).topology == "hybrid"
    assert event(0.5).choices[0].propensity == pytest.approx(0.9625)
    assert event(0.0499).choices[0].propensity == pytest.approx(0.0125)
    assert sum(event(0.5).choices[0].scores[name] is None for name in event(0.5).choices[0].scores) == 4
    best = Outcome(
        decision="d", steps=(Step(signature=event(0.5).choices[0].signature, action="invoke:sequential"),), quality=1.0
    )
    known = Experience.restored(
        best.model_copy(update={"decision": f"{name}", "quality": float(name == "sequential"), "steps": (step,)})
        for name in ("parallel", "sequential", "hybrid", "hierarchical")
        for step in (best.steps[0].model_copy(update={"action": invoke(name)}),)
    )
    made = shaped(two_layers("learned"), decision="r", draw=lambda _: 0.5, experience=lambda: known)
    assert made.chosen[0].topology == "sequential"


def test_a_used_workflow_has_a_topology_of_its_own() -> None:
    outer = Workflow("outer")
    outer.use("inner", two_layers("sequential"))
    made = shaped(outer.build(), decision="r", draw=lambda _: 0.5, experience=Experience)
    assert [(one.task, one.topology, one.decision) for one in made.chosen] == [("plan", "sequential", "r/plan")]
    assert [node.follows for node in made.flow.flows[0].nodes] == [(), ("a",), ("b",), ("a2",)]


def test_what_hangs_on_an_optional_task_is_refused() -> None:
    flow = Workflow("w")
    flow.task("a", "a")
    flow.task("check", "c", after=["a"], optional=True)
    flow.task("b", "b", after=["check"], each="check")
    with pytest.raises(ConfigError, match="'check', which is optional"):
        flow.build()


def test_a_file_states_its_topology_and_synthesis(tmp_path: Path) -> None:
    file = tmp_path / "ask.toml"
    tasks = '[[task]]\nid = "a"\ngoal = "1"\n[[task]]\nid = "b"\ngoal = "2"\n'
    file.write_text(f'topology = "auto"\nsynthesis = {{ threshold = 0.9, agents = ["ada"] }}\n{tasks}')
    flow = load_flow(file)
    assert (flow.topology, flow.synthesis and flow.synthesis.threshold) == ("auto", 0.9)
    file.write_text(f"synthesis = true\n{tasks}")
    assert load_flow(file).synthesis is not None
    file.write_text(f'topology = "star"\n{tasks}')
    with pytest.raises(ConfigError, match="topology"):
        load_flow(file)


def test_a_run_teaches_only_where_every_verdict_was_grounded() -> None:
    choice = ActionChosen(signature="s", action=invoke("hybrid"), propensity=1.0)
    chosen = TopologyChosen(
        task="w", decision="r/w", topology="hybrid", by="learned", reason="", version=VERSION, choices=(choice,)
    )

    def told(*verdicts: bool, ended: Verdict = Verdict.PASSED, done: bool = True) -> Experience:
        events: list[Event] = [chosen]
        for grounded in verdicts:
            outcome = Found(verdict=Verdict.PASSED, verifier="v", grounded=grounded)
            events.append(Verified(task="t", agent="a", attempt=1, outcome=outcome))
        events.append(FlowEnded(verdict=ended))
        if done:
            events.append(Done(verdicts={}, usage=Usage(input_tokens=4_000)))
        return experienced([[Recorded(seq, "r", 0, "", event) for seq, event in enumerate(events, 1)]])

    assert told(True).cell("s", "invoke:hybrid").reward == pytest.approx(1.0 - 0.15)
    assert told(True, ended=Verdict.FAILED).cell("s", "invoke:hybrid").failures == 1
    for nothing in (told(), told(False), told(True, False), told(True, ended=Verdict.UNKNOWN), told(True, done=False)):
        assert nothing.visits("s") == 0


async def test_a_synthesis_that_was_cut_off_between_its_rounds_goes_on_where_it_was(tmp_path: Path) -> None:
    path, cut, done = str(tmp_path / "agora.db"), anyio.CancelScope(), list[str]()

    def until(name: str) -> Callable[[Desk], str]:
        def perform(desk: Desk) -> str:
            if desk.task.id == name:
                cut.cancel()
            done.append(desk.task.id)
            return "agreed" if "-r1" in desk.task.id else say(desk)

        return perform

    flow = Workflow("q", synthesis=True)
    for number in range(3):
        flow.task(f"w{number}", "How many?")
    store = SQLStore.open(path, clock=SystemClock())
    with cut:
        await run_flow(market(until("w1-again"), store=store), flow.build(), parallel=1)
    run = store.runs()[0].id
    await store.close()
    before = [name for name in done if name != "w1-again"]
    assert before == ["w0", "w1", "w2", "arbiter", "w0-again"]
    done.clear()
    store = SQLStore.open(path, clock=SystemClock())
    report = await resume_flow(market(until(""), store=store), run)
    await store.close()
    assert [name for name in done if name != "w1-again"] == ["w2-again", "w0-r1", "w1-r1", "w2-r1", "merged-r1"]
    assert report.outputs == {"result": "agreed"}
    assert not report.consistency_unresolved
