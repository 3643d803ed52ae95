"""A market keeps on record which of two models each call goes to, goes on from there, and learns what came of it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from agora import failpoints
from agora.agents.llm import LLMAgent
from agora.agents.steps import CONTEXTS_VERSION, StepPolicy
from agora.agents.tools import tool
from agora.ambient import SystemClock
from agora.bids import Price
from agora.errors import ConfigError
from agora.events import Called, Event, Learned, Performed, Reserved, Step, Stepped
from agora.failpoints import Failpoint
from agora.market import Market
from agora.memory.in_memory import MemoryStore
from agora.memory.sql_store import SQLStore
from agora.messages import Reply, Request
from agora.protocols import Store
from agora.settling import lessons
from agora.tasks import Check, Task, Verdict
from agora.testing import FakeClock, RuleModel, audit, call
from agora.values import JsonValue
from attempted import lot_of

SAYS_42 = Check(kind="exact", options={"answer": "42"})
CHEAP = Price(input_per_mtok=Decimal(1), output_per_mtok=Decimal(2))
DEAR = Price(input_per_mtok=Decimal(10), output_per_mtok=Decimal(20))
TURNS = 6


class Power(BaseException):
    """The power is cut; not an Exception, so that nobody in between catches it."""


@tool
def poke(turn: int) -> str:
    """Fails at the second and the fifth turn.

    Args:
        turn: Which.
    """
    if turn in (2, 5):
        raise ValueError("boom")
    return "fine"


def answer(request: Request) -> str | Reply:
    """A plan; then one tool call a turn; then the answer."""
    if not request.tools:
        return "1. poke\n2. answer"
    turns = sum(message.role == "assistant" for message in request.messages)
    return call("poke", turn=turns + 1) if turns < TURNS else "42"


def task(id: str = "t") -> Task:
    return Task(id=id, goal=f"what is 6 x 7? ({id})", verify=SAYS_42)


class Bench:
    """A market of one agent with two models, over a store."""

    def __init__(
        self, store: Store, *, steps: str | StepPolicy = "escalate", learn: bool = True, usd: str = "5"
    ) -> None:
        self.small = RuleModel("scripted/cheap", answer, price=CHEAP)
        self.strong = RuleModel("scripted/dear", answer, price=DEAR)
        agent = LLMAgent("a", self.small, strong=self.strong, steps=steps, tools=[poke], max_tokens=200)
        self.store = store
        self.market = Market([agent], store=store, seed=2, budget_usd=usd, learn=learn)

    @property
    def events(self) -> list[Event]:
        return [item.event for item in self.store.events() if item.event is not None]

    @property
    def stepped(self) -> list[Stepped]:
        return [event for event in self.events if isinstance(event, Stepped)]

    @property
    def calls(self) -> int:
        return self.small.calls + self.strong.calls

    async def cut(self, tasks: list[Task], *, at: str) -> None:
        with powerless(at), pytest.raises(Power):
            await self.market.run_all(tasks)

    async def again(self, at: str) -> None:
        with powerless(at), pytest.raises(Power):
            await self.market.resume("last")


@contextmanager
def powerless(at: str) -> Generator[None]:
    """The power goes at this place."""

    def act() -> None:
        raise Power

    name, _, hit = at.partition(":")
    failpoints.arm(Failpoint(name, int(hit), act=act))
    try:
        yield
    finally:
        failpoints.arm(None)


def memory() -> MemoryStore:
    return MemoryStore(clock=FakeClock())


@pytest.mark.parametrize("steps", ["escalate", "bandit"])
@pytest.mark.parametrize(
    "cut_at",
    ["stepped:1", "stepped:4", "reserved.durable:5", "called:5", "called.durable:6", "tool:3", "performed:1"],
)
async def test_a_run_that_was_cut_makes_the_choices_that_it_would_have_made(steps: str, cut_at: str) -> None:
    whole = Bench(memory(), steps=steps)
    report = await whole.market.run_all([task()])
    assert report.passed == 1, report.results[0].reason
    assert {event.step.model for event in whole.stepped} == {"small", "large"}

    cut = Bench(memory(), steps=steps)
    await cut.cut([task()], at=cut_at)
    before = len(cut.stepped)
    again = await cut.market.resume("last")
    assert again.passed == 1
    chosen = [(event.number, event.model, event.step.propensity, event.instead) for event in cut.stepped]
    assert chosen == [(event.number, event.model, event.step.propensity, False) for event in whole.stepped]
    assert cut.stepped[:before] == whole.stepped[:before], "nothing on record is decided again"
    unknown = sum(isinstance(event, Called) and event.failure == "interrupted" for event in cut.events)
    made_before_it_was_lost = unknown if cut_at.startswith("called:") else 0
    assert cut.calls == whole.calls + made_before_it_was_lost
    assert audit(cut.events, verdicts={"t": Verdict.PASSED}) == []


async def test_what_others_teach_meanwhile_changes_no_choice_on_record() -> None:
    bench = Bench(memory(), steps="bandit")
    await bench.cut([task()], at="reserved.durable:7")
    before, calls = bench.stepped, bench.calls
    assert {(event.step.context, event.step.model) for event in before} >= {("trouble-0/ample", "small")}
    for number in range(300):
        await bench.store.record("another", lesson(number))
    report = await bench.market.resume("last")
    assert report.passed == 1
    assert bench.stepped[: len(before)] == before
    later = bench.stepped[len(before) :]
    assert [event.reason.rpartition("after ")[2] for event in later] == ["300 attempts"] * len(later)
    assert {event.step.model for event in later if event.step.context == "trouble-0/ample"} == {"large"}
    assert bench.calls - calls == len(later) + 1, "what is on record is not asked again, but for the one without an end"


def lesson(number: int) -> Learned:
    """In this situation the strong model passes and the cheap one fails."""
    large = bool(number % 2)
    taken: JsonValue = {
        "context": "trouble-0/ample",
        "model": "large" if large else "small",
        "propensity": 0.5,
        "trouble": 0,
        "cost": 0.0,
    }
    who: dict[str, JsonValue] = {"operator": "default/scripted/cheap", "agent": "a", "attempt": number}
    update: dict[str, JsonValue] = {**who, "version": CONTEXTS_VERSION, "passed": large, "taken": [taken]}
    return Learned(task=f"x{number}", what="steps", key="default/scripted/cheap/a", update=update)


def test_an_opinion_and_what_nobody_could_say_teach_nothing_of_steps() -> None:
    step = Step(context="trouble-0/ample", model="large", propensity=1.0, trouble=0, cost=0.1)
    lot = lot_of(("a", Verdict.PASSED, False), ("b", Verdict.UNKNOWN), ("c", Verdict.FAILED))
    for auction in lot.auctions:
        assert auction.attempt is not None
        auction.attempt = auction.attempt.model_copy(update={"steps": (step,)})
    learned = [event for event in lessons(lot, {name: f"op-{name}" for name in "abc"}) if isinstance(event, Learned)]
    assert [event.key for event in learned if event.what == "steps"] == ["op-c/c"]


async def test_a_strong_call_of_unknown_fate_that_cannot_be_paid_again_is_made_by_the_cheap_model_once() -> None:
    bench = Bench(memory(), steps="always-large", usd="0.07")
    await bench.cut([task()], at="called:2")
    await bench.again("called:2")  # the end of the lost call is the first
    assert [(event.number, event.model) for event in bench.stepped] == [(1, "scripted/dear")]
    lost = sum(event.usd for event in bench.events if isinstance(event, Reserved) and event.model == "scripted/dear")
    assert lost > Decimal("0.05")
    for at in ("called.durable:3", "performed:1"):
        await bench.again(at)
        assert [(event.model, event.instead) for event in bench.stepped if event.number == 1] == [
            ("scripted/dear", False),
            ("scripted/cheap", True),
        ]
    report = await bench.market.resume("last")
    assert report.passed == 1, report.results[0].reason
    assert lost < report.usage.usd <= Decimal("0.07")
    assert bench.strong.calls == 2
    assert bench.small.calls == 1 + TURNS + 1, "a bid, the turns, the answer: each once"
    assert audit(bench.events, verdicts={"t": Verdict.PASSED}) == []


async def test_two_runs_of_one_seed_choose_alike() -> None:
    first, second = Bench(memory(), steps="bandit"), Bench(memory(), steps="bandit")
    await first.market.run_all([task()])
    await second.market.run_all([task()])
    assert first.stepped == second.stepped


async def test_what_is_learned_is_what_was_chosen_once_and_of_grounded_outcomes_alone() -> None:
    bench = Bench(memory(), steps="bandit")
    await bench.market.run_all([task()])
    (learned,) = (event for event in bench.events if isinstance(event, Learned) and event.what == "steps")
    (performed,) = (event for event in bench.events if isinstance(event, Performed))
    assert learned.update["taken"] == [event.step.model_dump(mode="json") for event in bench.stepped]
    assert performed.steps == tuple(event.step for event in bench.stepped)
    assert (learned.update["passed"], learned.update["version"]) == (True, CONTEXTS_VERSION)
    await bench.market.resume("last")
    assert sum(isinstance(event, Learned) and event.what == "steps" for event in bench.events) == 1

    for unverified in (Task(id="u", goal="what is 6 x 7?"), task()):
        measured = Bench(memory(), steps="bandit", learn=unverified.id == "u")
        await measured.market.run_all([unverified])
        assert measured.stepped
        assert not [event for event in measured.events if isinstance(event, Learned) and event.what == "steps"]


async def test_later_runs_start_from_what_earlier_ones_learned_in_whatever_store(tmp_path: Path) -> None:
    lasting = SQLStore.open(tmp_path / "m.db", clock=SystemClock(), embedder=lambda: None)
    try:
        for store in (memory(), lasting):
            bench = Bench(store, steps="bandit")
            await bench.market.run_all([task("one")])
            await bench.market.run_all([task("two"), task("three")])
            said = {event.task: event.reason for event in bench.stepped if event.number == 1}
            assert {id: reason.rpartition("after ")[2] for id, reason in said.items()} == {
                "one": "0 attempts",
                "two": "1 attempts",
                "three": "2 attempts",
            }
    finally:
        await lasting.close()


async def test_another_policy_or_strong_model_is_named_before_anything_is_spent() -> None:
    bench = Bench(memory())
    await bench.cut([task()], at="performed:1")
    other = Bench(bench.store, steps="advantage")
    with pytest.raises(ConfigError, match="has another digest than when the run began"):
        await other.market.resume("last")
    assert other.calls == 0
