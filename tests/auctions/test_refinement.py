"""Refinement from memory: only grounded wins teach, and a second plan never makes an award worse."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.auctions import SALE, after_refinement, lessons_for, may_refine
from agora.auctions.confidence_auction import CalibratedConfidence
from agora.auctions.ranking import amount_share
from agora.auctions.refinement import Refinement
from agora.auctions.score_auctions import FirstScore
from agora.auctions.vcg import VCG
from agora.bids import NO_JURY, Amount, Bid, Clearing, Juror, Lesson, Plan, Reserve
from agora.events import Learned
from agora.memory.in_memory import MemoryStore
from agora.protocols import Mechanism
from agora.records import MemoryEntry
from agora.testing import FakeClock
from auctions.judged_bids import PURSE, Auction, auctions
from strategies import RESERVE, bid_lists, bids

seeds = st.integers(min_value=0, max_value=2**62)
few = st.sampled_from(["a", "b", "c"])
entries = st.lists(
    st.builds(
        MemoryEntry,
        task=few,
        goal=st.just("g"),
        agent=few,
        plan=st.sampled_from(["p", "q", "r", "s t", "s  t"]),
        won=st.booleans(),
        passed=st.booleans(),
        run=st.sampled_from(["1", "2"]),
    ),
    max_size=24,
)


def clear_at(
    seed: int, *, mechanism: Mechanism | None = None, jury: Mapping[str, Juror] = NO_JURY
) -> Callable[[Sequence[Bid]], Clearing]:
    return partial((mechanism or SALE()).clear, reserve=RESERVE, seed=seed, jury=jury)


@st.composite
def two_rounds(draw: st.DrawFn, *, entropy: bool = True) -> tuple[list[Bid], list[Bid]]:
    """First bids, and a second one of some of the bidders."""
    first = draw(bid_lists(entropy=entropy))
    again = draw(st.lists(st.sampled_from(first), unique_by=lambda bid: bid.agent))
    refined = [draw(bids(name=bid.agent, entropy=entropy)) for bid in again]
    return first, [bid.model_copy(update={"round": 1, "content_hash": f"r{bid.content_hash}"}) for bid in refined]


def bid_of(
    agent: str, price: str, entropy: float | None, *, marks: dict[str, int] | None = None, round: int = 0
) -> Bid:
    return Bid(
        agent=agent,
        plan=Plan(text=f"{agent} {round}"),
        length_tokens=1,
        projected_tokens=1,
        price=Amount(value=Decimal(price)),
        entropy=entropy,
        content_hash=f"{agent}{round}",
        round=round,
        marks=marks or {},
    )


def remembered(agent: str, plan: str, *, won: bool = False, passed: bool = False, task: str = "t") -> MemoryEntry:
    return MemoryEntry(task=task, goal=f"goal of {task}", agent=agent, plan=plan, won=won, passed=passed, run="1")


@given(rows=entries, agent=few, k=st.integers(min_value=0, max_value=5), seed=seeds)
def test_a_winning_plan_passed_a_losing_one_did_not_and_one_is_the_agents_own(
    rows: list[MemoryEntry], agent: str, k: int, seed: int
) -> None:
    lessons = lessons_for(rows, agent=agent, k=k, seed=seed)
    assert len(lessons) <= k
    for lesson in lessons:
        assert lesson.lost.split() != lesson.won.split()
        winners = [row for row in rows if row.plan == lesson.won and row.won and row.passed]
        losers = [row for row in rows if row.plan == lesson.lost and not (row.won and row.passed)]
        assert winners
        assert losers
        assert lesson.own == "lost" or agent in {row.agent for row in winners}
        assert lesson.own == "won" or agent in {row.agent for row in losers}


@given(rows=entries, agent=few, seed=seeds, data=st.data())
def test_the_order_in_which_a_tasks_bids_are_recalled_does_not_matter(
    rows: list[MemoryEntry], agent: str, seed: int, data: st.DataObject
) -> None:
    order = list(dict.fromkeys((row.run, row.task) for row in rows))
    shuffled = sorted(data.draw(st.permutations(rows)), key=lambda row: order.index((row.run, row.task)))
    assert lessons_for(shuffled, agent=agent, seed=seed) == lessons_for(rows, agent=agent, seed=seed)


def test_the_most_similar_tasks_come_first_and_a_task_without_a_pair_takes_no_place() -> None:
    rows = [
        remembered("me", "m1", task="near"),
        remembered("you", "y1", won=True, passed=True, task="near"),
        remembered("me", "alone", won=True, passed=True, task="middle"),
        remembered("you", "y2", task="far"),
        remembered("me", "m2", won=True, passed=True, task="far"),
        remembered("me", "m3", task="farther"),
        remembered("you", "y3", won=True, passed=True, task="farther"),
    ]
    assert lessons_for(rows, agent="me", k=2) == (
        Lesson(goal="goal of near", lost="m1", won="y1", own="lost"),
        Lesson(goal="goal of far", lost="y2", won="m2", own="won"),
    )


def test_a_winner_that_failed_is_a_losing_example_and_the_one_to_learn_from() -> None:
    rows = [
        remembered("me", "mine", won=True, passed=True),
        *(remembered(f"idle{n}", f"idle{n}") for n in range(20)),
        remembered("you", "tried and failed", won=True, passed=False),
    ]
    assert {lessons_for(rows, agent="me", seed=seed)[0].lost for seed in range(20)} == {"tried and failed"}
    assert lessons_for(rows, agent="you")[0] == Lesson(
        goal="goal of t", lost="tried and failed", won="mine", own="lost"
    )


def test_where_nobody_passed_there_is_nothing_to_show() -> None:
    rows = [remembered("me", "a"), remembered("you", "b", won=True), remembered("else", "c", passed=True)]
    assert lessons_for(rows, agent="me") == ()


async def test_what_only_a_model_judged_teaches_nobody() -> None:
    store = MemoryStore(clock=FakeClock())

    def memory(agent: str, *, won: bool, grounded: bool) -> Learned:
        update = {"goal": "sort the list", "agent": agent, "plan": agent, "won": won, "passed": won}
        return Learned(task="t", what="memory", key="t", update={**update, "grounded": grounded})

    await store.record("judged", memory("me", won=False, grounded=False), memory("you", won=True, grounded=False))
    assert lessons_for(store.recall("sort a list", limit=99), agent="me") == ()
    await store.record("tested", memory("me", won=False, grounded=True), memory("you", won=True, grounded=True))
    assert len(lessons_for(store.recall("sort a list", limit=99), agent="me")) == 1


@given(first=bid_lists(), seed=seeds, winner_too=st.booleans())
def test_only_whoever_asks_strictly_less_than_the_provisional_winner_refines(
    first: list[Bid], seed: int, winner_too: bool
) -> None:
    clearing = clear_at(seed)(first)
    chosen = may_refine(clearing, reserve=RESERVE, winner_too=winner_too)
    shares = {score.agent: amount_share(score.price, RESERVE) for score in clearing.ranking}
    cheaper = {name for name, share in shares.items() if share < shares[clearing.winner or ""]}
    assert set(chosen) == (cheaper | {clearing.winner} if winner_too and cheaper else cheaper)


def test_dollars_and_seconds_are_compared_by_their_share_of_the_reserve() -> None:
    local = bid_of("local", "5", 0.0).model_copy(update={"price": Amount(value=Decimal(5), unit="s")})
    clearing = clear_at(0)([bid_of("paid", "1", 0.9), local, bid_of("dear", "9", 0.9)])
    assert clearing.winner == "paid"
    assert may_refine(clearing, reserve=RESERVE) == ("local",)
    assert may_refine(SALE().clear([], reserve=Reserve(), seed=0), reserve=Reserve()) == ()


@given(rounds=two_rounds(entropy=False), seed=seeds)
def test_refinement_never_worsens_a_score_and_moves_the_award_only_to_a_strictly_better_one(
    rounds: tuple[list[Bid], list[Bid]], seed: int
) -> None:
    first_bids, refined = rounds
    clear = clear_at(seed)
    first = clear(first_bids)
    after = after_refinement(first, first_bids, refined, clear=clear)
    before = {score.agent: score.total for score in first.ranking}
    now = {score.agent: score.total for score in after.clearing.ranking}
    assert set(now) == set(before)
    assert all(now[agent] <= before[agent] for agent in before)
    if after.clearing.winner != first.winner:
        assert now[after.clearing.winner or ""] < before[first.winner or ""]
    assert {bid.agent for bid in after.bids if bid.round == 1} | set(after.aside) == {bid.agent for bid in refined}
    assert clear(after.bids) == after.clearing


@given(rounds=two_rounds(), seed=seeds)
def test_a_refined_bid_that_beats_the_provisional_winner_does_take_the_award(
    rounds: tuple[list[Bid], list[Bid]], seed: int
) -> None:
    first_bids, refined = rounds
    clear = clear_at(seed)
    first = clear(first_bids)
    after = after_refinement(first, first_bids, refined, clear=clear)
    seconds = {score.agent: score.total for score in clear(refined).ranking}
    admitted = {score.agent for score in first.ranking}
    best = min((total for agent, total in seconds.items() if agent in admitted), default=math.inf)
    if first.ranking and best < first.ranking[0].total:
        assert after.clearing.ranking[0].total == best


@given(rounds=two_rounds(entropy=False), seed=seeds, data=st.data())
def test_the_order_in_which_refined_bids_arrive_moves_nothing(
    rounds: tuple[list[Bid], list[Bid]], seed: int, data: st.DataObject
) -> None:
    first_bids, refined = rounds
    clear = clear_at(seed)
    first = clear(first_bids)
    shuffled = data.draw(st.permutations(refined))
    assert after_refinement(first, first_bids, shuffled, clear=clear) == after_refinement(
        first, first_bids, refined, clear=clear
    )


@given(rounds=two_rounds(), seed=seeds, data=st.data())
def test_a_dominated_bidder_moves_no_award_in_either_round(
    rounds: tuple[list[Bid], list[Bid]], seed: int, data: st.DataObject
) -> None:
    """With the refined bids of the others as they are; both its own plans are no better than a rival's first."""
    first_bids, refined = rounds
    better = data.draw(st.sampled_from(first_bids))

    def worse(round: int) -> Bid:
        price = better.price.value + data.draw(st.decimals(min_value="0.001", max_value=5, places=3))
        return better.model_copy(
            update={
                "agent": "worse",
                "price": Amount(value=price, unit=better.price.unit),
                "entropy": (better.entropy or 0.0) * data.draw(st.sampled_from([0.0, 0.5, 1.0])),
                "content_hash": f"worse {round}",
                "round": round,
            }
        )

    def winner(bids: list[Bid], again: list[Bid]) -> str | None:
        first = clear_at(seed)(bids)
        return after_refinement(first, bids, again, clear=clear_at(seed)).clearing.winner

    again = [*refined, worse(1)] if data.draw(st.booleans()) else refined
    assert winner([*first_bids, worse(0)], again) == winner(first_bids, refined)


def second_round(
    first: list[Bid],
    refined: list[Bid],
    *,
    mechanism: Mechanism | None = None,
    jury: Mapping[str, Juror] = NO_JURY,
) -> Refinement:
    clear = clear_at(0, mechanism=mechanism, jury=jury)
    return after_refinement(clear(first), first, refined, clear=clear)


def test_a_tie_stays_with_the_provisional_winner() -> None:
    first = [bid_of("lead", "4", 0.6), bid_of("cheap", "1", 0.1)]  # totals -0.1 and 0.0
    even = second_round(first, [bid_of("cheap", "1", 0.3, round=1)])
    assert even.clearing.winner == "lead"
    assert "only equals" in even.aside["cheap"]
    assert second_round(first, [bid_of("cheap", "1", 0.31, round=1)]).clearing.winner == "cheap"


@pytest.mark.parametrize(
    ("refined", "why"),
    [
        (bid_of("cheap", "1", None, marks={"j": 5}, round=1), "no entropy"),
        (bid_of("cheap", "1", 0.9, marks={"k": 5}, round=1), "no mark of any judge of the first round"),
        (bid_of("cheap", "1", 0.9, round=1), "no mark of any judge of the first round"),
        (bid_of("cheap", "11", 0.9, marks={"j": 5}, round=1), "no more than 10"),
        (bid_of("cheap", "2", 0.1, marks={"j": 5}, round=1), "no better than its first"),
        (bid_of("stranger", "0", 1.0, marks={"j": 5}, round=1), "no admitted bid"),
    ],
)
def test_a_second_plan_that_cannot_count_is_set_aside_with_the_reason(refined: Bid, why: str) -> None:
    jury = {name: Juror(operator=name) for name in ("j", "k")}
    first = [bid_of("lead", "4", 0.9, marks={"j": 5}), bid_of("cheap", "1", 0.1, marks={"j": 5})]
    after = second_round(first, [refined], jury=jury)
    assert why in after.aside[refined.agent]
    assert after.clearing == clear_at(0, jury=jury)(first)


@pytest.mark.parametrize(
    ("update", "why"),
    [
        ({"entropy_form": "sampled"}, "no entropy in the form top_k"),
        ({"entropy_scaled": None}, "no entropy on its own scale"),
    ],
)
def test_an_entropy_that_does_not_compare_with_the_first_is_set_aside_and_drops_nothing(
    update: dict[str, object], why: str
) -> None:
    measured = {"entropy_form": "top_k", "entropy_scaled": 0.5}
    first = [
        bid_of(name, price, 0.5).model_copy(update={**measured, "family": family})
        for name, price, family in (("lead", "4", "gpt"), ("cheap", "5", "qwen"))
    ]
    again = bid_of("cheap", "1", 0.9, round=1).model_copy(update={**measured, "family": "qwen", **update})
    after = second_round(first, [again])
    assert why in after.aside["cheap"]
    assert (after.clearing.winner, after.clearing.dropped) == ("lead", ())


JUDGED = SALE({"cost": 0.5, "entropy": 0.0, "jury": 0.5})
POOL = {name: Juror(operator=f"op {name}") for name in ("dear", "cheap", "third")}


def marked(agent: str, price: str, mark: int, *, by: Iterable[str] = POOL, round: int = 0) -> Bid:
    bid = bid_of(agent, price, 0.5, marks=dict.fromkeys(by, mark), round=round)
    return bid.model_copy(update={"operator": f"op {agent}"})


@pytest.mark.parametrize("mechanism", [JUDGED, FirstScore(scorer=JUDGED), VCG(scorer=JUDGED)], ids=lambda one: one.name)
@pytest.mark.parametrize("silent", [(), ("dear",), ("cheap",), ("third",)])
def test_a_judge_that_is_silent_in_the_second_round_keeps_no_better_plan_from_the_award(
    mechanism: Mechanism, silent: tuple[str, ...]
) -> None:
    first = [marked("dear", "4", 4), marked("cheap", "1", 1), marked("third", "2", 2)]
    heard = [name for name in POOL if name not in silent]
    after = second_round(first, [marked("cheap", "1", 5, by=heard, round=1)], mechanism=mechanism, jury=POOL)
    assert (after.clearing.winner, dict(after.aside)) == ("cheap", {})


def test_without_a_judge_of_the_first_round_no_second_plan_counts_and_the_reason_is_said() -> None:
    first = [marked("dear", "4", 4), marked("cheap", "1", 1), marked("third", "2", 2)]
    jury = {**POOL, "late": Juror(operator="late")}
    for by in ((), ("late",)):
        after = second_round(first, [marked("cheap", "1", 5, by=by, round=1)], mechanism=JUDGED, jury=jury)
        assert (after.clearing.winner, "no mark of any judge of the first round" in after.aside["cheap"]) == (
            "dear",
            True,
        )


def test_a_judge_that_is_heard_in_the_second_round_alone_keeps_no_cheaper_plan_from_the_award() -> None:
    first = [marked("dear", "4", 0, by=()), marked("cheap", "5", 0, by=()), marked("third", "6", 0, by=())]
    refined = [marked("cheap", "1", 5, by=["dear"], round=1)]
    late = {"dear": POOL["dear"]}
    after = after_refinement(clear_at(0)(first), first, refined, clear=clear_at(0, jury=late))
    assert (after.clearing.winner, dict(after.aside)) == ("cheap", {})


def test_a_first_bid_that_stood_by_a_silent_judge_alone_keeps_its_bidders_second_plan_from_nothing() -> None:
    jury = {name: Juror(operator=name) for name in ("judge", "quiet")}
    mechanism = FirstScore(scorer=SALE({"cost": 0.5, "entropy": 0.0, "jury": 0.5}, slack=5), reserve_score=-0.04)
    first = [
        bid_of("dear", "4", 0.5, marks={"judge": 4, "quiet": 4}),
        bid_of("cheap", "1", 0.5, marks={"judge": 0, "quiet": 4}),  # without 'quiet' above the reserve score
    ]
    refined = bid_of("cheap", "1", 0.5, marks={"judge": 5}, round=1)
    after = second_round(first, [refined], mechanism=mechanism, jury=jury)
    assert (after.clearing.winner, dict(after.aside)) == ("cheap", {})


def test_a_second_plan_that_none_but_its_own_operator_marked_is_set_aside_alone() -> None:
    first = [marked("dear", "4", 4), marked("cheap", "1", 1, by=["cheap", "fourth"]), marked("third", "2", 2)]
    jury = {**POOL, "fourth": Juror(operator="op fourth")}
    refined = [marked("cheap", "1", 5, by=["cheap"], round=1), marked("third", "2", 5, by=["cheap"], round=1)]
    after = second_round(first, refined, mechanism=JUDGED, jury=jury)
    assert "nothing that counts for jury" in after.aside["cheap"]
    assert "too few judges" in after.aside["third"]
    assert after.clearing.winner == "dear"


def test_by_the_silence_of_a_judge_no_second_plan_passes_a_better_first_one() -> None:
    """The judge 'harsh' gave the first plan 0 and the others gave it 5: without it the plan is better than it was."""
    jury = {name: Juror(operator=f"op {name}") for name in ("harsh", "one", "two")}
    strict = {"harsh": 0, "one": 5, "two": 5}
    first = [bid_of("dear", "4", 0.5, marks=strict), bid_of("cheap", "2", 0.5, marks=dict.fromkeys(strict, 1))]
    sale = SALE({"cost": 0.1, "entropy": 0.0, "jury": 0.9}, slack=5)
    refined = bid_of("cheap", "2", 0.5, marks={"one": 4, "two": 5}, round=1)
    after = second_round(first, [refined], mechanism=sale, jury=jury)
    assert after.clearing.winner == "dear"
    assert "by the judges of both rounds" in after.aside["cheap"]


@st.composite
def judged_rounds(draw: st.DrawFn) -> tuple[list[Bid], list[Bid], Auction]:
    """First bids with marks of all judges, and second ones of some, with marks of those judges that were heard."""
    auction = draw(auctions())
    heard = [name for name in auction.jury if draw(st.booleans())]
    again = draw(st.lists(st.sampled_from(auction.bids), unique_by=lambda bid: bid.agent))
    refined = [
        bid.model_copy(
            update={
                "price": Amount(value=Decimal(draw(st.integers(0, 10)))),
                "marks": {name: draw(st.integers(0, 5)) for name in heard},
                "round": 1,
                "content_hash": f"r{bid.content_hash}",
            }
        )
        for bid in again
    ]
    return auction.bids, refined, auction


@given(rounds=judged_rounds(), slack=st.integers(0, 5))
def test_whoever_is_silent_no_score_is_worse_and_the_award_moves_only_by_what_both_juries_say(
    rounds: tuple[list[Bid], list[Bid], Auction], slack: int
) -> None:
    bids, refined, auction = rounds
    clear = partial(SALE(slack=slack).clear, reserve=PURSE, seed=auction.seed, jury=auction.jury)
    first = clear(bids)
    after = after_refinement(first, bids, refined, clear=clear)
    before = {score.agent: score.total for score in first.ranking}
    now = {score.agent: score.total for score in after.clearing.ranking}
    assert set(now) == set(before)
    assert all(now[agent] <= before[agent] for agent in before)
    assert clear(after.bids) == after.clearing
    assert {bid.agent for bid in after.bids if bid.round == 1} | set(after.aside) == {bid.agent for bid in refined}
    assert after_refinement(first, bids, refined[::-1], clear=clear) == after
    if after.clearing.winner != first.winner:
        winner = after.clearing.winner or ""
        assert now[winner] < before[first.winner or ""]
        heard = {name for bid in refined for name in bid.marks}
        if "jury" in first.weights:
            common = clear([bid.model_copy(update={"marks": _by(heard, bid)}) for bid in bids])
            assert all(now[winner] < score.total for score in common.ranking)


def _by(heard: set[str], bid: Bid) -> dict[str, int]:
    return {name: mark for name, mark in bid.marks.items() if name in heard}


@pytest.mark.parametrize("mechanism", [SALE({"entropy": 0.0}), FirstScore({"entropy": 0.0})], ids=lambda one: one.name)
@pytest.mark.parametrize("unstated", ["confidence", "entropy"])
def test_a_figure_that_the_mechanism_does_not_weigh_may_be_left_out_of_a_second_plan(
    mechanism: Mechanism, unstated: str
) -> None:
    first = [
        bid_of(name, price, 0.5).model_copy(update={"confidence": 0.7}) for name, price in (("a", "2"), ("b", "4"))
    ]
    again = bid_of("b", "1", 0.5, round=1).model_copy(update={"confidence": 0.7, unstated: None})
    after = second_round(first, [again], mechanism=mechanism)
    assert (after.clearing.winner, dict(after.aside)) == ("b", {})


@pytest.mark.parametrize(
    ("mechanism", "unstated"), [(CalibratedConfidence(), "confidence"), (SALE(), "entropy"), (VCG(), "entropy")]
)
def test_a_figure_that_the_mechanism_weighs_may_not_be_left_out(mechanism: Mechanism, unstated: str) -> None:
    first = [
        bid_of(name, price, 0.5).model_copy(update={"confidence": 0.7}) for name, price in (("a", "2"), ("b", "4"))
    ]
    again = bid_of("b", "1", 0.5, round=1).model_copy(update={"confidence": 0.7, unstated: None})
    after = second_round(first, [again], mechanism=mechanism)
    assert after.clearing.winner == "a"
    assert f"no {unstated}" in after.aside["b"]


def test_two_second_plans_of_one_bidder_count_for_nothing() -> None:
    first = [bid_of("lead", "4", 0.6), bid_of("cheap", "1", 0.1)]
    after = second_round(first, [bid_of("cheap", "1", 0.9, round=1), bid_of("cheap", "0", 1.0, round=1)])
    assert after.clearing.winner == "lead"
    assert "send one" in after.aside["cheap"]


def test_one_refined_bid_without_entropy_does_not_spoil_the_others() -> None:
    first = [bid_of("lead", "4", 0.6), bid_of("cheap", "1", 0.1), bid_of("other", "1", 0.2)]
    after = second_round(first, [bid_of("cheap", "1", None, round=1), bid_of("other", "1", 0.9, round=1)])
    assert after.clearing.winner == "other"
    assert set(after.aside) == {"cheap"}


def test_a_figure_that_the_first_bid_lacked_is_not_counted_in_the_second() -> None:
    first = [bid_of("lead", "2", 0.6), bid_of("silent", "3", None)]  # without an entropy, cost alone decides
    after = second_round(first, [bid_of("silent", "2.5", 1.0, round=1)])
    assert not after.aside
    assert after.clearing.dropped == ("entropy",)
    assert after.clearing.winner == "lead"
    assert second_round(first, [bid_of("silent", "1.5", 0.0, round=1)]).clearing.winner == "silent"


def test_a_mechanism_in_which_bids_move_each_others_scores_keeps_its_first_round() -> None:
    def clear(bids: Sequence[Bid]) -> Clearing:
        least = min((bid.price.value for bid in bids), default=Decimal(0))
        reserve = Reserve(usd=RESERVE.usd, s=RESERVE.s)
        clearing = SALE().clear(bids, reserve=reserve, seed=0)
        return clearing.model_copy(update={"weights": {"cost": float(least)}})

    first = [bid_of("lead", "4", 0.6), bid_of("cheap", "1", 0.1)]
    after = after_refinement(clear(first), first, [bid_of("cheap", "0.5", 0.9, round=1)], clear=clear)
    assert after.clearing == clear(first)
    assert "first round stands" in after.aside["cheap"]


Bidders = dict[str, tuple[str, float, float]]
"""Name -> its price, and what its first and its second plan are worth."""


def award(bidders: Bidders, *, winner_too: bool) -> str | None:
    """The winner after both rounds."""
    first = [bid_of(name, price, value) for name, (price, value, _) in bidders.items()]
    clearing = clear_at(0)(first)
    asked = may_refine(clearing, reserve=RESERVE, winner_too=winner_too)
    refined = [bid_of(name, bidders[name][0], bidders[name][2], round=1) for name in asked]
    return after_refinement(clearing, first, refined, clear=clear_at(0)).clearing.winner


def test_as_published_a_lower_price_can_lose_an_award_that_was_won() -> None:
    others: Bidders = {"old": ("6", 0.90, 0.90), "rival": ("2", 0.40, 0.70)}
    # 'old' leads the first round; 'me' and 'rival' refine, and 'me' wins
    assert award({**others, "me": ("4", 0.60, 0.99)}, winner_too=False) == "me"
    # now 'me' leads by its lower price, so that only 'rival' refines
    assert award({**others, "me": ("2.9", 0.60, 0.99)}, winner_too=False) == "rival"
    assert award({**others, "me": ("2.9", 0.60, 0.99)}, winner_too=True) == "me"


cents = st.integers(min_value=1, max_value=1000).map(lambda value: str(Decimal(value) / 100))
worth = st.integers(min_value=0, max_value=100).map(lambda value: value / 100)


@given(
    bidders=st.dictionaries(few | st.sampled_from(["d", "e"]), st.tuples(cents, worth, worth), min_size=2),
    discount=st.decimals(min_value=0, max_value=1, places=2),
)
def test_where_the_winner_refines_too_a_lower_price_never_loses_an_award(bidders: Bidders, discount: Decimal) -> None:
    winner = award(bidders, winner_too=True) or ""
    price, first, second = bidders[winner]
    cheaper = str(Decimal(price) * discount)
    assert award({**bidders, winner: (cheaper, first, second)}, winner_too=True) == winner
