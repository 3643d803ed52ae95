"""A store that lives as long as this process: for tests, and for a market without a project."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager

from agora.errors import LeaseError, LedgerError, UnknownNameError
from agora.events import Called, Done, Event, Learned, Posted, Started, TaskDone, ToolUsed
from agora.ledger.canonical import decode, seal
from agora.ledger.chain import GENESIS, SALT_BYTES, VERSION, body_hash, entry_hash
from agora.ledger.redact import NOTHING, Redactor
from agora.memory.learned import MemoryUpdate, Rows, read_update
from agora.memory.words import shared, words
from agora.protocols import Clock
from agora.records import AgentRecord, Entry, Envelope, MemoryEntry, Recorded, RunInfo, Stored
from agora.tasks import Usage, Verdict


class MemoryStore:
    """The ledger as a list; the same cleaning, redaction and chain as on disk, without the disk.

    Args:
        clock: When events are recorded.
        redactor: Takes out what must not be recorded.
        salt: Makes the salt of each body: `SALT_BYTES` random bytes.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        redactor: Redactor = NOTHING,
        salt: Callable[[], bytes] = lambda: os.urandom(SALT_BYTES),
    ) -> None:
        self._clock = clock
        self._redactor = redactor
        self._salt = salt
        self._entries: list[Recorded] = []
        self._stored: list[Stored] = []
        self._records = Rows()
        self._learned: dict[str, tuple[int, str]] = {}
        self._held: set[str] = set()
        self._closed = False

    async def record(self, run: str, *events: Event) -> None:
        """Append events in order; all or none.

        Raises:
            LedgerError: One of them cannot be recorded, or the store is closed.
        """
        self._append(run, events)

    def note(self, run: str, *events: Event) -> None:
        """Append events.

        Raises:
            LedgerError: One cannot be recorded, or the store is closed.
        """
        self._append(run, events)

    @asynccontextmanager
    async def hold(self, run: str) -> AsyncGenerator[None]:
        """Hold the right to write a run; only this process could want it too.

        Raises:
            LeaseError: It is held already.
        """
        if run in self._held:
            raise LeaseError(run, "another part of this process")
        self._held.add(run)
        try:
            yield
        finally:
            self._held.discard(run)

    def holder(self, run: str) -> str:
        """This process, or nobody."""
        return "this process" if run in self._held else ""

    def events(
        self, run: str | None = None, *, after: int = 0, kinds: frozenset[str] | None = None
    ) -> Iterator[Recorded]:
        """The ledger (of one run, of some kinds) in order, from after a sequence number."""
        return iter(
            [
                entry
                for entry in self._entries[max(after, 0) :]
                if run in (None, entry.run) and (kinds is None or (entry.event and entry.event.kind in kinds))
            ]
        )

    def stored(
        self, run: str | None = None, *, after: int = 0, kinds: frozenset[str] | None = None
    ) -> Iterator[Stored]:
        """The same, whole: envelopes, hashes, salts and the bytes of bodies."""
        return iter(
            [
                one
                for one in self._stored[max(after, 0) :]
                if run in (None, one.entry.envelope.run) and (kinds is None or one.entry.envelope.kind in kinds)
            ]
        )

    def runs(self, *, limit: int = 50) -> Sequence[RunInfo]:
        """The latest runs, newest first."""
        names = dict.fromkeys(entry.run for entry in reversed(self._entries) if isinstance(entry.event, Started))
        return tuple(sum_up(name, self.events(name)) for name in list(names)[:limit])

    def find_run(self, ref: str) -> str:
        """The id behind an id, a unique prefix, or "last".

        Raises:
            UnknownNameError: None or several match.
        """
        started = [entry.run for entry in self._entries if isinstance(entry.event, Started)]
        return pick_run(ref, started, last=started[-1] if started else None)

    def records(self) -> Sequence[AgentRecord]:
        """Promised against delivered, per operator, agent and skill; grounded outcomes only."""
        return self._records.grounded()

    def recall(self, text: str, *, limit: int = 8, trust: frozenset[str] | None = None) -> Sequence[MemoryEntry]:
        """Remembered bids of tasks that share words with a text: most shared words first, then the newest.

        Args:
            text: Any text.
            limit: The most entries to return.
            trust: The labels that whoever asks may see; None: a person, who may see everything.
        """
        return recalled(self._entries, text, limit=limit, trust=trust)

    def learned(self, policy: str) -> tuple[int, str] | None:
        """What a policy was kept to know, and at which position."""
        return self._learned.get(policy)

    def keep_learned(self, policy: str, seq: int, state: str) -> None:
        """Keep what a policy knows at a position, instead of what was kept before."""
        if policy not in self._learned or self._learned[policy][0] < seq:
            self._learned[policy] = (seq, state)

    async def close(self) -> None:
        """Refuse further events; what was recorded can still be read."""
        self._closed = True

    def _append(self, run: str, events: Sequence[Event]) -> None:
        if self._closed:
            raise LedgerError("the store is closed: open it again to record")
        for event in events:
            if isinstance(event, Learned):
                read_update(event)  # refused here, so that it cannot break every later read
        sealed = [(event, *seal(event, redactor=self._redactor)) for event in events]
        for event, body, changed in sealed:
            prev = self._entries[-1].hash if self._entries else GENESIS
            at_us, salt = self._clock.now_us(), self._salt()
            envelope = Envelope(
                v=VERSION,
                seq=len(self._entries) + 1,
                run=run,
                kind=event.kind,
                at_us=at_us,
                body=body_hash(salt, body),
                prev=prev,
            )
            kept, hashed = decode(body) if changed else event, entry_hash(envelope)
            self._entries.append(Recorded(seq=envelope.seq, run=run, at_us=at_us, hash=hashed, event=kept))
            self._stored.append(Stored(Entry(envelope, hashed), salt, body))
            if isinstance(kept, Learned):
                self._records.take(envelope.seq, kept)


def pick_run(ref: str, known: Iterable[str], *, last: str | None) -> str:
    """The one run that a reference means.

    Raises:
        UnknownNameError: None or several match.
    """
    if ref == "last" and last is not None:
        return last
    names = sorted(set(known))
    if ref in names:
        return ref
    matches = [name for name in names if ref and name.startswith(ref)]
    if len(matches) == 1:
        return matches[0]
    raise UnknownNameError("run", ref, matches or names[-20:])


def recalled(
    entries: Iterable[Recorded], text: str, *, limit: int, trust: frozenset[str] | None
) -> Sequence[MemoryEntry]:
    """Remembered bids by shared words, as a store without an index finds them: the best first, then the newest.

    Args:
        entries: The ledger, in order.
        text: Any text.
        limit: The most entries to return.
        trust: The labels that whoever asks may see; None: all.
    """
    query = words(text)
    found: list[tuple[int, int, MemoryEntry]] = []
    labels: dict[tuple[str, str], frozenset[str]] = {}
    for entry in entries:
        if isinstance(entry.event, Posted):
            labels[entry.run, entry.event.task or entry.event.spec.id] = entry.event.spec.labels
        update = read_update(entry.event) if isinstance(entry.event, Learned) else None
        if not isinstance(entry.event, Learned) or not isinstance(update, MemoryUpdate) or not update.grounded:
            continue
        task = labels.get((entry.run, entry.event.key))
        visible = trust is None or (task is not None and task <= trust)
        if visible and (score := shared(query, update.goal)):
            found.append((-score, -entry.seq, _remembered(entry.run, entry.event.key, update)))
    return tuple(item for _, _, item in sorted(found, key=lambda hit: hit[:2])[:limit])


def sum_up(run: str, entries: Iterable[Recorded]) -> RunInfo:
    """One run, summed up from its events."""
    started_us, done, tasks, passed, goal, usage, total = 0, False, 0, 0, "", Usage(), None
    for entry in entries:
        match entry.event:
            case Started():
                started_us = entry.at_us
            case Posted(spec=spec):
                tasks, goal = tasks + 1, goal or spec.goal
            case TaskDone(verdict=verdict):
                passed += verdict is Verdict.PASSED
            case Called(usage=took) | ToolUsed(usage=took):
                usage += took
            case Done(usage=took):
                done, total = True, took
            case _:
                pass
    return RunInfo(
        id=run, started_us=started_us, done=done, tasks=tasks, passed=passed, goal=goal, usage=total or usage
    )


def _remembered(run: str, task: str, update: MemoryUpdate) -> MemoryEntry:
    return MemoryEntry(
        task=task,
        goal=update.goal,
        agent=update.agent,
        plan=update.plan,
        won=update.won,
        passed=update.passed,
        run=run,
        auction=update.auction,
    )
