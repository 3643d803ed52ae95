"""A compare node says how far outputs agree, is never done by an agent, and decides what comes after."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import hypot
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.errors import ConfigError
from agora.tasks import Verdict
from agora.workflows.comparing import compared
from agora.workflows.consistency import Output, consistency, plain
from agora.workflows.expanding import Progress, next_ready
from agora.workflows.flow import Workflow
from agora.workflows.instances import Ending
from agora.workflows.nodes import CompareNode, Each, Flow, When
from agora.workflows.toml import load_flow


def said(output: str, verdict: Verdict = Verdict.UNKNOWN) -> Ending:
    return Ending(verdict=verdict, output=output)


def test_the_answer_that_is_given_most_often_is_found_and_the_first_of_equals() -> None:
    found = compared("c", ["41", " 42.", "42"], threshold=0.3)
    assert (found.majority, found.votes, found.of, found.distinct, found.method) == ("42.", 2, 3, 2, "exact")
    assert found.consistency == pytest.approx(1 / 3)
    assert found.agree
    tie = compared("c", ["b", "a", "a", "b"], threshold=0.7)
    assert (tie.majority, tie.votes) == ("b", 2)


@pytest.mark.parametrize(("texts", "agree"), [([], False), (["", "  "], False), (["yes"], True), (["yes", ""], False)])
def test_silence_agrees_with_nothing_and_one_answer_with_itself(texts: list[str], agree: bool) -> None:
    found = compared("c", texts, threshold=0.7)
    assert found.agree is agree
    assert found.of == len(texts)


@given(texts=st.lists(st.text("ab c.", max_size=30), min_size=2, max_size=7))
def test_the_sum_over_words_is_the_sum_over_pairs(texts: list[str]) -> None:
    """What is worked out in linear time is the mean cosine of every two."""
    texts = ["one two three four five six", *texts]
    words = [plain(text) for text in texts]

    def cosine(one: list[str], other: list[str]) -> float:
        if not one or not other:
            return 0.0
        dot = sum(one.count(word) * other.count(word) for word in set(one))
        sizes = [hypot(*(text.count(word) for word in set(text))) for text in (one, other)]
        return dot / (sizes[0] * sizes[1])

    pairs = [cosine(one, other) for at, one in enumerate(words) for other in words[:at]]
    found = consistency([Output("w", text) for text in texts])
    assert found.score == pytest.approx(sum(pairs) / len(pairs), abs=1e-9)


def test_a_thousand_long_answers_are_compared_at_once() -> None:
    texts = [" ".join(f"w{(number * 31 + word) % 5000}" for word in range(200)) for number in range(1000)]
    found = compared("c", texts, threshold=0.7)
    assert found.method == "words"
    assert 0 <= found.consistency < 0.5


def voting() -> Flow:
    flow = Workflow("vote", inputs=["question"])
    for name in "abc":
        flow.task(name, "{question}", on_failure="continue")
    flow.compare("cmp", "a", "b", "c")
    flow.task("merge", "Merge {a}, {b} and {c}", after=["cmp"], when=When(of="cmp.agree", equals=True))
    flow.task("rule", "They differ: {cmp.majority}", after=["cmp"], when=When(of="cmp.agree", equals=False))
    return flow.build()


def starts(flow: Flow, done: Mapping[str, Ending]) -> dict[str, str]:
    return {one.id: one.text for one in next_ready(flow, {"question": "?"}, done).start}


def test_what_comes_after_goes_by_whether_they_agree() -> None:
    flow = voting()
    assert starts(flow, {"a": said("x"), "b": said("x")}) == {"c": "?"}
    assert starts(flow, {"a": said("x"), "b": said("x"), "c": said("X.")}) == {"merge": "Merge x, x and X."}
    assert starts(flow, {"a": said("x"), "b": said("y"), "c": said("y")}) == {"rule": "They differ: y"}


def test_its_verdict_is_passed_where_they_agree_and_stops_nothing_where_they_do_not() -> None:
    for answers, verdict in (("xx", "passed"), ("xy", "unknown")):
        flow = Workflow("w", output="cmp")
        flow.task("a", "1")
        flow.task("b", "2")
        flow.compare("cmp", "a", "b")
        stands = next_ready(flow.build(), {}, {"a": said(answers[0]), "b": said(answers[1])})
        assert (stands.over, stands.stopped, stands.verdict.value) == (True, (), verdict)
        assert json.loads(stands.output)["agree"] is (verdict == "passed")


def test_what_was_skipped_or_has_failed_has_no_vote() -> None:
    done = {"a": said("x", Verdict.FAILED), "b": said("y"), "c": said("y")}
    progress = Progress(voting(), {"question": "?"}, done=done)
    (found,) = progress.compared(0)
    assert (found.of, found.majority, found.agree) == (2, "y", True)


def test_the_items_of_a_map_and_parts_of_outputs_are_compared() -> None:
    flow = Workflow("w")
    flow.task("list", "list")
    flow.task("answer", "{item}", each=Each(of="list"), after=["list"])
    flow.compare("cmp", "answer")
    flow.task("city", "city")
    flow.compare("same", "city.name", "list.0")
    progress = Progress(flow.build(), {})
    progress.finish("list", said('["Rome", "x", "y"]'))
    for number, answer in enumerate(("p", "q", "p")):
        progress.finish(f"answer[{number}]", said(answer))
    progress.finish("city", said('{"name": "rome"}'))
    found = {one.task: one for one in progress.compared(0)}
    assert (found["cmp"].majority, found["cmp"].votes, found["cmp"].of) == ("p", 2, 3)
    assert found["same"].agree


def test_it_is_the_same_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "vote.toml"
    file.write_text(
        '[[task]]\nid = "a"\ngoal = "1"\n[[task]]\nid = "b"\ngoal = "2"\n'
        '[[task]]\nid = "cmp"\ncompare = ["a", "b"]\nthreshold = 0.9\n'
    )
    node = load_flow(file).nodes[2]
    assert node == CompareNode(id="cmp", compare=("a", "b"), threshold=0.9)
    assert node.after == ("a", "b")
    assert Flow.model_validate_json(load_flow(file).model_dump_json()) == load_flow(file)


def test_what_cannot_be_compared_is_refused_with_the_mend() -> None:
    flow = Workflow("w")
    flow.task("answer", "1")
    with pytest.raises(ConfigError, match="leave each, repeat and fallback out"):
        flow.compare("cmp", "answer", repeat=2)
    with pytest.raises(ConfigError, match="names nothing"):
        flow.compare("cmp", "1st")
    flow.compare("cmp", "anser")
    with pytest.raises(ConfigError, match=r"task 'cmp': compare: 'anser' is an unknown task.*answer"):
        flow.build()
    other = Workflow("w")
    other.task("a", "1")
    other.compare("cmp", "a")
    other.task("b", "2", after=["cmp"], when=When(of="cmp.verdict", equals="failed"))
    with pytest.raises(ConfigError, match=r"ask for cmp\.agree"):
        other.build()
