"""What a run's page is made of: the same every time, small whatever was written, right in its sums; and its command."""

from __future__ import annotations

import lzma
import subprocess
import sys
from collections.abc import Sequence
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest

from agora.bids import Amount, Award, Bid, Plan, Profile, Reserve, Shortlist
from agora.events import (
    Awarded,
    BidPlaced,
    Event,
    Judged,
    Learned,
    Opened,
    Performed,
    Posted,
    Screened,
    Started,
    ToolUsed,
    Verified,
)
from agora.memory.in_memory import MemoryStore
from agora.memory.ledger_file import LedgerFile
from agora.messages import ToolCall
from agora.records import Recorded
from agora.tasks import Limits, Outcome, Patch, Task, Verdict, Work
from agora.testing import FakeClock
from agora.traces.pages.plots import Span
from agora.traces.report import UNCHECKED, Checked, report
from agora.traces.report.page import MOST_TASKS
from agora.traces.report.summary import against_the_dearest, came_to
from agora.traces.report.timeline import spans_of
from agora.traces.told.story import told
from worked_example import hold

MB = 1_000_000
GOLDEN = Path(__file__).parent / "golden"
RESERVE = Reserve(usd=Decimal(1), s=Decimal(10))


def at(seconds: Sequence[float], events: Sequence[Event | None]) -> list[Recorded]:
    """Events as they stand on a ledger, each recorded at so many seconds."""
    moments = zip(seconds, events, strict=True)
    return [Recorded(place, "r", int(1e6 * when), "ab" * 32, event) for place, (when, event) in enumerate(moments, 1)]


def placed(agent: str, usd: str, *, task: str = "t", text: str = "a plan") -> BidPlaced:
    return BidPlaced(
        task=task,
        bid=Bid(
            agent=agent,
            plan=Plan(text=text),
            length_tokens=1,
            projected_tokens=1,
            price=Amount(value=Decimal(usd)),
            content_hash=agent,
        ),
    )


def awarded(agent: str, *, task: str = "t", attempt: int = 1) -> Awarded:
    price = Amount(value=Decimal(0))
    return Awarded(task=task, award=Award(agent=agent, attempt=attempt, plan=Plan(text="x"), payment=price, reason="r"))


def posted(task: str = "t", goal: str = "do it") -> list[Event]:
    return [
        Posted(task=task, spec=Task(id=task, goal=goal)),
        Screened(task=task, shortlist=Shortlist(members={"a": 1.0, "b": 1.0}), reserve=RESERVE),
        Opened(task=task, how="auction", asked=("a", "b"), reserve=RESERVE),
    ]


def started(*agents: str) -> Started:
    cards = tuple(Profile(name=name, operator=name, kind="llm") for name in agents)
    return Started(seed=1, agents=cards, limits=Limits(usd=Decimal(2)), mechanism="sale", policy="everyone")


async def worked() -> tuple[str, list[Recorded]]:
    store = MemoryStore(clock=FakeClock())
    run = await hold(store)
    return run, list(store.events(run))


async def test_one_ledger_always_gives_one_page() -> None:
    run, entries = await worked()
    assert report(run, entries) == report(run, entries)


def test_who_worked_when_follows_from_the_times_on_the_ledger() -> None:
    outcome = Outcome(verdict=Verdict.PASSED, verifier="exact")
    events: list[Event | None] = [
        started("a", "b"),
        *posted(),
        placed("a", "1"),
        placed("b", "2"),
        None,
        Judged(task="t", judge="b"),
        awarded("a"),
        Performed(task="t", agent="a", attempt=1),
        Verified(task="t", agent="a", attempt=1, outcome=outcome),
    ]
    spans = spans_of(at([10, 10, 11, 12, 13, 15, 15, 16, 17, 27, 30], events))
    assert spans == [
        Span("a", 2, 3, "bid", "t"),
        Span("b", 2, 5, "bid", "t"),
        Span("b", 5, 6, "jury", "t"),
        Span("a", 7, 17, "attempt", "t"),
        Span("the verifier", 17, 20, "check", "t"),
    ]


def test_a_clock_that_went_backwards_makes_spans_of_no_length() -> None:
    entries = at([10, 10, 11, 12, 5], [started("a"), *posted(), placed("a", "1")])
    assert spans_of(entries) == [Span("a", -5, -5, "bid", "t")]
    assert "Who worked when" in report("r", entries)


def test_the_winners_are_held_against_always_the_dearest_on_the_same_tasks() -> None:
    events: list[Event] = [started("a", "b")]
    for task, cheap, dear in (("one", "0.10", "0.40"), ("two", "0.20", "0.60")):
        events += [*posted(task), placed("a", cheap, task=task), placed("b", dear, task=task), awarded("a", task=task)]
    events += [*posted("three"), placed("a", "0.30", task="three"), awarded("a", task="three")]
    story = told(events)
    (found,) = against_the_dearest(story)
    assert (found.agent, found.tasks, found.asked, found.awarded) == ("b", 2, Decimal("1.00"), Decimal("0.30"))
    shown = report("r", at([0.0] * len(events), events))
    assert "the winners asked $0.30 (70 % less), it asked $1.00, on the 2 tasks that it bid on" in shown
    assert came_to(story) == "3 running of 3"


def test_a_page_stays_small_whatever_was_written() -> None:
    long, events = "<\u202e>" * 30_000, list[Event]([started("a")])
    for number in range(100):
        name = f"t{number}"
        events += [*posted(name, goal=long[:99_000]), placed("a", "1", task=name, text=long)]
        events += [awarded("a", task=name)]
    shown = report("r", at([0.0] * len(events), events))
    assert len(events) > 500
    assert len(shown.encode()) < 2 * MB
    assert "characters are left out here" in shown


def test_texts_of_30_megabytes_are_shown_by_their_beginning_and_their_end() -> None:
    huge = "x" * 30_000_000
    call = ToolCall(id="t/attempt-1/a/1", name="write" + huge, arguments='{"text": "' + huge + '"}')
    bid = placed("a", "1", text=huge)
    bid = bid.model_copy(update={"bid": bid.bid.model_copy(update={"plan": Plan(text=huge, terms={"method": huge})})})
    events: list[Event] = [
        started("a"),
        *posted(),
        bid,
        awarded("a"),
        ToolUsed(task="t", agent="a", phase="attempt-1", call=call, result=huge),
        Performed(task="t", agent="a", attempt=1, work=Work(output=huge + "end", patch=Patch(text="+" + huge))),
        Verified(task="t", agent="a", attempt=1, outcome=Outcome(verdict=Verdict.FAILED, verifier="x", evidence=huge)),
    ]
    shown = report("r", at([0.0] * len(events), events))
    assert len(shown) < MB / 5
    assert "29,992,003 characters are left out here" in shown


def test_of_many_tasks_those_that_did_not_pass_are_told_in_full() -> None:
    events: list[Event] = [started("a")]
    for number in range(MOST_TASKS + 20):
        events += posted(f"t{number}")
    shown = report("r", at([0.0] * len(events), events))
    assert shown.count("<h3 id=") == MOST_TASKS
    assert "20 more tasks stand in the table only" in shown
    assert f"t{MOST_TASKS + 19}" in shown


@pytest.mark.parametrize("events", [[], [None, None], [started()], [started("a"), *posted()]])
def test_a_run_that_has_hardly_begun_or_was_erased_has_a_page(events: list[Event | None]) -> None:
    shown = report("r", at([0.0] * len(events), events))
    assert "Check it yourself" in shown
    assert ("2 bodies; what stood there is missing" in shown) == (events == [None, None])


def test_what_was_learned_stands_with_its_place_on_the_ledger() -> None:
    learned = Learned(task="t", what="record", key="o/a/s", update={"passed": 1})
    shown = report("r", at([0.0, 0.0], [started("a"), learned]))
    assert "What the records learned (1 updates)" in shown
    assert "{&#34;passed&#34;: 1}" in shown


def test_the_page_says_what_checking_gave() -> None:
    entries = at([0.0], [started("a")])
    assert UNCHECKED.says in report("r", entries)
    shown = report("r", entries, checked=Checked("changed", "entry 1 does not hold", 3, "cm9vdA=="))
    assert '<span class="state failed">changed</span>' in shown
    assert "entry 1 does not hold" in shown
    assert "cm9vdA==" in shown


class Whole(HTMLParser):
    """Reads a page, and holds that every element ends where it should, and every id is there once."""

    VOID = frozenset({"meta", "rect", "line", "path", "circle"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value for name, value in attrs if name == "id" and value]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", sorted(path.name for path in GOLDEN.glob("*.xz")))
def test_every_way_of_a_run_has_a_whole_page(name: str, tmp_path: Path) -> None:
    file = tmp_path / "ledger.jsonl"
    file.write_bytes(lzma.decompress((GOLDEN / name).read_bytes()))
    store = LedgerFile.open(file)
    latest = store.runs()[0].id
    shown = report(latest, list(store.events(latest)))
    whole = Whole()
    whole.feed(shown)
    whole.close()
    assert whole.open == []
    assert len(set(whole.ids)) == len(whole.ids)
    if "ants" in name:
        assert "Layer 0; task types:" in shown


def test_a_hash_seed_does_not_change_a_page() -> None:
    code = (
        "import anyio, hashlib, sys; sys.path[:0] = ['.', 'tests'];"
        "from traces.test_report_values import worked; from agora.traces.report import report;"
        "same = [one._replace(run='r', hash='00', at_us=one.seq) for one in anyio.run(worked)[1]];"
        "print(hashlib.sha256(report('r', same).encode()).hexdigest())"
    )
    root = Path(__file__).parents[2]

    def made(seed: str) -> str:
        env = {"PYTHONHASHSEED": seed, "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
        ran = subprocess.run(
            [sys.executable, "-c", code], cwd=root, env=env, capture_output=True, text=True, timeout=100
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    assert made("1") == made("2")
