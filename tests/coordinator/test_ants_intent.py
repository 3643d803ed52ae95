"""What type a task is of: by example, by hashed words, or by a model that is not trusted."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.coordinator.ants.asked_intent import question, read, schema
from agora.coordinator.ants.hashed_words import HashedWords
from agora.coordinator.ants.intent import PrototypeIntent, softmax
from agora.errors import ConfigError

TYPES = ("code", "general", "maths")
EXAMPLES = {
    "code": ["Fix the failing test in the parser module", "Refactor this Python function", "Write a unit test"],
    "general": ["Who wrote this novel?", "Summarise the article for a newspaper", "Translate the letter into French"],
    "maths": ["Solve the equation for x", "What is the sum of the first ten primes?", "Prove the inequality"],
}


@given(text=st.text())
def test_weights_are_a_distribution_over_the_types(text: str) -> None:
    found = PrototypeIntent(EXAMPLES).of(text)
    assert tuple(found.weights) == TYPES
    assert math.isclose(math.fsum(found.weights.values()), 1, abs_tol=1e-9)
    assert (found.method == "uniform") == bool(found.reason)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("The parser test is failing since the refactor: fix it", "code"),
        ("solve x + 3 = 7 and prove that the sum is right", "maths"),
        ("translate this newspaper article", "general"),
    ],
)
def test_hashed_words_tell_the_types_apart(text: str, kind: str) -> None:
    found = PrototypeIntent(EXAMPLES).of(text)
    assert found.method == "words"
    assert max(found.weights, key=found.weights.__getitem__) == kind


@pytest.mark.parametrize("text", ["", "   ", "zzz qqq", "🜚"])
def test_a_text_of_no_known_type_is_uniform_and_says_so(text: str) -> None:
    found = PrototypeIntent(EXAMPLES).of(text)
    assert (found.method, set(found.weights.values())) == ("uniform", {1 / 3})
    assert "no" in found.reason


def test_an_embedding_that_is_passed_in_is_used() -> None:
    vectors = {"a": [1.0, 0.0], "b": [0.0, 2.0], "between": [3.0, 3.0], "against": [-1.0, -1.0], "near a": [1.0, 0.1]}
    kinds = PrototypeIntent({"first": ["a"], "second": ["b"]}, embed=vectors.__getitem__)
    assert kinds.of("between").weights == {"first": pytest.approx(0.5), "second": pytest.approx(0.5)}
    near = kinds.of("near a")
    assert near.method == "embedding"
    assert near.weights["first"] == pytest.approx(1 / (1 + math.exp(-9 / math.hypot(1, 0.1))))
    assert kinds.of("against").method == "uniform"


def test_a_threshold_keeps_what_is_hardly_alike_uniform() -> None:
    vectors = {"a": [1.0, 0.0, 0.0], "b": [0.0, 1.0, 0.0], "far": [0.1, 0.0, 1.0]}
    make = {"first": ["a"], "second": ["b"]}
    assert PrototypeIntent(make, embed=vectors.__getitem__).of("far").method == "embedding"
    assert PrototypeIntent(make, embed=vectors.__getitem__, least=0.2).of("far").method == "uniform"


def test_vectors_that_do_not_fit_are_refused() -> None:
    vectors = {"a": [1.0, 0.0], "b": [1.0], "zero": [0.0, 0.0], "long": [1.0, 2.0, 3.0]}
    for examples in ({"x": ["a"], "y": ["b"]}, {"x": ["a", "b"]}):
        with pytest.raises(ConfigError, match="differ in length"):
            PrototypeIntent(examples, embed=vectors.__getitem__)
    with pytest.raises(ConfigError, match="have no embedding"):
        PrototypeIntent({"x": ["zero"]}, embed=vectors.__getitem__)
    with pytest.raises(ConfigError, match="has 3 numbers"):
        PrototypeIntent({"x": ["a"]}, embed=vectors.__getitem__).of("long")
    with pytest.raises(ConfigError, match="at least one example"):
        PrototypeIntent({"x": []})
    with pytest.raises(ConfigError, match="temperature"):
        PrototypeIntent({"x": ["a word"]}, temperature=0)


def test_a_colder_softmax_is_surer_and_big_scores_do_not_overflow() -> None:
    scores = {"a": 0.5, "b": 0.4}
    assert softmax(scores, temperature=0.01)["a"] > softmax(scores, temperature=0.1)["a"] > 0.5
    assert softmax({"a": 1e6, "b": 0.0}) == {"a": 1.0, "b": 0.0}


def test_rare_words_count_for_more_and_unknown_ones_for_nothing() -> None:
    words = HashedWords(["the test", "the parser", "the equation"])
    assert math.hypot(*words.vector("parser")) > math.hypot(*words.vector("the")) > 0
    assert words.vector("parser quux") == words.vector("PARSER")


def test_the_question_names_the_types_and_fences_the_task() -> None:
    text = question("Ignore this. " * 2_000, TYPES)
    assert all(f'"{kind}"' in text for kind in TYPES)
    assert len(text) < 9_000
    assert schema(TYPES)["required"] == list(TYPES)


@given(answer=st.text() | st.dictionaries(st.sampled_from([*TYPES, "other"]), st.floats() | st.text()).map(json.dumps))
def test_whatever_a_model_answers_is_read_as_a_distribution(answer: str) -> None:
    found = read(answer, TYPES)
    assert tuple(found.weights) == TYPES
    assert math.isclose(math.fsum(found.weights.values()), 1, abs_tol=1e-9)
    assert (found.method == "uniform") == bool(found.reason)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("code, surely", "not answer in JSON"),
        ("[0.5, 0.5]", "not an object"),
        ('{"poetry": 1.0}', "unknown type: 'poetry'"),
        ('{"code": "high"}', "'code' is not a number"),
        ('{"code": true}', "'code' is not a number"),
        ('{"code": NaN}', "'code' is not a number"),
        ('{"code": -0.5}', "'code' is not a number"),
        ("{}", "every type 0"),
        ("[" * 100_000, "not answer in JSON"),
    ],
)
def test_a_bad_answer_is_uniform_and_says_why(answer: str, reason: str) -> None:
    found = read(answer, TYPES)
    assert (found.method, set(found.weights.values())) == ("uniform", {1 / 3})
    assert reason in found.reason


def test_a_good_answer_is_scaled_and_may_stand_in_a_fence() -> None:
    found = read('```json\n{"code": 0.6, "maths": 0.2}\n```', TYPES)
    assert found.method == "model"
    assert found.weights == {"code": pytest.approx(0.75), "general": 0.0, "maths": pytest.approx(0.25)}
