"""Rank by a router: what it is told of a task stands on the ledger with the routing, and is what it learns from.

A task's vector is made from its goal (`routers.texts`); costs are shares of what the task may cost, so that the dial is
reward for a whole budget. Among agents that are the same in everything, the first by lot stands for all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

from agora.coordinator.policies.ranking import Able, Asked, Case, Ranking
from agora.coordinator.routers.packing import packed, part, unpacked
from agora.coordinator.routers.seam import Arms, Choice, Outcome, Query, Router
from agora.coordinator.routers.texts import vector_of
from agora.errors import LedgerError
from agora.routing import Considered
from agora.routing_events import Credited, Routed
from agora.values import JsonValue

_VERSION: Final = "routed/1"


class RouterRanker:
    """Owned by one run.

    Args:
        name: What its reckonings are called on record.
        router: Knowing nothing; owned by this ranker.
        dial: Reward that the whole budget of a task takes away, >= 0.
        form: Of what the router keeps: another number, where its features or what they mean became others.
    """

    def __init__(self, name: str, router: Router, *, dial: float, form: int = 1) -> None:
        self.name, self._router, self._dial, self._form = name, router, dial, f"{name}/{form}"
        self._arms: tuple[tuple[Able, ...], Arms] | None = None

    def rank(self, asked: Asked, able: Sequence[Able]) -> Ranking:
        """In the router's order; twins of one that came before stand last."""
        ordered = tuple(sorted(able, key=lambda one: one.known.lot))
        first = {one.arm: one for one in reversed(ordered)}
        offered = tuple(one for one in ordered if first[one.arm] is one)
        twins = [one for one in ordered if first[one.arm] is not one]
        query = _query(asked)
        choice = self._router.choose(query, self._arms_of(offered), dial=self._dial, draw=asked.draw)
        names = [offered[place].agent for place in choice.order]
        chances = {one.agent: float(choice.chances[place]) for place, one in enumerate(offered)}
        return Ranking(
            considered=(
                *(_considered(offered[place], choice, place) for place in choice.order),
                *(Considered(agent=one.agent, arm=one.arm, known=one.known) for one in twins),
            ),
            first=(names[0],),
            chosen=names[0],
            p_chosen=chances,
            p_first=chances,
            held_back={},
            reason=_reason(choice, names[0]),
            draw=asked.draw,
            details={"router": f"{_VERSION} {self.name}", **_details(query)},
        )

    def seen(self, routed: Routed) -> None:
        """Nothing is learned from who was looked at."""

    def began(self, case: Case) -> None:
        """What was seen stands with the routing."""

    def ended(self, case: Case, credited: Credited) -> None:
        """What a verdict that rests on grounds says is learned; a hard failure scores nothing."""
        passed = False if credited.failure is not None else credited.passed
        details = case.routed.routing.details
        if passed is None or details.get("router") != f"{_VERSION} {self.name}":
            return
        outcome = Outcome(float(passed), None if credited.failure is not None else credited.cost_share)
        self._router.learn(_recorded_query(details), case.whom.arm, outcome)

    def withdrawn(self, case: Case) -> None:
        """Nothing waits."""

    def saved(self) -> JsonValue:
        """What the router knows, and in which form."""
        return {"form": self._form, "state": self._router.saved()}

    def restored(self, saved: JsonValue) -> None:
        """Go on from a state.

        Raises:
            LedgerError: Another version wrote it, or it is damaged.
        """
        if part(saved, "form") != self._form:
            raise LedgerError(f"learned state of the policy {self.name} is of another form: learn anew from the log")
        self._router.restored(part(saved, "state"))

    def _arms_of(self, offered: tuple[Able, ...]) -> Arms:
        """The same arms as long as nothing about them changes."""
        if self._arms is None or self._arms[0] != offered:
            self._arms = offered, _arms(offered)
        return self._arms[1]


def _arms(offered: Sequence[Able]) -> Arms:
    import numpy as np

    def column(*values: float | None) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.array([np.nan if value is None else value for value in values])

    known = [one.known for one in offered]
    return Arms(
        [one.arm for one in offered],
        cost=column(*(one.cost_share for one in known)),
        latency_s=column(*(one.latency_s for one in known)),
        load=column(*(one.load for one in known)),
        similarity=column(*(one.similarity for one in known)),
        advice=column(*(one.advice for one in known)),
    )


def _query(asked: Asked) -> Query:
    text = asked.task.goal
    x = unpacked(asked.recorded["x"]) if "x" in asked.recorded else vector_of(text)
    checked = asked.task.verify is not None
    return Query(x, tag=asked.task.skill, text=text, size=float(len(text)), checked=checked)


def _details(query: Query) -> dict[str, JsonValue]:
    return {"x": packed(query.x), "tag": query.tag, "size": query.size, "checked": query.checked}


def _recorded_query(details: Mapping[str, JsonValue]) -> Query:
    return Query(
        unpacked(details["x"]),
        tag=str(details["tag"]),
        size=float(cast("float", details["size"])),
        checked=bool(details["checked"]),
    )


def _considered(one: Able, choice: Choice, place: int) -> Considered:
    terms = {name: float(values[place]) for name, values in choice.terms.items()}
    return Considered(agent=one.agent, arm=one.arm, known=one.known, terms=terms)


def _reason(choice: Choice, name: str) -> str:
    """The figures of the first; of whom nothing is known, a success that is taken for granted is none."""
    first = choice.order[0]
    figures = {term: f"{term} {float(values[first]):.4g}" for term, values in choice.terms.items()}
    if "seen" in figures and float(choice.terms["seen"][first]) == 0.0:
        figures["seen"] = "no record yet"
        figures.pop("success", None)
    said = f"{name}: {', '.join(figures.values())}" if figures else name
    return f"{said}; {choice.note}" if choice.note else said
