"""A workflow of a run, followed along the run's events: what may start, what is passed over, what is compared."""

from __future__ import annotations

from typing import Final

from agora.events import Event, Posted, TaskDone
from agora.lots import House, Lot
from agora.protocols import Store

FLOW_KINDS: Final = frozenset({"flow_began"})


class FlowReplay:
    def __init__(self, store: Store, run: str) -> None:
        pass

    def take(self, event: Event, house: House) -> Event | None:
        return None

    def posted(self, event: Posted) -> Event | None:
        return None

    def ended(self, event: TaskDone, lot: Lot) -> None:
        pass
