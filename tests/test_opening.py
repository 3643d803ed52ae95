"""Which call comes next.

At first bids where they pay, else a posted price, or a newcomer by lot; after a failure the same agent with another
plan, then the others, with the evidence, until the task is parked.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import cast

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agora import failpoints
from agora.agents.command import CommandAgent
from agora.agents.function import FunctionAgent
from agora.agents.llm import LLMAgent
from agora.auctions import SALE
from agora.bids import Plan, Price, Profile
from agora.errors import ConfigError
from agora.events import Awarded, BidRefused, Event, Learned, Opened, TaskDone
from agora.failpoints import Failpoint
from agora.market import Market
from agora.memory.in_memory import MemoryStore
from agora.messages import Reply, Request
from agora.protocols import Desk
from agora.sandbox import BareSandbox
from agora.tasks import Check, Limits, Task, Tier, Verdict
from agora.testing import FakeClock, RuleModel, audit
from agora.values import JsonValue

TASK = Task(id="t", goal="what is 6 x 7?", verify=Check(kind="exact", options={"answer": "42"}))


class Worker:
    """Its plans and answers in order, the last ones for good; it remembers which evidence it was shown."""

    def __init__(
        self, name: str, answers: Sequence[str], plans: Sequence[str | None] = ("", "", ""), price: int = 1
    ) -> None:
        self.bid_on: list[tuple[str, ...]] = []
        self.worked_on: list[tuple[str, ...]] = []

        async def bid(desk: Desk) -> Plan | None:
            self.bid_on.append(desk.evidence)
            said = plans[min(len(self.bid_on), len(plans)) - 1]
            return None if said is None else Plan(text=said or f"{name}, plan {len(self.bid_on)}", tokens=0)

        async def perform(desk: Desk, plan: Plan) -> str:
            self.worked_on.append(desk.evidence)
            return answers[min(len(self.worked_on), len(answers)) - 1]

        self.agent = FunctionAgent(name, perform, plan=bid, price=Price(per_task=Decimal(price) / 100))


def market_of(*workers: Worker, store: MemoryStore | None = None, attempts: int = 6) -> Market:
    store = store or MemoryStore(clock=FakeClock())
    return Market([worker.agent for worker in workers], store=store, seed=1, attempts=attempts)


def events(market: Market) -> list[Event]:
    return [item.event for item in market.store.events() if item.event is not None]


def calls(market: Market) -> list[tuple[str, tuple[str, ...]]]:
    return [(event.how, event.asked) for event in events(market) if isinstance(event, Opened)]


async def test_who_failed_tries_again_by_another_plan_with_the_evidence() -> None:
    quick, slow = Worker("quick", ["41", "42"]), Worker("slow", ["42"], price=9)
    market = market_of(quick, slow)
    result = await market.run(TASK)
    assert [(one.award.agent, one.outcome.verdict) for one in result.attempts] == [
        ("quick", Verdict.FAILED),
        ("quick", Verdict.PASSED),
    ]
    assert calls(market) == [("auction", ("quick", "slow")), ("replan", ("quick",))]
    assert [len(seen) for seen in (quick.bid_on[0], quick.bid_on[1], quick.worked_on[1])] == [0, 1, 1]
    assert "41" in quick.bid_on[1][0]
    assert [bid.plan.text for bid in result.bids] == ["quick, plan 2"], "the auction that counts is the last one"
    assert result.attempts[1].award.reason.startswith("quick failed once: it tries again")


async def test_who_has_no_other_plan_does_not_try_again() -> None:
    stubborn, other = Worker("stubborn", ["41"], ["guess"]), Worker("other", ["42"], price=9)
    market = market_of(stubborn, other)
    result = await market.run(TASK)
    assert [one.award.agent for one in result.attempts] == ["stubborn", "other"]
    (refused,) = [event for event in events(market) if isinstance(event, BidRefused)]
    assert (refused.agent, refused.auction, refused.reason) == (
        "stubborn",
        1,
        "has no other plan than the one that failed",
    )
    assert calls(market)[2] == ("reassign", ("other",))
    assert len(other.bid_on[1]) == 1, "the evidence is in the new call"


async def test_a_program_is_told_with_its_goal_what_failed_and_so_may_try_again(tmp_path: Path) -> None:
    script = 'case "$0" in *"earlier attempt failed"*) echo 42;; *) echo 41;; esac'
    told = CommandAgent("told", command=["sh", "-c", script, "{goal}"], price=Price(), tier=Tier.BARE)
    market = Market([told], seed=1, sandbox=BareSandbox())
    result = await market.run(TASK.model_copy(update={"workspace": str(tmp_path), "tier": Tier.BARE}))
    assert [one.outcome.verdict for one in result.attempts] == [Verdict.FAILED, Verdict.PASSED]


class Set(FunctionAgent):
    """It would do the same again, and says so."""

    def replans(self) -> bool:
        return False


async def test_who_says_that_it_would_do_the_same_again_is_not_asked_again() -> None:
    async def wrong(desk: Desk, plan: Plan) -> str:
        return "41"

    market = Market([Set("set", wrong, plan=Plan(text="guess", tokens=0), price=Price())], seed=1)
    result = await market.run(TASK)
    assert (len(result.attempts), result.parked) == (1, True)
    assert calls(market) == [("auction", ("set",))]


async def test_failed_three_times_by_two_agents_it_is_parked_with_its_trace() -> None:
    workers = [Worker("a", ["1"]), Worker("b", ["2"], price=2), Worker("c", ["42"], price=3)]
    market = market_of(*workers)
    result = await market.run(TASK)
    assert [one.award.agent for one in result.attempts] == ["a", "a", "b"]
    assert result.parked
    assert result.reason.startswith("parked, failed 3 times on 2 agents; the last one: ")
    assert "'2'" in result.reason
    (done,) = [event for event in events(market) if isinstance(event, TaskDone)]
    assert done.parked
    again = await market.resume(result.run)
    assert again.results[0] == result


async def test_no_more_awards_than_allowed() -> None:
    market = market_of(Worker("a", ["1"]), Worker("b", ["42"], price=2), attempts=1)
    result = await market.run(TASK)
    assert (len(result.attempts), result.parked) == (1, False)


async def test_others_who_decline_end_the_task_as_it_is() -> None:
    market = market_of(Worker("a", ["1"], ["guess"]), Worker("b", ["42"], ["look", None], price=2))
    result = await market.run(TASK)
    assert [one.award.agent for one in result.attempts] == ["a"]
    assert [how for how, _ in calls(market)] == ["auction", "replan", "reassign"]
    assert result.verdict is Verdict.FAILED


async def test_what_each_attempt_taught_is_remembered_as_a_pair() -> None:
    store = MemoryStore(clock=FakeClock())
    await market_of(Worker("a", ["1", "42"]), store=store).run(TASK)
    kept = [(entry.plan, entry.won, entry.passed) for entry in store.recall(TASK.goal, limit=9)]
    assert sorted(kept) == [("a, plan 1", True, False), ("a, plan 2", True, True)]
    (record,) = store.records()
    assert (record.tried, record.passed) == (2, 1)


class Power(BaseException):
    """The power is cut."""


@pytest.mark.parametrize(
    ("place", "hit"),
    [("opened", 2), ("opened", 3), ("bid", 3), ("scored", 2), ("awarded", 2), ("performed", 2), ("settled", 2)],
)
async def test_a_run_that_is_cut_off_between_calls_goes_on_where_it_was(place: str, hit: int) -> None:
    def workers() -> list[Worker]:
        return [Worker("a", ["1"]), Worker("b", ["42"], price=2)]

    store, cut_off = MemoryStore(clock=FakeClock()), workers()

    def cut() -> None:
        raise Power

    failpoints.arm(Failpoint(place, hit, act=cut))
    try:
        with pytest.raises(Power):
            await market_of(*cut_off, store=store).run(TASK)
    finally:
        failpoints.arm(None)
    market = market_of(*cut_off, store=store)
    report = await market.resume("last")
    assert [one.award.agent for one in report.results[0].attempts] == ["a", "a", "b"]
    assert report.results[0].passed
    assert audit(events(market)) == []
    assert [how for how, _ in calls(market)] == ["auction", "replan", "reassign"]


def remembered(passed: dict[str, tuple[int, int]], *, usd: str = "0.01") -> MemoryStore:
    """A memory with records: agent -> how many of how many attempts passed."""
    store = MemoryStore(clock=FakeClock())
    for name, (good, tried) in passed.items():
        for attempt in range(tried):
            update: dict[str, JsonValue] = {
                "operator": f"op-{name}", "agent": name, "skill": "", "grounded": True, "passed": int(attempt < good),
                "promised_steps": 1, "delivered_steps": 1, "promised_tokens": 9, "delivered_tokens": 9,
                "usd": usd, "seconds": 1.0,
            }  # fmt: skip
            store.note("past", Learned(task=f"past-{attempt}", what="record", key=name, update=update))
    return store


def chat(name: str, *, operator: str = "", usd_per_mtok: int = 1, plan: str = "1. multiply") -> LLMAgent:
    def reply(request: Request) -> str:
        return plan if "Do not solve it yet" in request.messages[0].content else "42"

    price = Price(input_per_mtok=Decimal(usd_per_mtok), output_per_mtok=Decimal(usd_per_mtok))
    return Operated(name, RuleModel(operator or f"op-{name}", reply, price=price), tools=())


class Operated(LLMAgent):
    """An agent whose operator is its model's name."""

    @property
    def profile(self) -> Profile:
        card = super().profile
        return card.model_copy(update={"operator": card.model})


async def opened(store: MemoryStore, *agents: LLMAgent, rules: dict[str, object] | None = None) -> Opened:
    """The first call for a task among these agents."""
    market = Market(list(agents), store=store, seed=3, budget_usd="1", mechanism=SALE(rules=rules))
    result = await market.run(TASK)
    assert result.passed
    calls = (item.event for item in store.events(result.run))
    return next(event for event in calls if isinstance(event, Opened))


GOOD_AND_BAD = {"good": (60, 60), "bad": (0, 60)}


async def test_where_bids_would_not_pay_one_agent_alone_is_asked() -> None:
    call = await opened(remembered(GOOD_AND_BAD), chat("good"), chat("bad"))
    assert (call.how, call.asked) == ("post", ("good",))
    assert "'good' alone is expected to bring" in call.reason
    assert "and cost" in call.reason


async def test_where_judges_get_a_ballot_a_plan_bids_are_expected_to_cost_more() -> None:
    costs: list[float] = []
    for ballots in ("one", "each"):
        call = await opened(remembered(GOOD_AND_BAD), chat("good"), chat("bad"), rules={"ballots": ballots})
        costs.append(float(call.reason.rpartition("and cost ")[2]))
    assert costs[0] < costs[1]


async def test_where_little_is_known_bids_are_called_for() -> None:
    call = await opened(remembered({}), chat("good"), chat("bad"))
    assert (call.how, call.asked) == ("auction", ("bad", "good"))


async def test_a_posted_price_that_is_declined_goes_to_the_others() -> None:
    store = remembered(GOOD_AND_BAD)
    await opened(store, chat("good", plan=" "), chat("bad"))
    calls = [item.event for item in store.events() if isinstance(item.event, Opened)]
    assert [(event.how, event.asked) for event in calls] == [("post", ("good",)), ("reassign", ("bad",))]


async def test_everyone_is_asked_where_the_rules_say_so() -> None:
    call = await opened(remembered(GOOD_AND_BAD), chat("good"), chat("bad"), rules={"post": False})
    assert call.how == "auction"


async def test_a_newcomer_gets_the_task_by_lot_whatever_its_name() -> None:
    chosen: set[str] = set()
    for one, two in (("new", "other"), ("aaa", "zzz"), ("zzz", "aaa")):
        store = remembered({"veteran": (60, 60)})
        agents = (chat("veteran"), chat(one, operator="one"), chat(two, operator="two"))
        call = await opened(store, *agents, rules={"explore": 1.0})
        assert call.how == "explore"
        assert call.reason.startswith("highest draw")
        chosen.update({one: "one", two: "two"}[name] for name in call.asked)
    assert len(chosen) == 1, "the lot falls on what an agent is"


async def test_no_newcomer_is_tried_before_its_share_is_earned() -> None:
    call = await opened(remembered({"veteran": (9, 9)}), chat("veteran"), chat("new"), rules={"explore": 0.05})
    assert call.how != "explore"


@pytest.mark.parametrize("rules", [{"explore": 2}, {"refine": "often"}, {"ballots": "both"}, {"lessens": 8}, "all"])
def test_rules_that_cannot_be_used_are_named(rules: object) -> None:
    with pytest.raises(ConfigError, match="rules"):
        SALE(rules=cast("dict[str, object]", rules))


PLANS = st.lists(st.sampled_from(["", "the same", None]), min_size=1, max_size=4)
ANSWERS = st.lists(st.sampled_from(["42", "41"]), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(pool=st.lists(st.tuples(ANSWERS, PLANS), min_size=1, max_size=4), attempts=st.integers(1, 6))
def test_whatever_agents_do_the_calls_end_and_the_record_adds_up(
    pool: list[tuple[list[str], list[str | None]]], attempts: int
) -> None:
    workers = [Worker(f"w{n}", answers, plans, price=n + 1) for n, (answers, plans) in enumerate(pool)]
    market = market_of(*workers, attempts=attempts)
    result = anyio.run(market.run, TASK)
    assert audit(events(market)) == []
    assert len(result.attempts) <= attempts
    assert len(calls(market)) <= len(result.attempts) + len(workers) + 1
    assert not any(one.outcome.verdict is Verdict.PASSED for one in result.attempts[:-1])
    awards = [event.award.agent for event in events(market) if isinstance(event, Awarded)]
    failures = {name: awards.count(name) for name in awards}
    assert all(count <= 2 for count in failures.values()), "an agent that failed twice does not get it again"


async def test_bidding_takes_its_share_of_all_dollars_and_then_prices_are_posted() -> None:
    store = remembered({"one": (6, 12), "two": (6, 12)}, usd="0.05")
    mechanism = SALE(rules={"explore": 0.0, "bidding_share": 0.02})
    market = Market(
        [chat("one", usd_per_mtok=9), chat("two", usd_per_mtok=9)], store=store, seed=3, mechanism=mechanism
    )
    report = await market.run_all([TASK.model_copy(update={"id": f"t{number}"}) for number in range(12)])
    assert report.passed == 12
    hows = [how for how, _ in calls(market)]
    held = hows.count("auction")
    assert hows == ["auction"] * held + ["post"] * (12 - held)
    assert 0 < held < 12
    ends = [item.event for item in store.events(report.run) if isinstance(item.event, TaskDone)]
    bidding = sum(done.overhead.usd for done in ends[:held])
    spent = 24 * Decimal("0.05") + sum(done.usage.usd - done.overhead.usd for done in ends[:held])
    assert bidding <= Decimal("0.02") * (spent + bidding)


@pytest.mark.parametrize("usd", ["0.0022", "0.0024"])
async def test_where_the_purse_is_too_small_for_all_bids_no_name_decides_who_may_bid(usd: str) -> None:
    class Slow(RuleModel):
        async def complete(self, request: Request) -> Reply:
            await anyio.sleep(0.01)  # everyone has reserved before anyone is done
            return await super().complete(request)

    def agent(name: str, *, good: bool) -> LLMAgent:
        def reply(request: Request) -> str:
            return "1. multiply" if "Do not solve it yet" in request.messages[0].content else "42" if good else "41"

        price = Price(input_per_mtok=Decimal(1), output_per_mtok=Decimal(1))
        return Operated(name, Slow(f"op-{good}", reply, price=price), tools=(), max_tokens=20)

    task = TASK.model_copy(update={"limits": Limits(tokens=9000)})
    verdicts = [
        (
            await Market([agent(one, good=True), agent(two, good=False)], seed=1, budget_usd=usd, attempts=1).run(task)
        ).verdict
        for one, two in (("a", "b"), ("b", "a"))
    ]
    assert verdicts[0] is verdicts[1]


async def test_two_agents_of_one_model_are_told_apart_by_what_they_are_told() -> None:
    chosen: set[str] = set()
    for careful, quick in (("a", "b"), ("b", "a")):
        model = RuleModel("one", lambda request: "1. plan" if "Do not solve" in request.messages[0].content else "42")
        told = {careful: "You are careful.", quick: "You are quick."}
        agents = [LLMAgent(name, model, instructions=words, tools=(), price=Price()) for name, words in told.items()]
        store = remembered({"veteran": (60, 60)})
        call = await opened(store, chat("veteran"), *agents, rules={"explore": 1.0})
        assert call.how == "explore"
        chosen.update(told[name] for name in call.asked)
    assert len(chosen) == 1


async def test_a_task_that_ended_for_want_of_time_is_over_when_it_is_gone_on_with() -> None:
    def agents(clock: FakeClock) -> list[FunctionAgent]:
        async def bid(desk: Desk) -> Plan:
            return Plan(text=f"plan {len(desk.evidence)}", tokens=0)

        async def perform(desk: Desk, plan: Plan) -> str:
            clock.advance(59.5)
            return "42" if desk.evidence else "41"

        return [FunctionAgent("a", perform, plan=bid, price=Price())]

    def cut() -> None:
        raise Power

    clock = FakeClock()
    store = MemoryStore(clock=clock)
    task = TASK.model_copy(update={"limits": Limits(seconds=60)})
    failpoints.arm(Failpoint("task_done", 1, act=cut))
    try:
        with pytest.raises(Power):
            await Market(agents(clock), store=store, seed=1, clock=clock, attempts=5).run(task)
    finally:
        failpoints.arm(None)
    later = FakeClock()
    market = Market(agents(later), store=store, seed=1, clock=later, attempts=5)
    report = await market.resume("last")
    assert len(report.results[0].attempts) == 1
    assert audit(events(market)) == []
    assert [record.bids for record in store.records()] == [1]


async def test_no_call_waits_longer_than_the_task_has_time() -> None:
    async def never(desk: Desk) -> Plan | None:
        await anyio.sleep_forever()
        return None

    async def perform(desk: Desk, plan: Plan) -> str:
        return "42"

    market = Market([FunctionAgent("late", perform, plan=never, price=Price())], bid_deadline_s=60)
    with anyio.fail_after(20):
        await market.run(TASK.model_copy(update={"limits": Limits(seconds=0.2)}))
    (refused,) = [event for event in events(market) if isinstance(event, BidRefused)]
    assert refused.reason.startswith("no bid within 0.")


async def test_asking_who_declines_stands_on_its_record_too() -> None:
    def silent(request: Request) -> str:
        return "" if "Do not solve it yet" in request.messages[0].content else "42"

    model = RuleModel("silent", silent, price=Price(input_per_mtok=Decimal(1000), output_per_mtok=Decimal(1)))
    mute, other = LLMAgent("mute", model, tools=()), chat("other")
    market = Market([mute, other], mechanism=SALE(jury=[]), seed=1, budget_usd="100")
    result = await market.run(TASK)
    records = {record.agent: record for record in market.store.records()}
    assert sum(Decimal(record.bidding_usd) for record in records.values()) == result.overhead.usd
    assert Decimal(records["mute"].bidding_usd) > 0
