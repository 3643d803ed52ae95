"""Leases with fencing tokens: who may write a run (Gray and Cheriton, 1989; Kleppmann, 2016).

A lease names its holder and when it runs out. Whoever takes it over gets a greater token, and the ledger's writer looks
at the token inside its own transaction: a process that was stopped past its lease and wakes up writes nothing, whether
or not somebody went on in its place. Every change of a lease takes the ledger's lock, so it is never made in the middle
of a commit. Clocks of two hosts that differ can make a lease change hands early, never make two holders.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, Engine, bindparam, select, update

from agora.errors import LeaseError, LedgerError
from agora.memory.dialects import Prepared, transact, upsert
from agora.memory.holder import is_gone, this_process
from agora.memory.tables import METADATA
from agora.protocols import Clock

_LEASES: Final = METADATA.tables["leases"]
_STATE: Final = select(_LEASES.c.run, _LEASES.c.token, _LEASES.c.holder, _LEASES.c.until_us).where(
    _LEASES.c.run.in_(bindparam("runs", expanding=True))
)
_MINE: Final = (_LEASES.c.run == bindparam("key_run")) & (_LEASES.c.token == bindparam("key_token"))
_EXTEND: Final = update(_LEASES).where(_MINE).values(until_us=bindparam("until_us"))
_JOIN_S: Final = 5.0
"""How long closing waits for a renewal that is under way."""


class Leases:
    """The runs that one store holds or has held, and the thread that renews them.

    Args:
        engine: The database.
        clock: When leases run out.
        length_s: How long a lease lasts without renewal; it is renewed every third of that.
    """

    def __init__(self, engine: Engine, *, clock: Clock, length_s: float) -> None:
        if not 0 < length_s <= _LONGEST_S:
            raise LedgerError(f"lease_s={length_s!r} is no length for a lease: use seconds up to {_LONGEST_S:.0f}")
        self._engine, self._clock, self._length_s = engine, clock, length_s
        self._one = Prepared(select(*_LEASES.c).where(_LEASES.c.run == bindparam("run")), engine.dialect)
        self._tokens: dict[str, int] = {}  # run -> the last token that this store got
        self._open: set[str] = set()
        self._door = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def take(self, run: str) -> None:
        """Get the lease of a run: a free one, one that ran out, or that of a process of this host that is gone.

        Raises:
            LeaseError: It is held.
            LedgerError: The database refused.
        """
        with self._door:
            if run in self._open:
                raise LeaseError(run, f"{this_process()} (another part of this process)")
            self._tokens[run] = transact(self._engine, partial(self._take, run=run))
            self._open.add(run)
            if self._thread is None:
                self._ended = threading.Event()
                self._thread = threading.Thread(
                    target=self._keep, args=(self._ended,), name="agora-leases", daemon=True
                )
                self._thread.start()

    def _take(self, connection: Connection, *, run: str) -> int:
        now_us = self._clock.now_us()
        found = connection.execute(_STATE, {"runs": [run]}).first()
        if found is not None and found.until_us > now_us and not is_gone(found.holder):
            raise LeaseError(run, found.holder)
        token = int(found.token) + 1 if found is not None else 1
        row = {"run": run, "token": token, "holder": this_process(), "until_us": self._until(now_us)}
        connection.execute(upsert(_LEASES, connection.dialect), row)
        return token

    def lost(self, connection: Connection, runs: Collection[str]) -> Mapping[str, str]:
        """Which of some runs this store may no longer write -> who had them last; in the writer's transaction.

        A run that this store never held is not among them.
        """
        ours = [run for run in runs if run in self._tokens]
        if not ours:
            return {}
        now_us = self._clock.now_us()
        rows: Sequence[Sequence[Any]]
        if len(ours) == 1:  # nearly always
            rows = self._one.rows(connection, {"run": ours[0]})
        else:
            rows = connection.execute(_STATE, {"runs": ours}).all()
        found: dict[str, tuple[int, str, int]] = {row[0]: (row[1], row[2], row[3]) for row in rows}
        held = {run for run, (token, _, until_us) in found.items() if token == self._tokens[run] and until_us > now_us}
        return {run: found[run][1] if run in found else "nobody" for run in ours if run not in held}

    def holder(self, connection: Connection, run: str) -> str:
        """Who holds a run now; empty where nobody that still lives does."""
        found = connection.execute(_STATE, {"runs": [run]}).first()
        held = found is not None and found.until_us > self._clock.now_us() and not is_gone(found.holder)
        return found.holder if found is not None and held else ""

    def give_back(self, run: str) -> None:
        """End a lease now; its token stays known, so that whatever comes late is refused.

        Raises:
            LedgerError: The database refused; the lease runs out by itself.
        """
        with self._door:
            if run not in self._open:
                return
            self._open.discard(run)
            self._end([run])
            if not self._open:
                self._stop()

    def close(self) -> None:
        """End all leases and the thread that renews them.

        Raises:
            LedgerError: The database refused; the leases run out by themselves.
        """
        with self._door:
            thread = self._thread
            self._stop()
            ending, self._open = self._open, set()
        if thread is not None:
            thread.join(_JOIN_S)
        self._end(ending)

    def _stop(self) -> None:
        self._ended.set()
        self._thread = None

    def _keep(self, ended: threading.Event) -> None:
        wait_s = self._length_s / 3
        while not ended.wait(wait_s):
            with self._door:
                if ended.is_set():
                    return
                try:
                    transact(self._engine, self._renew)
                    wait_s = self._length_s / 3
                except LedgerError:  # the database may be back before the lease runs out
                    wait_s = self._length_s / 12

    def _renew(self, connection: Connection) -> None:
        now_us = self._clock.now_us()
        for row in connection.execute(_STATE, {"runs": list(self._open)}).all():
            # A lease that ran out stays so: whoever looked at it since may count on that.
            if row.token == self._tokens[row.run] and row.until_us > now_us:
                values = {"key_run": row.run, "key_token": row.token, "until_us": self._until(now_us)}
                connection.execute(_EXTEND, values)

    def _end(self, runs: Collection[str]) -> None:
        def end(connection: Connection) -> None:
            for run in runs:
                connection.execute(_EXTEND, {"key_run": run, "key_token": self._tokens[run], "until_us": 0})

        if runs:
            transact(self._engine, end)

    def _until(self, now_us: int) -> int:
        return now_us + round(self._length_s * 1e6)


_LONGEST_S: Final = 86_400.0
