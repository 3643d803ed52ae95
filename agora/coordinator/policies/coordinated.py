"""A policy that ranks, and learns from the ledger: the hard filters first, then a ranker, then who is asked when.

It learns from these events, in the ledger's order, and from no run that is a measurement. `routed` says what was seen
of everyone. `awarded` is a decision, with the id run/task/attempt: whoever got the task, and not only who was chosen
here, is who an outcome is credited to. `credited` is its outcome; of a bid that never came it is decision and outcome
in one. `task_done` ends the waiting for more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, cast

from agora.bids import Profile, Shortlist
from agora.coordinator.ants.kinds import KINDS as KINDS_OF_TASKS
from agora.coordinator.policies.advice import Advice
from agora.coordinator.policies.by_ants import GIVEN
from agora.coordinator.policies.ranking import Able, Asked, Case, Ranker, Ranking
from agora.coordinator.screening import filtered
from agora.errors import AgoraError
from agora.events import Awarded, Done, Event, Started, TaskDone
from agora.protocols import Chance, ChatModel
from agora.routing import Considered, Known, Outlook, Routing
from agora.routing_events import Credited, Routed
from agora.tasks import Task
from agora.values import JsonValue

KINDS: Final = frozenset({"started", "routed", "awarded", "credited", "task_done", "done"})
MOST_OPEN: Final = 1000
"""So many tasks may wait for their end; of more, the oldest is waited for no longer."""
WORDS: Final = "words"
"""The policy itself says of what type a task is."""
EMBEDDINGS: Final = "embeddings"
"""The examples by meaning, with the extra of that name."""
_LEAST: Final = 1e-12
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
        settings: Its options as text: as on the ledger, and what is kept of its knowledge is kept by them.
        classifier: Who says of what type a task is (`abilities.Sorting`).
        examples: Task type -> texts of that type.
        advice: Whom it wants to be told before it routes (`abilities.Advised`); None: nobody is asked.
    """

    def __init__(
        self,
        name: str,
        ranker: Callable[[], Ranker],
        *,
        direct: bool,
        settings: str = "",
        classifier: str | ChatModel = WORDS,
        examples: Mapping[str, Sequence[str]] = KINDS_OF_TASKS,
        advice: Advice | None = None,
    ) -> None:
        self.name, self.settings, self.classifier, self.examples = name, settings, classifier, examples
        self.kinds = KINDS
        self._make, self._direct, self._advice = ranker, direct, advice
        self._ranker = ranker()
        self._open: dict[tuple[str, str], _Open] = {}
        self._measured: set[str] = set()  # runs that nothing is learned from

    @property
    def adviser(self) -> ChatModel | None:
        """Who is asked for an opinion; None: nobody."""
        return None if self._advice is None else self._advice.model

    def question(self, goal: str, cards: Sequence[str]) -> str:
        """What the adviser is asked."""
        return "" if self._advice is None else self._advice.question(goal, cards)

    def advice(self, answer: str, number: int) -> Sequence[float]:
        """How much it favours each; empty where it said nothing usable."""
        return () if self._advice is None else self._advice.read(answer, number)

    def shortlist(self, task: Task, pool: Sequence[Profile], outlook: Outlook, *, chance: Chance) -> Shortlist:
        """Filter, rank, and say who is asked together."""
        kept_out = filtered(task, pool, outlook)
        able = [
            Able(one.name, outlook.arms.get(one.name, one.operator), outlook.known.get(one.name, Known()))
            for one in pool
            if one.name not in kept_out
        ]
        if not able:
            return Shortlist(members={}, kept_out=kept_out)
        asked = Asked(task, outlook.place, chance.uniform(f"{task.id}/policy"), outlook.types)
        ranking = self._ranker.rank(asked, able)
        direct = self._direct if ranking.direct is None else ranking.direct
        waves, members = _waves(ranking, direct=direct), _propensities(ranking, direct=direct)
        return Shortlist(
            members=members, kept_out=kept_out, waves=waves, direct=direct, routing=self._reckoning(ranking)
        )

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
        asked = Asked(task, routed.place, draw, recorded=details)
        if details.get("intent_reason") == GIVEN:
            asked = asked._replace(types=cast("Mapping[str, float]", details["weights"]))
        return self._reckoning(self._ranker.rank(asked, able))

    def fresh(self) -> Coordinated:
        """The same policy, knowing nothing."""
        return Coordinated(
            self.name,
            self._make,
            direct=self._direct,
            settings=self.settings,
            classifier=self.classifier,
            examples=self.examples,
            advice=self._advice,
        )

    def learn(self, run: str, event: Event) -> None:
        """Take in the next event; an outcome that comes twice, late or for an unknown decision changes nothing."""
        if isinstance(event, Started):
            if not event.learn:
                self._measured.add(run)
        elif isinstance(event, Done):
            self._measured.discard(run)
        elif run in self._measured:
            return
        elif isinstance(event, Routed):
            if (run, event.task) not in self._open:
                self._route(run, event)
        elif isinstance(event, TaskDone):
            self._withdraw((run, event.task))
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
        return json.dumps(
            {
                "version": _VERSION,
                "open": opened,
                "measured": sorted(self._measured),
                "ranker": self._ranker.saved(),
            },
            separators=(",", ":"),
        )

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
            measured = {str(run) for run in found["measured"]}
        except (AgoraError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
            return False
        self._ranker, self._open, self._measured = ranker, opened, measured
        return True

    def _route(self, run: str, routed: Routed) -> None:
        if len(self._open) >= MOST_OPEN:  # of runs that nobody has gone on with
            self._withdraw(next(iter(self._open)))
        self._open[run, routed.task] = _Open(routed, {})
        self._ranker.seen(routed)

    def _withdraw(self, task: tuple[str, str]) -> None:
        """No more outcomes come of a task."""
        found = self._open.pop(task, None)
        for case in found.cases.values() if found else ():
            if case is not None:
                self._ranker.withdrawn(case)

    def _reckoning(self, ranking: Ranking) -> Routing:
        return Routing(
            by=ranking.by or self.name,
            considered=ranking.considered,
            draw=ranking.draw,
            details={**ranking.details, "held_back": dict(ranking.held_back)} if ranking.held_back else ranking.details,
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
    """One after another, or those who may be the best together and then the others; who is held back comes last."""
    everyone = [one.agent for one in ranking.considered]
    if direct:
        return tuple((name,) for name in dict.fromkeys((ranking.chosen, *everyone)))
    rest = tuple(name for name in everyone if name not in ranking.first and name not in ranking.held_back)
    held = tuple(name for name in everyone if name in ranking.held_back)
    return tuple(wave for wave in (ranking.first, rest, held) if wave)


def _propensities(ranking: Ranking, *, direct: bool) -> dict[str, float]:
    """Chance with which each is where it is: in the first wave, or not."""
    first = (ranking.chosen,) if direct else ranking.first
    chances = ranking.p_chosen if direct else ranking.p_first
    inside = {one.agent: chances.get(one.agent, 0.0) for one in ranking.considered}
    return {name: min(1.0, p if name in first else 1.0 - p) or _LEAST for name, p in inside.items()}
