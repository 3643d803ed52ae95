"""What is on record of an agent at a task that it did not get: from another attempt, or from the same task elsewhere.

Never more than that: an outcome is told with where it stands, and "not known" is an answer. An agent is the same one
elsewhere where its record is kept by the same thing (its operator, and what it is told and brings), not by its name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from agora.auctions.ranking import arm_of
from agora.events import Awarded, Joined, Posted, Settled, Started, Verified
from agora.protocols import Store
from agora.tasks import Outcome, Task, Usage, Verdict
from agora.traces.counterfactuals.runs import Record, Redone
from agora.traces.told.story import AttemptStory

_KINDS: Final = frozenset({"started", "joined", "posted", "awarded", "verified", "settled"})


class OnRecord(NamedTuple):
    """What came of an agent's work on a task."""

    verdict: Verdict
    """What was found."""
    grounded: bool
    """False: a model's opinion."""
    took: Usage | None
    """What the work took; None: not on record."""
    where: str
    """Where it stands, in words."""


class Told(NamedTuple):
    """One auction decided again, with what is known of both awards."""

    redone: Redone
    """The decision."""
    then: OnRecord | None
    """What came of the award on record; None: nothing is known of it."""
    now: OnRecord | None
    """What is known of whoever would have it; None: nothing is."""


class Sum(NamedTuple):
    """What came of auctions that are known and would have been held; money only where somebody won both times."""

    auctions: int
    """Auctions that are summed."""
    awards_then: int
    """Of them, those that somebody won on record."""
    awards_now: int
    """Those that somebody wins with the change; of the others nobody would work on the task."""
    passed_then: int
    """Awards on record that passed."""
    passed_now: int
    """Awards with the change that are known to pass: from the same award, or another attempt on record."""
    open_now: int
    """Awards with the change of which no outcome is known."""
    both: int
    """Auctions that somebody won both times: money is summed over these alone."""
    then: Mapping[str, Decimal]
    """Unit -> promised on record."""
    now: Mapping[str, Decimal]
    """Unit -> promised with the change."""
    took_then: Decimal
    """US dollars that the work on record took, of `known` awards."""
    took_now: Decimal
    """US dollars that the work took of those who would have it, of the same awards."""
    known: int
    """Of `both`, those of which the work of both sides is on record."""

    @property
    def nobody_now(self) -> int:
        """Auctions that nobody would win with the change."""
        return self.auctions - self.awards_now


def outcomes(store: Store, record: Record, redone: Sequence[Redone]) -> list[Told]:
    """What is on record of each award, then and now.

    Args:
        store: Where other runs are looked for, if an award moved.
        record: Of the run.
        redone: Its auctions, decided again.
    """
    wanted = [(one.task, one.now.winner) for one in redone if one.moved and one.now.winner is not None]
    missing = [
        (task, agent) for task, agent in wanted if not any(attempt.outcome for attempt in _by(record, task, agent))
    ]
    found = _elsewhere(store, record, missing) if missing else {}
    return [_told(record, one, found) for one in redone]


def summed(told: Iterable[Told]) -> Sum:
    """What came of awards, and their money, of the auctions that are known and would have been held."""
    counted = [one for one in told if not one.redone.follows and not one.redone.open]
    had = [one for one in counted if one.redone.then.winner is not None]
    has = [one for one in counted if one.redone.now.winner is not None]
    both = [one for one in had if one.redone.now.winner is not None]
    then, now = defaultdict[str, Decimal](Decimal), defaultdict[str, Decimal](Decimal)
    took_then, took_now, known = Decimal(0), Decimal(0), 0
    for one in both:
        for sums, payment in ((then, one.redone.then.payment), (now, one.redone.now.payment)):
            if payment is not None:
                sums[payment.unit] += payment.value
        was, would = _taken(one.then), _taken(one.now)
        if was is not None and would is not None:
            took_then, took_now, known = took_then + was, took_now + would, known + 1
    return Sum(
        auctions=len(counted),
        awards_then=len(had),
        awards_now=len(has),
        passed_then=sum(_passed(one.then) for one in had),
        passed_now=sum(_passed(one.now) for one in has),
        open_now=sum(one.now is None for one in has),
        both=len(both),
        then=then,
        now=now,
        took_then=took_then,
        took_now=took_now,
        known=known,
    )


def _told(record: Record, one: Redone, found: Mapping[tuple[str, str], OnRecord]) -> Told:
    then = _here(record, one, one.then.winner)
    if not one.moved:
        if then is None or not one.replanned:
            return Told(one, then, then)
        return Told(one, then, then._replace(where=f"{then.where}, by its other plan", took=None))
    agent = one.now.winner
    return Told(one, then, None if agent is None else _here(record, one, agent) or found.get((one.task, agent)))


def _here(record: Record, one: Redone, agent: str | None) -> OnRecord | None:
    """From this run: of this auction's own award, or else of another attempt at the task."""
    if agent is None:
        return None
    story = record.story.tasks[one.task]
    own = [attempt for attempt in story.numbered(one.auction).attempts if attempt.award.agent == agent]
    attempt = next((attempt for attempt in (*own, *_by(record, one.task, agent)) if attempt.outcome), None)
    if attempt is None or attempt.outcome is None:
        return None
    where = "this award" if attempt in own else f"attempt {attempt.award.attempt} of this run"
    return _on_record(attempt.outcome, attempt.delivered, where)


def _by(record: Record, task: str, agent: str) -> list[AttemptStory]:
    return [attempt for attempt in record.story.tasks[task].attempts if attempt.award.agent == agent]


def _elsewhere(store: Store, record: Record, wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], OnRecord]:
    """From other runs: the latest outcome of the same agent at the same goal under the same check."""
    cards = record.story.cards
    asked = {(_same(record.story.tasks[task].task), arm_of(cards[agent])): (task, agent) for task, agent in wanted}
    arms = dict[str, dict[str, str]]()
    goals, work = dict[tuple[str, str], object](), dict[tuple[str, str, int], tuple[str, Outcome | None]]()
    found: dict[tuple[str, str], OnRecord] = {}
    for entry in store.events(kinds=_KINDS):
        run, event = entry.run, entry.event
        if event is None or run == record.run:
            continue
        if isinstance(event, Started):
            arms[run] = {card.name: arm_of(card) for card in event.agents}
        elif isinstance(event, Joined):
            arms.setdefault(run, {})[event.profile.name] = arm_of(event.profile)
        elif isinstance(event, Posted):
            goals[run, event.spec.id] = _same(event.spec)
        elif isinstance(event, Awarded):
            work[run, event.task, event.award.attempt] = event.award.agent, None
        elif isinstance(event, (Verified, Settled)):
            place = run, event.task, event.attempt
            outcome = event.outcome if isinstance(event, Verified) else work.get(place, ("", None))[1]
            work[place] = event.agent, outcome
            key = goals.get((run, event.task)), arms.get(run, {}).get(event.agent, "")
            if outcome is not None and key in asked:
                took = event.delivered if isinstance(event, Settled) else None
                found[asked[key]] = _on_record(outcome, took, f"the same goal in run {run}")
    return found


def _same(task: Task) -> object:
    """What makes two tasks the same one: what is wanted, the skill, the check and the material."""
    verify = None if task.verify is None else task.verify.model_dump_json()
    return task.goal, task.skill, verify, task.workspace, task.files


def _on_record(outcome: Outcome, took: Usage | None, where: str) -> OnRecord:
    return OnRecord(outcome.verdict, outcome.grounded, took, where)


def _passed(known: OnRecord | None) -> bool:
    return known is not None and known.verdict is Verdict.PASSED


def _taken(known: OnRecord | None) -> Decimal | None:
    """US dollars; None: not on record."""
    return None if known is None or known.took is None else known.took.usd
