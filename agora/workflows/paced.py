"""A list of tasks under one budget that is to last: what each may take is decided when its turn comes.

The number of tasks is known, so a fair share is what is left for each task left; what a task leaves flows on. Under
"dual" a task may take more while money is cheap: no option that costs more than 1 / price fair shares is worth it, not
even at quality 1, so that is the limit inside which the auction chooses (`pacing.py` moves the price). Dual pacing
needs time to find the price: in lists of fewer than `DUAL_FROM` tasks shares are fair (benchmarks/pacing_reserve.py).

Decisions are events. A run that was cut off takes the price from what they and the ends of their tasks say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import ROUND_DOWN, Decimal
from typing import Final, Literal

import anyio

from agora.errors import only
from agora.events import Event, Paced, PacingBegan
from agora.market import Market
from agora.open_run import OpenRun
from agora.results import Report
from agora.tasks import Limits, Task
from agora.values import JsonValue
from agora.workflows.pacing import MOST_RATIO, next_price
from agora.workflows.spreading import STEP_USD

Pacing = Literal["off", "even", "dual"]

DUAL_FROM: Final = 100
"""The shortest list that is paced by a price, as measured."""


async def run_paced(
    market: Market,
    tasks: Sequence[Task],
    *,
    pacing: Pacing = "even",
    parallel: int = 1,
    notes: Mapping[str, str] | None = None,
    command: Mapping[str, JsonValue] | None = None,
    watch: Callable[[Event], None] | None = None,
) -> Report:
    """Have several tasks done in one run, its budget paced over them; the rest is as at `Market.run_all`.

    Args:
        market: Who does them.
        tasks: With unique ids, in the order of their turns.
        pacing: "off": each may take all that is left, or with several at once an even share of the whole.
        parallel: How many at once.
        notes: Put on the ledger with the start.
        command: Put there too.
        watch: Called with each event when it is recorded.

    Raises:
        UsageError: Something about a task cannot be used; nothing was spent.
        ApprovalPendingError: A question waits for a person; `resume_paced` goes on when it is answered.
    """
    if pacing == "off" or len(tasks) < 2:
        return await market.run_all(tasks, parallel=parallel, notes=notes, command=command, watch=watch)
    async with market.open_run(parallel=parallel, notes=notes, command=command, watch=watch) as run:
        began = PacingBegan(way=pacing, tasks=len(tasks))
        await run.record(began)
        return await _Pacing(run, began).follow(tasks)


async def resume_paced(market: Market, run: str, *, watch: Callable[[Event], None] | None = None) -> Report:
    """Go on with a list of tasks that was cut off, paced or not; raises as `Market.resume` does."""
    async with market.reopen(run, watch=watch) as again:
        began = again.past.find(PacingBegan)
        return await (_Pacing(again, began).follow(again.tasks) if began else again.do_all(again.tasks))


def limits_of(left: Limits, *, to_come: int, price: float, way: str) -> Limits:
    """What the next task may take.

    Args:
        left: What can still be spent.
        to_come: Tasks that have not had their turn, with this one.
        price: Of money, in quality a fair share.
        way: "even" or "dual".

    >>> limits_of(Limits(usd=Decimal(6)), to_come=3, price=0.5, way="dual").usd
    Decimal('4.000000')
    """
    shares = min(MOST_RATIO, 1.0 / price if price > 0 else MOST_RATIO) if way == "dual" else 1.0
    part = min(Decimal(1), Decimal(repr(shares)) / to_come)
    usd = None if left.usd is None else (left.usd * part).quantize(STEP_USD, rounding=ROUND_DOWN)
    return Limits(
        usd=left.usd if part == 1 else usd,
        tokens=None if left.tokens is None else int(left.tokens * part),
        steps=None if left.steps is None else int(left.steps * part),
    )


def paced(task: str, number: int, *, left: Limits, to_come: int, price: float, way: str) -> Paced:
    """What a task may take, as it stands on record; the arguments are those of `limits_of`; pure."""
    limits = limits_of(left, to_come=to_come, price=price, way=way)
    return Paced(
        task=task,
        number=number,
        fair_usd=((left.usd or Decimal(0)) / to_come).quantize(STEP_USD, rounding=ROUND_DOWN),
        price=price,
        limit_usd=limits.usd or Decimal(0),
        limit_tokens=limits.tokens,
        limit_steps=limits.steps,
        left=left,
    )


def price_after(decided: Iterable[Paced], cost: Mapping[str, Decimal], *, price: float = 0.0) -> float:
    """The price of money after the tasks that ended, in the order of their turns.

    Args:
        decided: What each might take, in that order.
        cost: Task -> what it took; those that are not there have not ended.
        price: The price before them.
    """
    for one in decided:
        if one.task in cost:
            price = next_price(price, float(cost[one.task]), float(one.fair_usd))
    return price


def way_of(began: PacingBegan) -> str:
    """In which way a list is paced: short ones evenly."""
    return began.way if began.tasks >= DUAL_FROM else "even"


class _Pacing:
    """One list of tasks on its way through one run."""

    def __init__(self, run: OpenRun, began: PacingBegan) -> None:
        self._run, self._way = run, way_of(began)
        self._turn = anyio.CapacityLimiter(run.parallel)
        self._decided: list[Paced] = []
        self._cost: dict[str, Decimal] = {}  # of tasks that ended
        self._price, self._booked = 0.0, 0  # after so many decisions, all of whose costs are known

    async def follow(self, tasks: Sequence[Task]) -> Report:
        posted = await self._run.post(*tasks)
        self._to_come = len(posted)
        try:
            async with anyio.create_task_group() as group:
                for number, task in enumerate(posted, 1):
                    group.start_soon(self._do, number, task)
        except BaseExceptionGroup as failures:
            raise only(failures) from failures
        return await self._run.close()

    async def _do(self, number: int, task: Task) -> None:
        async with self._turn:
            limits = await self._limits(number, task)
            result = await self._run.do(task, limits=limits)
            if result is not None:
                self._cost[task.id] = result.usage.usd

    async def _limits(self, number: int, task: Task) -> Limits:
        """As on record, where it is; else decided now, and on record before anything is spent."""
        decided = self._run.past.find(Paced, task.id)
        if decided is None:
            decided = paced(
                task.id, number, left=self._run.left, to_come=self._to_come, price=self._price_now(), way=self._way
            )
            waits = tuple(one.task for one in self._decided if one.task not in self._cost)
            decided = decided.model_copy(update={"under_way": waits})
            self._run.note(decided)
        self._to_come -= 1
        self._decided.append(decided)
        return Limits(usd=decided.limit_usd, tokens=decided.limit_tokens, steps=decided.limit_steps)

    def _price_now(self) -> float:
        """Of all tasks that ended, in the order of their turns: the same whichever of them ended first."""
        while self._booked < len(self._decided) and self._decided[self._booked].task in self._cost:
            self._price = price_after(self._decided[self._booked : self._booked + 1], self._cost, price=self._price)
            self._booked += 1
        return price_after(self._decided[self._booked :], self._cost, price=self._price)
