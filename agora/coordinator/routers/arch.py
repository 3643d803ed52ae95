"""Preferences in words: which kind of task goes to which end of the pool (Arch-Router, arXiv 2506.16655).

A preference is a description of tasks and who is preferred for them: the strongest, the cheapest, or the best value. A
task goes by the preference whose description its text is nearest to, where it is near enough; else by value.

Published: a 1.5B model, trained on it, reads the conversation and the descriptions and names one. That model is not to
be had here: this is the inference-time form without it, by hashed words of both texts (cosine).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field

from agora.coordinator.policies.routed import RouterOptions, routed
from agora.coordinator.routers.by_tag import ByTag
from agora.coordinator.routers.choosing import by_index, worth
from agora.coordinator.routers.seam import Arms, Choice, Query
from agora.coordinator.routers.texts import vector_of
from agora.values import Value

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Vector


class Preference(Value):
    """Which tasks, and who for them."""

    tasks: str = Field(min_length=1)
    """In words, as a person would describe them."""
    prefer: Literal["strongest", "cheapest", "value"] = "value"
    """Who is asked first."""


PREFERENCES: Final = (
    Preference(tasks="fix a bug in code, make a failing test pass, debug an error", prefer="strongest"),
    Preference(tasks="prove a theorem, solve a hard mathematics problem", prefer="strongest"),
    Preference(tasks="reformat, rename, translate or summarise a short text", prefer="cheapest"),
)
"""What holds where a user states none."""


class ArchOptions(RouterOptions):
    """What can be set."""

    preferences: tuple[Preference, ...] = PREFERENCES
    """Any number."""
    near: float = Field(default=0.25, ge=0, le=1)
    """How near a text must be to a description, as a cosine."""


class Arch(ByTag):
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: ArchOptions) -> None:
        super().__init__()
        self._preferences, self._near = options.preferences, options.near
        self._vectors: list[Vector] = [vector_of(one.tasks) for one in options.preferences]

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """As the nearest preference says."""
        prefer, note = self._preferred(query.text)
        success, cost = self._cells.one(query.tag, arms)
        index = {"strongest": success, "cheapest": -cost, "value": success - dial * cost}[prefer]
        terms = {"success": success, "cost": cost, "seen": self._cells.tried(arms), "index": index}
        return by_index(index, cost, terms=terms, rungs=worth(success, cost, dial=dial), note=note)

    def _preferred(self, text: str) -> tuple[str, str]:
        if not self._vectors or not text:
            return "value", ""
        x = vector_of(text)
        near, place = max((float(x @ vector), -n) for n, vector in enumerate(self._vectors))
        found = self._preferences[-place]
        return (found.prefer, f"nearest to {found.tasks!r} ({near:.2f})") if near >= self._near else ("value", "")


policy = routed("arch", ArchOptions, Arch)
"""Preferences in words."""
