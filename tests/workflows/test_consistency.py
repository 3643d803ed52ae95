"""How far outputs agree."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.errors import ConfigError
from agora.workflows.consistency import Output, consistency

LONG = "the function must return the sum of both of its arguments"
ANGLES = {LONG: 0.0, LONG + " always": math.pi / 3, LONG + " never": math.pi}


def embed(text: str) -> Sequence[float]:
    """Texts at known angles."""
    return math.cos(ANGLES[text]), math.sin(ANGLES[text])


def outputs(*texts: str) -> list[Output]:
    return [Output(f"w{number}", text) for number, text in enumerate(texts)]


def test_long_texts_are_compared_by_the_mean_cosine_of_their_embeddings() -> None:
    found = consistency(outputs(*ANGLES), embed=embed)
    cosines = (math.cos(math.pi / 3), math.cos(math.pi), math.cos(2 * math.pi / 3))
    assert found.score == pytest.approx(sum(cosines) / 3)
    assert (found.pairs, found.by) == (3, ("embedding",))


def test_short_answers_are_compared_exactly_but_for_case_and_marks() -> None:
    assert consistency(outputs("Paris.", " paris", "PARIS!"), embed=embed).score == 1.0
    assert consistency(outputs("42", "-42"), embed=embed).score == 0.0
    assert consistency(outputs("4.2", "42")).score == 0.0
    assert consistency(outputs("42", "42", "41")).by == ("exact",)


def test_fewer_than_two_comparable_outputs_are_consistent() -> None:
    for few in ([], outputs(LONG), [Output("a", LONG, "what?"), Output("b", "no", "when?")]):
        assert consistency(few, embed=embed).score == 1.0
        assert consistency(few, embed=embed).pairs == 0


def test_only_outputs_to_the_same_question_are_compared() -> None:
    told = [Output("a", "yes", "q1"), Output("b", "yes", "q1"), Output("c", "no", "q2"), Output("d", "yes", "q2")]
    assert consistency(told).score == 0.5
    assert consistency(told).pairs == 2


def test_a_blank_output_agrees_with_nothing() -> None:
    assert consistency(outputs("", "")).score == 0.0
    assert consistency(outputs(LONG, "  "), embed=embed).score == 0.0


def test_without_an_embedder_shared_words_are_compared() -> None:
    same = consistency(outputs(LONG, LONG))
    assert same.score == pytest.approx(1.0)
    assert same.by == ("words",)
    assert consistency(outputs(LONG, "nothing that was asked for is anywhere here")).score < 0.2


def test_embeddings_of_two_models_and_figures_without_end_are_refused() -> None:
    sizes = iter([(1.0,), (1.0, 0.0)])
    with pytest.raises(ConfigError, match="1 and 2 dimensions"):
        consistency(outputs(LONG, LONG), embed=lambda _: next(sizes))
    with pytest.raises(ConfigError, match="not finite"):
        consistency(outputs(LONG, LONG), embed=lambda _: (math.nan, 1.0))


@given(texts=st.lists(st.text(max_size=60), max_size=6), data=st.data())
def test_consistency_is_bounded_and_no_order_moves_it(texts: list[str], data: st.DataObject) -> None:
    found = consistency(outputs(*texts))
    assert -1.0 <= found.score <= 1.0
    assert consistency(outputs(*data.draw(st.permutations(texts)))).score == pytest.approx(found.score, abs=1e-12)
