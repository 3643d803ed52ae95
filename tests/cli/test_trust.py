"""`agora trace verify`, `prove`, `erase`, `checkpoint` and `key`: real runs, real files, real git."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import pytest

from agora.ledger.notes import SecretKey
from agora.memory.sql_store import SQLStore
from agora.records import Entry, Envelope, Stored
from agora.testing.clocks import FakeClock
from cli.projects import CHECK, Shell
from memory.helpers_store import small
from traces import standalone_checker
from traces.signed_ledgers import rewritten

RUN = ("run", "mend word.txt", "--workspace", "repo", "--verify", CHECK, "--yes")
DATABASE = Path("memory") / "agora.db"


@pytest.fixture
def done(shell: Shell, project: Path) -> Path:
    """A project with one run that was signed."""
    shown = shell(*RUN)
    assert shown.code == 0, shown.err
    return project


def kept(tmp_path: Path) -> Path:
    """The file of checkpoints in the user's data folder."""
    (file,) = (tmp_path / "home/.local/share/agora/checkpoints").glob("*.txt")
    return file


def key_file(tmp_path: Path) -> Path:
    return tmp_path / "home/.local/share/agora/signing.key"


def test_a_run_ends_with_a_signed_ledger_that_verifies(shell: Shell, project: Path, tmp_path: Path) -> None:
    shown = shell(*RUN)
    (line,) = [line for line in shown.out.splitlines() if line.startswith("ledger ")]
    origin, size, root = kept(tmp_path).read_text().splitlines()[:3]
    assert line == f"ledger {size} entries · root {root} · signed"
    assert stat.S_IMODE(key_file(tmp_path).stat().st_mode) == 0o600
    verified = shell("trace", "verify")
    assert (verified.code, "verified: this is the ledger that was signed" in verified.out) == (0, True)
    form = json.loads(shell("trace", "verify", "last", "--json").out)
    assert (form["schema"], form["verdict"], form["findings"]) == ("agora.trace.verify/1", "verified", [])
    assert (form["entries"], form["origin"], form["missing_bodies"]) == (int(size), origin, [])
    secret = key_file(tmp_path).read_text().strip().split("+", 4)[4]
    assert secret not in shown.out + shown.err + verified.out
    assert secret.encode() not in (project / DATABASE).read_bytes()


def test_each_run_adds_a_checkpoint_and_a_command_signs_now(shell: Shell, done: Path, tmp_path: Path) -> None:
    assert shell(*RUN).code in (0, 1)
    assert kept(tmp_path).read_text().count("— agora ") == 2
    shown = shell("trace", "checkpoint")
    assert kept(tmp_path).read_text().endswith(shown.out)
    assert kept(tmp_path).read_text().count("— agora ") == 2  # it was signed as it is
    assert "2 hold, the last over" in shell("trace", "verify").out


def test_it_can_be_switched_off(shell: Shell, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGORA_CHECKPOINT", "off")
    assert "root" not in shell(*RUN).out
    assert not key_file(tmp_path).exists()
    shown = shell("trace", "verify")
    assert (shown.code, "there is no key here" in shown.out, "no checkpoint vouches" in shown.out) == (12, True, True)
    (project / "agora.toml").write_text('checkpoint_command = ["sh", "-c", "touch /tmp/owned"]\n')
    assert "a project cannot say this" in shell(*RUN).error


def raw(project: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(project / DATABASE, isolation_level=None)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        if name.startswith(("ledger", "bodies")):
            connection.execute(f"DROP TRIGGER {name}")
    return connection


def envelope(database: sqlite3.Connection) -> None:
    database.execute("UPDATE ledger SET at_us = at_us + 1 WHERE seq = 5")


def body(database: sqlite3.Connection) -> None:
    (old,) = database.execute("SELECT body FROM bodies WHERE seq = 5").fetchone()
    database.execute("UPDATE bodies SET body = ? WHERE seq = 5", (bytes([*old[:-2], old[-2] ^ 1, old[-1]]),))


def delete(database: sqlite3.Connection) -> None:
    database.execute("DELETE FROM ledger WHERE seq = 5")


def swap(database: sqlite3.Connection) -> None:
    for old, new in ((5, -1), (7, 5), (-1, 7)):
        database.execute("UPDATE ledger SET seq = ? WHERE seq = ?", (new, old))


def insert(database: sqlite3.Connection) -> None:
    rewrite(database, lambda entries: [*entries[:4], entries[0], *entries[4:]], chained=5)


def cut(database: sqlite3.Connection) -> None:
    (last,) = database.execute("SELECT max(seq) FROM ledger").fetchone()
    for table in ("ledger", "bodies"):
        database.execute(f"DELETE FROM {table} WHERE seq > ?", (last - 3,))


def anew(database: sqlite3.Connection) -> None:
    rewrite(database, lambda entries: [*entries[:4], entries[5], entries[4], *entries[6:]])


def rewrite(
    database: sqlite3.Connection, change: Callable[[list[Stored]], list[Stored]], *, chained: int | None = None
) -> None:
    """Write the ledger anew, with hashes to match; with `chained`, only up to there."""
    names = (*Envelope._fields, "hash")
    rows = database.execute(
        f"SELECT {', '.join(f'ledger.{name}' for name in names)}, salt, bodies.body FROM ledger LEFT JOIN bodies"
        " USING (seq) ORDER BY seq"
    ).fetchall()
    changed = change([Stored(Entry(Envelope(*row[:7]), row[7]), row[8], row[9]) for row in rows])
    made = rewritten(changed[:chained], 4)
    if chained is not None:  # the rest as it was, one place further on
        for old in changed[chained:]:
            made.append(
                Stored(Entry(old.entry.envelope._replace(seq=len(made) + 1), old.entry.hash), old.salt, old.body)
            )
    database.execute("DELETE FROM ledger")
    database.execute("DELETE FROM bodies")
    for (entry, hashed), salt, content in made:
        marks = ", ".join("?" * len(names))
        database.execute(f"INSERT INTO ledger ({', '.join(names)}) VALUES ({marks})", (*entry, hashed))
        database.execute("INSERT INTO bodies VALUES (?, ?, ?, ?)", (entry.seq, entry.body, salt, content))


@pytest.mark.parametrize(
    ("tamper", "code", "said"),
    [
        (envelope, 10, "changed: entry 5 was changed"),
        (body, 10, "changed: the body of entry 5 is not the one that was recorded"),
        (delete, 10, "changed: entry 5 is not there: entry 6 stands in its place"),
        (swap, 10, "changed: entry 5 was changed: it does not hash to what stands beside it"),
        (insert, 10, "changed: entry 6 was changed"),
        (cut, 11, "which {kept}, line 1 signs, are not there"),
        (anew, 13, "signs: another history"),
    ],
)
def test_a_database_that_was_tampered_with_is_found_out(
    tamper: Callable[[sqlite3.Connection], None], code: int, said: str, shell: Shell, done: Path, tmp_path: Path
) -> None:
    with raw(done) as database:
        tamper(database)
    database.close()
    shown = shell("trace", "verify")
    words = " ".join(shown.out.split())
    assert (shown.code, said.format(kept=kept(tmp_path)) in words) == (code, True), shown.out
    again = shell("trace", "checkpoint")
    if code != 10:  # a cut or rewritten ledger gets no good signature
        assert (again.code, "it is not signed again" in again.error) == (13, True)


def test_a_ledger_that_was_replaced_altogether_is_another_one(shell: Shell, done: Path, tmp_path: Path) -> None:
    for file in (done / "memory").glob("agora.db*"):
        file.unlink()
    shown = shell(*RUN)
    assert "this is not the ledger that was signed here before" in shown.err
    verified = shell("trace", "verify")
    assert (verified.code, "signs another ledger" in verified.out) == (13, True)
    file = tmp_path / "replaced.jsonl"
    shown = shell("trace", "export", "last", "-o", str(file))
    assert (shown.code, "what is exported was not signed: this is not the ledger" in shown.err) == (0, True)
    assert shell("trace", "verify", "--ledger", str(file)).code == 12
    assert shell("trace", "checkpoint").code == 13
    assert shell("trace", "checkpoint", "--anew").code == 0
    assert shell("trace", "verify").code == 0


def test_a_stranger_needs_the_file_and_the_key_only(
    shell: Shell, done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = shell("trace", "key").out.strip()
    file, proof = tmp_path / "ledger.jsonl", tmp_path / "event.tlog-proof"
    assert shell("trace", "export", "--all", "-o", str(file)).code == 0
    assert shell("trace", "prove", "7", "-o", str(proof)).code == 0
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    outside = elsewhere / "checkpoints.txt"
    shutil.copy(kept(tmp_path), outside)
    monkeypatch.setenv("HOME", str(elsewhere))
    monkeypatch.chdir(elsewhere)
    assert shell("trace", "verify", "--ledger", str(file)).code == 12
    arguments = ("trace", "verify", "--ledger", str(file), "--key", key, "--checkpoint", str(outside))
    assert shell(*arguments).code == 0
    assert shell("trace", "prove", "--check", str(proof), "--key", key).out.startswith("proven: event 7, ")
    assert standalone_checker.check(proof.read_text(), key)["seq"] == 7
    other = str(SecretKey("agora", bytes(32)).public)
    wrong = shell(*arguments[:5], other, *arguments[6:])
    assert (wrong.code, "holds no checkpoint that the key has signed" in wrong.out) == (12, True)
    assert shell("trace", "prove", "--check", str(proof), "--key", other).code == 12

    lines = file.read_bytes().splitlines(keepends=True)
    for bent, code in (
        ([*lines[:6], *lines[7:]], 10),
        ([*lines[:6], lines[6].replace(b'"kind":"', b'"kind":"x'), *lines[7:]], 10),
        ([*lines[:6], b"nonsense\n", *lines[7:]], 10),
        (lines[:-2], 11),
        ([*lines[:-1], lines[-1][:-30]], 11),
        ([lines[0].replace(b'"first":1', b'"first":9'), *lines[9:]], 14),
        ([lines[0], *lines[9:]], 14),
    ):
        file.write_bytes(b"".join(bent))
        shown = shell(*arguments)
        assert (shown.code, "Traceback" in shown.err) == (code, False), shown.out


def test_a_run_that_somebody_else_put_behind_an_export_is_not_signed(
    shell: Shell, done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = shell("trace", "key").out.strip()
    run, forged = str(tmp_path / "run.jsonl"), str(tmp_path / "forged.jsonl")
    assert shell("trace", "export", "last", "-o", run).code == 0
    monkeypatch.setenv("HOME", str(tmp_path / "theirs"))
    for file in (done / "memory").glob("agora.db*"):
        file.unlink()
    assert shell("trace", "import", run).code == 0
    assert shell(*RUN).code in (0, 1)
    assert shell("trace", "export", "last", "-o", forged).code == 0
    assert shell("trace", "verify", "--ledger", run, "--key", key).code == 0
    for ref in ((), ("last",)):
        shown = shell("trace", "verify", *ref, "--ledger", forged, "--key", key)
        assert (shown.code, "are not signed" in shown.out, "verified" in shown.out) == (12, True, False), shown.out


def test_what_a_run_under_way_adds_is_no_finding_and_is_not_said_to_be_signed(shell: Shell, done: Path) -> None:
    store = SQLStore.open(done / DATABASE, clock=FakeClock())
    anyio.run(store.record, "r9", small(1), small(2))
    anyio.run(store.close)
    shown = shell("trace", "verify")
    assert (shown.code, "this is the ledger that was signed" in shown.out) == (0, False)
    assert "what comes after them is not signed" in shown.out


def test_copies_of_checkpoints_are_read_once_and_with_any_line_ends(shell: Shell, done: Path, tmp_path: Path) -> None:
    text = kept(tmp_path).read_text()
    copy = tmp_path / "copy.txt"
    for content in (text.rstrip("\n"), text.replace("\n", "\r\n"), text.replace("\n", "\r\n").rstrip()):
        copy.write_bytes(content.encode())
        assert shell("trace", "verify", "--checkpoint", str(copy)).code == 0
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(pipe.write_text, text)
        shown = shell("trace", "verify", "--checkpoint", str(pipe))
        written.result()
    assert (shown.code, "holds no checkpoint" in shown.out) == (0, False)
    shown = shell("trace", "verify", "--ledger", str(pipe))
    assert (shown.code, "is no plain file" in shown.error) == (1, True)


def test_a_file_with_the_name_of_a_key_is_not_that_key(
    shell: Shell, done: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = shell("trace", "key").out.strip()
    named = done / key
    named.parent.mkdir(parents=True, exist_ok=True)
    named.write_text(f"{SecretKey('agora', bytes(32)).public}\n")
    monkeypatch.chdir(done)
    assert shell("trace", "verify", "--key", key).code == 0


def test_a_hash_that_is_no_text_was_changed(shell: Shell, done: Path) -> None:
    with raw(done) as database:
        database.execute("UPDATE ledger SET hash = x'00' WHERE seq = 1")
    database.close()
    for words in (("trace", "verify"), ("trace", "checkpoint", "--anew")):
        shown = shell(*words)
        assert (shown.code, "bug in Agora" in shown.err) == (10, False), (shown.out, shown.err)


def test_a_note_goes_into_git_and_to_a_command(
    shell: Shell, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*words: str) -> str:
        command = ["git", "-C", str(project / "repo"), "-c", "user.name=a", "-c", "user.email=a@b", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    hook = project / "repo" / ".git" / "hooks" / "reference-transaction"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/hooked\n")
    hook.chmod(0o755)
    monkeypatch.setenv("AGORA_CHECKPOINT", "git")
    monkeypatch.setenv("AGORA_CHECKPOINT_COMMAND", f"sh -c 'cat >> {tmp_path}/sent'")
    shown = shell(*RUN)
    assert shown.code == 0, shown.err
    note = kept(tmp_path).read_text()
    assert git("notes", "--ref=agora", "show", "HEAD").strip() == note.strip()
    assert (tmp_path / "sent").read_text() == note
    assert not (tmp_path / "hooked").exists()
    monkeypatch.setenv("AGORA_CHECKPOINT_COMMAND", "sh -c 'echo no >&2; exit 3'")
    shown = shell(*RUN)
    assert "warning: checkpoint_command 'sh' ended with exit code 3: no" in shown.err
    monkeypatch.setenv("AGORA_CHECKPOINT_COMMAND", "no-such-program-here")
    assert "could not be run" in shell("trace", "checkpoint").err
    monkeypatch.setenv("AGORA_CHECKPOINT_COMMAND", "sh -c 'unbalanced")
    assert shell("trace", "checkpoint").code == 2


def test_a_checkpoint_in_git_finds_out_what_the_file_does_not(
    shell: Shell, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for words in (["init", "-q"], ["add", "agora.toml"], ["commit", "-qm", "first"]):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True, cwd=project)
    monkeypatch.setenv("AGORA_CHECKPOINT", "git")
    assert shell(*RUN).code == 0
    kept(tmp_path).unlink()
    assert "1 holds, over" in shell("trace", "verify").out
    with raw(project) as database:
        cut(database)
    database.close()
    assert shell("trace", "verify").code == 11


def test_keys_and_files_that_cannot_be_used_are_one_line(
    shell: Shell, done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = key_file(tmp_path)
    key.chmod(0o644)
    shown = shell("trace", "verify")
    assert (shown.code, "is open to others: chmod 600 it" in shown.error) == (12, True)
    again = shell(*RUN)
    assert again.code in (0, 1)
    assert "warning: the ledger was not signed: the signing key" in again.err
    key.chmod(0o600)
    key.write_text("PRIVATE+KEY+agora+00000000+AAAA\n")
    shown = shell("trace", "checkpoint")
    assert (shown.code, "not an ed25519 signing key" in shown.error) == (12, True)
    key.unlink()
    monkeypatch.setenv("AGORA_SIGNING_KEY", "/proc/nowhere/key")
    shown = shell("trace", "key")
    assert (shown.code, "cannot be written" in shown.error) == (12, True)
    monkeypatch.setenv("AGORA_SIGNING_KEY", str(tmp_path / "mine" / "own.key"))
    mine = shell("trace", "key").out.strip()
    assert stat.S_IMODE((tmp_path / "mine/own.key").stat().st_mode) == 0o600
    shown = shell("trace", "verify")  # signed by the key that is no more
    assert (shown.code, "not signed by the key agora+" in shown.out) == (12, True)
    assert shell("trace", "checkpoint").code == 0
    assert shell("trace", "verify", "--key", mine).code == 0
    for arguments in (("--key", "nonsense"), ("--checkpoint", "nowhere.txt"), ("--key", "/")):
        shown = shell("trace", "verify", *arguments)
        assert (shown.code, len(shown.err.strip().splitlines())) == (12, 1), shown.err
    for number, content in enumerate((b"", b"\xff\xfe nonsense", b"a\n1\n", os.urandom(1000))):
        file = tmp_path / f"foreign{number}.txt"
        file.write_bytes(content)
        shown = shell("trace", "verify", "--checkpoint", str(file))
        assert (shown.code, "holds no checkpoint" in shown.out) == (12, True)
    torn = kept(tmp_path)
    torn.write_bytes(torn.read_bytes()[:-9])
    shown = shell("trace", "verify")
    assert (shown.code, "no whole note; it was torn" in shown.out) == (12, True)
    assert shell("trace", "checkpoint").code == 0
    assert shell("trace", "verify").code == 0


def test_events_are_erased_and_the_rest_stands(shell: Shell, done: Path, tmp_path: Path) -> None:
    proof = tmp_path / "p"
    assert shell("trace", "prove", "2", "-o", str(proof)).code == 0
    refused = shell("trace", "erase", "2", "4-5")
    assert (refused.code, "add --yes" in refused.error) == (5, True)
    shown = shell("trace", "erase", "2", "4-5", "--yes")
    assert (shown.code, shown.out.splitlines()[0]) == (0, "3 erased; 0 had no body any more")
    assert shell("trace", "erase", "2", "--yes").out.startswith("0 erased; 1 had no body")
    verified = shell("trace", "verify")
    assert (verified.code, "3 not there (erased" in verified.out) == (0, True)
    missing = shell("trace", "verify", "last")
    assert (missing.code, "3 of its events have no body any more (2, 4, 5)" in missing.out) == (14, True)
    assert shell("trace", "prove", "--check", str(proof)).code == 0
    for words in (("0",), ("x",), ("9-3",), ("1-99999999999",)):
        assert shell("trace", "erase", *words, "--yes").code == 2
    assert shell("trace", "erase", "99999", "--yes").code == 2
    assert shell("trace", "prove", "99999").code == 2
    assert shell("trace", "prove").code == 2


def test_stored_subtrees_that_were_changed_are_found_out(shell: Shell, done: Path) -> None:
    store = SQLStore.open(done / DATABASE, clock=FakeClock())

    anyio.run(store.record, "r9", *(small(number) for number in range(600)))
    anyio.run(store.close)
    assert shell("trace", "checkpoint").code == 0
    assert shell("trace", "verify").code == 0
    with raw(done) as database:
        database.execute("UPDATE tree SET hash = zeroblob(32) WHERE number = 1")
    database.close()
    shown = shell("trace", "verify")
    assert (shown.code, "the stored subtrees of level 8 are not those of the entries" in shown.out) == (10, True)
