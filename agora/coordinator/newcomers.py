"""A cap on what goes to operators without a record, so that names made up as needed gain nothing.

Statistics are kept by operator, not by name; where operators cannot be told apart, this bounds what throw-away names
can take. Whoever was there before anybody had a record is no newcomer: a market has to begin with someone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import Field

from agora.values import Value

GATE: Final = 5
"""Verified tasks that make a record."""


class Newcomers(Value):
    """Who has a record, and how much went to whom has none; every step gives the next state.

    >>> Newcomers(tried={"old": 5}).held_back(["old", "new"], share=0.05)
    {'new': 'has 0 of 5 verified tasks, and newcomers had their 5 % of decisions'}
    """

    tried: Mapping[str, int] = Field(default_factory=dict)
    """Arm -> verified tasks, counted up to the gate."""
    founders: tuple[str, ...] = ()
    """There before anybody had a record; in the order of their arms."""
    decisions: int = Field(default=0, ge=0)
    """All decisions since somebody had one."""
    given: int = Field(default=0, ge=0)
    """How many of them went to newcomers."""

    def held_back(self, arms: Sequence[str], *, share: float) -> dict[str, str]:
        """Newcomers among the candidates that may not be chosen now, arm -> why.

        Args:
            arms: The candidates.
            share: The most of all decisions that go to newcomers, this one included, in (0, 1].
        """
        known = [arm for arm in arms if not self._new(arm)]
        if not known or len(known) == len(arms) or self.given + 1 <= share * (self.decisions + 1):
            return {}
        why = f"of {GATE} verified tasks, and newcomers had their {100 * share:g} % of decisions"
        return {arm: f"has {self.tried.get(arm, 0)} {why}" for arm in arms if self._new(arm)}

    def after(self, arm: str, *, pool: Sequence[str]) -> Newcomers:
        """After a decision for an arm, with the arms that it was chosen from."""
        if not self._begun():
            founders = tuple(sorted({*self.founders, *pool}))
            return self if founders == self.founders else self.model_copy(update={"founders": founders})
        return self.model_copy(update={"decisions": self.decisions + 1, "given": self.given + self._new(arm)})

    def verified(self, arm: str) -> Newcomers:
        """After a verified outcome of an arm."""
        tried = self.tried.get(arm, 0)
        return self if tried >= GATE else self.model_copy(update={"tried": {**self.tried, arm: tried + 1}})

    def _new(self, arm: str) -> bool:
        return arm not in self.founders and self.tried.get(arm, 0) < GATE

    def _begun(self) -> bool:
        return any(tried >= GATE for tried in self.tried.values())
