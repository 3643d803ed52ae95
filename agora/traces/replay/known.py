"""What was known at a position of the ledger, from its events alone: the records of agents, and what a policy learned.

No table is read and nothing that was kept, so whoever changed one of them changes nothing here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from agora.abilities import Learning
from agora.events import Learned
from agora.memory.learned import Rows, last_of, of_skill
from agora.protocols import Policy, Store
from agora.records import AgentRecord, Recorded

_LEARNED: Final = frozenset({"learned"})


class Records:
    """The records of agents, moved along the ledger; owned by one replay.

    Args:
        store: With the ledger of all runs.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.holes: list[int] = []
        """Positions of what was learned and whose body is not there."""
        self._begin()

    def at(self, position: int, skill: str) -> tuple[AgentRecord, ...]:
        """Those of one skill, as they were when no later event than the one at a position stood on them."""
        self._advance(position)
        found = of_skill(self._rows.grounded(), skill)
        if last_of(found) > position:  # another task was screened later, and by less: this happens rarely
            self._begin()
            self._advance(position)
            found = of_skill(self._rows.grounded(), skill)
        return found

    def _begin(self) -> None:
        self._rows, self._seen = Rows(), 0
        self._events: Iterator[Recorded] = iter(self._store.events(kinds=_LEARNED))
        self._next: Recorded | None = next(self._events, None)
        self.holes.clear()

    def _advance(self, position: int) -> None:
        while self._next is not None and self._next.seq <= position:
            event = self._next.event
            if isinstance(event, Learned):
                self._rows.take(self._next.seq, event)
            else:
                self.holes.append(self._next.seq)
            self._next = next(self._events, None)


def taught(policy: Policy, store: Store, *, up_to: int) -> tuple[Policy, list[int]]:
    """A policy of the replay's own that knows the ledger up to a position, and where bodies were missing.

    Args:
        policy: Which; one that does not learn comes back as it is.
        store: With the ledger of all runs.
        up_to: The position up to which the run knew it when it began.
    """
    if not isinstance(policy, Learning):
        return policy, []
    own, holes = policy.fresh(), list[int]()
    if not up_to:
        return own, holes
    for recorded in store.events(kinds=policy.kinds):
        if recorded.seq > up_to:
            break
        if recorded.event is None:
            holes.append(recorded.seq)
        else:
            own.learn(recorded.run, recorded.event)
    return own, holes
