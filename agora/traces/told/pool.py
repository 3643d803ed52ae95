"""What a run tells of its pool: who it began with, who joined and who left."""

from __future__ import annotations

from dataclasses import dataclass, field

from agora.bids import Profile
from agora.events import Event, Joined, Left, Started


@dataclass(kw_only=True)
class PoolTold:
    """The part of a run's story that is about who takes part."""

    started: Started | None = None
    """Its opening row."""
    changes: list[Joined | Left] = field(default_factory=list[Joined | Left])
    """Who joined and who left since, in order."""

    @property
    def cards(self) -> dict[str, Profile]:
        """Name -> the latest card of everyone who ever took part."""
        began = self.started.agents if self.started else ()
        return {card.name: card for card in (*began, *(one.profile for one in self.changes if isinstance(one, Joined)))}

    @property
    def members(self) -> list[Profile]:
        """The cards of those that had not left when the story ends."""
        last = {one.profile.name if isinstance(one, Joined) else one.agent: one for one in self.changes}
        return [card for name, card in self.cards.items() if not isinstance(last.get(name), Left)]

    def told_of_pool(self, event: Event) -> bool:
        """Take in the next event; whether it is about the pool."""
        match event:
            case Started():
                self.started = event
            case Joined() | Left():
                self.changes.append(event)
            case _:
                return False
        return True


def change_line(event: Joined | Left) -> tuple[str, str]:
    """What happened, and to whom.

    >>> change_line(Left(agent="ada", reason="its lease ended"))
    ('left', 'ada: its lease ended')
    """
    if isinstance(event, Joined):
        return "joined", event.profile.name
    return "left", f"{event.agent}: {event.reason}" if event.reason else event.agent
