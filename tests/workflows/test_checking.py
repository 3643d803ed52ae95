"""Bad workflows are refused before anything is spent, by an error that names the node and the mend."""

from __future__ import annotations

import pytest

from agora.errors import ConfigError
from agora.workflows.flow import Workflow
from agora.workflows.nodes import MOST_NODES, Each, Flow, Repeat, TaskNode, When


def refused(flow: Workflow, *parts: str) -> None:
    with pytest.raises(ConfigError) as error:
        flow.build()
    for part in parts:
        assert part in str(error.value)


def test_a_cycle_is_refused_and_printed() -> None:
    flow = Workflow("x")
    for name, after in (("a", "c"), ("b", "a"), ("c", "b"), ("d", "a")):
        flow.task(name, name, after=[after])
    refused(flow, "workflow 'x'", "in a cycle: a -> b -> c -> a")


def test_a_node_after_itself_is_a_cycle() -> None:
    flow = Workflow("x")
    flow.task("a", "a", after=["a"])
    refused(flow, "in a cycle: a -> a")


def test_ids_are_unique_and_no_special_or_input_name() -> None:
    flow = Workflow("x", inputs=["repo"])
    flow.task("a", "a")
    flow.task("a", "b")
    refused(flow, "task 'a'", "stands twice")
    for name, why in (("item", "a meaning of its own"), ("repo", "an input's name")):
        other = Workflow("x", inputs=["repo"])
        other.task(name, "a")
        refused(other, f"task '{name}'", why)
    with pytest.raises(ConfigError, match="task 'a b': id"):
        Workflow("x").task("a b", "a")


def test_an_unknown_predecessor_is_refused_with_the_nearest() -> None:
    flow = Workflow("x")
    flow.task("search", "a")
    flow.task("b", "b", after=["serch"])
    refused(flow, "task 'b': after", "did you mean 'search'")


@pytest.mark.parametrize(
    ("goal", "mend"),
    [
        ("{serch}", "did you mean 'search'"),
        ("{later}", "add 'later' to its `after`"),
        ("{b}", "is its own output"),
        ("{item}", "in a task with `each` only"),
        ("{previous}", "in a task with `repeat` only"),
        ("{nonsense.x}", "write {{nonsense.x}} for braces"),
    ],
)
def test_a_placeholder_that_means_nothing_yet_is_refused(goal: str, mend: str) -> None:
    flow = Workflow("x")
    flow.task("search", "a")
    flow.task("later", "a")
    flow.task("b", goal, after=["search"])
    refused(flow, "task 'b': goal", mend)


def test_a_list_and_a_condition_are_named_without_braces_also_where_they_are_refused() -> None:
    flow = Workflow("x", inputs=["names"])
    flow.task("read", "{item}", each="nmes")
    with pytest.raises(ConfigError, match=r"each: 'nmes' is an unknown task or input; did you mean 'names'\?$"):
        flow.build()


def test_placeholders_may_name_whatever_comes_before_however_far() -> None:
    flow = Workflow("x", inputs=["repo"])
    flow.task("a", "a")
    flow.task("b", "b", after=["a"])
    flow.task("c", 'c {a} {b.verdict} {repo} {{a}} {"json": 1} {}', after=["b"])
    assert flow.build().nodes[2].id == "c"


@pytest.mark.parametrize(
    ("verdict", "mend"),
    [("passed", "give 'a' a `verify`"), ("failed", '"continue"'), ("fine", "no verdict")],
)
def test_a_condition_that_can_never_hold_is_refused(verdict: str, mend: str) -> None:
    flow = Workflow("x")
    flow.task("a", "a")
    flow.task("b", "b", after=["a"], when=When(of="a.verdict", equals=verdict))
    refused(flow, "task 'b': when", mend)


def test_a_condition_is_data_and_says_one_thing() -> None:
    flow = Workflow("x")
    with pytest.raises(ConfigError, match="a condition is data, not a function"):
        flow.task("b", "b", when=lambda: True)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    with pytest.raises(ValueError, match="state one of equals"):
        When(of="a")
    with pytest.raises(ValueError, match="state one of equals"):
        When(of="a", equals="x", contains="y")


def test_a_loop_that_could_only_end_by_its_cap_is_refused() -> None:
    flow = Workflow("x")
    flow.task("a", "a", repeat=3)
    refused(flow, "task 'a': repeat", "nothing verifies it")
    other = Workflow("x")
    other.task("a", "a")
    other.task("b", "b", after=["a"], repeat=Repeat(most=3, until=(When(of="a", equals="x"),)))
    refused(other, "task 'b': repeat.until", "does not change between rounds")
    asked = Workflow("x")
    asked.approve("a", "may I?", repeat=2)
    refused(asked, "a person is asked once")


@pytest.mark.parametrize("most", [0, 101])
def test_a_loop_has_a_cap_within_bounds(most: int) -> None:
    with pytest.raises(ConfigError, match=r"task 'a': repeat\.most"):
        Workflow("x").task("a", "a", repeat=most)


def test_a_node_that_stands_in_is_nobody_s_predecessor_and_stands_in_once() -> None:
    flow = Workflow("x")
    flow.task("a", "a", fallback="f")
    flow.task("f", "f")
    flow.task("b", "b", after=["f"])
    refused(flow, "task 'b': after", "only stands in for 'a'")
    twice = Workflow("x")
    twice.task("a", "a", fallback="f")
    twice.task("b", "b", fallback="f")
    twice.task("f", "f")
    refused(twice, "task 'b': fallback", "stands in for 'a' already")
    around = Workflow("x")
    around.task("a", "a", fallback="f")
    around.task("f", "f", fallback="a")
    refused(around, "in a cycle: a -> f -> a")
    with pytest.raises(ConfigError, match="goes with fallback"):
        Workflow("x").task("a", "a", on_failure="fallback")


def test_a_folder_is_chosen_by_inputs_never_by_a_model() -> None:
    flow = Workflow("x", inputs=["repo"])
    flow.task("a", "a")
    flow.task("b", "b", after=["a"], workspace="{repo}/{a}")
    refused(flow, "task 'b': workspace", "{a} is no input")


@pytest.mark.parametrize("name", ["item", "list", "list.0", "repo"])
def test_files_that_would_be_left_with_their_braces_are_refused(name: str) -> None:
    flow = Workflow("x", inputs=["repo"])
    flow.task("list", "List the files of {repo}")
    flow.task("read", "Read {item}", after=["list"], each="list", files=[f"{{{name}}}"])
    refused(flow, "task 'read': files", f"{{{name}}} is not filled in here", "name the file in the goal")


def test_a_verifier_that_cannot_be_built_is_refused() -> None:
    flow = Workflow("x")
    flow.task("a", "a", verify={"kind": "comand", "command": "true"})  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    refused(flow, "task 'a': verify", "'comand'")


def test_used_workflows_get_the_inputs_that_they_know_and_need() -> None:
    part = Workflow("part", inputs=["what"])
    part.task("a", "{what}")
    flow = Workflow("x")
    flow.use("b", part)
    refused(flow, "task 'b': inputs.what", "is missing: workflow 'part' needs it")
    other = Workflow("x")
    other.use("b", part, inputs={"wat": "1", "what": "2"})
    refused(other, "inputs.wat", "did you mean 'what'")


def test_two_different_workflows_of_one_name_are_refused() -> None:
    flow, one, two = Workflow("x"), Workflow("part"), Workflow("part")
    one.task("a", "a")
    two.task("a", "b")
    flow.use("first", one)
    with pytest.raises(ConfigError, match="another workflow named 'part'"):
        flow.use("second", two)


def test_more_nodes_or_instances_than_the_caps_allow_are_refused() -> None:
    flow = Workflow("x")
    for number in range(MOST_NODES + 1):
        flow.task(f"n{number}", "x")
    refused(flow, "10,001 tasks", "10,000 is the most")
    part = Workflow("part")
    part.task("a", "1\n2")
    part.task("b", "{item}", after=["a"], each=Each(of="a", most=1000))
    wide = Workflow("x")
    wide.task("a", "a")
    wide.use("b", part, after=["a"], each=Each(of="a", most=1000))
    refused(wide, "1,001,001 instances at worst", "lower `most`")


def test_a_workflow_without_nodes_is_refused() -> None:
    refused(Workflow("x"), "workflow 'x': nodes")


def test_an_output_is_a_node_of_the_workflow() -> None:
    flow = Workflow("x", output="b")
    flow.task("a", "a")
    refused(flow, "output", "'b' is an unknown task")


def test_a_workflow_survives_its_own_json() -> None:
    flow = Workflow("x", inputs={"n": 3})
    flow.task("a", "a {n}", verify="true", labels=["private"], tier="bare", repeat=2, when=When(of="n", above=2))
    built = flow.build()
    assert Flow.model_validate_json(built.model_dump_json()) == built
    assert Flow.model_validate(built.model_dump(mode="json", exclude_defaults=True)) == built
    assert isinstance(built.nodes[0], TaskNode)
