"""A policy that ranks, and learns from the ledger: the hard filters first, then a ranker, then who is asked when.

It learns from four kinds of events, in the ledger's order. `routed` says what was seen of everyone. `awarded` is a
decision, with the id run/task/attempt: whoever got the task, and not only who was chosen here, is who an outcome is
credited to. `credited` is its outcome; of a bid that never came it is decision and outcome in one. `task_done` ends the
waiting for more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, cast

from agora.bids import Profile, Shortlist
from agora.coordinator.ants.kinds import KINDS as KINDS_OF_TASKS
from agora.coordinator.policies.by_ants import GIVEN
from agora.coordinator.policies.ranking import Able, Asked, Case, Ranker, Ranking
from agora.coordinator.screening import filtered
from agora.errors import AgoraError
from agora.events import Awarded, Event, TaskDone
from agora.protocols import Chance, ChatModel
from agora.routing import Considered, Known, Outlook, Routing
from agora.routing_events import Credited, Routed
from agora.tasks import Task
from agora.values import JsonValue

KINDS: Final = frozenset({"routed", "awarded", "credited", "task_done"})
WORDS: Final = "words"
"""The policy itself says of what type a task is."""
EMBEDDINGS: Final = "embeddings"
"""The examples by meaning, with the extra of that name."""
_VERSION: Final = "coordinated/1"


class _Open(NamedTuple):
    routed: Routed
    cases: dict[str, Case | None]  # None: its outcome came


class Coordinated:
    """Owned by one run once it has learned anything; `fresh` gives each run its own.

    Args:
        name: As on the ledger.
        ranker: Makes the ranker.
        direct: Whether the first in rank gets the task without an auction.
        classifier: Who says of what type a task is (`abilities.Sorting`).
        examples: Task type -> texts of that type.
    """

    def __init__(
        self,
        name: str,
        ranker: Callable[[], Ranker],
        *,
        direct: bool,
        classifier: str | ChatModel = WORDS,
        examples: Mapping[str, Sequence[str]] = KINDS_OF_TASKS,
    ) -> None:
        self.name, self.classifier, self.examples = name, classifier, examples
        self.kinds = KINDS
        self._make, self._direct = ranker, direct
        self._ranker = ranker()
        self._open: dict[tuple[str, str], _Open] = {}

    def shortlist(self, task: Task, pool: Sequence[Profile], outlook: Outlook, *, chance: Chance) -> Shortlist:
        """Filter, rank, and say who is asked together."""
        kept_out = filtered(task, pool, outlook)
        able = [
            Able(one.name, one.operator, outlook.known.get(one.name, Known()))
            for one in pool
            if one.name not in kept_out
        ]
        if not able:
            return Shortlist(members={}, kept_out=kept_out)
        asked = Asked(task, outlook.place, chance.uniform(f"{task.id}/policy"), outlook.types)
        ranking = self._ranker.rank(asked, able)
        waves = _waves(ranking, direct=self._direct if ranking.direct is None else ranking.direct)
        routing = self._reckoning(ranking)
        members = {one.agent: ranking.propensities[one.agent] for one in ranking.considered}
        return Shortlist(members=members, kept_out={**kept_out, **ranking.kept_out}, waves=waves, routing=routing)

    def again(self, task: Task, routed: Routed, pool: Sequence[str]) -> Routing:
        """The same routing from what is on record of it: equal, where this policy knows what it knew then.

        Args:
            task: As it was posted.
            routed: As it is on record.
            pool: The names of all agents of the run, in their order.
        """
        by_name = {one.agent: one for one in routed.routing.considered}
        able = [Able(name, by_name[name].arm, by_name[name].known) for name in pool if name in by_name]
        draw, details = routed.routing.draw or 0.0, routed.routing.details
        asked = Asked(task, routed.place, draw)
        if details.get("intent_reason") == GIVEN:
            asked = asked._replace(types=cast("Mapping[str, float]", details["weights"]))
        return self._reckoning(self._ranker.rank(asked, able))

    def fresh(self) -> Coordinated:
        """The same policy, knowing nothing."""
        return Coordinated(
            self.name, self._make, direct=self._direct, classifier=self.classifier, examples=self.examples
        )

    def learn(self, run: str, event: Event) -> None:
        """Take in the next event; an outcome that comes twice, late or for an unknown decision changes nothing."""
        if isinstance(event, Routed):
            if (run, event.task) not in self._open:
                self._open[run, event.task] = _Open(event, {})
                self._ranker.seen(event)
        elif isinstance(event, TaskDone):
            self._open.pop((run, event.task), None)
        elif isinstance(event, (Awarded, Credited)) and (found := self._open.get((run, event.task))) is not None:
            if isinstance(event, Awarded):
                self._begin(found, f"{run}/{event.task}/{event.award.attempt}", event.award.agent)
            else:
                self._end(found, f"{run}/{event.decision}", event)

    def saved(self) -> str:
        """All that it knows."""
        opened: list[JsonValue] = [
            [
                run,
                one.routed.model_dump(mode="json"),
                {name: case and case.whom.agent for name, case in one.cases.items()},
            ]
            for (run, _), one in self._open.items()
        ]
        return json.dumps({"version": _VERSION, "open": opened, "ranker": self._ranker.saved()}, separators=(",", ":"))

    def restored(self, text: str) -> bool:
        """Go on from what `saved` gave; False: it does not fit this release or these settings."""
        ranker = self._make()
        try:
            found = json.loads(text)
            if found["version"] != _VERSION:
                return False
            ranker.restored(found["ranker"])
            opened: dict[tuple[str, str], _Open] = {}
            for run, stated, cases in found["open"]:
                routed = Routed.model_validate(stated)
                by_name = {one.agent: one for one in routed.routing.considered}
                waiting = {name: agent and Case(name, routed, by_name[agent]) for name, agent in cases.items()}
                opened[run, routed.task] = _Open(routed, waiting)
        except (AgoraError, ValueError, LookupError, TypeError):
            return False
        self._ranker, self._open = ranker, opened
        return True

    def _reckoning(self, ranking: Ranking) -> Routing:
        return Routing(
            by=ranking.by or self.name,
            considered=ranking.considered,
            draw=ranking.draw,
            details=ranking.details,
            reason=ranking.reason,
        )

    def _begin(self, found: _Open, decision: str, agent: str) -> Case | None:
        whom: Considered | None = next((one for one in found.routed.routing.considered if one.agent == agent), None)
        if whom is None or decision in found.cases:
            return None
        found.cases[decision] = case = Case(decision, found.routed, whom)
        self._ranker.began(case)
        return case

    def _end(self, found: _Open, decision: str, credited: Credited) -> None:
        case = found.cases.get(decision) or self._begin(found, decision, credited.agent)  # None where it ended before
        if case is not None and case.whom.agent == credited.agent:
            found.cases[decision] = None
            self._ranker.ended(case, credited)


def _waves(ranking: Ranking, *, direct: bool) -> tuple[tuple[str, ...], ...]:
    """One after another, or those who may be the best together and then the others."""
    everyone = [one.agent for one in ranking.considered]
    if direct:
        return tuple((name,) for name in [ranking.chosen, *(name for name in everyone if name != ranking.chosen)])
    rest = tuple(name for name in everyone if name not in ranking.first)
    return (ranking.first, rest) if rest else (ranking.first,)
