"""Exported ledgers on the command line: out, read, in; whatever is wrong with one is one line and an exit code."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agora.memory import MemoryStore
from agora.testing.clocks import FakeClock
from agora.testing.stores import one_run
from agora.traces.exporting import Export, selected
from agora.traces.files import write_file
from cli.projects import CHECK, Shell
from traces.otlp import collecting

RUN = ("run", "mend word.txt", "--workspace", "repo", "--verify", CHECK, "--yes", "--seed", "7")


@pytest.fixture
def ran(shell: Shell, project: Path) -> Path:
    """A project with two runs, and the export of all of it beside."""
    assert project.exists()
    for _ in range(2):
        assert shell(*RUN).code in (0, 1)
    assert shell("trace", "export", "--all", "-o", "all.jsonl").code == 0
    return project / "all.jsonl"


@pytest.fixture
def elsewhere(shell: Shell, project: Path) -> Path:
    """Another, empty project."""
    folder = project.parent / "elsewhere"
    assert shell("init", str(folder)).code == 0
    return folder


def test_a_run_goes_out_is_read_and_comes_in_elsewhere(shell: Shell, ran: Path, elsewhere: Path) -> None:
    said = shell("trace", "export", "-o", "run.jsonl")
    assert said.code == 0, said.err
    assert "check it: agora trace verify --ledger run.jsonl" in said.err
    assert shell("trace", "export").out == Path("run.jsonl").read_text()
    run = json.loads(Path("run.jsonl").read_text().splitlines()[0])["run"]
    for command in (["explain"], ["trace", "events"], ["show"]):
        mine, theirs = shell(*command, run), shell(*command, run, "--ledger", "run.jsonl")
        assert (theirs.code, theirs.out) == (0, mine.out)
    assert shell("runs", "--ledger", str(ran)).out == shell("runs").out
    assert shell("trace", "export", run, "--ledger", str(ran)).out == Path("run.jsonl").read_text()
    taken = shell("trace", "import", str(ran), "--project", str(elsewhere), "--json")
    assert taken.code == 0, taken.err
    form = json.loads(taken.out)
    assert form["schema"] == "agora.trace.import/1"
    assert form["carried"] == form["entries"] > 0
    assert shell("trace", "export", "--all", "--project", str(elsewhere)).out == ran.read_text()
    assert shell("runs", "--project", str(elsewhere)).out == shell("runs").out


def test_an_export_carries_its_checkpoints_to_whoever_takes_it_in(
    shell: Shell, ran: Path, elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = json.loads(ran.read_text().splitlines()[0])
    assert len(header["checkpoints"]) == 2
    assert all(note.startswith(header["origin"] + "\n") for note in header["checkpoints"])
    oldest = json.loads(shell("runs", "--json").out)["runs"][-1]["id"]
    first = json.loads(shell("trace", "export", oldest).out.splitlines()[0])
    assert first["checkpoints"] == header["checkpoints"][:1]  # the second one signs more than that run
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "other data"))
    taken = shell("trace", "import", str(ran), "--project", str(elsewhere))
    assert "2 checkpoints of it are kept here now" in taken.out
    again = shell("trace", "export", "--all", "--project", str(elsewhere)).out.splitlines()
    assert set(header["checkpoints"]) < set(json.loads(again[0])["checkpoints"])  # whoever exports signs, too
    assert again[1:] == ran.read_text().splitlines()[1:]


@pytest.fixture
def plain(project: Path) -> Path:
    """The export of two small runs, in a project that has none."""
    store = MemoryStore(clock=FakeClock())
    for run in ("r1", "r2"):
        store.note(run, *one_run())
    file = project / "plain.jsonl"
    write_file(file, Export(store, selected(store, store, None)).lines())
    return file


Damage = Callable[[list[str]], list[str]]
READ: dict[str, tuple[Damage, int, str]] = {
    "nothing in it": (lambda _: [], 1, "bad.jsonl' is empty: name a file that `agora trace export` wrote"),
    "no export": (lambda _: ["<html>\n"], 1, "bad.jsonl, line 1: it is no header"),
    "a newer one": (
        lambda all: ['{"agora.ledger":2}\n', *all[1:]],
        1,
        "format 2, and this Agora reads up to 1: install",
    ),
    "a line that is no JSON": (lambda all: [*all[:5], "{]\n", *all[6:]], 1, "bad.jsonl, line 6: it is no JSON object"),
    "a line that is missing": (lambda all: [*all[:5], *all[6:]], 1, "line 6: entry 6 stands where another is due"),
    "a line twice": (lambda all: [*all[:5], all[4], *all[5:]], 1, "line 6: entry 4 is there twice"),
    "a torn end": (
        lambda all: [*all[:-1], all[-1][:-9]],
        0,
        "ends in the middle and was left out: the ledger is read up",
    ),
    "a missing end": (lambda all: all[:-3], 0, "which the header promises, are not there"),
}


@pytest.mark.parametrize("name", READ)
def test_a_file_that_is_not_whole_is_said_in_one_line(shell: Shell, plain: Path, name: str) -> None:
    damage, code, due = READ[name]
    Path("bad.jsonl").write_text("".join(damage(plain.read_text().splitlines(keepends=True))))
    said = shell("trace", "events", "--ledger", "bad.jsonl")
    assert due in said.err
    assert len(said.err.splitlines()) == 1
    assert said.code == code
    assert "Traceback" not in said.err + said.out
    assert bool(said.out) == (code == 0)


TAKEN: dict[str, tuple[Damage, int, str]] = {
    "half a ledger": (lambda all: [all[0], *all[4:]], 14, "half a ledger: the file begins at entry 4"),
    "a changed body": (
        lambda all: [line.replace('"goal":"make', '"goal":"fake') for line in all],
        10,
        "of the ledger or its body was changed: nothing was imported",
    ),
    "a changed time": (
        lambda all: [line.replace('"kind":"posted","at_us":1', '"kind":"posted","at_us":2') for line in all],
        10,
        "was changed: nothing was imported",
    ),
    "a body of 2**60": (
        lambda all: [line.replace('"goal":"make it work"', '"goal":1152921504606846976') for line in all],
        10,
        "was changed: nothing was imported",
    ),
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_file_that_lies_is_not_taken_in(shell: Shell, plain: Path, elsewhere: Path, name: str) -> None:
    damage, code, due = TAKEN[name]
    whole = plain.read_text().splitlines(keepends=True)
    assert damage(whole) != whole
    Path("bad.jsonl").write_text("".join(damage(whole)))
    said = shell("trace", "import", "bad.jsonl", "--project", str(elsewhere))
    assert (said.code, said.out) == (code, "")
    assert due in said.err
    assert "no runs yet" in shell("runs", "--project", str(elsewhere)).out


def test_another_history_is_refused(shell: Shell, plain: Path, elsewhere: Path) -> None:
    assert shell("trace", "import", str(plain), "--project", str(elsewhere)).code == 0
    database = elsewhere / "memory" / "agora.db"
    with sqlite3.connect(database) as connection:
        names = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'ledger%'"
        for (name,) in connection.execute(names).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE ledger SET hash = ? WHERE seq IN (3, 8)", ("f" * 64,))
    said = shell("trace", "import", str(plain), "--project", str(elsewhere))
    assert said.code == 13
    assert "this memory holds another history: entry 3 here is not the file's" in said.err


def test_a_newer_database_is_refused_with_a_clear_line(shell: Shell, ran: Path, project: Path) -> None:
    with sqlite3.connect(project / "memory" / "agora.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    for command in (["runs"], ["trace", "export"], ["trace", "import", str(ran)], ["memory", "rebuild"]):
        said = shell(*command)
        assert said.code == 1
        assert "schema '9999', and this Agora knows up to" in said.err
        assert len(said.err.splitlines()) == 1


def test_a_changed_ledger_is_neither_exported_nor_derived_from(shell: Shell, ran: Path, project: Path) -> None:
    assert ran.exists()
    with sqlite3.connect(project / "memory" / "agora.db") as database:
        for (name,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type='trigger' AND name LIKE 'b%'"
        ).fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute("UPDATE bodies SET body = 'text' WHERE seq = 2")
    for command in (["trace", "export", "--all", "-o", "new.jsonl"], ["memory", "rebuild"]):
        said = shell(*command)
        assert said.code == 10, said.err
        assert "entry 2 of the ledger or its body was changed" in said.err
    assert not Path("new.jsonl").exists()
    assert not list(project.glob(".new.jsonl*"))


def test_an_export_into_a_place_that_is_none_is_said(shell: Shell, ran: Path) -> None:
    assert ran.exists()
    for place, why in (("no/such/folder.jsonl", "No such file"), ("repo", "'repo' is a folder: name a file")):
        said = shell("trace", "export", "-o", place)
        assert said.code == 1
        assert why in said.err


def test_what_was_erased_stays_out_of_every_export(shell: Shell, ran: Path) -> None:
    seq = next(number for number, line in enumerate(ran.read_text().splitlines()) if '"kind":"posted"' in line)
    said = shell("trace", "erase", str(seq), "--yes")
    assert said.code == 0, said.err
    exported = shell("trace", "export", "--all").out.splitlines()
    entry = json.loads(exported[seq])
    assert (entry["kind"], entry["body"], entry["salt"]) == ("posted", None, None)
    assert entry["body_hash"] == json.loads(ran.read_text().splitlines()[seq])["body_hash"]
    assert "mend word.txt" not in exported[seq]
    assert shell("memory", "rebuild").code == 0


def test_a_rebuild_says_that_all_stood_there_as_the_ledger_says(shell: Shell, ran: Path) -> None:
    assert ran.exists()
    said = shell("memory", "rebuild")
    assert said.code == 0, said.err
    assert "all stood there as the ledger says" in said.out
    form = json.loads(shell("memory", "rebuild", "--json").out)
    assert (form["schema"], form["equal"]) == ("agora.memory.rebuild/1", True)
    assert {"runs", "records", "tree"} <= {table["name"] for table in form["tables"]}


LAUNCHED = """
import sys
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
from agora.cli.main import main
sys.argv = ["agora", *sys.argv[1:]]
main()
"""


def test_spans_leave_the_command_line_where_an_sdk_is_set_up(
    shell: Shell, ran: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ran.exists()
    said = shell("trace", "otel")
    if "opentelemetry.sdk.trace" not in sys.modules:
        assert said.code == 2
        assert "no SDK is set up in this process" in said.err
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        for command in (RUN, ("trace", "otel")):
            done = subprocess.run(
                [sys.executable, "-c", LAUNCHED, *command], capture_output=True, text=True, timeout=60
            )
            assert done.returncode in (0, 1), done.stderr
    roots = [span for span in collector.spans if not span.parent]
    assert [span.name for span in roots] == ["invoke_workflow market"] * 2
    assert len({span.attributes["agora.run.id"] for span in roots}) == 1
    assert b"mend word" not in collector.bytes
