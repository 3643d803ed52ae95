"""What a simulated market learns from outcomes: records, what each judge's marks were worth, and remembered plans.

Records are `AgentRecord`s, added up as the store adds them, and read by `standing`. What is recalled are the nearest
past tasks of the same kind, by what their texts tell of their difficulty, with all bids for them: a stand-in for the
search of a store, since simulated tasks have no words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from agora.auctions import agreement_of, standing
from agora.bench.simulation.parameters import Parameters
from agora.bench.simulation.work import Attempted
from agora.bench.simulation.world import Case
from agora.bids import Bid, Juror, Lesson, Standing
from agora.memory.learned import JudgeUpdate, MarkedBid, RecordKey, RecordUpdate, added, fresh
from agora.records import AgentRecord, MemoryEntry


class _Remembered(NamedTuple):
    case: Case
    entries: tuple[MemoryEntry, ...]


class Knowledge:
    """What was learned so far.

    Args:
        parameters: What is taken for given.
        fine: Whether tasks state their kind and bin as their skill, else their kind.
    """

    def __init__(self, parameters: Parameters, *, fine: bool = False) -> None:
        self._given, self._fine = parameters, fine
        self._records: dict[tuple[int, str], AgentRecord] = {}  # agent, skill
        self._memory: dict[int, list[_Remembered]] = {}  # kind -> tasks
        self._cases: dict[str, Case] = {}

    def standing(self, agent: int, case: Case) -> Standing:
        """How an agent stands on the skill that a task states."""
        name = self._given.agents[agent].name
        return standing(self._records.values(), operator=name, agent=name, skill=self._skill(case))

    def jurors(self, judges: Sequence[int], case: Case) -> dict[str, Juror]:
        """The judges, with how far their marks went with outcomes on the skill that a task states."""
        found: dict[str, Juror] = {}
        for judge in judges:
            name = self._given.agents[judge].name
            agreement = agreement_of(self._records.get((judge, self._skill(case))))
            found[name] = Juror(operator=name, agreement=agreement)
        return found

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
        judged = [(bids[agent].marks, passed) for agent, passed in first.items() if agent in bids]
        for judge, agent in enumerate(self._given.agents):
            marks = [(marks[agent.name], passed) for marks, passed in judged if agent.name in marks]
            if marks:
                self._add_marks(case, judge, marks)
        if bids:
            passed_by = {one.agent for one in attempts if one.passed}
            self._remember(case, bids, {one.agent for one in attempts}, passed_by)

    def _skill(self, case: Case) -> str:
        kind = self._given.kinds[case.kind].name
        return f"{kind}-{case.bin}" if self._fine else kind

    def _case_of(self, lesson: Lesson) -> Case:
        return self._cases[lesson.goal]

    def _add_record(self, case: Case, attempt: Attempted, bid: Bid | None) -> None:
        agent, skill = self._given.agents[attempt.agent], self._skill(case)
        update = RecordUpdate(
            operator=agent.name,
            agent=agent.name,
            skill=skill,
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
        self._add(attempt.agent, update)

    def _add_marks(self, case: Case, judge: int, marks: Sequence[tuple[int, bool]]) -> None:
        name = self._given.agents[judge].name
        bids = tuple(MarkedBid(mark=mark, passed=int(passed)) for mark, passed in marks)
        self._add(judge, JudgeUpdate(operator=name, agent=name, skill=self._skill(case), grounded=True, bids=bids))

    def _add(self, agent: int, update: RecordUpdate | JudgeUpdate) -> None:
        old = self._records.get((agent, update.skill))
        fresh_one = fresh(RecordKey(update.operator, update.agent, update.skill, True))
        self._records[agent, update.skill] = added(old or fresh_one, update)

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
