"""Who may be offered what is remembered of a task: whoever may see the labels of its data.

A remembered bid carries no labels of its own. Its task's stand on the ledger, where the task was posted, so they hold
for memories of any age; where that entry was erased nobody knows them, and only a person is offered the memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias

from sqlalchemy import Connection, bindparam, select, tuple_

from agora.events import Posted
from agora.ledger.canonical import decode
from agora.memory.tables import METADATA

Key: TypeAlias = tuple[str, str]

_TASKS: Final = METADATA.tables["tasks"]
_BODIES: Final = METADATA.tables["bodies"]
_POSTED: Final = (
    select(_TASKS.c.run, _TASKS.c.task, _BODIES.c.body)
    .select_from(_TASKS.join(_BODIES, _BODIES.c.seq == _TASKS.c.seq))
    .where(tuple_(_TASKS.c.run, _TASKS.c.task).in_(bindparam("keys", expanding=True)))
)
_MOST_KEPT: Final = 16_384
_CHUNK: Final = 200


class Labels:
    """The labels of tasks by (run, task), read once; they never change."""

    def __init__(self) -> None:
        self._known: dict[Key, frozenset[str] | None] = {}

    def visible(self, connection: Connection, keys: Iterable[Key], *, trust: frozenset[str] | None) -> frozenset[Key]:
        """Which tasks somebody may see.

        Args:
            connection: To the database.
            keys: (run, task) of each.
            trust: The labels that they may see; None: a person, who may see everything.
        """
        asked = frozenset(keys)
        if trust is None:
            return asked
        if len(self._known) > _MOST_KEPT:
            self._known.clear()
        self._read(connection, sorted(asked.difference(self._known)))
        return frozenset(key for key in asked if (labels := self._known[key]) is not None and labels <= trust)

    def _read(self, connection: Connection, keys: list[Key]) -> None:
        for start in range(0, len(keys), _CHUNK):
            chunk = keys[start : start + _CHUNK]
            self._known |= dict.fromkeys(chunk)
            for run, task, body in connection.execute(_POSTED, {"keys": chunk}):
                event = decode(body)
                self._known[str(run), str(task)] = event.spec.labels if isinstance(event, Posted) else None
