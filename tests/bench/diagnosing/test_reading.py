"""What a path holds is told by what stands in it, and what is none of the forms is refused with their names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agora.bench.diagnosing.objects import digest, moment, number, objects
from agora.bench.diagnosing.reading import form_of, read_log
from agora.bench.routing.made import rows, write
from agora.bench.routing.oddities import Oddities
from agora.errors import ConfigError


def test_a_folder_of_outcomes_and_one_that_holds_such_are_outcomes(tmp_path: Path) -> None:
    folder = write(rows(queries=5), tmp_path / "data")
    assert form_of(folder) == "outcomes"
    assert form_of(folder.parent) == "outcomes"


def test_an_exported_ledger_and_a_project_are_agoras(tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").write_text('{"agora.ledger":1,"first":0,"last":0}\n')
    assert form_of(tmp_path / "ledger.jsonl") == "agora"
    (tmp_path / "agora.toml").write_text("")
    assert form_of(tmp_path) == "agora"


@pytest.mark.parametrize("content", ["", "just words", "[1, 2]", '{"a": 1}', "\x00\x01\xff", "[" * 100_000])
def test_what_is_none_of_them_is_refused_with_what_would_do(content: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content.encode("latin-1"))
    for place in (path, tmp_path):
        with pytest.raises(ConfigError, match=r"nothing that is known: a folder with outcomes\.csv"):
            form_of(place)


def test_a_path_that_is_not_there_is_said_to_be_that(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not there"):
        form_of(tmp_path / "gone")


def test_a_packed_file_that_is_cut_off_is_an_error_and_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "spend.jsonl.gz"
    path.write_bytes(b"\x1f\x8b\x08\x00torn")
    with pytest.raises(ConfigError, match="cannot be read to its end"):
        form_of(path)


def test_a_stated_form_reads_one_file_as_that_and_says_what_was_in_it(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"a": 1}))
    with pytest.raises(ConfigError, match="no calls in it that can be read: 1 objects that are no LiteLLM rows"):
        read_log(path, "litellm")


def test_lines_of_csv_that_do_not_fit_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('model,spend\na,1\nb\n"c"x,2\nd,3\n')
    odd = Oddities()
    assert [one["model"] for one in objects(path, odd)] == ["a", "d"]
    assert odd.told()[0].startswith("2 lines that cannot be read (first: x.csv, line 3: 1 cells)")


def test_numbers_and_moments_are_read_from_text_too_and_nonsense_is_unknown() -> None:
    assert number({"a": "nan", "b": "1e-3"}, "a", "b") == 0.001
    assert number({"a": True, "b": -1, "c": [1]}, "a", "b", "c") is None
    assert moment({"t": "1970-01-01T00:00:10Z"}, "t") == 10
    assert moment({"t": "soon"}, "t") is None
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
