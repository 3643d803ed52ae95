"""The purse: nothing is spent that was not reserved, under any interleaving."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.budget import Purse, Reservation
from agora.errors import BudgetError, BudgetExceededError
from agora.tasks import Limits, Usage
from agora.testing import FakeClock

CLOCK = FakeClock()


def purse(usd: str = "10", tokens: int = 1000, steps: int = 50, parent: Purse | None = None) -> Purse:
    return Purse("test", Limits(usd=Decimal(usd), tokens=tokens, steps=steps), clock=FakeClock(), parent=parent)


calls = st.tuples(
    st.sampled_from(["run", "task", "bid"]),
    st.decimals(min_value=0, max_value=4, places=3),
    st.integers(min_value=0, max_value=400),
    st.floats(min_value=0, max_value=1),
    st.integers(min_value=0, max_value=5),
)


@given(calls=st.lists(calls, max_size=40))
def test_no_interleaving_of_honest_calls_overspends_any_purse(
    calls: list[tuple[str, Decimal, int, float, int]],
) -> None:
    run = purse()
    task = purse("6", 700, 30, parent=run)
    bid = purse("2", 300, 10, parent=task)
    purses = {"run": run, "task": task, "bid": bid}
    waiting: list[tuple[Purse, Reservation, Usage]] = []
    for where, usd, tokens, share, settle_now in calls:
        try:
            held = purses[where].reserve(usd=usd, tokens=tokens)
        except BudgetExceededError:
            continue
        spent = Usage(usd=held.usd * Decimal(str(round(share, 3))), output_tokens=int(tokens * share), steps=1)
        waiting.append((purses[where], held, spent))
        while settle_now and waiting:
            owner, reservation, usage = waiting.pop(0)
            assert not owner.settle(reservation, usage)
            settle_now -= 1
    for owner, reservation, usage in waiting:
        owner.settle(reservation, usage)
    assert run.spent.usd <= 10
    assert run.spent.tokens <= 1000
    assert run.spent.steps <= 50
    assert task.spent.usd <= 6
    assert bid.spent.usd <= 2
    assert run.left.usd == 10 - run.spent.usd


def test_a_reservation_that_does_not_fit_above_takes_nothing_below() -> None:
    run = purse("1")
    task = purse("5", parent=run)
    with pytest.raises(BudgetExceededError, match="1 are left"):
        task.reserve(usd=Decimal(2))
    assert task.left.usd == 1
    assert run.left.usd == 1


def test_sixty_four_reservations_at_once_stop_at_the_limit() -> None:
    one = purse("1", tokens=10_000, steps=100)
    held = 0
    for _ in range(64):
        try:
            one.reserve(usd=Decimal("0.03"), tokens=10)
            held += 1
        except BudgetExceededError:
            continue
    assert held == 33


def test_an_overrun_is_booked_in_full_and_closes_the_purse() -> None:
    run = purse()
    task = purse("5", parent=run)
    held = task.reserve(usd=Decimal(1), tokens=10)
    assert task.settle(held, Usage(usd=Decimal(3), output_tokens=10))
    assert run.spent.usd == 3
    with pytest.raises(BudgetError, match="worst case"):
        task.reserve(usd=Decimal("0.01"))
    run.reserve(usd=Decimal("0.01"))


def test_a_reservation_settles_once() -> None:
    one = purse()
    held = one.reserve(usd=Decimal(1))
    one.settle(held, Usage())
    with pytest.raises(BudgetError, match="twice"):
        one.settle(held, Usage())


def test_a_funded_purse_is_escrow_and_gives_back_what_it_did_not_spend() -> None:
    run = purse("10")
    escrow = run.fund("attempt", Limits(usd=Decimal(4)))
    assert run.left.usd == 6
    escrow.settle(escrow.reserve(usd=Decimal(3), tokens=5), Usage(usd=Decimal(1), input_tokens=5, steps=1))
    escrow.close()
    assert run.left.usd == 9
    assert run.spent == Usage(usd=Decimal(1), input_tokens=5, steps=1)
    with pytest.raises(BudgetError, match="closed"):
        escrow.reserve()


def test_a_purse_closes_at_its_deadline() -> None:
    clock = FakeClock()
    one = Purse("test", Limits(seconds=5.0), clock=clock)
    one.reserve()
    clock.advance(5.0)
    with pytest.raises(BudgetExceededError, match="seconds"):
        one.reserve()


def test_zero_dollars_still_allow_what_is_free() -> None:
    one = purse("0")
    one.reserve(usd=Decimal(0), tokens=10)
    with pytest.raises(BudgetExceededError):
        one.reserve(usd=Decimal("0.000001"))


def test_a_purse_knows_that_money_or_tokens_were_asked_for_that_it_did_not_hold() -> None:
    run = purse()
    task = purse("1", 100, 2, parent=run)
    with pytest.raises(BudgetExceededError):
        task.reserve(steps=3)
    assert not task.short
    with pytest.raises(BudgetExceededError):
        task.reserve(usd=Decimal(2))
    assert task.short
    assert not run.short
