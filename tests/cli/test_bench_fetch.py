"""`agora bench fetch`: the public set from a server on this machine, the generated one as files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agora.bench.routing.reading import read
from bench.routing.served_tables import served, tables
from cli.projects import Shell


def _packed() -> dict[str, bytes]:
    return {name: text.encode() for name, text in tables().items()}


def test_the_tables_are_got_converted_and_can_be_read(tmp_path: Path, shell: Shell) -> None:
    with served(_packed()) as address:
        told = shell("bench", "fetch", "routerbench", "--to", str(tmp_path / "o"), "--from", address)
    assert told.code == 0
    assert "24 outcomes of 12 queries at 2 models" in told.out
    assert f"agora bench routing --data {tmp_path}/o/routerbench" in told.out
    assert len(read(tmp_path / "o" / "routerbench").ids) == 12


def test_as_json_it_says_where_they_stand(tmp_path: Path, shell: Shell) -> None:
    for name, text in tables().items():
        (tmp_path / name).write_text(text)
    told = shell("bench", "fetch", "routerbench", "--to", str(tmp_path / "o"), "--from", str(tmp_path), "--json")
    said = json.loads(told.out)
    assert (said["schema"], said["queries"], said["oddities"]) == ("agora.bench.fetch/1", 12, [])
    assert Path(said["folder"]).is_dir()


def test_a_cut_off_answer_leaves_nothing_behind(tmp_path: Path, shell: Shell) -> None:
    with served(_packed(), cut=True) as address:
        told = shell("bench", "fetch", "routerbench", "--to", str(tmp_path / "o"), "--from", address)
    assert told.code == 2
    assert "cut off" in told.err or "cannot be had" in told.err
    assert not (tmp_path / "o").exists()


def test_a_file_that_is_not_there_is_named_with_what_can_be_done(tmp_path: Path, shell: Shell) -> None:
    with served({}) as address:
        told = shell("bench", "fetch", "routerbench", "--to", str(tmp_path), "--from", address)
    assert told.code == 2
    assert "HTTP 404" in told.err
    assert "--from" in told.err


def test_what_is_there_already_is_not_written_over(tmp_path: Path, shell: Shell) -> None:
    (tmp_path / "routerbench").mkdir()
    told = shell("bench", "fetch", "routerbench", "--to", str(tmp_path), "--from", str(tmp_path))
    assert told.code == 2
    assert "is there already" in told.err


@pytest.mark.parametrize("origin", ["ftp://example.org/", "file:///etc/", "/nowhere/at/all"])
def test_an_address_that_cannot_be_used_is_one_line(origin: str, tmp_path: Path, shell: Shell) -> None:
    told = shell("bench", "fetch", "routerbench", "--to", str(tmp_path), "--from", origin)
    assert told.code == 2
    assert "Traceback" not in told.err


def test_the_generated_set_is_written_as_files_of_the_same_form(tmp_path: Path, shell: Shell) -> None:
    told = shell("bench", "fetch", "small", "--to", str(tmp_path))
    assert told.code == 0
    assert len(read(tmp_path / "small").models) == 6
    again = shell("bench", "fetch", "small", "--to", str(tmp_path))
    assert again.code == 2
