"""RouterBench's wide tables become the tidy form, and what is odd is counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agora.bench.routing.reading import read
from agora.bench.routing.routerbench import tidied, write_tidy
from agora.errors import ConfigError
from bench.routing.served_tables import EXAMPLES, row, table


def test_a_row_becomes_a_query_and_an_outcome_a_model(tmp_path: Path) -> None:
    tidy = tidied({"mbpp_test.csv": table(row(1), row(2))})
    write_tidy(tidy, tmp_path)
    matrix = read(tmp_path)
    assert matrix.ids == ("rb/mbpp.test.1", "rb/mbpp.test.2")
    assert matrix.models == tidy.models == ("firm/one", "firm/two")
    assert np.array_equal(matrix.scores, [[1, 0], [1, 0]])
    assert np.array_equal(matrix.costs, [[0.0001, 0.01], [0.0001, 0.01]])
    assert matrix.texts == ("Write function 1.", "Write function 2.")
    assert matrix.answers is not None
    assert matrix.answers[0, 0] == "def f(): ..."


def test_the_answers_to_other_questions_are_not_shown_but_their_length_is_counted() -> None:
    asked = "Is ice cold?\nA) yes\nB) no\nAnswer:"
    tidy = tidied({"a.csv": table(row(1, task="arc-challenge", prompt=repr([EXAMPLES * 5 + asked])))})
    assert tidy.queries[0]["prompt"] == asked
    assert tidy.queries[0]["prompt_chars"] == len(EXAMPLES) * 5 + len(asked)
    assert tidy.queries[0]["task"] == "arc_challenge"


def test_half_filled_rows_of_one_query_are_joined_and_said() -> None:
    halves = row(1, **{"firm/one": ""}), row(1, **{"firm/two": ""})
    tidy = tidied({"a.csv": table(*halves)})
    assert [(one["model"], one["score"]) for one in tidy.outcomes] == [("firm/one", 1.0), ("firm/two", 0.0)]
    assert tidy.oddities == ("1 joined from several rows",)


def test_a_score_that_is_none_is_left_out_and_counted_and_a_missing_cost_is_unknown() -> None:
    tidy = tidied({"a.csv": table(row(1, **{"firm/one": "7", "firm/two|total_cost": ""}))})
    assert [(one["model"], one["cost_usd"]) for one in tidy.outcomes] == [("firm/two", None)]
    assert tidy.oddities == ("1 scores left out, not in 0..1",)


@pytest.mark.parametrize("cell", ["[1, 2", "['a' * 10**9]", "[" * 5000, "__import__('os')"])
def test_a_cell_that_is_no_list_stays_the_text_that_it_is(cell: str) -> None:
    assert tidied({"a.csv": table(row(1, prompt=cell))}).queries[0]["prompt_chars"] == len(cell)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<html>not found</html>", "sample_id"),
        ("sample_id,prompt,eval_name\n1,2,3\n", "MODEL"),
        (table(row(1)) + '"never closed', "cannot be read"),
        ("", "sample_id"),
    ],
)
def test_what_is_no_such_table_is_refused_by_name(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        tidied({"odd.csv": text})
    assert "odd.csv" in str(refused.value)
