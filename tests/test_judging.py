"""The jury in the loop: without names, in one call a judge or in a call a plan; what cannot be read costs the vote."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import anyio
import pytest

from agora import failpoints
from agora.agents.llm import LLMAgent
from agora.auctions import SALE
from agora.bids import Clearing, Price
from agora.cli.definitions import load_mechanism
from agora.coordinator.policies import sale
from agora.errors import ConfigError, ModelError
from agora.events import Called, Event, Judged, Reserved, Scored
from agora.failpoints import Failpoint
from agora.market import Market
from agora.memory.in_memory import MemoryStore
from agora.messages import Reply, Request
from agora.models.retries import call_of
from agora.tasks import Check, Limits, Task
from agora.testing import FakeClock, RuleModel, audit

TASK = Task(id="t", goal="what is 6 x 7?", verify=Check(kind="exact", options={"answer": "42"}))
PRICE = Price(input_per_mtok=Decimal(1), output_per_mtok=Decimal(1))
JURY = SALE(weights={"cost": 0.1, "entropy": 0, "jury": 0.9})
EACH = SALE(weights={"cost": 0.1, "entropy": 0, "jury": 0.9}, rules={"ballots": "each"})
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
        self.model = RuleModel(f"scripted/{name}", reply, price=price)
        self.agent = LLMAgent(name, self.model, tools=())


def market_of(*seats: Seat, mechanism: SALE = JURY, store: MemoryStore | None = None) -> Market:
    store = store or MemoryStore(clock=FakeClock())
    agents = [seat.agent for seat in seats]
    return Market(agents, mechanism=mechanism, policy=sale(), store=store, seed=1, budget_usd="5", attempts=1)


def three() -> list[Seat]:
    return [Seat("hugo", "1. check"), Seat("berta", "1. guess"), Seat("carla", "1. ask around")]


def events_of(store: MemoryStore) -> list[Event]:
    return [item.event for item in store.events() if item.event is not None]


def judged(store: MemoryStore) -> list[Judged]:
    return [event for event in events_of(store) if isinstance(event, Judged)]


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


async def cut_off(market: Market, *, at: str, hit: int) -> None:
    def cut() -> None:
        raise Power

    failpoints.arm(Failpoint(at, hit, act=cut))
    try:
        with pytest.raises(Power):
            await market.run(TASK)
    finally:
        failpoints.arm(None)


@pytest.mark.parametrize("hit", [1, 2])
async def test_a_run_that_is_cut_off_between_judges_asks_nobody_twice(hit: int) -> None:
    seats = [Seat("hugo", "1. check"), Seat("berta", "1. guess")]
    store = MemoryStore(clock=FakeClock())

    await cut_off(market_of(*seats, store=store), at="judged", hit=hit)
    report = await market_of(*seats, store=store).resume("last")
    assert report.results[0].award is not None
    assert report.results[0].award.agent == "hugo"
    assert [len(seat.ballots) for seat in seats] == [1, 1]
    events = events_of(store)
    assert len([event for event in events if isinstance(event, Judged)]) == 2
    assert len([event for event in events if isinstance(event, Scored)]) == 1
    assert audit(events) == []


@pytest.mark.parametrize("mechanism", [JURY, EACH])
async def test_a_finished_run_reports_again_with_the_marks_that_its_bids_were_scored_by(mechanism: SALE) -> None:
    def no_idea(_: str) -> str:
        return "no idea"

    seats = [*three(), Seat("dora", "", marks_by_words), Seat("emil", "1. wait", no_idea)]
    store = MemoryStore(clock=FakeClock())
    market = market_of(*seats, mechanism=mechanism, store=store)
    first = await market.run_all([TASK])
    marks = {bid.agent: dict(bid.marks) for bid in first.results[0].bids}
    judges = ("berta", "carla", "dora", "hugo")  # dora makes no bid, and judges; emil's marks cannot be read
    assert marks["hugo"] == dict.fromkeys(judges, 5)
    assert [(agent, sorted(marked)) for agent, marked in marks.items()] == [
        (agent, list(judges)) for agent in ("berta", "carla", "emil", "hugo")
    ]
    again = await market.resume("last")
    assert {bid.agent: dict(bid.marks) for bid in again.results[0].bids} == marks
    assert again.results == first.results


@pytest.mark.parametrize("mechanism", [JURY, EACH])
async def test_a_ballot_of_long_plans_fits_what_a_judge_may_read(mechanism: SALE) -> None:
    seats = [Seat(f"agent{number}", f"1. {'长' * 1590} {number}") for number in range(16)]
    store = MemoryStore(clock=FakeClock())
    await market_of(*seats, mechanism=mechanism, store=store).run(
        TASK.model_copy(update={"limits": Limits(tokens=4_000_000, steps=300)})
    )
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


async def test_with_a_ballot_a_plan_every_judge_marks_every_plan_in_a_call_of_its_own() -> None:
    seats, store = three(), MemoryStore(clock=FakeClock())
    result = await market_of(*seats, mechanism=EACH, store=store).run(TASK)
    assert [[len(plans_on(ballot)) for ballot in seat.ballots] for seat in seats] == [[1, 1, 1]] * 3
    for seat in seats:
        shown = [text for ballot in seat.ballots for text in plans_on(ballot).values()]
        assert sorted(shown) == ["1. ask around", "1. check", "1. guess"]
        assert sorted(label for ballot in seat.ballots for label in plans_on(ballot)) == ["A", "B", "C"]
        assert not [name for name in ("hugo", "berta", "carla") if name in "".join(seat.ballots)]
    assert result.award is not None
    assert result.award.agent == "hugo"
    assert result.overhead.steps == 3 + 3 * 3, "three bids, and nine judgements"
    assert all(not one.dropped for one in judged(store))


def test_how_judges_are_asked_is_read_from_the_auction_s_file(tmp_path: Path) -> None:
    (tmp_path / "auctions").mkdir()
    (tmp_path / "auctions" / "sale.toml").write_text('mechanism = "sale"\n[rules]\nballots = "each"\n')
    mechanism = load_mechanism("sale", project=tmp_path)
    assert isinstance(mechanism, SALE)
    assert (mechanism.rules.ballots, SALE().rules.ballots) == ("each", "one")


async def test_a_judge_s_marks_are_one_row_and_the_same_scores_whichever_way_it_is_asked() -> None:
    rows: list[list[Judged]] = []
    clearings: list[Clearing | None] = []
    for mechanism in (JURY, EACH):
        store = MemoryStore(clock=FakeClock())
        result = await market_of(*three(), mechanism=mechanism, store=store).run(TASK)
        rows.append(judged(store))
        clearings.append(result.clearing)
    assert rows[0] == rows[1]
    assert len(rows[0]) == 3
    assert clearings[0] == clearings[1]


async def test_the_order_of_single_ballots_is_the_one_in_which_a_whole_ballot_shows_the_plans() -> None:
    orders: list[list[dict[str, str]]] = []
    for mechanism in (JURY, EACH):
        seats = three()
        await market_of(*seats, mechanism=mechanism).run(TASK)
        orders.append([plans_on("\n".join(seat.ballots)) for seat in seats])
    assert orders[0] == orders[1]
    assert len({tuple(order.items()) for order in orders[0]}) > 1, "each judge has an order of its own"


async def test_one_plan_without_readable_marks_costs_a_judge_all_of_its_marks() -> None:
    def prose_on_guesses(ballot: str) -> str:
        return "I would rather not." if "guess" in ballot else marks_by_words(ballot)

    prose, other = Seat("hugo", "1. check", prose_on_guesses), Seat("berta", "1. guess")
    store = MemoryStore(clock=FakeClock())
    result = await market_of(prose, other, mechanism=EACH, store=store).run(TASK)
    asked = [(text, "could not be read" in ballot) for ballot in prose.ballots for text in plans_on(ballot).values()]
    assert sorted(asked) == [("1. check", False), ("1. guess", False), ("1. guess", True)]
    by_judge = {one.judge: one for one in judged(store)}
    assert by_judge["hugo"].marks == {}
    assert by_judge["hugo"].dropped
    assert by_judge["berta"].marks == {"berta": 0, "hugo": 5}
    assert result.passed


async def test_every_plan_s_marks_may_be_mended_once() -> None:
    seen: set[str] = set()

    def second_time(ballot: str) -> str:
        plan = str(plans_on(ballot))
        if plan in seen:
            return marks_by_words(ballot)
        seen.add(plan)
        return "no idea"

    seat, other = Seat("hugo", "1. check", second_time), Seat("berta", "1. guess")
    store = MemoryStore(clock=FakeClock())
    await market_of(seat, other, mechanism=EACH, store=store).run(TASK)
    assert len(seat.ballots) == 4
    assert [(one.dropped, dict(one.marks)) for one in judged(store)] == [("", {"berta": 0, "hugo": 5})] * 2


class Meeting(RuleModel):
    """Answers no ballot before so many are here: who asks them one after another waits for ever."""

    def __init__(self, name: str, reply: Callable[[Request], str], *, size: int) -> None:
        super().__init__(name, reply, price=PRICE)
        self.size, self.here, self.complete_at = size, 0, anyio.Event()

    async def complete(self, request: Request) -> Reply:
        if is_ballot(request):
            self.here += 1
            if self.here == self.size:
                self.complete_at.set()
            await self.complete_at.wait()
        return await super().complete(request)


async def test_a_judge_is_asked_for_all_plans_at_the_same_time() -> None:
    seats, store = three(), MemoryStore(clock=FakeClock())
    model = Meeting("scripted/judge", Seat("joe", "1. wait").reply, size=4)
    agents = [LLMAgent("joe", model, tools=()), *(seat.agent for seat in seats)]
    market = Market(agents, mechanism=EACH, store=store, seed=1, budget_usd="5", attempts=1, bid_deadline_s=30)
    await market.run(TASK)
    assert [one.dropped for one in judged(store)] == [""] * 4


async def test_an_agent_s_own_limits_hold_for_all_of_its_ballots_together() -> None:
    seats, store = three(), MemoryStore(clock=FakeClock())
    short = Seat("hugo", "1. check")
    agents = [LLMAgent("hugo", short.model, tools=(), limits=Limits(steps=2)), *(one.agent for one in seats[1:])]
    market = Market(agents, mechanism=EACH, store=store, seed=1, budget_usd="5", attempts=1)
    await market.run(TASK)
    assert len(short.ballots) == 2
    dropped = {one.judge: one.dropped for one in judged(store) if one.dropped}
    assert list(dropped) == ["hugo"]
    assert "steps" in dropped["hugo"]


CUTS = [
    *(("called", hit) for hit in range(4, 13)),
    *(("called.durable", hit) for hit in (4, 8, 12)),
    *(("reserved.durable", hit) for hit in (4, 6, 9, 12)),
    *(("judged", hit) for hit in (1, 2, 3)),
]


@pytest.mark.parametrize(("place", "hit"), CUTS)
async def test_a_run_that_is_cut_off_between_single_ballots_pays_each_call_once(place: str, hit: int) -> None:
    seats, store = three(), MemoryStore(clock=FakeClock())
    await cut_off(market_of(*seats, mechanism=EACH, store=store), at=place, hit=hit)
    before = {event.call for event in events_of(store) if isinstance(event, Called) and event.reply}
    report = await market_of(*seats, mechanism=EACH, store=store).resume("last")
    assert report.passed == 1
    events = events_of(store)
    assert audit(events) == []
    assert [(one.judge, dict(one.marks), one.dropped) for one in events if isinstance(one, Judged)] == [
        (judge, {"berta": 0, "carla": 0, "hugo": 5}, "") for judge in ("berta", "carla", "hugo")
    ]
    ends = [event for event in events if isinstance(event, Called)]
    assert report.usage.usd == sum(event.usage.usd for event in ends)
    bids_and_marks = [event for event in ends if "/attempt" not in event.call]
    assert report.results[0].overhead.usd == sum(event.usage.usd for event in bids_and_marks)
    answered = Counter(call_of(event.call) for event in ends if event.reply and "/jury-" in event.call)
    assert (len(answered), set(answered.values())) == (9, {1}), "no ballot is answered twice"
    assert {call_of(call) for call in before if "/jury-" in call} <= set(answered)
    plans = Counter(
        (event.agent, tuple(plans_on(event.request.messages[0].content).values()))
        for event in events
        if isinstance(event, Reserved) and call_of(event.call) == event.call and "/jury-" in event.call
    )
    assert set(plans.values()) == {1}, "no ballot has two calls that begin afresh"


class Untold(SALE):
    """Its options are not on record, as older versions left it: it may be gone on with under others."""

    @property
    def settings(self) -> str:
        return ""


TOLD_NOTHING = tuple(
    Untold(weights={"cost": 0.1, "entropy": 0, "jury": 0.9}, rules={"ballots": way}) for way in ("one", "each")
)


async def test_a_run_is_not_gone_on_with_under_another_rule() -> None:
    seats, store = three(), MemoryStore(clock=FakeClock())
    await cut_off(market_of(*seats, mechanism=JURY, store=store), at="judged", hit=2)
    with pytest.raises(ConfigError, match="the mechanism's options"):
        await market_of(*seats, mechanism=EACH, store=store).resume("last")


@pytest.mark.parametrize("ways", [TOLD_NOTHING, TOLD_NOTHING[::-1]])
@pytest.mark.parametrize(("place", "hit"), [("called.durable", 6), ("judged", 2)])
async def test_a_run_that_is_gone_on_with_under_the_other_rule_counts_what_it_took(
    ways: tuple[SALE, SALE], place: str, hit: int
) -> None:
    seats, store = three(), MemoryStore(clock=FakeClock())
    await cut_off(market_of(*seats, mechanism=ways[0], store=store), at=place, hit=hit)
    report = await market_of(*seats, mechanism=ways[1], store=store).resume("last")
    assert report.passed == 1
    assert audit(events_of(store)) == []
    ends = [event for event in events_of(store) if isinstance(event, Called)]
    bids_and_marks = [event for event in ends if "/attempt" not in event.call]
    assert report.results[0].overhead.usd == sum(event.usage.usd for event in bids_and_marks)


class Flaky(RuleModel):
    """Its first answers to ballots are errors of the provider, which may heal."""

    def __init__(self, name: str, reply: Callable[[Request], str], *, errors: int) -> None:
        super().__init__(name, reply, price=PRICE)
        self.errors = errors

    async def complete(self, request: Request) -> Reply:
        if is_ballot(request) and self.errors:
            self.errors -= 1
            raise ModelError(self.name, "busy", paid=False, status=429)
        return await super().complete(request)


async def test_a_ballot_that_waits_for_its_next_attempt_is_tried_again_after_the_cut_whatever_came_after_it() -> None:
    seats, store = three()[1:], MemoryStore(clock=FakeClock())
    model = Flaky("scripted/hugo", Seat("hugo", "1. check").reply, errors=1)
    agents = [LLMAgent("hugo", model, tools=()), *(seat.agent for seat in seats)]
    mechanism = SALE(weights={"cost": 0.1, "entropy": 0, "jury": 0.9}, jury=["hugo"], rules={"ballots": "each"})

    def market() -> Market:
        return Market(agents, mechanism=mechanism, store=store, seed=1, budget_usd="5", attempts=1)

    await cut_off(market(), at="called.durable", hit=6)
    failed, *others = [event for event in events_of(store) if isinstance(event, Called) and "/jury-" in event.call]
    assert (failed.reply, len(others)) == (None, 2)
    await market().resume("last")
    assert [one.dropped for one in judged(store)] == [""]
    assert audit(events_of(store)) == []
