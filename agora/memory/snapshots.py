"""What a learner knew at a position of the ledger: kept so that less has to be read, and never the record."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, select

from agora.memory.dialects import upsert
from agora.memory.tables import METADATA

_T: Final = METADATA.tables["snapshots"]
_ONE: Final = {"version": 1, "name": "state", "dtype": "json", "shape": ""}


def kept(connection: Connection, learner: str) -> tuple[int, str] | None:
    """The last event that it had learned from, and its state; None: nothing was kept."""
    query = select(_T.c.seq, _T.c.data).where(_T.c.learner == learner, *(_T.c[key] == _ONE[key] for key in _ONE))
    row = connection.execute(query).one_or_none()
    return None if row is None else (int(row.seq), bytes(row.data).decode())


def keep(connection: Connection, learner: str, seq: int, state: str) -> None:
    """Keep a state instead of what was kept before, unless that is newer."""
    before = kept(connection, learner)
    if before is not None and before[0] >= seq:
        return
    row = {**_ONE, "learner": learner, "seq": seq, "data": state.encode()}
    connection.execute(upsert(_T, connection.dialect), row)
