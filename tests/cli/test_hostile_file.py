"""An exported file of somebody who means harm: nothing of it reaches the terminal raw, nothing of it is taken in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from agora.memory import MemoryStore
from agora.memory.ledger_file import LedgerFile
from agora.testing.clocks import FakeClock
from agora.testing.stores import one_run
from agora.traces.exporting import Export, selected
from agora.traces.files import write_file
from cli.projects import Shell

HOSTILE = "\x1b[31m\u202eevil\0\nline"


def exported(project: Path, run: str) -> Path:
    store = MemoryStore(clock=FakeClock())
    store.note(run, *one_run())
    file = project / "hostile.jsonl"
    write_file(file, Export(store, selected(store, store, None)).lines())
    return file


@pytest.mark.parametrize("command", [("runs",), ("show", "last"), ("explain", "last"), ("trace", "events", "last")])
def test_a_run_id_that_is_none_is_refused_and_never_printed_raw(
    shell: Shell, project: Path, command: tuple[str, ...]
) -> None:
    file = exported(project, HOSTILE)
    said = shell(*command, "--ledger", str(file))
    assert (said.code, said.out) == (1, "")
    assert "hostile.jsonl, line 2: run " in said.err
    assert "is not an id: it is printable ASCII" in said.err
    assert said.err.strip().isprintable()


@pytest.mark.parametrize("command", [("runs",), ("show", "last"), ("explain", "last"), ("trace", "replay", "last")])
def test_a_run_id_that_looks_like_markup_is_shown_as_it_is(
    shell: Shell, project: Path, command: tuple[str, ...]
) -> None:
    file = exported(project, "[red]evil[/]")
    said = shell(*command, "--ledger", str(file))
    assert "bug" not in said.err
    assert "[red]evil[/]" in said.out


@pytest.mark.parametrize("command", [("runs",), ("show", "last"), ("explain", "last")])
def test_a_run_id_is_made_safe_even_behind_the_border(
    shell: Shell, project: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    # As of a store that takes any id: what is shown must not depend on the border alone.
    monkeypatch.setattr("agora.ledger.lines._run", str)
    file = exported(project, HOSTILE)
    said = shell(*command, "--ledger", str(file))
    assert said.code == 0, said.err
    assert "<U+001B>[31m<U+202E>evil<U+0000>" in said.out
    assert not {"\x1b", "\u202e", "\0"} & {*said.out}


def changed(file: Path, change: Callable[[dict[str, object]], None]) -> None:
    lines = file.read_text().splitlines(keepends=True)
    header = json.loads(lines[0])
    change(header)
    file.write_text("".join((json.dumps(header) + "\n", *lines[1:])))


@pytest.mark.parametrize("name", ["origin", "checkpoints"])
def test_a_header_with_half_a_character_is_refused_before_anything_is_written(
    shell: Shell, project: Path, name: str
) -> None:
    file = exported(project, "r1")
    assert LedgerFile.open(file).last
    changed(file, lambda header: header.update({name: "\ud800" if name == "origin" else ["a\n1\n\ud800\n\n"]}))
    for command in (["trace", "import", str(file)], ["trace", "verify", "--ledger", str(file)]):
        said = shell(*command)
        assert (said.code, said.out) == (1, "")
        assert "line 1: the header's origin or a checkpoint holds a lone surrogate" in said.err
    assert "no runs yet" in shell("runs").out


@pytest.mark.parametrize(
    "command",
    [
        ("runs", "--ledger", "~nosuchuser/x"),
        ("runs", "--project", "~nosuchuser/x"),
        ("trace", "verify", "--ledger", "~nosuchuser/x"),
    ],
)
def test_a_home_that_nobody_has_is_said(shell: Shell, project: Path, command: tuple[str, ...]) -> None:
    assert project.exists()
    said = shell(*command)
    assert (said.code, said.out) == (2, "")
    assert "write the path out" in said.err
