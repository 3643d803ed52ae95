"""A folder of recorded outcomes, and what can be odd in it."""

import gzip
import math
from pathlib import Path

import numpy as np
import pytest

from agora.bench.routing.made import recorded, rows, write
from agora.bench.routing.reading import read, sources
from agora.errors import ConfigError

HEAD = "query_id,model,score,cost_usd"


def folder(at: Path, outcomes: str, **files: str) -> Path:
    at.mkdir(exist_ok=True)
    (at / "outcomes.csv").write_text(outcomes, encoding="utf-8")
    for name, text in files.items():
        (at / {"queries": "queries.jsonl", "responses": "responses.jsonl", "models": "models.csv"}[name]).write_text(
            text, encoding="utf-8"
        )
    return at


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    found = read(write(rows(queries=40, trials=3), tmp_path))
    made = recorded(queries=40, trials=3)
    assert (found.ids, found.models, found.texts, found.tags, found.dates) == (
        made.ids,
        made.models,
        made.texts,
        made.tags,
        made.dates,
    )
    assert np.allclose(found.scores, made.scores)
    assert np.allclose(found.costs, made.costs)
    assert np.allclose(found.list_prices, made.list_prices)
    assert found.trials == 3
    assert found.checkable == made.checkable
    assert found.oddities == ("up to 3 trials of a query at a model, averaged",)


def test_a_cell_that_nobody_filled_is_unknown_and_counted(tmp_path: Path) -> None:
    found = read(folder(tmp_path / "a", f"{HEAD}\nq,m,1,.1\nq,n,0,\nr,m,0,.2\n"))
    assert math.isnan(found.scores[1, 1])
    assert math.isnan(found.costs[0, 1])
    assert "1 of 4 cells have no outcome" in found.oddities
    assert "1 outcomes have no dollars" in found.oddities


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("q,m,1,.1", "1 duplicate rows of outcomes, used once (first: line 3)"),
        ("q,m,0,.1", "1 rows that contradict another one, averaged as trials (first: line 3)"),
        ("r,m,85,.1", "1 rows with a score outside 0..1, left out (first: line 3: 85)"),
        ("r,m,nan,.1", "1 lines of outcomes that cannot be read (first: line 3: not a number)"),
        ("r,m,1", "1 lines of outcomes that cannot be read (first: line 3: 3 cells of 4)"),
        (",m,1,.1", "1 rows without a query or a model, left out (first: line 3)"),
        ("r,m,,.1", "1 rows without a score, taken as holes (first: line 3)"),
        ("r,m,1,-2", "1 negative dollars or seconds, taken as unknown (first: line 3)"),
        ('r,"m"x,1,.1', "1 lines of outcomes.csv that cannot be read (first: line 3: ',' expected after '\"')"),
        ('r,"m,1,.1', "1 lines of outcomes.csv that cannot be read (first: line 3: unexpected end of data)"),
    ],
)
def test_nothing_is_dropped_in_silence(tmp_path: Path, line: str, told: str) -> None:
    found = read(folder(tmp_path / "a", f"{HEAD}\nq,m,1,.1\n{line}\nz,m,0,.1\n"))
    assert told in found.oddities
    assert {"q", "z"} <= set(found.ids)  # what comes before and after is read


def test_a_row_that_contradicts_another_one_counts_half(tmp_path: Path) -> None:
    found = read(folder(tmp_path / "a", f"{HEAD}\nq,m,1,.1\nq,m,0,.3\n"))
    assert found.scores.tolist() == [[0.5]]
    assert found.costs.tolist() == [[0.2]]


def test_scores_in_percent_are_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no row can be used: .*2 rows with a score outside 0\.\.1"):
        read(folder(tmp_path / "a", f"{HEAD}\nq,m,85,.1\nr,m,90,.1\n"))


def test_unknown_columns_one_model_and_no_dollars_are_said(tmp_path: Path) -> None:
    found = read(folder(tmp_path / "a", "query_id,model,score,mood\nq,m,1,good\n"))
    assert "unknown columns of outcomes.csv left alone: 'mood'" in found.oddities
    assert "one model only: there is nothing to choose" in found.oddities
    assert "no dollars are recorded: compared by score alone" in found.oddities


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no column 'score'"):
        read(folder(tmp_path / "a", "query_id,model,points\nq,m,1\n"))


def test_queries_and_responses_that_fit_nothing_are_counted(tmp_path: Path) -> None:
    queries = (
        '{"query_id": "q", "prompt": "2+2?"}\n{"query_id": "other"}\n{"query_id": "q", "prompt": "?"}\nnonsense\n[1]\n'
    )
    responses = '{"query_id": "q", "model": "m", "response": "4"}\n{"query_id": "q", "model": "z", "response": "5"}\n'
    found = read(folder(tmp_path / "a", f"{HEAD}\nq,m,1,.1\nr,m,0,.1\n", queries=queries, responses=responses))
    assert found.texts == ("2+2?", "")
    assert found.answers is not None
    assert found.answers.tolist() == [["4"], [None]]
    assert set(found.oddities) == {
        "one model only: there is nothing to choose",
        "1 queries with outcomes are not in queries.jsonl: their text is unknown",
        "1 queries without an outcome, left out (first: line 2)",
        "1 queries that stand twice, the first one used (first: line 3)",
        "2 lines of queries.jsonl that cannot be read (first: line 4)",
        "1 responses to no outcome, left out (first: line 2)",
    }


def test_bytes_that_are_no_text_are_counted(tmp_path: Path) -> None:
    at = folder(tmp_path / "a", "")
    (at / "outcomes.csv").write_bytes(b"\xef\xbb\xbf" + HEAD.encode() + b"\nq,m\xff,1,.1\nr,m\x00,1,.1\n")
    found = read(at)
    assert found.models == ("m�",)
    assert "2 lines of outcomes.csv with bytes that are no text" in found.oddities


@pytest.mark.parametrize("size", ["9" * 400, "true", "-1", "2.5", '"7"'])
def test_a_size_that_is_none_is_counted_and_taken_from_the_prompt(size: str, tmp_path: Path) -> None:
    queries = (
        f'{{"query_id": "q", "prompt": "2+2?", "prompt_chars": {size}}}\n{{"query_id": "r", "prompt_chars": 70}}\n'
    )
    found = read(folder(tmp_path / "a", f"{HEAD}\nq,m,1,.1\nr,m,0,.1\n", queries=queries))
    assert found.sizes == (4, 70)
    assert "1 prompt_chars that are no number of characters, counted on the prompt (first: line 1)" in found.oddities


def test_empty_cells_at_the_end_of_lines_tell_nothing_and_full_ones_are_counted(tmp_path: Path) -> None:
    found = read(folder(tmp_path / "a", f"{HEAD},\nq,m,1,.1,\nr,m,0,.1,,\ns,m,0,.1,,x\n"))
    assert found.ids == ("q", "r")
    assert found.oddities[-1] == "1 lines of outcomes that cannot be read (first: line 4: 6 cells of 4)"


@pytest.mark.parametrize("file", ["outcomes", "models"])
def test_a_column_that_stands_twice_is_refused_by_its_name(file: str, tmp_path: Path) -> None:
    outcomes = "query_id,model,score, score\nq,m,1,0\n" if file == "outcomes" else f"{HEAD}\nq,m,1,.1\n"
    with pytest.raises(ConfigError, match=rf"{file}\.csv: column '(score|model)' stands twice"):
        read(folder(tmp_path / "a", outcomes, models="source,model,model\na,m,m\n"))


@pytest.mark.parametrize(
    ("name", "content"),
    [("outcomes.csv", b""), ("outcomes.csv.gz", b""), ("outcomes.csv.gz", gzip.compress(b"")), ("outcomes.csv", b"\n")],
)
def test_an_empty_file_says_that_it_is_empty(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=rf"{name}: is empty: get it anew"):
        read(tmp_path)


def test_a_file_that_need_not_be_there_may_be_empty(tmp_path: Path) -> None:
    found = read(folder(tmp_path / "a", f"{HEAD}\nq,m,1,.1\n", queries="", responses="", models=""))
    assert found.texts == ("",)
    assert "1 queries with outcomes are not in queries.jsonl: their text is unknown" in found.oddities


@pytest.mark.parametrize("code", ["utf-16", "utf-32"])
def test_a_file_with_wide_characters_says_what_it_is(code: str, tmp_path: Path) -> None:
    (tmp_path / "outcomes.csv").write_bytes(f"{HEAD}\nq,m,1,.1\n".encode(code))
    with pytest.raises(ConfigError, match="is written in UTF-16 or UTF-32: save it as UTF-8"):
        read(tmp_path)


def test_a_packed_file_that_is_cut_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outcomes.csv.gz").write_bytes(gzip.compress(f"{HEAD}\nq,m,1,.1\n".encode())[:-9])
    with pytest.raises(ConfigError, match="cannot be read to its end"):
        read(tmp_path)


def test_a_folder_of_several_sources_asks_for_one(tmp_path: Path) -> None:
    for name in ("a", "b"):
        folder(tmp_path / name, f"{HEAD}\nq,m,1,.1\n")
    assert [one.name for one in sources(tmp_path)] == ["a", "b"]
    with pytest.raises(ConfigError, match=r"holds several sources \(a, b\): name one of them"):
        read(tmp_path)


def test_a_folder_without_outcomes_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ConfigError, match=r"no outcomes.csv or outcomes.csv.gz here"):
            read(path)


def test_prices_of_another_source_are_not_taken(tmp_path: Path) -> None:
    prices = "source,model,price_in_usd_per_mtok,price_out_usd_per_mtok\nb,m,1,2\na,m,3,4\na,n,dear,1\n"
    found = read(folder(tmp_path / "a", f"{HEAD}\nq,m,1,.1\nq,n,1,.1\n", models=prices))
    assert found.list_prices[0].tolist() == [3.0, 4.0]
    assert np.isnan(found.list_prices[1]).all()
    assert "1 lines of models.csv that cannot be read (first: line 4)" in found.oddities
