"""Who takes part in a run: the agents that it began with, and who joined and left since.

Each task sees the pool as it is when the task is screened, and that is on record: `screened` after `joined`. Whoever
left stays known by its card, since what it did stands on the ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from agora.abilities import JuryMember, Refining, Replanning
from agora.auctions.ranking import arm_of, card_hash
from agora.bids import Ability, Profile
from agora.errors import ConfigError, UnknownNameError
from agora.events import Event, Joined, Left
from agora.protocols import Agent

CHANGES: Final = frozenset({"joined", "left"})
"""The kinds of events that change a pool."""

_NOBODY: Final[Mapping[str, Agent]] = MappingProxyType({})
_UNSAID: Final[Mapping[str, tuple[Ability, ...]]] = MappingProxyType({})


def abilities_of(agent: Agent) -> tuple[Ability, ...]:
    """What an agent can do besides bidding and performing."""
    able: dict[Ability, bool] = {
        "judges": isinstance(agent, JuryMember),
        "refines": isinstance(agent, Refining),
        "replans": not isinstance(agent, Replanning) or agent.replans(),
    }
    return tuple(name for name, can in able.items() if can)


class Pool:
    """Owned by one run.

    Args:
        began: The cards of those that the run began with.
        changes: Who joined and left since, as on record.
        here: The agents that are at hand, by name; who left need not be.
        able: What each can do besides, as on record; of those at hand, what they can do is looked up.
    """

    def __init__(
        self,
        began: Iterable[Profile],
        changes: Iterable[Event] = (),
        here: Mapping[str, Agent] = _NOBODY,
        *,
        able: Mapping[str, tuple[Ability, ...]] = _UNSAID,
    ) -> None:
        self._cards: dict[str, Profile] = {}
        self._members: dict[str, Profile] = {}
        self._left: dict[str, str] = {}
        self._hashes: dict[str, str] = {}
        self._operators: dict[str, str] = {}
        self._arms: dict[str, str] = {}
        for card in began:
            self._enter(card)
        self._able = dict(able)
        for event in changes:
            self.take(event)
        self._agents = {name: here[name] for name in self._cards if name in here}
        self._able |= {name: abilities_of(agent) for name, agent in self._agents.items()}

    @property
    def members(self) -> tuple[Profile, ...]:
        """Who takes part now, in the order in which they came."""
        return tuple(self._members.values())

    @property
    def agents(self) -> Mapping[str, Agent]:
        """Everyone at hand who ever took part: an attempt goes on when its agent has left."""
        return self._agents

    @property
    def able(self) -> Mapping[str, tuple[Ability, ...]]:
        """What everyone at hand who ever took part can do besides bidding and performing."""
        return self._able

    @property
    def cards(self) -> Mapping[str, Profile]:
        """Of everyone who ever took part, the latest."""
        return self._cards

    @property
    def hashes(self) -> Mapping[str, str]:
        """What everyone who ever took part is, whatever its name: its card's hash."""
        return self._hashes

    @property
    def operators(self) -> Mapping[str, str]:
        """Who is behind everyone who ever took part."""
        return self._operators

    @property
    def arms(self) -> Mapping[str, str]:
        """What the record of everyone who ever took part is kept by, with policies that learn."""
        return self._arms

    @property
    def gone(self) -> Mapping[str, str]:
        """Who left and did not come back, in words."""
        return {name: f"has left: {reason}" if reason else "has left" for name, reason in self._left.items()}

    def join(self, agent: Agent) -> Joined:
        """Let an agent in.

        Raises:
            ConfigError: Another one has its name, or had it with another operator.
        """
        card = agent.profile
        if card.name in self._members:
            raise ConfigError(f"agent {card.name!r}", "takes part in this run already: give the one that joins a name")
        before = self._operators.get(card.name, card.operator)
        if before != card.operator:
            what = f"took part in this run before, with the operator {before!r}: give this one another name"
            raise ConfigError(f"agent {card.name!r}", what)
        joined = Joined(profile=card, abilities=abilities_of(agent))
        self.take(joined)
        self._agents[card.name] = agent
        return joined

    def leave(self, name: str, reason: str) -> Left:
        """Let an agent go.

        Raises:
            UnknownNameError: It does not take part.
        """
        if name not in self._members:
            raise UnknownNameError("agent in this run", name, self._members)
        event = Left(agent=name, reason=reason)
        self.take(event)
        return event

    def take(self, event: Event) -> None:
        """Follow a change that is on record; what is none changes nothing."""
        if isinstance(event, Joined):
            self._enter(event.profile)
            if event.abilities is not None:
                self._able[event.profile.name] = event.abilities
        elif isinstance(event, Left):
            self._members.pop(event.agent, None)
            self._left[event.agent] = event.reason

    def _enter(self, card: Profile) -> None:
        self._left.pop(card.name, None)
        self._cards[card.name] = self._members[card.name] = card
        self._hashes[card.name] = card_hash(card)
        self._operators[card.name] = card.operator
        self._arms[card.name] = arm_of(card)
