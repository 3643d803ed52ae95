"""Finished units: found again under the very same plan, and never under another one or from a torn file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agora.bench.routing import made
from agora.bench.routing.kept import FOLDER, Kept, code_digest, matrix_digest
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


def test_the_code_of_a_policy_is_a_part_of_its_key() -> None:
    digests = {code_digest(name) for name in ("tag_table", "knn", "uniroute")}
    assert len(digests) == 3
    assert code_digest("best single") == code_digest("oracle") == code_digest("tag_table")


def test_a_folder_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        Kept(tmp_path / "file", plan())
