"""What a simulated market learns from outcomes: records, what each judge's marks were worth, and remembered plans.

Records are `AgentRecord`s, added up as the store adds them, and read by `standing`. What is recalled are the nearest
past tasks of the same kind, by what their texts tell of their difficulty, with all bids for them: a stand-in for the
search of a store, since simulated tasks have no words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from agora.auctions import standing
from agora.bench.parameters import Parameters
from agora.bench.work import Attempted
from agora.bench.world import SOUND, Case
from agora.bids import Bid, Juror, Lesson, Standing
from agora.memory.learned import RecordKey, RecordUpdate, added, fresh
from agora.records import AgentRecord, MemoryEntry


class _Remembered(NamedTuple):
    case: Case
    entries: tuple[MemoryEntry, ...]


class Knowledge:
    """What was learned so far.

    Args:
        parameters: What is taken for given.
    """

    def __init__(self, parameters: Parameters) -> None:
        self._given = parameters
        self._records: dict[tuple[int, int], AgentRecord] = {}
        self._right: dict[int, tuple[int, int]] = {}  # judge -> marks that went with the outcome, all of them
        self._memory: dict[int, list[_Remembered]] = {}  # kind -> tasks
        self._cases: dict[str, Case] = {}

    def standing(self, agent: int, kind: int) -> Standing:
        """How an agent stands on a kind of task."""
        name = self._given.agents[agent].name
        return standing(self._records.values(), operator=name, agent=name, skill=self._given.kinds[kind].name)

    def jurors(self, judges: Sequence[int]) -> dict[str, Juror]:
        """The judges, with how far their marks went with outcomes: (right + 1) / (marks + 2)."""
        names = [self._given.agents[judge].name for judge in judges]
        counts = [self._right.get(judge, (0, 0)) for judge in judges]
        return {
            name: Juror(operator=name, agreement=(right + 1) / (seen + 2))
            for name, (right, seen) in zip(names, counts, strict=True)
        }

    def recall(self, case: Case) -> list[MemoryEntry]:
        """All bids for the nearest past tasks of the same kind, nearest first, then the latest."""
        known = self._memory.get(case.kind, [])
        nearest = sorted(known, key=lambda past: (abs(past.case.text - case.text), -past.case.id))
        return [entry for past in nearest[: self._given.lessons] for entry in past.entries]

    def likeness(self, lessons: Sequence[Lesson], case: Case) -> float:
        """What share of all lessons there could be were of the same kind and bin."""
        alike = sum((past.kind, past.bin) == (case.kind, case.bin) for past in map(self._case_of, lessons))
        return alike / self._given.lessons

    def learn(self, case: Case, attempts: Sequence[Attempted], bids: Mapping[int, Bid]) -> None:
        """Take in what came of a task.

        Args:
            case: The task.
            attempts: All at it.
            bids: Agent -> the bid that stood at the end; none where the price was posted.
        """
        for attempt in attempts:
            self._add_record(case, attempt, bids.get(attempt.agent))
        first = {one.agent: one.passed for one in reversed(attempts)}
        for agent, passed in first.items():
            for name, mark in bids[agent].marks.items() if agent in bids else ():
                self._add_mark(name, (mark >= SOUND) == passed)
        if bids:
            passed_by = {one.agent for one in attempts if one.passed}
            self._remember(case, bids, {one.agent for one in attempts}, passed_by)

    def _case_of(self, lesson: Lesson) -> Case:
        return self._cases[lesson.goal]

    def _add_record(self, case: Case, attempt: Attempted, bid: Bid | None) -> None:
        agent, kind = self._given.agents[attempt.agent], self._given.kinds[case.kind]
        update = RecordUpdate(
            operator=agent.name,
            agent=agent.name,
            skill=kind.name,
            grounded=True,
            passed=int(attempt.passed),
            promised_steps=1,
            delivered_steps=1,
            promised_tokens=bid.projected_tokens if bid else 0,
            delivered_tokens=attempt.tokens,
            usd=agent.usd_per_mtok * attempt.tokens / 1_000_000,
            seconds=0.0,
            promised_usd=bid.price.value if bid else None,
        )
        at = (attempt.agent, case.kind)
        old = self._records.get(at) or fresh(RecordKey(agent.name, agent.name, kind.name, True))
        self._records[at] = added(old, update)

    def _add_mark(self, name: str, right: bool) -> None:
        judge = next(place for place, agent in enumerate(self._given.agents) if agent.name == name)
        before, seen = self._right.get(judge, (0, 0))
        self._right[judge] = before + right, seen + 1

    def _remember(self, case: Case, bids: Mapping[int, Bid], won: set[int], passed: set[int]) -> None:
        goal = str(case.id)
        entries = tuple(
            MemoryEntry(
                task=goal,
                goal=goal,
                agent=bid.agent,
                plan=bid.plan.text,
                won=agent in won,
                passed=agent in passed,
                run="simulated",
            )
            for agent, bid in sorted(bids.items())
        )
        self._cases[goal] = case
        self._memory.setdefault(case.kind, []).append(_Remembered(case, entries))
