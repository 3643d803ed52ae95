"""The jury in the loop: all plans in one call a judge, without names; what cannot be read costs its judge the vote."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal

import pytest

from agora import failpoints
from agora.agents.llm import LLMAgent
from agora.auctions import SALE
from agora.bids import Price
from agora.events import Judged, Scored
from agora.failpoints import Failpoint
from agora.market import Market
from agora.memory.in_memory import MemoryStore
from agora.messages import Request
from agora.tasks import Check, Task
from agora.testing import FakeClock, RuleModel, audit

TASK = Task(id="t", goal="what is 6 x 7?", verify=Check(kind="exact", options={"answer": "42"}))
PRICE = Price(input_per_mtok=Decimal(1), output_per_mtok=Decimal(1))
JURY = SALE(weights={"cost": 0.1, "entropy": 0, "jury": 0.9})
Marks = Callable[[str], str]


def is_ballot(request: Request) -> bool:
    return "one of the judges" in request.messages[0].content


def plans_on(ballot: str) -> dict[str, str]:
    return dict(re.findall(r"^Plan ([A-Z]):\n\| (.*)$", ballot, re.MULTILINE))


def marks_by_words(ballot: str) -> str:
    """Five for the plan that checks its result, none for any other."""
    return json.dumps({label: 5 if "check" in plan else 0 for label, plan in plans_on(ballot).items()})


class Seat:
    """An agent whose model says a plan, marks by a rule and answers 42; it remembers what it was asked to judge."""

    def __init__(self, name: str, plan: str, marks: Marks = marks_by_words, *, price: Price = PRICE) -> None:
        self.ballots: list[str] = []

        def reply(request: Request) -> str:
            prompt = request.messages[0].content
            if is_ballot(request):
                self.ballots.append(prompt)
                return marks(prompt)
            return plan if "Do not solve it yet" in prompt else "42"

        self.reply = reply
        self.agent = LLMAgent(name, RuleModel(f"scripted/{name}", reply, price=price), tools=())


def market_of(*seats: Seat, mechanism: SALE = JURY, store: MemoryStore | None = None) -> Market:
    store = store or MemoryStore(clock=FakeClock())
    return Market([seat.agent for seat in seats], mechanism=mechanism, store=store, seed=1, budget_usd="5", attempts=1)


def judged(store: MemoryStore) -> list[Judged]:
    return [item.event for item in store.events() if isinstance(item.event, Judged)]


async def test_the_plan_that_the_jury_prefers_wins_and_its_marks_are_on_the_ledger() -> None:
    careful, hasty = Seat("hugo", "1. multiply, then check"), Seat("berta", "1. guess")
    store = MemoryStore(clock=FakeClock())
    result = await market_of(careful, hasty, store=store).run(TASK)
    assert result.award is not None
    assert result.award.agent == "hugo"
    assert [(one.judge, dict(one.marks), one.dropped) for one in judged(store)] == [
        ("berta", {"berta": 0, "hugo": 5}, ""),
        ("hugo", {"berta": 0, "hugo": 5}, ""),
    ]
    assert result.overhead.steps == 4, "two bids and two judgements"


async def test_all_plans_stand_in_one_call_quoted_and_without_names() -> None:
    seats = [Seat("hugo", "1. check"), Seat("berta", "1. guess"), Seat("carla", "1. ask around")]
    await market_of(*seats).run(TASK)
    for seat in seats:
        (ballot,) = seat.ballots
        assert set(plans_on(ballot).values()) == {"1. check", "1. guess", "1. ask around"}
        assert not [name for name in ("hugo", "berta", "carla") if name in ballot]


async def test_marks_that_cannot_be_read_are_asked_for_once_more_and_then_the_judge_is_dropped() -> None:
    prose, late = Seat("hugo", "1. check", lambda _: "I like all of them."), Seat("berta", "1. guess")
    store = MemoryStore(clock=FakeClock())
    result = await market_of(prose, late, store=store).run(TASK)
    assert len(prose.ballots) == 2
    assert "could not be read" in prose.ballots[1]
    by_judge = {one.judge: one for one in judged(store)}
    assert by_judge["hugo"].marks == {}
    assert by_judge["hugo"].dropped
    assert by_judge["berta"].dropped == ""
    assert result.passed


async def test_who_mends_its_answer_keeps_its_vote() -> None:
    answers = iter(["no idea", ""])

    def second_time(ballot: str) -> str:
        return next(answers, "") or marks_by_words(ballot)

    seat, other = Seat("hugo", "1. check", second_time), Seat("berta", "1. guess")
    store = MemoryStore(clock=FakeClock())
    await market_of(seat, other, store=store).run(TASK)
    assert all(not one.dropped for one in judged(store))


async def test_one_bid_is_nothing_to_compare_and_nobody_is_asked() -> None:
    seat = Seat("hugo", "1. check")
    store = MemoryStore(clock=FakeClock())
    await market_of(seat, store=store).run(TASK)
    assert seat.ballots == []
    assert judged(store) == []


@pytest.mark.parametrize(
    ("mechanism", "asked"),
    [
        (SALE(weights={"jury": 0}), set[str]()),
        (SALE(jury=[]), set[str]()),
        (SALE(jury=["berta"]), {"berta"}),
        (SALE(), {"berta", "hugo"}),
    ],
)
async def test_the_jury_can_be_everyone_some_or_nobody(mechanism: SALE, asked: set[str]) -> None:
    seats = {"hugo": Seat("hugo", "1. check"), "berta": Seat("berta", "1. guess")}
    await market_of(*seats.values(), mechanism=mechanism).run(TASK)
    assert {name for name, seat in seats.items() if seat.ballots} == asked


class Power(BaseException):
    """The power is cut."""


@pytest.mark.parametrize("hit", [1, 2])
async def test_a_run_that_is_cut_off_between_judges_asks_nobody_twice(hit: int) -> None:
    seats = [Seat("hugo", "1. check"), Seat("berta", "1. guess")]
    store = MemoryStore(clock=FakeClock())

    def cut() -> None:
        raise Power

    failpoints.arm(Failpoint("judged", hit, act=cut))
    try:
        with pytest.raises(Power):
            await market_of(*seats, store=store).run(TASK)
    finally:
        failpoints.arm(None)
    report = await market_of(*seats, store=store).resume("last")
    assert report.results[0].award is not None
    assert report.results[0].award.agent == "hugo"
    assert [len(seat.ballots) for seat in seats] == [1, 1]
    events = [item.event for item in store.events() if item.event is not None]
    assert len([event for event in events if isinstance(event, Judged)]) == 2
    assert len([event for event in events if isinstance(event, Scored)]) == 1
    assert audit(events) == []


async def test_a_ballot_of_long_plans_fits_what_a_judge_may_read() -> None:
    seats = [Seat(f"agent{number}", f"1. {'长' * 1590} {number}") for number in range(16)]
    store = MemoryStore(clock=FakeClock())
    await market_of(*seats, store=store).run(TASK)
    assert [one.dropped for one in judged(store)] == [""] * 16


async def test_the_name_of_a_judge_does_not_order_its_ballot() -> None:
    def first_is_best(ballot: str) -> str:
        labels = list(plans_on(ballot))
        return json.dumps({label: 5 if place == 0 else 0 for place, label in enumerate(labels)})

    winners: set[str] = set()
    for name in ("zoe", "anna", "mia"):
        judge = Seat(name, "", first_is_best)
        seats = [Seat("one", "1. check"), Seat("two", "1. guess")]
        model = RuleModel("the judge", judge.reply, price=PRICE)
        agents = [LLMAgent(name, model, tools=()), *(seat.agent for seat in seats)]
        mechanism = SALE(weights={"cost": 0.1, "entropy": 0, "jury": 0.9}, jury=[name])
        result = await Market(agents, mechanism=mechanism, seed=1, budget_usd="5", attempts=1).run(TASK)
        assert result.award is not None
        winners.add(result.award.agent)
    assert len(winners) == 1
