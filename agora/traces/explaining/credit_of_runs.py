"""Credit of the agents of a run, on what is on record: what each added to what passed, and to what the work took.

A coalition's worth at a task is what the market would have reached with its bids alone, by the run's own rule: the best
of their recorded bids gets the task (`counterfactual.held`: reserve, seed and marks as on record); an agent that failed
is followed by the next of them, as long as the market is patient (`auctions/again.py`). What came of an agent's turn at
the task is taken from the record. Where it never had its turn there, its chance to pass is taken to be the lower bound
of its record from before the bids (0 for who has none), and its cost what its bid asked: an estimate, and the share of
turns that needed none is told. Who bid nothing on record could win nothing. What bidding took is not shared out.

A run's game is the sum of its tasks' games, and so are the credits (additivity).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

from agora.ambient import SeededChance
from agora.auctions.again import Patience
from agora.bids import Standing
from agora.protocols import Mechanism
from agora.tasks import Usage, Verdict
from agora.traces.counterfactuals.deciding import held
from agora.traces.counterfactuals.runs import Record
from agora.traces.explaining.credit import MOST_EXACT, Game, Worth, added, credited, left_out
from agora.traces.told.story import AuctionStory, TaskStory

MEASURES: Final = ("passed", "usd", "seconds", "turns", "known")
"""What a worth measures: tasks passed, dollars, seconds, turns that agents had, and those of known outcome."""
NOTHING: Final[Worth] = (0.0,) * len(MEASURES)


class Turn(NamedTuple):
    """What came of an agent at a task: all its attempts there."""

    verdict: Verdict
    """Of the last."""
    took: Usage
    """Of all."""
    attempts: int
    """How many."""
    failed: int
    """How many of them failed."""


@dataclass(frozen=True, kw_only=True)
class TaskCredit:
    """One task's credits."""

    task: str
    """Its id."""
    players: tuple[str, ...]
    """Who bid."""
    whole: Worth
    """What all reach together: what happened, where everything is on record."""
    shapley: Mapping[str, Worth]
    """Agent -> its share of that."""
    errors: Mapping[str, Worth]
    """Agent -> standard error of its share."""
    left_out: Mapping[str, Worth]
    """Agent -> what is lost without it."""
    orders: int
    """How many orders were drawn; 0: it is exact."""
    known: float
    """Share of the turns of all coalitions looked at whose outcome is on record, in [0, 1]."""


@dataclass(frozen=True, kw_only=True)
class RunCredit:
    """The credits of a run: the sums over its tasks."""

    agents: tuple[str, ...]
    """Who bid anywhere, the highest credit first, then by name."""
    whole: Worth
    """What all reached together."""
    shapley: Mapping[str, Worth]
    """Agent -> its share of that."""
    errors: Mapping[str, Worth]
    """Agent -> standard error of its share; tasks are drawn apart."""
    left_out: Mapping[str, Worth]
    """Agent -> what is lost without it."""
    known: float
    """Share of turns with a known outcome, over all coalitions and tasks."""
    tasks: tuple[TaskCredit, ...]
    """Task by task."""
    skipped: Mapping[str, str]
    """Task -> why nothing is said of it."""


def credit_of(record: Record, mechanism: Mechanism, *, most_exact: int = MOST_EXACT) -> RunCredit:
    """The credits of a run.

    Args:
        record: The run.
        mechanism: The rule that it was held by.
        most_exact: Tasks with more bidders are sampled.

    Raises:
        ConfigError: The mechanism cannot score bids with the options that it has.
    """
    tasks, skipped = list[TaskCredit](), dict[str, str]()
    seed = record.story.started.seed if record.story.started else 0
    for name, story in record.story.tasks.items():
        if why := _unfit(story):
            skipped[name] = why
            continue
        table = Table(record, story, mechanism)
        if table.decided(0, table.players) != _winner(table.calls[0]):
            skipped[name] = "its award does not follow from what is on record"
            continue
        tasks.append(_task_credit(name, table, seed=seed, most_exact=most_exact))
    return _summed(tasks, skipped)


class Table:
    """One task as a game: what any of its bidders would have reached without the others.

    Args:
        record: The run.
        story: The task.
        mechanism: The rule.
    """

    def __init__(self, record: Record, story: TaskStory, mechanism: Mechanism) -> None:
        self._record, self._mechanism = record, mechanism
        self.calls = [one for one in story.auctions if one.opened.how != "replan" and one.first.scored is not None]
        self.players = frozenset(name for one in self.calls for name in one.first.bids)
        self.turns = _turns(story)
        self._standings = record.standings.get(story.task.id, {})
        started = record.story.started
        self._patience = Patience(attempts=started.attempts if started else Patience().attempts)
        self.decided = cache(self._decided)

    def worth(self, some: frozenset[str]) -> Worth:
        """What a coalition would have reached; expected, where an outcome is not on record."""
        passed = usd = seconds = turns = known = 0.0
        reach, attempts, failures, tried = 1.0, 0, 0, list[str]()
        while (winner := self._next(some - {*tried}, len(tried))) is not None:
            agent, call = winner
            tried.append(agent)
            turns += reach
            if (turn := self.turns.get(agent)) is not None:
                known += reach
                usd, seconds = usd + reach * float(turn.took.usd), seconds + reach * turn.took.seconds
                if turn.verdict is not Verdict.FAILED:
                    passed += reach * (turn.verdict is Verdict.PASSED)
                    break
                attempts, failures = attempts + turn.attempts, failures + turn.failed
            else:
                price = call.bids[agent].price
                usd += reach * float(price.value) * (price.unit == "usd")
                seconds += reach * float(price.value) * (price.unit == "s")
                chance = self._standings.get(agent, Standing()).success_low
                passed, reach = passed + reach * chance, reach * (1 - chance)
                attempts, failures = attempts + 1, failures + 1
            patience = self._patience
            if (failures >= patience.failures and len(tried) >= patience.agents) or attempts >= patience.attempts:
                break
        return passed, usd, seconds, turns, known

    def _next(self, left: frozenset[str], step: int) -> tuple[str, AuctionStory] | None:
        """Who of those that had no turn yet gets the task: in the call of that step, else in the nearest other one."""
        places = sorted(range(len(self.calls)), key=lambda place: (abs(place - step), place > step))
        for place in places:
            bidders = left.intersection(self.calls[place].first.bids)
            if bidders and (winner := self.decided(place, bidders)) is not None:
                return winner, self.calls[place]
        return None

    def _decided(self, place: int, some: frozenset[str]) -> str | None:
        """Who wins a call among some of those who bid in it."""
        call = self.calls[place]
        among = [name for name in call.opened.asked if name in some]
        return held(call, self._mechanism, pool=self._record.pool, among=among).clearing.winner


def _task_credit(name: str, table: Table, *, seed: int, most_exact: int) -> TaskCredit:
    looked_at: dict[frozenset[str], Worth] = {}

    def game(some: frozenset[str]) -> Worth:
        if some not in looked_at:
            looked_at[some] = table.worth(some)
        return looked_at[some]

    players = tuple(sorted(table.players))
    found = credited(players, _nothing_for_nobody(game), chance=SeededChance(seed), most_exact=most_exact)
    without = left_out(players, _nothing_for_nobody(game))
    *_, turns, known = added([*looked_at.values()], size=len(MEASURES))
    return TaskCredit(
        task=name,
        players=players,
        whole=game(frozenset(players)),
        shapley=found.values,
        errors=found.errors,
        left_out=without,
        orders=found.orders,
        known=known / turns if turns else 1.0,
    )


def _nothing_for_nobody(game: Game) -> Game:
    return lambda some: game(some) if some else NOTHING


def _summed(tasks: list[TaskCredit], skipped: Mapping[str, str]) -> RunCredit:
    size = len(MEASURES)
    names = sorted({name for one in tasks for name in one.players})

    def over(parts: Iterable[Mapping[str, Worth]], name: str) -> Worth:
        return added([part[name] for part in parts if name in part], size=size)

    shares = {name: over((one.shapley for one in tasks), name) for name in names}
    squares = {
        name: added([tuple(x * x for x in one.errors[name]) for one in tasks if name in one.errors], size=size)
        for name in names
    }
    return RunCredit(
        agents=tuple(sorted(names, key=lambda name: (-round(shares[name][0], 9), name))),
        whole=added([one.whole for one in tasks], size=size),
        shapley=shares,
        errors={name: tuple(x**0.5 for x in square) for name, square in squares.items()},
        left_out={name: over((one.left_out for one in tasks), name) for name in names},
        known=sum(one.known for one in tasks) / len(tasks) if tasks else 1.0,
        tasks=tuple(tasks),
        skipped=skipped,
    )


def _turns(story: TaskStory) -> dict[str, Turn]:
    """Agent -> what came of it, of those whose outcome is on record."""
    turns: dict[str, Turn] = {}
    for attempt in story.attempts:
        if attempt.outcome is None:
            continue
        before = turns.get(attempt.award.agent, Turn(Verdict.UNKNOWN, Usage(), 0, 0))
        verdict = attempt.outcome.verdict
        turns[attempt.award.agent] = Turn(
            verdict,
            before.took + (attempt.delivered or Usage()),
            before.attempts + 1,
            before.failed + (verdict is Verdict.FAILED),
        )
    return turns


def _unfit(story: TaskStory) -> str:
    """Why nothing can be said of a task; empty: something can."""
    if not any(one.first.scored for one in story.auctions if one.opened.how != "replan"):
        return "no bids were scored"
    if story.done is None:
        return "it has not ended"
    return ""


def _winner(call: AuctionStory) -> str | None:
    return call.clearing.winner if call.clearing else None
