"""Finished units: found again under the very same plan, and never under another one or from a torn file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from agora.bench.routing import made
from agora.bench.routing.digests import matrix_digest
from agora.bench.routing.kept import FOLDER, Kept
from agora.bench.routing.running import Plan, planned
from agora.bench.routing.units import Unit
from agora.errors import ConfigError
from bench.routing.reports import HOSTILE, entry

MATRIX = made.recorded(queries=40)
UNIT = Unit("tag_table", "full")
ENTRY = entry("tag_table", better=0.1).model_copy(update={"note": HOSTILE})


def plan(**changes: object) -> Plan:
    settings = {"policies": ("tag_table",), "protocols": ("full",), "seeds": 2, **changes}
    return planned(MATRIX, **settings)  # type: ignore[arg-type]


def files(folder: Path) -> list[Path]:
    return sorted((folder / FOLDER).iterdir())


def test_what_was_kept_is_found_again_to_the_bit(tmp_path: Path) -> None:
    Kept(tmp_path, plan()).keep(UNIT, ENTRY)
    assert Kept(tmp_path, plan()).found() == {UNIT: ENTRY}


@pytest.mark.parametrize(
    "changes",
    [
        {"seeds": 3},
        {"dial": 7.0},
        {"money": (0.001,)},
        {"features": "words"},
        {"options": {"tag_table": {"cost_weight": 0.9}}},
    ],
)
def test_another_setting_finds_nothing(changes: dict[str, object], tmp_path: Path) -> None:
    Kept(tmp_path, plan()).keep(UNIT, ENTRY)
    assert Kept(tmp_path, plan(**changes)).found() == {}


def test_other_data_find_nothing(tmp_path: Path) -> None:
    Kept(tmp_path, plan()).keep(UNIT, ENTRY)
    scores = MATRIX.scores.copy()
    scores[0, 0] = 1 - scores[0, 0]
    other = planned(MATRIX._replace(scores=scores), policies=("tag_table",), protocols=("full",), seeds=2)
    assert Kept(tmp_path, other).found() == {}
    assert matrix_digest(MATRIX) != matrix_digest(MATRIX._replace(texts=("other", *MATRIX.texts[1:])))


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_torn_file_counts_as_none_and_is_counted(share: float, tmp_path: Path) -> None:
    Kept(tmp_path, plan()).keep(UNIT, ENTRY)
    (file,) = files(tmp_path)
    whole = file.read_bytes()
    file.write_bytes(whole[: int(share * len(whole))])
    again = Kept(tmp_path, plan())
    assert again.found() == {}
    assert again.torn == 1


def test_a_figure_that_was_changed_in_a_file_does_not_count(tmp_path: Path) -> None:
    Kept(tmp_path, plan()).keep(UNIT, ENTRY)
    (file,) = files(tmp_path)
    told = json.loads(file.read_text())
    told["entry"] = told["entry"].replace("0.1", "0.2", 1)
    file.write_text(json.dumps(told))
    assert Kept(tmp_path, plan()).found() == {}


def test_options_of_the_table_that_gains_are_against_are_in_every_key(tmp_path: Path) -> None:
    unit, kept = Unit("knn", "full"), Kept(tmp_path, plan())
    kept.keep(unit, ENTRY)
    assert kept.found() == {unit: ENTRY}
    assert Kept(tmp_path, plan(options={"tag_table": {"cost_weight": 0.9}})).found() == {}


def test_vectors_of_another_model_find_nothing(tmp_path: Path) -> None:
    one, other = (plan()._replace(embedded=np.full((40, 3), value)) for value in (0.1, 0.2))
    Kept(tmp_path, one).keep(UNIT, ENTRY)
    assert Kept(tmp_path, one).found() == {UNIT: ENTRY}
    assert Kept(tmp_path, other).found() == {}


def test_another_numpy_finds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Kept(tmp_path, plan()).keep(UNIT, ENTRY)
    monkeypatch.setattr(np, "__version__", "99.0")
    assert Kept(tmp_path, plan()).found() == {}


def test_a_link_to_itself_in_a_units_place_is_counted_and_written_over(tmp_path: Path) -> None:
    kept = Kept(tmp_path, plan())
    kept.keep(UNIT, ENTRY)
    (file,) = files(tmp_path)
    file.unlink()
    file.symlink_to(file)
    assert kept.found() == {}
    assert kept.torn == 1
    kept.keep(UNIT, ENTRY)
    assert kept.found() == {UNIT: ENTRY}


def test_a_folder_in_a_units_place_is_counted_and_when_it_is_written_the_mend_is_said(tmp_path: Path) -> None:
    kept = Kept(tmp_path, plan())
    kept.keep(UNIT, ENTRY)
    (file,) = files(tmp_path)
    file.unlink()
    file.mkdir()
    assert kept.found() == {}
    assert kept.torn == 1
    with pytest.raises(ConfigError, match=r"tag_table--full--.*cannot be written.*move what stands there away"):
        kept.keep(UNIT, ENTRY)
    assert files(tmp_path) == [file]  # and no half of it


def test_halves_of_a_process_that_was_killed_are_swept(tmp_path: Path) -> None:
    kept = Kept(tmp_path, plan())
    kept.keep(UNIT, ENTRY)
    (tmp_path / FOLDER / "tmpabc.half").write_text("{")
    assert Kept(tmp_path, plan()).found() == {UNIT: ENTRY}
    assert [file.suffix for file in files(tmp_path)] == [".json"]


def test_a_folder_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        Kept(tmp_path / "file", plan())
