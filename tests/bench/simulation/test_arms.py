"""Every way of choosing pays for every token, hindsight is never beaten, and the rules are the market's own."""

from __future__ import annotations

import pytest

from agora.bench.simulation.arms import LARGEST, ORACLE, SMALLEST, auction, baselines, best_of_n
from agora.bench.simulation.auction import Auction, Rules
from agora.bench.simulation.baselines import BestOf, Cascade
from agora.bench.simulation.measuring import figures, measure
from agora.bench.simulation.parameters import Parameters
from agora.bench.simulation.reporting import RULES
from agora.bench.simulation.world import World, answer_score

GIVEN = Parameters()
WORLD = World(GIVEN, seed=11, tasks=40)
PRICES = [float(agent.usd_per_mtok) / 1e6 for agent in GIVEN.agents]
LOOPS = [False, True]


@pytest.mark.parametrize("loop", LOOPS)
def test_what_a_task_costs_is_every_token_at_its_agents_price(loop: bool) -> None:
    ways = baselines(GIVEN, loop=loop) | {name: auction(rules, loop=loop) for name, rules in RULES.items()}
    for build in ways.values():
        arm = build(WORLD)
        for case in WORLD.cases:
            bill = arm.do(case).bill
            assert bill.total_usd() == pytest.approx(
                sum(count * PRICES[agent] for (_, agent), count in bill.tokens.items())
            )
            work = sum(count for (what, _), count in bill.tokens.items() if what == "work")
            assert bill.total_tokens() == work + bill.total_tokens(overhead=True)


def test_an_auction_pays_for_every_bid_every_judge_and_the_winners_reading() -> None:
    arm = Auction(WORLD, Rules(memory=False), loop=False)
    for case in WORLD.cases:
        done = arm.do(case)
        plans = [int(length) for length in case.plan_tokens[:, 0]]
        winner = done.attempts[0].agent
        for agent, plan in enumerate(plans):
            assert done.bill.tokens["bids", agent] == GIVEN.bid_tokens + plan
            assert done.bill.tokens["jury", agent] == GIVEN.jury_tokens + sum(plans) + 4 * GIVEN.mark_tokens
        work = int(case.tokens[winner, 0]) + GIVEN.plan_reads * plans[winner]
        assert done.bill.tokens["work", winner] == work
        assert done.bill.total_tokens(overhead=True) == done.bill.total_tokens() - work


def test_refinement_is_charged_only_where_something_is_remembered() -> None:
    arm = Auction(WORLD, Rules(), loop=False)
    spent = [
        sum(count for (what, _), count in arm.do(case).bill.tokens.items() if what == "refinement")
        for case in WORLD.cases
    ]
    assert spent[0] == 0
    assert sum(count > 0 for count in spent) > len(spent) / 3


def test_another_call_for_bids_after_a_failure_is_charged() -> None:
    one, more = Auction(WORLD, Rules(memory=False), loop=False), Auction(WORLD, Rules(memory=False), loop=True)
    for case in WORLD.cases:
        first, all_of_them = one.do(case), more.do(case)
        assert all_of_them.attempts[0] == first.attempts[0]
        calls = all_of_them.bill.total_tokens(overhead=True) - first.bill.total_tokens(overhead=True)
        assert (calls > 0) == (len(all_of_them.attempts) > 1)
        juries = sum(all_of_them.bill.tokens["jury", judge] - first.bill.tokens["jury", judge] for judge in range(4))
        assert (juries > 0) == (
            len({attempt.agent for attempt in all_of_them.attempts}) > 1
        )  # of one plan there is none
        assert all_of_them.passed or len({attempt.agent for attempt in all_of_them.attempts}) == 2


def test_a_cascade_pays_every_rung_up_to_the_one_that_its_scorer_accepts() -> None:
    arm = Cascade(WORLD, loop=False)
    for case in WORLD.cases:
        done = arm.do(case)
        *refused, last = [attempt.agent for attempt in done.attempts]
        assert [*refused, last] == list(range(last + 1))
        assert all(answer_score(GIVEN, case, agent, 0) <= 0 for agent in refused)
        assert last == 3 or answer_score(GIVEN, case, last, 0) > 0
        assert done.bill.total_tokens() == sum(int(case.tokens[agent, 0]) for agent in range(last + 1))


def test_the_best_of_n_pays_for_all_n_and_spends_no_more_than_it_may() -> None:
    for case in WORLD.cases:
        done = BestOf(WORLD, 1, 4, loop=False).do(case)
        assert done.bill.total_tokens() == int(case.tokens[1, :4].sum())
    allowed = figures(measure(Auction(WORLD, Rules(), loop=False), WORLD)).usd_task
    chosen = best_of_n(GIVEN, usd_task=allowed, tasks=200, loop=False)
    world = World(GIVEN, seed=12, tasks=400)
    spent = figures(measure(BestOf(world, chosen.agent, chosen.n, loop=False), world)).usd_task
    assert spent <= allowed * 1.15  # chosen on other tasks


@pytest.mark.parametrize("loop", LOOPS)
def test_hindsight_is_never_beaten(loop: bool) -> None:
    given = Parameters(lesson_gain=0.0, signal=0.7)  # a lesson could pass where nobody would have
    world = World(given, seed=5, tasks=40)
    ways = baselines(given, loop=loop) | {name: auction(rules, loop=loop) for name, rules in RULES.items()}
    oracle = measure(ways.pop(ORACLE)(world), world)
    for build in ways.values():
        found = measure(build(world), world)
        assert (found.passed <= oracle.passed).all()
        both = (found.passed == 1) & (oracle.passed == 1)
        assert (found.usd[both] >= oracle.usd[both] - 1e-12).all()


def test_always_the_largest_and_the_smallest_are_those() -> None:
    for name, place in ((LARGEST, 3), (SMALLEST, 0)):
        arm = baselines(GIVEN, loop=False)[name](WORLD)
        assert {arm.do(case).attempts[0].agent for case in WORLD.cases} == {place}


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
def test_a_market_that_does_not_learn_does_to_every_task_what_a_new_market_does(rules: Rules) -> None:
    off = rules.model_copy(update={"learn": False})
    old = Auction(WORLD, off, loop=False)
    for case in WORLD.cases:
        late, fresh = old.do(case), Auction(WORLD, off, loop=False).do(case)
        assert late.attempts == fresh.attempts
        assert late.bill.tokens == fresh.bill.tokens
