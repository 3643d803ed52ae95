"""Leave-one-out and Shapley values: by their axioms against a brute force, sampled within their error, and of runs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agora.agents.function import FunctionAgent
from agora.ambient import SeededChance
from agora.auctions.score_auctions import SecondScore
from agora.bids import Plan, Price
from agora.coordinator.policies import sale
from agora.market import Market
from agora.memory.in_memory import MemoryStore
from agora.protocols import Desk
from agora.tasks import Check, Task
from agora.testing import FakeClock
from agora.traces.counterfactuals.runs import read_record
from agora.traces.explaining.credit import Game, Worth, added, credited, left_out, sampled, shapley
from agora.traces.explaining.credit_of_runs import MEASURES, RunCredit, credit_of

NAMES = ("a", "b", "c", "d", "e")


@st.composite
def games(draw: st.DrawFn, most: int = 5) -> tuple[tuple[str, ...], Mapping[frozenset[str], Worth]]:
    """Any game of few players, in two measures; nobody is worth nothing."""
    players = NAMES[: draw(st.integers(1, most))]
    figures = st.floats(-10, 10, allow_nan=False)
    table: dict[frozenset[str], Worth] = {
        frozenset(some): (draw(figures), draw(figures)) if some else (0.0, 0.0)
        for size in range(len(players) + 1)
        for some in itertools.combinations(players, size)
    }
    return players, table


def brute_force(players: tuple[str, ...], game: Game) -> dict[str, Worth]:
    """The mean marginal contribution over all orders, by walking them all."""
    sums = dict.fromkeys(players, (0.0, 0.0))
    for order in itertools.permutations(players):
        here: frozenset[str] = frozenset()
        for player in order:
            more = game(here | {player})
            less = game(here)
            sums[player] = (sums[player][0] + more[0] - less[0], sums[player][1] + more[1] - less[1])
            here |= {player}
    count = math.factorial(len(players))
    return {player: (one / count, two / count) for player, (one, two) in sums.items()}


@given(games())
def test_exact_values_are_those_of_all_orders_and_add_up_to_what_all_reach(
    given_game: tuple[tuple[str, ...], Mapping[frozenset[str], Worth]],
) -> None:
    players, table = given_game
    values = shapley(players, table.__getitem__)
    by_hand = brute_force(players, table.__getitem__)
    for player in players:
        assert values[player] == pytest.approx(by_hand[player], abs=1e-9)
    assert added([*values.values()], size=2) == pytest.approx(table[frozenset(players)], abs=1e-9)


@given(games(), st.integers(0, 4))
def test_who_adds_nothing_gets_nothing_and_twins_get_the_same(
    given_game: tuple[tuple[str, ...], Mapping[frozenset[str], Worth]], number: int
) -> None:
    players, table = given_game
    idle = shapley((*players, "z"), lambda some: table[some - {"z"}])
    assert idle["z"] == pytest.approx((0.0, 0.0), abs=1e-9)
    twin = players[number % len(players)]

    def as_one(some: frozenset[str]) -> Worth:
        return table[(some - {"z"}) | ({twin} if "z" in some else frozenset())]

    values = shapley((*players, "z"), as_one)
    assert values["z"] == pytest.approx(values[twin], abs=1e-9)


@given(games(3), games(3))
def test_the_values_of_a_sum_are_the_sums_of_the_values(
    one: tuple[tuple[str, ...], Mapping[frozenset[str], Worth]],
    two: tuple[tuple[str, ...], Mapping[frozenset[str], Worth]],
) -> None:
    players = NAMES[:3]

    def of(table: Mapping[frozenset[str], Worth], some: frozenset[str]) -> Worth:
        known = max(table, key=len)
        return table[some & known]

    first = shapley(players, lambda some: of(one[1], some))
    second = shapley(players, lambda some: of(two[1], some))
    both = shapley(players, lambda some: added([of(one[1], some), of(two[1], some)], size=2))
    for player in players:
        assert both[player] == pytest.approx(added([first[player], second[player]], size=2), abs=1e-9)


@given(games())
def test_left_out_is_the_last_to_join(given_game: tuple[tuple[str, ...], Mapping[frozenset[str], Worth]]) -> None:
    players, table = given_game
    everyone = frozenset(players)
    for player, loss in left_out(players, table.__getitem__).items():
        whole, rest = table[everyone], table[everyone - {player}]
        assert loss == (whole[0] - rest[0], whole[1] - rest[1])


@settings(max_examples=25)
@given(games(), st.integers(0, 2**31))
def test_sampled_values_add_up_and_lie_within_their_error(
    given_game: tuple[tuple[str, ...], Mapping[frozenset[str], Worth]], seed: int
) -> None:
    players, table = given_game
    found = sampled(players, table.__getitem__, chance=SeededChance(seed), pairs=60)
    assert found == sampled(players, table.__getitem__, chance=SeededChance(seed), pairs=60), "by the seed alone"
    assert added([*found.values.values()], size=2) == pytest.approx(table[frozenset(players)], abs=1e-9)
    exact = shapley(players, table.__getitem__)
    for player in players:
        for value, error, truth in zip(found.values[player], found.errors[player], exact[player], strict=True):
            assert abs(value - truth) <= 6 * error + 1e-9, "six standard errors: it must not fail by chance"


def test_many_players_are_sampled_few_are_not() -> None:
    players = tuple(f"p{number}" for number in range(15))

    def gloves(some: frozenset[str]) -> Worth:
        left = sum(int(name[1:]) < 5 for name in some)
        return (float(min(left, len(some) - left)),)

    found = credited(players, gloves, chance=SeededChance(1))
    assert found.orders == 200
    assert sum(value for (value,) in found.values.values()) == pytest.approx(5)
    scarce = [found.values[name][0] for name in players[:5]]
    plenty = [found.values[name][0] for name in players[5:]]
    assert min(scarce) > max(plenty), "whoever has what is scarce is worth more"
    assert all(0 < error < 0.1 for (error,) in found.errors.values())
    exact = credited(players[:6], gloves, chance=SeededChance(1))
    assert (exact.orders, set(exact.errors.values())) == (0, {(0.0,)})


def agent(name: str, says: str, usd: str) -> FunctionAgent:
    async def perform(desk: Desk, plan: Plan) -> str:
        return says

    return FunctionAgent(name, perform, plan=Plan(text=f"answer, as {name}"), price=Price(per_task=Decimal(usd)))


async def run_of(*agents: FunctionAgent, attempts: int = 3, tasks: int = 1) -> tuple[RunCredit, int]:
    store, rule = MemoryStore(clock=FakeClock()), SecondScore()
    market = Market(agents, mechanism=rule, policy=sale(), store=store, seed=1, budget_usd="5", attempts=attempts)
    check = Check(kind="exact", options={"answer": "42"})
    report = await market.run_all([Task(id=f"t{number}", goal="6 x 7?", verify=check) for number in range(tasks)])
    return credit_of(read_record(store, report.run), rule), report.passed


async def test_the_only_one_that_can_gets_all_the_credit() -> None:
    credit, passed = await run_of(agent("wrong", "41", "0.01"), agent("right", "42", "0.02"))
    assert passed == 1
    assert credit.whole[0] == 1
    assert {name: worth[0] for name, worth in credit.shapley.items()} == {"right": 1.0, "wrong": 0.0}
    assert {name: worth[0] for name, worth in credit.left_out.items()} == {"right": 1.0, "wrong": 0.0}
    assert credit.known == 1.0, "both had their turn"
    assert credit.agents == ("right", "wrong")


async def test_what_is_not_on_record_is_estimated_and_told() -> None:
    credit, _ = await run_of(agent("ada", "42", "0.01"), agent("bob", "42", "0.02"), tasks=2)
    assert credit.whole[0] == 2
    assert credit.shapley["ada"][0] == 2, "nothing is known of bob, so nothing is taken to be added by it"
    assert credit.left_out["ada"][0] == 2
    assert credit.known == pytest.approx(2 / 3), "ada, both, and bob alone: of the last nothing is known"
    assert credit.whole[MEASURES.index("known")] == credit.whole[MEASURES.index("turns")] == 2


async def test_the_credits_of_a_run_add_up_and_what_all_reach_is_what_happened() -> None:
    agents = [agent("a", "41", "0.01"), agent("b", "41", "0.02"), agent("c", "42", "0.03"), agent("d", "42", "0.04")]
    credit, passed = await run_of(*agents, tasks=2, attempts=6)
    assert credit.whole[0] == passed
    for place in range(len(MEASURES)):
        total = math.fsum(worth[place] for worth in credit.shapley.values())
        assert total == pytest.approx(credit.whole[place])
    assert credit.skipped == {}


@pytest.mark.parametrize("seed", range(12))
async def test_of_any_run_what_all_reach_is_what_happened_and_nothing_of_that_is_estimated(seed: int) -> None:
    chance = SeededChance(seed)
    able = [chance.uniform(f"can {number}") < 0.4 for number in range(1 + seed % 6)]
    prices = [f"0.0{1 + chance.integer(f'asks {number}') % 9}" for number in range(len(able))]
    agents = [
        agent(f"a{number}", "42" if can else "41", usd)
        for number, (can, usd) in enumerate(zip(able, prices, strict=True))
    ]
    credit, passed = await run_of(*agents, tasks=3, attempts=1 + seed % 5)
    assert (credit.whole[0], credit.skipped) == (passed, {})
    assert credit.whole[MEASURES.index("known")] == credit.whole[MEASURES.index("turns")]
    assert math.fsum(worth[0] for worth in credit.shapley.values()) == pytest.approx(passed)
