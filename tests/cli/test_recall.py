"""Recall on the command line: its settings reach the store, and where embeddings cannot be made a line says so."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from agora.cli.session import open_session, opened_store
from agora.events import Posted
from agora.memory.recall import Recalling
from agora.memory.sql_store import SQLStore
from agora.settings import Settings
from agora.tasks import Task
from agora.testing.clocks import FakeClock
from agora.testing.lessons import memory_update
from cli.projects import Shell, started

GOALS = {
    "car": "repair an automobile engine",
    "date": "parse the date",
    "same": "Parse the  DATE",
    "boat": "sell a boat",
}

ABSENT = "import sys\nsys.modules['onnxruntime'] = None\n"
BROKEN = "raise ImportError('libgomp.so.1: cannot open shared object file')\n"


async def fill(place: Path) -> None:
    store = SQLStore.open(place, clock=FakeClock())
    for task, goal in GOALS.items():
        spec = Task(id=task, goal=goal, labels=frozenset({"private"}))
        await store.record("r1", Posted(task=task, spec=spec), memory_update(task=task, goal=goal))
    await store.close()


@pytest.fixture
def filled(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose memory holds four goals, two of them nearly the same, all of labelled tasks."""
    place = project / "records.db"
    monkeypatch.setenv("AGORA_DB_URL", str(place))
    anyio.run(fill, place)
    return project


def searched(shell: Shell, text: str) -> set[str]:
    """Which tasks are found."""
    return {entry["task"] for entry in json.loads(shell("memory", "search", text, "--json").out)["entries"]}


def test_by_meaning_what_shares_no_word_is_found_and_it_is_said_how(shell: Shell, filled: Path) -> None:
    assert searched(shell, "fix my car's motor") == {"car"}
    assert "they are found by words and by meaning" in shell("memory").out
    assert json.loads(shell("memory", "--json").out)["recall"] == "words and meaning"
    assert "recall: by words and meaning" in shell("doctor", "--no-battery").out


def test_the_floor_is_a_setting(shell: Shell, filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGORA_RECALL_FLOOR", "0.9")
    assert searched(shell, "fix my car's motor") == set()
    assert searched(shell, "parse the date") == {"date", "same"}
    monkeypatch.setenv("AGORA_RECALL_FLOOR", "-1")
    assert searched(shell, "fix my car's motor") == set(GOALS)


def test_the_capacity_and_what_is_a_near_duplicate_are_settings_of_a_project(shell: Shell, filled: Path) -> None:
    toml = filled / "agora.toml"
    before = toml.read_text()
    toml.write_text(f"{before}recall_floor = -1\nrecall_capacity = 3\n")
    assert searched(shell, "date") == {"car", "same", "boat"}, "of two that are nearly the same the older makes room"
    toml.write_text(f"{before}recall_floor = -1\nrecall_capacity = 3\nrecall_duplicate = 1.0\n")
    assert searched(shell, "date") == {"date", "same", "boat"}, "else the oldest does"


@pytest.mark.parametrize("by", ["words", "meaning"])
@pytest.mark.parametrize("trusted", [True, False])
async def test_who_may_be_shown_a_memory_is_for_a_person_to_say(
    filled: Path, monkeypatch: pytest.MonkeyPatch, by: str, trusted: bool
) -> None:
    monkeypatch.setenv("AGORA_RECALL_TRUST", str(trusted))
    if by == "words":
        monkeypatch.setattr("agora.cli.session._embedder_or_a_line", lambda: None)
    async with opened_store(open_session()) as store:
        assert [entry.task for entry in store.recall("boat", trust=frozenset())] == ([] if trusted else ["boat"])
        assert [entry.task for entry in store.recall("boat", trust=frozenset({"private"}))] == ["boat"]
        assert [entry.task for entry in store.recall("boat")] == ["boat"]


def test_the_page_states_every_setting_of_recall_with_its_default() -> None:
    page = (Path(__file__).parents[2] / "docs" / "recall.md").read_text()
    stated = dict(re.findall(r"^\| `(recall_\w+)` \| (\S+) \|", page, re.MULTILINE))
    fields = {name: field.default for name, field in Settings.model_fields.items() if name.startswith("recall_")}
    assert {name: json.loads(value) for name, value in stated.items()} == fields
    own = Recalling()
    of_store = {"floor": own.floor, "capacity": own.capacity, "duplicate": own.duplicate, "trust": own.trusted}
    assert {f"recall_{name}": value for name, value in of_store.items()}.items() <= fields.items()


@pytest.mark.parametrize("line", ["recall_trust = false", "recall_trust = true"])
def test_a_project_cannot_say_who_may_be_shown_a_memory(shell: Shell, filled: Path, line: str) -> None:
    (filled / "agora.toml").write_text(line)
    refused = shell("memory")
    assert refused.code == 2
    assert "a project cannot say this" in refused.err


def without(folder: Path, kind: str) -> dict[str, str]:
    """The variables of a process in which onnxruntime cannot be imported: not there, or not in working order."""
    if kind == "absent":
        (folder / "sitecustomize.py").write_text(ABSENT)
    else:
        (folder / "onnxruntime").mkdir()
        (folder / "onnxruntime" / "__init__.py").write_text(BROKEN)
    return {"PYTHONPATH": str(folder)}


LINES = {"absent": "onnxruntime not installed: pip install", "broken": "cannot be loaded (libgomp.so.1"}


@pytest.mark.parametrize("kind", list(LINES))
def test_where_embeddings_cannot_be_made_memories_are_found_by_words_and_a_line_says_why(
    filled: Path, tmp_path: Path, kind: str
) -> None:
    folder = tmp_path / "path"
    folder.mkdir()
    environ = without(folder, kind)

    def ran(*arguments: str) -> tuple[str, str]:
        process = started(filled, *arguments, environ={**environ, "COLUMNS": "500"})
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0 or arguments[0] == "doctor", err
        return out, err

    out, err = ran("memory", "search", "parsing dates", "--json")
    assert {entry["task"] for entry in json.loads(out)["entries"]} == {"date", "same"}
    assert ("recall goes by words only" in err, LINES[kind] in err) == ((kind == "broken",) * 2)
    assert json.loads(ran("memory", "search", "fix my car's motor", "--json")[0])["entries"] == []
    shown, _ = ran("memory")
    assert "found by words only" in shown
    assert LINES[kind] in shown
    form = json.loads(ran("doctor", "--no-battery", "--json")[0])
    assert form["recall"] == "words"
    assert LINES[kind] in form["recall_trouble"]
    assert "agora-market[embeddings]" in form["recall_trouble"]


@pytest.mark.parametrize("kind", list(LINES))
def test_a_store_keeps_its_seam_where_embeddings_cannot_be_made(tmp_path: Path, kind: str) -> None:
    code = (
        "import anyio, itertools, warnings; from agora.memory.sql_store import SQLStore;"
        "from agora.testing.clocks import FakeClock; from agora.testing.stores import check_store;"
        "warnings.simplefilter('always'); names = itertools.count();"
        f"made = lambda: SQLStore.open({str(tmp_path)!r} + f'/{{next(names)}}.db', clock=FakeClock());"
        "anyio.run(check_store, made); print('kept')"
    )
    folder = tmp_path / "path"
    folder.mkdir()
    process = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **without(folder, kind)}, capture_output=True, text=True
    )
    assert process.stdout == "kept\n", process.stderr
    assert process.stderr.count("recall goes by words only") == (kind == "broken"), "said once, where it is a surprise"
