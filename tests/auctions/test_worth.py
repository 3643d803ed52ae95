"""An auction is held where its bids are expected to bring more than they cost, and otherwise a price is posted."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.auctions.worth import CAP, CAP_LONG, MOST_BIDDERS, Contender, Worth, cap_for, worth_of
from agora.bids import Amount, Reserve, Standing
from agora.errors import ConfigError
from strategies import RESERVE

seeds = st.integers(min_value=0, max_value=2**62)


def usd(value: str | float) -> Amount:
    return Amount(value=Decimal(str(value)))


def standing(tried: int, passed: int, *, mean_usd: float | None = None) -> Standing:
    return Standing(tried=tried, passed=passed, success=(passed + 1) / (tried + 2), usd=mean_usd)


def contender(agent: str, tried: int = 0, passed: int = 0, *, asked: str = "1", bidding: str = "0.01") -> Contender:
    return Contender(agent=agent, standing=standing(tried, passed), asked=usd(asked), bidding=usd(bidding))


@st.composite
def pools(draw: st.DrawFn, *, min_size: int = 0) -> list[Contender]:
    names = draw(st.lists(st.sampled_from("abcdef"), min_size=min_size, unique=True))
    found: list[Contender] = []
    for name in names:
        tried = draw(st.integers(min_value=0, max_value=200))
        record = standing(tried, draw(st.integers(min_value=0, max_value=tried)))
        asked = draw(st.decimals(min_value=0, max_value=9, places=2))
        bidding = draw(st.decimals(min_value=0, max_value=1, places=3))
        found.append(Contender(agent=name, standing=record, asked=usd(float(asked)), bidding=usd(float(bidding))))
    return found


def decide(contenders: list[Contender], *, seed: int = 0, cap: float = CAP, signal: float = 1.0) -> Worth:
    return worth_of(contenders, reserve=RESERVE, seed=seed, cap=cap, signal=signal)


def test_without_any_record_an_auction_is_held_among_all() -> None:
    worth = decide([contender(name) for name in "abc"])
    assert worth.how == "auction"
    assert set(worth.agents) == {"a", "b", "c"}


def test_with_plenty_of_records_and_a_clear_favourite_the_price_is_posted_to_it() -> None:
    worth = decide([contender("good", 300, 285), contender("poor", 300, 120), contender("dear", 300, 290, asked="9")])
    assert worth.how == "post"
    assert worth.agents == ("good",)
    assert worth.gain < worth.bidding


def test_agents_of_equal_standing_are_worth_comparing_however_long_their_records() -> None:
    assert decide([contender(name, 10**6, 6 * 10**5) for name in "abcd"]).how == "auction"


@pytest.mark.parametrize("count", [2, 3, 6])
def test_the_gain_among_newcomers_is_that_of_the_largest_of_so_many_uniform_chances(count: int) -> None:
    worth = decide([contender(name, bidding="0") for name in "abcdef"[:count]])
    assert worth.gain == pytest.approx(count / (count + 1) - 1 / 2, abs=1e-4)


def test_the_gain_is_the_closed_form_where_there_is_one() -> None:
    # E max(Beta(2, 1), Beta(1, 1)) - E Beta(2, 1) = 3/4 - 2/3
    worth = decide([contender("once", 1, 1, bidding="0"), contender("new", bidding="0")])
    assert worth.agents[0] == "once"
    assert worth.gain == pytest.approx(1 / 12, abs=1e-4)
    # with the second one dearer by d: the integral of x^2 (1 - (x + d)) from 0 to 1 - d
    dearer = decide([contender("once", 1, 1, bidding="0"), contender("new", bidding="0", asked="3")])
    assert dearer.gain == pytest.approx((1 - 0.2) ** 4 / 12, abs=1e-4)


@given(contenders=pools(), seed=seeds, cap=st.sampled_from([CAP, CAP_LONG, 1.0]), data=st.data())
def test_cheaper_bidding_never_turns_an_auction_into_a_post(
    contenders: list[Contender], seed: int, cap: float, data: st.DataObject
) -> None:
    share = st.sampled_from([Decimal(0), Decimal("0.3"), Decimal("0.9"), Decimal(1)])
    cheaper = [one.model_copy(update={"bidding": usd(str(one.bidding.value * data.draw(share)))}) for one in contenders]
    before, after = decide(contenders, seed=seed, cap=cap), decide(cheaper, seed=seed, cap=cap)
    assert after.how == "auction" or before.how == "post"
    if before.how == "auction":
        assert after.gain - after.bidding >= before.gain - before.bidding


def test_cheaper_bidding_does_not_change_whose_bids_are_looked_at() -> None:
    """The favourite's bid is dear, so that only all four together pay; the idle one would spoil it from the front."""
    for price in ("0.3", "0.2995", "0.1"):
        rivals = [contender(name, bidding=price) for name in "bcd"]
        pool = [contender("a", asked="0.999", bidding="2"), contender("idle", 300, 0, bidding="0.2998"), *rivals]
        worth = decide(pool, cap=1.0)
        assert worth.how == "auction"
        assert set(worth.agents) == {"a", "b", "c", "d"}


@given(contenders=pools(min_size=1), seed=seeds, cap=st.sampled_from([CAP, CAP_LONG]))
def test_what_is_held_costs_less_than_it_brings_and_than_the_cap(
    contenders: list[Contender], seed: int, cap: float
) -> None:
    worth = decide(contenders, seed=seed, cap=cap)
    assert worth.gain >= 0
    assert f"{worth.gain:.4f}" in worth.reason or len(contenders) == 1
    assert f"{worth.bidding:.4f}" in worth.reason or len(contenders) == 1
    if worth.how == "auction":
        assert worth.bidding < worth.gain
        assert worth.bidding <= cap
        assert len(worth.agents) >= 2
        asked = {one.agent: one.bidding.value / RESERVE.usd for one in contenders}
        assert worth.bidding == pytest.approx(float(sum(asked[agent] for agent in worth.agents)))
    else:
        assert len(worth.agents) == 1


@given(contenders=pools(min_size=1), seed=seeds, data=st.data())
def test_the_order_of_the_pool_decides_nothing(contenders: list[Contender], seed: int, data: st.DataObject) -> None:
    assert decide(data.draw(st.permutations(contenders)), seed=seed) == decide(contenders, seed=seed)


@given(contenders=pools(min_size=1), signal=st.floats(min_value=0, max_value=1))
def test_bids_that_tell_less_bring_less(contenders: list[Contender], signal: float) -> None:
    free = [one.model_copy(update={"bidding": usd(0)}) for one in contenders]
    assert decide(free, signal=signal).gain <= decide(free).gain + 1e-4
    assert decide(free, signal=0.0).how == "post"


def test_a_pool_that_is_too_dear_to_ask_as_a_whole_is_asked_in_part() -> None:
    dear = [contender(name, bidding="0.2") for name in "abcdef"]  # 2 % of the stake each
    worth = decide(dear)
    assert worth.how == "auction"
    assert len(worth.agents) == 2
    posted = decide(dear, cap=cap_for(100_000))
    assert posted.how == "post"
    assert "above the cap of 0.0100" in posted.reason


def test_of_an_enormous_pool_the_most_promising_are_asked() -> None:
    pool = [contender(f"a{number}", 99, number % 99, bidding="0") for number in range(1000)]
    worth = decide(pool)
    assert worth.how == "auction"
    assert len(worth.agents) == MOST_BIDDERS
    assert {"a98", "a197", "a97"} <= set(worth.agents)


def test_whoever_adds_less_than_its_bid_costs_is_not_asked() -> None:
    worth = decide([contender("a", 8, 6), contender("b", 8, 6), contender("c", 20, 4, bidding="0.4")])
    assert worth.how == "auction"
    assert set(worth.agents) == {"a", "b"}


def test_one_dear_bidder_does_not_keep_the_others_from_bidding() -> None:
    pool = [contender("a", 4, 3), contender("dear", 2, 1, bidding="2"), contender("b", 4, 2)]
    worth = decide(pool)
    assert worth.how == "auction"
    assert set(worth.agents) == {"a", "b"}


def test_what_an_agent_cost_on_record_goes_before_its_posted_price() -> None:
    cheap = Contender(agent="cheap", standing=standing(90, 60, mean_usd=0.1), asked=usd("5"), bidding=usd("0.01"))
    worth = decide([cheap, contender("posted", 90, 60, asked="3")])
    assert worth.agents[0] == "cheap"


def test_seconds_and_dollars_are_each_a_share_of_their_own_reserve() -> None:
    local = Contender(agent="local", asked=Amount(value=Decimal(10), unit="s"))  # a tenth of 100 s
    paid = contender("paid", asked="1", bidding="0")  # a tenth of 10 dollars
    assert {decide([local, paid], seed=seed).agents[0] for seed in range(20)} == {"local", "paid"}
    no_dollars = worth_of([local, paid], reserve=Reserve(s=Decimal(100)), seed=0)
    assert no_dollars.agents == ("local",)


def test_nobody_to_ask_is_a_defined_result() -> None:
    assert decide([]).agents == ()
    assert worth_of([contender("a")], reserve=Reserve(), seed=0).agents == ()
    alone = decide([contender("a")])
    assert (alone.how, alone.agents) == ("post", ("a",))
    assert "nobody else" in alone.reason


@pytest.mark.parametrize("setting", ["value", "cap", "alike", "signal"])
@pytest.mark.parametrize("given_value", [-1.0, float("nan"), 1e12])
def test_settings_outside_their_range_are_refused_by_name(setting: str, given_value: float) -> None:
    with pytest.raises(ConfigError, match=setting):
        worth_of([contender("a")], reserve=RESERVE, seed=0, **{setting: given_value})
