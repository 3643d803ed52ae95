"""A workflow that is written as TOML is read back as the same value, whatever stands in its texts."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agora.errors import ConfigError
from agora.tasks import Check, Limits, Tier
from agora.values import JsonValue
from agora.workflows.nodes import ApproveNode, Flow, FlowInput, Repeat, Synthesis, TaskNode, UseNode, When
from agora.workflows.toml import load_flow
from agora.workflows.toml_writing import flow_toml
from flow_graphs import flows

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
SAID = TEXTS.map(lambda text: text.replace("{", "{{").replace("}", "}}")).filter(lambda text: bool(text.strip()))
SCALARS = st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
    max_leaves=6,
)


def through_a_file(flow: Flow) -> Flow:
    with tempfile.TemporaryDirectory() as folder:
        for one in (flow, *flow.flows):
            (Path(folder) / f"{one.name}.toml").write_text(flow_toml(one), encoding="utf-8", newline="")
        return load_flow(Path(folder) / f"{flow.name}.toml")


@given(flow=flows())
def test_any_workflow_comes_back_from_its_file(flow: Flow) -> None:
    assert through_a_file(flow) == flow


@given(flow=flows(name="inner").flatmap(lambda inner: flows(used=inner)))
@settings(max_examples=30)
def test_one_that_uses_another_comes_back_from_two_files(flow: Flow) -> None:
    again = through_a_file(flow)
    assert again.nodes == flow.nodes
    assert {one.name: one for one in again.flows} == {one.name: one for one in flow.flows if again.flows}


@given(
    goal=SAID,
    question=SAID,
    default=VALUES,
    about=TEXTS,
    limits=st.builds(Limits, usd=st.decimals(0, 9, places=6), steps=st.none() | st.integers(0, 9)),
    files=st.lists(TEXTS, max_size=2),
    tools=st.none() | st.lists(TEXTS, max_size=2),
    until=st.floats(allow_nan=False, allow_infinity=False),
    answer=TEXTS,
)
def test_every_field_comes_back_whatever_stands_in_it(
    goal: str,
    question: str,
    default: JsonValue,
    about: str,
    limits: Limits,
    files: list[str],
    tools: list[str] | None,
    until: float,
    answer: str,
) -> None:
    task = TaskNode(
        id="do",
        goal=goal,
        skill=answer,
        files=tuple(files),
        examples=tuple(files),
        tools=None if tools is None else tuple(tools),
        verify=Check(kind="exact", options={"answer": answer}),
        protect=tuple(files),
        labels=frozenset(files),
        tier=Tier.LANDLOCK,
        limits=limits,
        agents=tuple(files),
        coupling="critical",
        tokens=7,
        repeat=Repeat(most=2, until=(When(of="do", above=until), When(of="do", contains=answer))),
        on_failure="continue",
    )
    flow = Flow(
        name="whole",
        inputs={
            "given": FlowInput(default=default, about=about),
            "plain": FlowInput(default=default),
            "must": FlowInput(),
        },
        nodes=(task, ApproveNode(id="ask", approve=question, after=("do",))),
        output="ask",
        topology="auto",
        synthesis=Synthesis(),
    )
    assert through_a_file(flow) == flow


def test_a_command_is_written_as_a_person_would() -> None:
    check = Check(kind="command", options={"command": 'grep -q "x" a'})
    text = flow_toml(Flow(name="f", nodes=(TaskNode(id="a", goal="do it", verify=check),)))
    assert 'verify = "grep -q \\"x\\" a"' in text


@pytest.mark.parametrize("sign", ["\u202e", "\u2066", "\u200b", "\x1b", "\u2028", "\ufeff", "\U000e0041"])
@pytest.mark.parametrize("text", ["turn {} it", "turn\n{}\nit"])
def test_no_sign_that_hides_or_turns_a_text_stands_in_the_file(sign: str, text: str) -> None:
    flow = Flow(name="f", nodes=(TaskNode(id="a", goal=text.format(sign)),))
    written = flow_toml(flow)
    assert sign not in written
    assert f"{ord(sign):04x}" in written
    assert through_a_file(flow) == flow


UNWRITABLE: Mapping[str, JsonValue] = {"a null": [None], "half a sign": "\ud800"}


@pytest.mark.parametrize("what", UNWRITABLE)
def test_what_toml_has_no_words_for_is_refused_with_its_place(what: str) -> None:
    inputs = {"given": FlowInput(default=UNWRITABLE[what])}
    with pytest.raises(ConfigError, match="input 'given'"):
        flow_toml(Flow(name="f", inputs=inputs, nodes=(TaskNode(id="a", goal="x"),)))


def test_an_option_that_would_be_read_as_the_kind_is_refused() -> None:
    check = Check(kind="schema", options={"kind": "x"})
    with pytest.raises(ConfigError, match="'kind'"):
        flow_toml(Flow(name="f", nodes=(TaskNode(id="a", goal="x", verify=check),)))


def test_money_keeps_its_digits_and_inputs_of_used_workflows_their_texts() -> None:
    used = UseNode(id="u", use="other", inputs={"text": 'a "quoted"\nline'})
    task = TaskNode(id="a", goal="x", limits=Limits(usd=Decimal("0.100000001")))
    text = flow_toml(Flow(name="f", nodes=(task, used)))
    assert 'limits = { usd = "0.100000001" }' in text
    assert 'inputs = { text = "a \\"quoted\\"\\nline" }' in text
