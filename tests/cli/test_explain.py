"""`agora explain`: every call for bids with its reckoning, redone here from the printed text alone."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import anyio
import pytest

from agora.ambient import SystemClock
from agora.bids import Amount, Award, Bid, Clearing, Lesson, Plan, Profile, Reserve, Score, Shortlist
from agora.events import (
    Awarded,
    BidPlaced,
    BidRefused,
    Event,
    Judged,
    Opened,
    Performed,
    Posted,
    Recalled,
    Scored,
    Screened,
    TaskDone,
    Verified,
)
from agora.memory.sql_store import SQLStore
from agora.tasks import Outcome, Task, Usage, Verdict
from agora.traces.told.story import TaskStory, told
from cli.projects import Shell
from cli.remembered import began, remember
from worked_example import hold

RESERVE = Reserve(usd=Decimal(1), s=Decimal(10))
TASK = Task(id="t", goal="do it")
POSTED = Posted(task="t", spec=TASK)
SCREENED = Screened(task="t", shortlist=Shortlist(members={"a": 1.0, "b": 1.0}), reserve=RESERVE)


def bid(agent: str, usd: str, *, round_: int = 0) -> Bid:
    price = Amount(value=Decimal(usd))
    return Bid(
        agent=agent,
        plan=Plan(text=f"plan {round_} of {agent}"),
        length_tokens=1,
        projected_tokens=1,
        price=price,
        content_hash=agent,
        operator=agent,
        round=round_,
    )


def scored(*ranking: tuple[str, float], auction: int = 0, round_: int = 0, **more: object) -> Scored:
    scores = tuple(
        Score(
            agent=agent,
            total=total,
            terms={"cost": total},
            figures={"cost": total},
            price=Amount(value=Decimal(str(total))),
        )
        for agent, total in ranking
    )
    clearing = Clearing(mechanism="sale", ranking=scores, weights={"cost": 1.0})
    fields = {"task": "t", "auction": auction, "clearing": clearing, "seed": 1, "round": round_, **more}
    return Scored.model_validate(fields)


def attempted(agent: str, number: int, verdict: Verdict, *, auction: int = 0) -> list[Event]:
    award = Award(
        agent=agent, attempt=number, plan=Plan(text="x"), payment=Amount(value=Decimal(0)), reason="lowest score"
    )
    outcome = Outcome(verdict=verdict, verifier="exact")
    return [
        Awarded(task="t", auction=auction, award=award),
        Performed(task="t", agent=agent, attempt=number, usage=Usage(steps=number)),
        Verified(task="t", agent=agent, attempt=number, outcome=outcome),
    ]


def placed(*bids: Bid, auction: int = 0) -> list[Event]:
    return [BidPlaced(task="t", auction=auction, bid=one) for one in bids]


def story_of(*events: Event) -> TaskStory:
    return told([began(), POSTED, *events]).tasks["t"]


def test_each_call_for_bids_keeps_what_belongs_to_it() -> None:
    again = Opened(
        task="t", auction=1, how="replan", asked=("a",), reserve=Reserve(usd=Decimal("0.5")), reason="a failed once"
    )
    story = story_of(
        SCREENED,
        Opened(task="t", how="auction", asked=("a", "b"), reserve=RESERVE),
        *placed(bid("a", "0.1"), bid("b", "0.2")),
        scored(("a", 0.1), ("b", 0.2)),
        *attempted("a", 1, Verdict.FAILED),
        again,
        BidRefused(task="t", auction=1, agent="b", reason="late"),
        *placed(bid("a", "0.3"), auction=1),
        scored(("a", 0.3), auction=1),
        *attempted("a", 2, Verdict.PASSED, auction=1),
    )
    first, second = story.auctions
    assert [list(auction.bids) for auction in story.auctions] == [["a", "b"], ["a"]]
    assert (second.opened, second.first.refused, first.first.refused) == (again, {"b": "late"}, {})
    assert [auction.clearing and auction.clearing.ranking[0].total for auction in story.auctions] == [0.1, 0.3]
    outcomes = [[one.outcome and one.outcome.verdict for one in auction.attempts] for auction in story.auctions]
    assert outcomes == [[Verdict.FAILED], [Verdict.PASSED]]
    assert [one.delivered and one.delivered.steps for one in story.attempts] == [1, 2]


def test_a_second_bid_counts_where_its_score_says_so_and_the_first_is_kept() -> None:
    lesson = Lesson(goal="g", lost="l", won="w", own="lost")
    events: list[Event] = [
        SCREENED,
        *placed(bid("a", "0.1"), bid("b", "0.2")),
        Judged(task="t", judge="a", marks={"a": 5, "b": 1}),
        scored(("a", 0.1), ("b", 0.2)),
        Recalled(task="t", agent="b", lessons=(lesson,)),
        *placed(bid("b", "0.05", round_=1)),
        Judged(task="t", judge="a", round=1, marks={"b": 4}),
    ]
    open_still = story_of(*events).auctions[0]
    assert open_still.bids["b"].round == 0, "not before it is scored"
    for refined, counts in ((("b",), 1), ((), 0)):
        [auction] = story_of(*events, scored(("b", 0.05), ("a", 0.1), round_=1, refined=refined)).auctions
        assert auction.bids["b"].round == counts
        assert (auction.first.bids["b"].round, auction.second.bids["b"].round) == (0, 1)
        assert [auction.marks("b", round=number) for number in (0, 1)] == [{"a": 1}, {"a": 4}]
        assert auction.lessons == {"b": (lesson,)}


def test_a_ledger_from_before_there_were_several_calls_is_one_auction_with_two_awards() -> None:
    story = story_of(
        SCREENED,
        *placed(bid("a", "0.1"), bid("b", "0.2")),
        scored(("a", 0.1), ("b", 0.2)),
        *attempted("a", 1, Verdict.FAILED),
        *attempted("b", 2, Verdict.PASSED),
    )
    [auction] = story.auctions
    assert (auction.opened.auction, auction.opened.asked, auction.opened.reserve) == (0, ("a", "b"), RESERVE)
    assert [one.award.agent for one in auction.attempts] == ["a", "b"]
    assert [one.outcome.verdict for one in story.attempts if one.outcome] == [Verdict.FAILED, Verdict.PASSED]


def test_a_ledger_with_erased_bodies_is_still_explained(shell: Shell, project: Path) -> None:
    remember(project, began(), POSTED, SCREENED, scored(("a", 0.1), ("b", 0.2)))
    shown = shell("explain", "last")
    assert shown.code == 0, shown.err
    assert "b was 0.1000 behind" in shown.out
    form = json.loads(shell("explain", "--json").out)
    [one] = form["tasks"][0]["auctions"][0]["rounds"]
    assert [score["total"] for score in one["scores"]] == [0.1, 0.2]


def test_who_gave_no_marks_or_no_bid_or_was_parked_is_said_with_the_reason(shell: Shell, project: Path) -> None:
    cards = tuple(Profile(name=name, operator=name, kind="llm") for name in "ab")
    remember(
        project,
        began().model_copy(update={"agents": cards}),
        POSTED,
        SCREENED,
        Opened(task="t", how="auction", asked=("a", "b", "c"), reserve=RESERVE),
        *placed(bid("a", "0.1"), bid("b", "0.1")),
        BidRefused(task="t", agent="c", reason="no bid within 60 s"),
        Judged(task="t", judge="a", marks={"a": 5, "b": 1}),
        Judged(task="t", judge="b", dropped="no mark for B"),
        scored(("b", 0.1), ("a", 0.1)),
        Recalled(task="t", agent="b", lessons=(Lesson(goal="g", lost="l", won="w", own="lost"),)),
        *placed(bid("b", "0.05", round_=1)),
        scored(("b", 0.1), ("a", 0.1), round_=1, aside={"b": "is no better than its first bid: 0.2 against 0.1"}),
        *attempted("b", 1, Verdict.FAILED),
        TaskDone(
            task="t", verdict=Verdict.FAILED, parked=True, reason="parked, failed 3 times on 2 agents", attempts=1
        ),
    )
    shown = shell("explain", "last")
    assert shown.code == 0, shown.err
    for said in (
        "did not bid: c (no bid within 60 s)",
        "no judge: b (no mark for B)",
        "b was shown 1 pair of plans; its second bid does not count: it is no better than its first bid: 0.2",
        "a tie: the lower share of the reserve goes first, then the lower lot of seed 1: b (share 0.1, lot ",
        "ended failed: parked, failed 3 times on 2 agents",
    ):
        assert said in shown.out
    assert json.loads(shell("explain", "--json").out)["tasks"][0]["parked"]


LINE = re.compile(r"(\d+\.\d+) x +(\d+\.\d+) = +([+-]\d+\.\d+)")
SUM = re.compile(r"score +sum = +(-?\d+\.\d+)")
VALUE = re.compile(r"(\w+): consensus \d.*?: \((.+)\) / \(5 x ([\d.]+)\) = ([\d.]+)")
ASKS = re.compile(r"^ +(\w+) +\d+ +\$([\d.]+) +(\d\.\d+)", re.MULTILINE)
RESERVED = re.compile(r"reserve, fixed before opening: \$([\d.]+) and")


def half_up(value: Decimal, like: str) -> Decimal:
    digits = len(like.partition(".")[2])
    return value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)


def redo(text: str) -> dict[str, int]:
    """Redo a printed award with a pencil; how many sums of each kind there were."""
    redone = {"terms": 0, "scores": 0, "values": 0, "costs": 0}
    column, reserve = list[Decimal](), Decimal(0)
    for line in text.splitlines():
        if found := LINE.search(line):
            assert half_up(Decimal(found[1]) * Decimal(found[2]), found[3]) == abs(Decimal(found[3]))
            column.append(Decimal(found[3]))
            redone["terms"] += 1
        elif found := SUM.search(line):
            assert half_up(sum(column, Decimal(0)), found[1]) == Decimal(found[1])
            column = []
            redone["scores"] += 1
        elif found := VALUE.search(line):
            parts = [part.split(" x ") for part in found[2].split(" + ")]
            above = sum((Decimal(weight) * Decimal(mark) for weight, mark in parts), Decimal(0))
            assert half_up(above / (5 * Decimal(found[3])), found[4]) == Decimal(found[4])
            redone["values"] += 1
        elif found := RESERVED.search(line):
            reserve = Decimal(found[1])
        elif found := ASKS.search(line):
            assert half_up(Decimal(found[2]) / reserve, found[3]) == Decimal(found[3])
            redone["costs"] += 1
    assert not column
    return redone


@pytest.fixture
def run(project: Path) -> str:
    """The worked example, held into the project's memory."""
    return held_in(project)


def held_in(project: Path, *, ballots: str = "one") -> str:
    async def held() -> str:
        (project / "memory").mkdir(exist_ok=True)
        store = SQLStore.open(project / "memory" / "agora.db", clock=SystemClock())
        try:
            return await hold(store, ballots=ballots)
        finally:
            await store.close()

    return anyio.run(held)


def test_a_person_can_redo_the_award_from_the_printed_text_alone(shell: Shell, run: str) -> None:
    shown = shell("explain", run)
    assert shown.code == 0, shown.err
    assert redo(shown.out) == {"terms": 14, "scores": 5, "values": 4, "costs": 5}
    with pytest.raises(AssertionError):
        redo(shown.out.replace("+0.026400", "+0.026500"))


def test_the_award_can_be_redone_in_the_same_way_where_judges_had_a_ballot_a_plan(shell: Shell, project: Path) -> None:
    shown = shell("explain", held_in(project, ballots="each"))
    assert shown.code == 0, shown.err
    assert redo(shown.out) == {"terms": 14, "scores": 5, "values": 4, "costs": 5}


def test_the_json_form_has_all_of_the_reckoning(shell: Shell, run: str) -> None:
    [task] = json.loads(shell("explain", run, "--json").out)["tasks"]
    first, again = task["auctions"]
    assert [auction["how"] for auction in (first, again)] == ["auction", "replan"]
    opening, refined = first["rounds"]
    assert (opening["round"], refined["round"], refined["refined"]) == (0, 1, ["small"])
    for one in (opening, refined, *again["rounds"]):
        for score in one["scores"]:
            signs = {"cost": 1, "entropy": -1, "jury": -1}
            total = sum(signs[term] * one["weights"][term] * figure for term, figure in score["figures"].items())
            assert total == pytest.approx(score["total"], abs=1e-11)
            assert float(score["printed"]["score"]) == pytest.approx(score["total"], abs=5e-5)
    scores: Mapping[str, Mapping[str, object]] = {score["agent"]: score for score in opening["scores"]}
    assert scores["medium"]["marks"] == {"large": 4, "medium": 3, "small": 1}
    assert [judge["weight"] for judge in opening["judges"]] == [1.0, 1.0, 1.0]
    assert first["turns"][0]["agent"] == "large"
    assert first["payment"] == {"value": "0.00075", "unit": "usd"}
    assert [len(shown) for shown in first["lessons"].values()] == [1, 1]
