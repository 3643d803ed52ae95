"""What can start, in whatever order things end: precedence, an end, the same answer again."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agora.errors import ConfigError, LedgerError
from agora.tasks import MOST_GOAL_CHARS, Verdict
from agora.workflows.expanding import Progress, next_ready
from agora.workflows.flow import Workflow
from agora.workflows.instances import Ending, Instance
from agora.workflows.nodes import MOST_NODES, Flow, FlowInput, Repeat, TaskNode, UseNode, When
from flow_graphs import driven, ending_of, nested_flows, seeds

PASSED, FAILED = Ending(verdict=Verdict.PASSED), Ending(verdict=Verdict.FAILED)


def passed(output: str) -> Ending:
    return Ending(verdict=Verdict.PASSED, output=output)


def started(flow: Flow, done: dict[str, Ending]) -> list[str]:
    return [instance.id for instance in next_ready(flow, {}, done).start]


@given(flow=nested_flows(), seed=seeds)
@settings(max_examples=100, deadline=None)
def test_no_instance_starts_before_all_that_it_waits_for_has_ended(flow: Flow, seed: int) -> None:
    log: list[tuple[str, Instance]] = []
    progress, _ = driven(flow, lambda one: ending_of(one, seed), seed=seed, log=log)
    assert progress.ready.over
    for at, (what, instance) in enumerate(log):
        if what == "starts":
            later = [other.id for _, other in log[at:]]
            for awaited in waits_for(flow, instance):
                assert not [other for other in later if is_of(awaited, other)], (instance.id, awaited)


def waits_for(flow: Flow, instance: Instance) -> list[str]:
    """The nodes, with the prefix of their workflow, that must have ended: at each level, by the definition alone."""
    awaited: list[str] = []
    scope, prefix = flow, ""
    for part, name in zip(instance.path, instance.id.split("/"), strict=True):
        node = next(node for node in scope.nodes if node.id == part)
        first = next((other for other in scope.nodes if other.fallback == part), node)
        awaited += [prefix + other for other in first.after]
        if first is not node:
            awaited.append(prefix + name.replace(part, first.id))
        if isinstance(node, UseNode):
            scope = next(other for other in flow.flows if other.name == node.use)
        prefix += name + "/"
    return awaited


def is_of(node: str, instance: str) -> bool:
    return instance == node or instance.startswith(tuple(node + mark for mark in "[#/"))


@given(flow=nested_flows(), seed=seeds, data=st.data())
@settings(max_examples=100, deadline=None)
def test_the_order_of_endings_changes_nothing(flow: Flow, seed: int, data: st.DataObject) -> None:
    progress, done = driven(flow, lambda one: ending_of(one, seed), seed=seed)
    shuffled = dict(data.draw(st.permutations(list(done.items()))))
    assert next_ready(flow, {}, shuffled) == progress.ready
    assert next_ready(Flow.model_validate_json(flow.model_dump_json()), {}, done) == progress.ready


@given(flow=nested_flows(), seed=seeds, data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_run_that_is_taken_up_anywhere_asks_for_the_same(flow: Flow, seed: int, data: st.DataObject) -> None:
    _, done = driven(flow, lambda one: ending_of(one, seed), seed=seed)
    steps = list(done.items())
    upto = data.draw(st.integers(0, len(steps)))
    live = Progress(flow, {})
    for name, ending in steps[:upto]:
        live.finish(name, ending)
    assert next_ready(flow, {}, dict(steps[:upto])) == live.ready


@given(flow=nested_flows(), seed=seeds)
@settings(max_examples=60, deadline=None)
def test_whoever_comes_after_data_with_a_label_carries_the_label(flow: Flow, seed: int) -> None:
    log: list[tuple[str, Instance]] = []
    driven(flow, lambda one: ending_of(one, seed), log=log)
    for _, instance in log:
        for awaited in [*waits_for(flow, instance), instance.id]:
            for _, other in log:
                if is_of(awaited, other.id) and isinstance(other.node, TaskNode):
                    assert other.node.labels <= instance.labels


def test_a_map_fans_out_and_its_join_sees_a_list_in_the_order_of_the_items() -> None:
    flow = Workflow("x")
    flow.task("list", "list")
    flow.task("read", "read {item}, number {index}", after=["list"], each="list")
    flow.task("sum", "sum {read}, first {read.0}", after=["read"])
    built = flow.build()
    ready = next_ready(built, {}, {"list": passed('["a", "b"]')}).start
    assert [(one.id, one.text) for one in ready] == [("read[0]", "read a, number 0"), ("read[1]", "read b, number 1")]
    done = {"list": passed('["a", "b"]'), "read[1]": passed("B"), "read[0]": passed("A")}
    (last,) = next_ready(built, {}, done).start
    assert last.text == 'sum ["A", "B"], first A'


def test_an_empty_list_is_done_at_once() -> None:
    flow = Workflow("x")
    flow.task("list", "list")
    flow.task("read", "read {item}", after=["list"], each="list")
    flow.task("sum", "sum {read}", after=["read"])
    assert next_ready(flow.build(), {}, {"list": passed("")}).start[0].text == "sum []"


def test_a_list_longer_than_its_cap_fails_the_node_and_nothing_is_left_out_silently() -> None:
    flow = Workflow("x")
    flow.task("list", "list")
    flow.task("read", "read {item}", after=["list"], each="list")
    built = flow.build()
    assert len(next_ready(built, {}, {"list": passed("a\n" * 100)}).start) == 100
    over = next_ready(built, {}, {"list": passed("a\n" * 101)})
    assert over.over
    assert over.verdict is Verdict.FAILED
    assert "101 items" in over.stopped[0].why


@pytest.mark.parametrize("most", [1, 3, 100])
def test_a_loop_that_never_gets_there_reaches_its_cap_and_fails(most: int) -> None:
    flow = Workflow("x")
    until = When(of="write", contains="DONE")
    flow.task("write", "again, after {previous}", repeat=Repeat(most=most, until=(until,)))
    progress, done = driven(flow.build(), lambda _: passed("draft"))
    assert list(done) == [f"write#{turn}" for turn in range(1, most + 1)]
    assert progress.ready.verdict is Verdict.FAILED
    assert f"after {most} rounds" in progress.ready.stopped[0].why


def test_a_loop_ends_as_soon_as_its_condition_holds_and_each_round_sees_the_one_before() -> None:
    flow = Workflow("x")
    flow.task("write", "after ({previous})", repeat=5, verify="true")
    built = flow.build()
    assert next_ready(built, {}, {}).start[0].text == "after ()"
    bad = Ending(verdict=Verdict.FAILED, output="one")
    assert next_ready(built, {}, {"write#1": bad}).start[0].text == "after (one)"
    ready = next_ready(built, {}, {"write#1": bad, "write#2": passed("two")})
    assert (ready.over, ready.verdict, ready.output) == (True, Verdict.PASSED, "two")


def chain(on_failure: str, **more: str) -> Flow:
    nodes: list[dict[str, object]] = [
        {"kind": "task", "id": "a", "goal": "a", "on_failure": on_failure, **more},
        {"kind": "task", "id": "b", "goal": "b {a}", "after": ["a"]},
        {"kind": "task", "id": "c", "goal": "c"},
    ]
    if more:
        nodes.append({"kind": "task", "id": "mend", "goal": "mend {a}"})
    return Flow.model_validate({"name": "x", "nodes": nodes})


def test_a_failed_predecessor_stops_the_workflow_unless_it_says_otherwise() -> None:
    ready = next_ready(chain("stop"), {}, {"a": FAILED})
    assert (ready.start, ready.over, ready.verdict) == ((), True, Verdict.FAILED)
    assert [one.id for one in ready.stopped] == ["a"]


def test_with_skip_what_needs_it_is_skipped_and_the_rest_goes_on() -> None:
    ready = next_ready(chain("skip"), {}, {"a": FAILED})
    assert [one.id for one in ready.start] == ["c"]
    assert [(one.id, one.why) for one in ready.skipped] == [("b", "'a' came to nothing")]


def test_with_continue_what_needs_it_sees_what_it_gave() -> None:
    bad = Ending(verdict=Verdict.FAILED, output="half")
    assert [one.text for one in next_ready(chain("continue"), {}, {"a": bad}).start] == ["b half", "c"]


def test_a_fallback_starts_only_after_a_failure_and_its_output_takes_the_place() -> None:
    flow = chain("fallback", fallback="mend")
    assert started(flow, {}) == ["a", "c"]
    assert started(flow, {"a": PASSED}) == ["b", "c"]
    done = {"a": Ending(verdict=Verdict.FAILED, output="broken")}
    assert [one.text for one in next_ready(flow, {}, done).start] == ["c", "mend broken"]
    done["mend"] = passed("whole")
    assert [one.text for one in next_ready(flow, {}, done).start] == ["b whole", "c"]


def test_a_branch_that_is_not_taken_is_skipped_with_its_reason_and_a_join_may_need_any() -> None:
    flow = Workflow("x")
    flow.task("kind", "bug or wish?")
    flow.task("bug", "mend", after=["kind"], when=When(of="kind", equals="bug"))
    flow.task("wish", "build", after=["kind"], when=When(of="kind", differs="bug"))
    flow.task("tell", "tell {bug}{wish} {bug.verdict}", after=["bug", "wish"], needs="any")
    built = flow.build()
    ready = next_ready(built, {}, {"kind": passed(" wish\n")})
    assert [one.id for one in ready.start] == ["wish"]
    assert [(one.id, one.why) for one in ready.skipped] == [("bug", "not kind equals 'bug': it is 'wish'")]
    done = {"kind": passed("wish"), "wish": passed("built")}
    assert next_ready(built, {}, done).start[0].text == "tell built skipped"


def test_a_used_workflow_runs_inside_and_what_stops_it_fails_its_node_only() -> None:
    part = Workflow("part", inputs=["what"])
    part.task("try", "try {what}")
    part.task("sum", "sum {try}", after=["try"])
    flow = Workflow("x")
    flow.task("find", "find")
    flow.use("build", part, inputs={"what": "the {find}"}, after=["find"], on_failure="continue")
    flow.task("end", "end {build} {build.verdict}", after=["build"])
    built = flow.build()
    done = {"find": passed("bug")}
    assert [(one.id, one.text) for one in next_ready(built, {}, done).start] == [("build/try", "try the bug")]
    done |= {"build/try": passed("t"), "build/sum": passed("s")}
    assert next_ready(built, {}, done).start[0].text == "end s passed"
    assert next_ready(built, {}, {"find": passed("bug"), "build/try": FAILED}).start[0].text == "end  failed"


def test_braces_in_an_output_mean_nothing() -> None:
    flow = Workflow("x", inputs={"secret": "s3"})
    flow.task("a", "a")
    flow.task("b", "b {a}", after=["a"])
    assert next_ready(flow.build(), {}, {"a": passed("{secret} {a}")}).start[0].text == "b {secret} {a}"


def test_outputs_that_are_too_long_are_cut_to_the_longest_goal_and_it_is_said_by_how_much() -> None:
    flow = Workflow("x")
    flow.task("a", "a")
    flow.task("b", "b")
    flow.task("c", "c {a} {b}", after=["a", "b"])
    done = {"a": passed("x" * 300_000), "b": passed("short")}
    (last,) = next_ready(flow.build(), {}, done).start
    assert len(last.text) == MOST_GOAL_CHARS
    assert last.text.endswith("short")
    assert last.cut["a"] > 200_000
    assert len(last.inputs["a"]) == 300_000


def test_an_ending_told_twice_changes_nothing_and_one_of_nobody_is_refused() -> None:
    flow = Workflow("x")
    flow.task("a", "a")
    flow.task("b", "b {a}", after=["a"])
    progress = Progress(flow.build(), {})
    assert [one.id for one in progress.finish("a", passed("1"))] == ["b"]
    assert progress.finish("a", FAILED) == ()
    assert progress.ready.start[0].text == "b 1"
    with pytest.raises(LedgerError, match="'nobody'"):
        progress.finish("nobody", PASSED)
    with pytest.raises(LedgerError, match="'gone' is on record"):
        next_ready(flow.build(), {}, {"a": PASSED, "gone": PASSED})


def test_inputs_are_checked_before_anything_starts() -> None:
    flow = Workflow("x", inputs={"repo": FlowInput(about="a folder"), "depth": 2})
    flow.task("a", "{repo} {depth}", workspace="{repo}")
    (first,) = next_ready(flow.build(), {"repo": "/r"}, {}).start
    assert (first.text, first.workspace, first.task.goal) == ("/r 2", "/r", "/r 2")
    with pytest.raises(ConfigError, match=r"input 'repo': is missing \(a folder\)"):
        next_ready(flow.build(), {}, {})
    with pytest.raises(ConfigError, match="did you mean 'repo'"):
        next_ready(flow.build(), {"rpo": "/r"}, {})


def test_a_workflow_of_ten_thousand_nodes_is_driven_to_its_end() -> None:
    nodes = [TaskNode(id="n0", goal="x")]
    nodes += [TaskNode(id=f"n{at}", goal="x", after=(f"n{at - 1}", f"n{at // 2}")) for at in range(1, MOST_NODES)]
    progress, done = driven(Flow(name="x", nodes=tuple(nodes)), lambda _: PASSED)
    assert len(done) == MOST_NODES
    assert progress.ready.verdict is Verdict.PASSED


def test_labels_reach_into_a_used_workflow_and_out_of_it_and_come_from_whoever_stands_in() -> None:
    part = Workflow("part", inputs=["what"])
    part.task("inner", "{what}", labels=["secret"])
    flow = Workflow("x")
    flow.task("a", "a", labels=["private"], fallback="f")
    flow.task("f", "f", labels=["medical"])
    flow.use("b", part, inputs={"what": "{a}"}, after=["a"])
    flow.task("c", "{b}", after=["b"])
    built = flow.build()
    (inner,) = next_ready(built, {}, {"a": PASSED}).start
    assert inner.labels == {"private", "medical", "secret"}
    (last,) = next_ready(built, {}, {"a": PASSED, "b/inner": PASSED}).start
    assert last.labels == {"private", "medical", "secret"}
