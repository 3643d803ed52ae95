"""Signing at the end of a run: the market's seam, the key's file, the files of checkpoints, what is refused."""

from __future__ import annotations

import os
import select
import sqlite3
import stat
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import pytest

from agora.agents.function import FunctionAgent
from agora.bids import Plan
from agora.errors import ChangedError, DivergedError, Exit, LedgerError, SignatureError
from agora.events import Done, Performed
from agora.ledger.canonical import MAX_BYTES
from agora.ledger.chain import envelope_bytes
from agora.ledger.checkpoint import Checkpoint
from agora.ledger.notes import SecretKey, notes_in
from agora.ledger.tree import Frontier, leaf_hash
from agora.market import Market
from agora.memory.in_memory import MemoryStore
from agora.memory.sql_store import SQLStore
from agora.open_run import Publish
from agora.protocols import Desk
from agora.tasks import Check, Task, Usage, Verdict, Work
from agora.testing.clocks import FakeClock
from agora.traces.trust.attesting import attested
from agora.traces.trust.checkpoints import Checkpoints, Signed, sift
from agora.traces.trust.git_notes import add_note, read_notes, repository
from agora.traces.trust.handing import hand
from agora.traces.trust.keys import named_key, public_key, signing_key
from agora.traces.trust.publishing import Publisher, note_at
from agora.traces.trust.rooted import whole
from agora.traces.trust.verifying import examine
from traces.signed_ledgers import KEY, event, ledger, signed_at

TASK = Task(id="t1", goal="hello", verify=Check(kind="exact", options={"answer": "HELLO"}))


async def perform(desk: Desk, plan: Plan) -> str:
    return desk.task.goal.upper()


def market(store: MemoryStore, publish: Publish) -> Market:
    agent = FunctionAgent("loud", perform, plan=Plan(text="1. say it loudly"))
    return Market([agent], store=store, seed=1, publish=publish)


def publisher(store: MemoryStore | SQLStore, folder: Path, *, place: str = "here", anew: bool = False) -> Publisher:
    return Publisher(store, key=folder / "signing.key", kept=Checkpoints(folder / "c"), place=place, anew=anew)


def sizes(folder: Path) -> list[int]:
    """Of the checkpoints that were published, in their order."""
    (file,) = (folder / "c").glob("*.txt")
    found = [one.note for one in notes_in(file.read_text())]
    return [Checkpoint.parse(note.text).size for note in found if note is not None]


async def test_a_market_signs_when_the_terminal_row_of_a_run_is_durable(tmp_path: Path) -> None:
    store = MemoryStore(clock=FakeClock())
    signs = publisher(store, tmp_path)
    seen: list[str] = []

    async def publish(run: str) -> None:
        seen.append(run)
        assert [entry.event.kind for entry in store.events(run) if entry.event][-1] == "done"
        await signs(run)

    report = await market(store, publish).run_all([TASK])
    assert (seen, signs.warnings) == ([report.run], [])
    assert signs.signed is not None
    found = examine(store.stored(), [signs.signed])
    assert (found.exit, found.remarks, found.entries) == (Exit.PASSED, (), signs.signed.checkpoint.size)


async def test_a_publisher_that_breaks_costs_nobody_a_result() -> None:
    async def publish(run: str) -> None:
        raise RuntimeError(f"no way to publish {run}")

    with pytest.warns(RuntimeWarning, match="was not published: RuntimeError: no way to publish"):
        report = await market(MemoryStore(clock=FakeClock()), publish).run_all([TASK])
    assert report.passed == 1


async def test_a_ledger_that_does_not_go_on_from_what_was_signed_is_not_signed(tmp_path: Path) -> None:
    long = ledger(30)
    await publisher(long, tmp_path).publish()
    short = ledger(20)  # the same first entry, and so the same origin
    with pytest.raises(DivergedError, match="it has 20 entries, and 30 were signed"):
        await publisher(short, tmp_path).publish()
    other = ledger(3)
    for number in range(40):
        await other.record("elsewhere", Done(verdicts={f"t{number}": Verdict.PASSED}, usage=Usage()))
    with pytest.raises(DivergedError, match="its first 30 entries are not those that were signed"):
        await publisher(other, tmp_path).publish()
    warned = publisher(short, tmp_path)
    await warned("r1")
    assert "the ledger was not signed: it has 20 entries" in warned.warnings[0]
    assert sizes(tmp_path) == [30]
    with pytest.raises(LedgerError, match="the ledger is empty"):
        await publisher(MemoryStore(clock=FakeClock()), tmp_path).publish()


async def test_the_same_ledger_is_signed_once_and_a_longer_one_again(tmp_path: Path) -> None:
    for entries in (5, 5, 9):
        await publisher(ledger(entries), tmp_path).publish()
    assert sizes(tmp_path) == [5, 9]


async def test_another_ledger_at_the_same_place_is_not_signed(tmp_path: Path) -> None:
    await publisher(ledger(5), tmp_path).publish()
    other = MemoryStore(clock=FakeClock(), salt=lambda: b"another salt 16b")
    await other.record("r1", Done(verdicts={}, usage=Usage()))
    with pytest.raises(DivergedError, match=r"not the ledger that was signed here before .* --anew"):
        await publisher(other, tmp_path).publish()
    with pytest.raises(DivergedError):
        note_at(other, 1, key=tmp_path / "signing.key", kept=Checkpoints(tmp_path / "c"), place="here")
    assert sizes(tmp_path) == [5]
    elsewhere = publisher(other, tmp_path, place="elsewhere")
    await elsewhere.publish()
    assert elsewhere.warnings == []
    await publisher(other, tmp_path, anew=True).publish()
    await publisher(other, tmp_path).publish()
    with pytest.raises(DivergedError, match="signed here before"):
        await publisher(ledger(5), tmp_path).publish()


async def test_a_restored_backup_is_signed_when_its_owner_says_so(tmp_path: Path) -> None:
    await publisher(ledger(30), tmp_path).publish()
    with pytest.raises(DivergedError, match=r"it has 20 entries, and 30 were signed: .* --anew"):
        await publisher(ledger(20), tmp_path).publish()
    await publisher(ledger(20), tmp_path, anew=True).publish()
    assert sizes(tmp_path) == [20]
    assert "\n30\n" in next((tmp_path / "c").glob("*.txt.1")).read_text()


def otherwise(path: Path, statement: str) -> None:
    """Change a database behind the store's back."""
    with sqlite3.connect(path, isolation_level=None) as database:
        triggers = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'ledger'")
        for (name,) in triggers.fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute(statement)
    database.close()


@pytest.mark.parametrize("first", [0, 20, 300, 700])
async def test_no_root_is_signed_that_is_not_that_of_the_entries(first: int, tmp_path: Path) -> None:
    path = tmp_path / "agora.db"
    store = SQLStore.open(path, clock=FakeClock())
    if first:
        await store.record("r1", *(event(number) for number in range(first)))
        await publisher(store, tmp_path).publish()
    await store.record("r2", *(event(number) for number in range(1000 - first)))
    good = store.hashes(8, 1, 1)[0].hex()
    otherwise(path, "UPDATE tree SET hash = zeroblob(32) WHERE number = 1")
    with pytest.raises(LedgerError, match="`agora memory rebuild` mends it"):
        await publisher(store, tmp_path).publish()
    with pytest.raises(LedgerError, match="`agora memory rebuild` mends it"):
        note_at(store, 999, key=tmp_path / "signing.key", kept=Checkpoints(tmp_path / "c"), place="here")
    otherwise(path, f"UPDATE tree SET hash = x'{good}' WHERE number = 1")
    signed = await publisher(store, tmp_path).publish()
    assert examine(store.stored(), [signed]).exit is Exit.PASSED
    await store.record("r3", event(1), event(2))
    otherwise(path, "UPDATE ledger SET at_us = at_us + 1 WHERE seq = 1001")
    with pytest.raises(ChangedError, match=r"entry 1001 .* it is not signed"):
        await publisher(store, tmp_path).publish()
    await store.close()


async def test_every_size_is_signed_over_the_root_of_its_entries(tmp_path: Path) -> None:
    store = SQLStore.open(tmp_path / "agora.db", clock=FakeClock())
    frontier, signed = Frontier(), list[Signed]()
    for size in (1, 2, 255, 256, 257, 511, 512, 513, 1023, 1024):
        await store.record("r1", *(event(number) for number in range(frontier.size, size)))
        for new in store.stored(after=frontier.size):
            frontier.add(leaf_hash(envelope_bytes(new.entry.envelope)))
        made = attested(store, signed)
        assert (made.size, made.root) == (size, frontier.root())
        signed.append(Signed(made, KEY.sign(made.text()), "here"))
    for one in signed:
        assert attested(store, signed[::3], one.checkpoint.size) == one.checkpoint
    await store.close()


def test_many_who_sign_at_once_share_one_key_and_tear_no_note(tmp_path: Path) -> None:
    def sign(entries: int) -> str:
        signed = anyio.run(publisher(ledger(entries), tmp_path / "new").publish)
        return str(signed.note.signatures[0].key_id)

    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(sign, [7] * 16))
    assert len(keys) == 1
    assert set(sizes(tmp_path / "new")) == {7}
    assert stat.S_IMODE((tmp_path / "new" / "signing.key").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "new").iterdir() if path.name.startswith(".")] == []


def test_a_note_that_was_torn_off_does_not_take_the_next_one_along(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path)
    notes = [one.note for one in signed_at(ledger(20), 10, 20)]
    file = kept.append("agora-ledger/x", notes[0])
    whole_file = file.read_bytes()
    for cut in range(1, len(whole_file)):
        file.write_bytes(whole_file[:cut])
        kept.append("agora-ledger/x", notes[1])
        found = sift([("f", file.read_text(errors="replace"))], KEY.public)
        assert [one.checkpoint.size for one in found.signed][-1] == 20
        assert len(found.signed) + len(found.remarks) >= 2 or cut == len(whole_file) - 1


def test_a_key_that_nobody_has_made_is_none_until_something_is_signed(tmp_path: Path) -> None:
    file = tmp_path / "data" / "signing.key"
    assert public_key(file) is None
    assert not file.exists()
    made = signing_key(file)
    assert public_key(file) == made.public == signing_key(file).public
    (tmp_path / "key.pub").write_text(f"{made.public}\n")
    assert named_key(str(tmp_path / "key.pub")) == named_key(str(made.public)) == made.public
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(SignatureError, match="it is no text"):
        signing_key(file)
    file.unlink()
    file.mkdir()
    with pytest.raises(SignatureError, match="cannot be read: Is a directory"):
        signing_key(file)


async def test_the_first_entries_can_be_signed_for_an_export(tmp_path: Path) -> None:
    store = ledger(30)
    signs = publisher(store, tmp_path)
    await signs.publish()
    note = note_at(store, 12, key=tmp_path / "signing.key", kept=Checkpoints(tmp_path / "c"), place="here")
    assert Checkpoint.parse(note.text) == whole(store).checkpoint(12)
    assert sizes(tmp_path) == [30]
    with pytest.raises(DivergedError):
        note_at(ledger(20), 12, key=tmp_path / "signing.key", kept=Checkpoints(tmp_path / "c"), place="here")


async def test_bodies_of_thirty_megabytes_are_signed_and_verified(tmp_path: Path) -> None:
    store = SQLStore.open(tmp_path / "agora.db", clock=FakeClock())
    large = Performed(task="t", agent="a", attempt=1, work=Work(output="x" * (MAX_BYTES - 2_000_000)), usage=Usage())
    for _ in range(2):
        await store.record("r1", large)
    signed = await publisher(store, tmp_path).publish()
    found = examine(store.stored(), [signed])
    assert (found.exit, found.entries, found.bodies) == (Exit.PASSED, 2, 2)
    await store.close()


def ended(process: int, *, within_s: float = 10.0) -> bool:
    """Whether a process, not this one's child, has ended: a signal is sent at once, and obeyed when its turn comes."""
    try:
        watched = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watched], [], [], within_s)[0])
    finally:
        os.close(watched)


def test_a_command_is_not_waited_for_longer_than_it_runs_and_not_listened_to_without_end() -> None:
    loud = hand(["sh", "-c", "head -c 50000000 /dev/zero | tr '\\0' x >&2; exit 3"], "note")
    assert (loud.code, len(loud.said)) == (3, 300)
    begun = time.monotonic()
    assert hand(["sh", "-c", "cat > /dev/null; sleep 25 & echo $! >&2"], "note").code == 0
    assert time.monotonic() - begun < 20
    late = hand(["sh", "-c", "sleep 60 & echo $! >&2; wait"], "note", deadline_s=0.5)
    assert late.code is None
    assert ended(int(late.said)), "what the command began has ended with it"


def test_a_note_stays_in_the_repository_that_it_is_for(tmp_path: Path) -> None:
    for name in ("own", "other"):
        for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "x"]):
            folder = tmp_path / name
            folder.mkdir(exist_ok=True)
            subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True, cwd=folder)
    (tmp_path / "own" / "sub").mkdir()
    subprocess.run(["git", "config", "core.worktree", str(tmp_path / "other")], check=True, cwd=tmp_path / "own")
    top = repository(tmp_path / "own" / "sub")
    assert top is not None
    assert top == (tmp_path / "own").resolve()
    add_note(top, "a note\n")
    assert [text for _, text in read_notes(tmp_path / "own")] == ["a note\n"]
    assert read_notes(tmp_path / "other") == ()


def test_a_key_shows_itself_in_no_representation() -> None:
    assert repr(SecretKey("agora", b"s" * 32)) == "SecretKey('agora', ...)"
    assert "c3Nz" not in str(SecretKey("agora", b"s" * 32))
