"""Chances as the market logs them: sets add up, a policy agrees with itself, and what is not on record is not used."""

from __future__ import annotations

import math
from collections import Counter
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agora.auctions import SALE
from agora.auctions.posterior import draw
from agora.bids import Amount, Award, Plan, Profile, Reserve, Shortlist, Standing
from agora.coordinator.policies import ants, ants_sale, auto, linucb, linucb_sale, sale
from agora.events import Awarded, Called, Event, Opened, Posted, Screened, Started, TaskDone, Verified
from agora.memory.in_memory import MemoryStore
from agora.protocols import Policy
from agora.tasks import Limits, Outcome, Task, Usage, Verdict
from agora.testing import FakeClock
from agora.traces.off_policy.answers import LOGGED, Answer, answers, arrays_of
from agora.traces.off_policy.chances import chances_of, explored
from agora.traces.off_policy.estimators import Support, refusal
from agora.traces.off_policy.logged import decisions_of, usable_for
from traces.known_runs import logged_by, named, passes


@pytest.mark.parametrize("made", [ants, ants_sale, auto, linucb, linucb_sale], ids=lambda made: made().name)
async def test_a_policy_is_estimated_from_its_own_log_as_what_it_did(made: type) -> None:
    """Its knowledge is rebuilt from the ledger, and gives the chances on record: every weight is 1."""
    policy: Policy = made()
    decisions = decisions_of(await logged_by(made()), {policy.name: policy})
    fit = usable_for(decisions, policy.name)
    assert not fit.left_out
    assert len(fit.decisions) == 60
    for one in fit.decisions:
        chances = one.targets[policy.name]
        assert not isinstance(chances, str)
        assert chances.keys() == one.logged.keys()
        assert all(math.isclose(chances[asked], p, abs_tol=1e-9) for asked, p in one.logged.items())
    done, same = answers(decisions, [policy.name], seed=0)
    assert done.policy == LOGGED
    assert same.passed["ips"].value == pytest.approx(done.passed["ips"].value)


async def test_direct_draws_support_other_direct_policies_and_no_auctions() -> None:
    decisions = decisions_of(await logged_by(ants(), tasks=300), named(linucb(), sale(), linucb_sale()))
    passed, _ = arrays_of(usable_for(decisions, "linucb").decisions, "linucb")
    assert not passed.unsupported.any()
    assert abs(passed.target.sum(axis=1) - 1).max() < 1e-9
    auction = answers(decisions, ["sale"], seed=0)[1]
    assert "had no chance to be made on record" in auction.refused


async def test_the_truth_of_another_policy_lies_where_its_estimate_says() -> None:
    """Known wholly: whether each agent passes each task follows from a seed."""
    decisions = decisions_of(await logged_by(ants(), tasks=300, seed=5), {})
    truth = 0.0
    for one in decisions:
        mixed = {asked: 0.9 * p + 0.1 / 3 for asked, p in one.logged.items()}
        one.targets["softer"] = mixed
        for (name,), p in ((tuple(asked), p) for asked, p in mixed.items()):
            truth += p * passes(name, one.task, 5) / len(decisions)
    answer = answers(decisions, ["softer"], seed=0)[1]
    assert not answer.refused
    for method in ("ips", "snips", "dr"):
        low, high = answer.passed[method].normal
        assert low <= truth <= high


@settings(max_examples=10, deadline=None)
@given(counts=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=4))
def test_the_chance_of_a_lot_is_how_often_it_falls(counts: list[tuple[int, int]]) -> None:
    newcomers = {f"n{place}": one for place, one in enumerate(counts) if sum(one) < 3}
    if not newcomers:
        return
    standings = {name: Standing(tried=sum(one), passed=one[0]) for name, one in newcomers.items()}
    standings["old"] = Standing(tried=1000, passed=500)
    cards = {name: Profile(name=name, operator=name, kind="function") for name in standings}
    chances = explored(standings, cards, share=0.5)
    assert sum(chances.values()) == pytest.approx(0.5)
    rng, n = np.random.default_rng(1), 2000
    highest = Counter(
        max(newcomers, key=lambda name: drawn[name])
        for drawn in ({name: draw(float(rng.random()), *one) for name, one in newcomers.items()} for _ in range(n))
    )
    for name in newcomers:
        assert abs(highest[name] / n - 2 * chances[name]) <= math.sqrt(math.log(2e6) / 2 / n)  # Hoeffding, 1e-6


async def test_explorations_by_lot_are_chances_too() -> None:
    mechanism = SALE(rules={"explore": 0.4, "post": False, "refine": "off"})
    decisions = decisions_of(await logged_by(sale(), tasks=80, mechanism=mechanism), named(sale(), linucb_sale()))
    assert not any(one.why for one in decisions)
    assert all(sum(one.logged.values()) == pytest.approx(1.0) for one in decisions)
    by_lot = [one for one in decisions if len(one.asked) == 1]
    drawn = [one for one in decisions if len(one.logged) > 1]
    assert by_lot
    assert all(one.logged[one.asked] < 0.5 for one in by_lot)
    expected = sum(0.4 for _ in drawn)
    assert abs(len(by_lot) - expected) <= math.sqrt(len(drawn) * math.log(2e6) / 2)
    everyone, learning = answers(decisions, ["sale", "linucb+sale"], seed=0)[1:]
    assert not everyone.refused
    assert everyone.support
    assert everyone.support.mean_weight == pytest.approx(1.0)
    assert "what a policy that learns sees of everyone is not on record" in learning.refused


def test_a_set_whose_chance_cannot_be_known_is_not_used() -> None:
    shortlist = Shortlist(members={"a": 0.5, "b": 0.5, "c": 1.0}, waves=(("a", "c"), ("b",)))
    assert "not that of the set" in str(chances_of(shortlist, None))
    one = Shortlist(members={"a": 0.25, "c": 1.0}, waves=(("a", "c"),))
    assert chances_of(one, None) == {frozenset({"a", "c"}): 0.25, frozenset({"c"}): 0.75}
    wrong = Shortlist(members={"a": 0.5, "b": 0.9}, waves=(("a",), ("b",)), direct=True)
    assert "add up to 0.6" in str(chances_of(wrong, None))
    assert chances_of(Shortlist(members={}), None) == "nobody could be asked"


async def test_a_first_call_that_nobody_took_did_not_pass_and_what_came_later_is_not_its() -> None:
    store = MemoryStore(clock=FakeClock())
    cards = tuple(Profile(name=name, operator=name, kind="function") for name in "ab")
    shortlist = Shortlist(members={"a": 1.0, "b": 1.0}, waves=(("a",), ("b",)), direct=True)
    award = Award(agent="b", attempt=1, plan=Plan(text="x"), payment=Amount(value=Decimal(0)), reason="")
    usage, passed = Usage(usd=Decimal("0.01")), Outcome(verdict=Verdict.PASSED, verifier="exact")
    began = Started(seed=1, agents=cards, limits=Limits(), mechanism="posted", mechanism_settings="{}", policy="mine")
    for task in ("nobody", "later"):
        called = Called(task=task, agent="a", call="c", usage=usage)
        begun: list[Event] = [began] if task == "nobody" else []
        others: list[Event] = [
            Opened(task=task, auction=1, how="reassign", asked=("b",), reserve=Reserve()),
            Awarded(task=task, auction=1, award=award),
            called,
            Verified(task=task, agent="b", attempt=1, outcome=passed),
        ]
        first: list[Event] = [
            Posted(task=task, spec=Task(id=task, goal="do it")),
            Screened(task=task, shortlist=shortlist, reserve=Reserve()),
            Opened(task=task, how="auction", asked=("a",), reserve=Reserve()),
            called,
        ]
        more = others if task == "later" else []
        await store.record("r", *begun, *first, *more, TaskDone(task=task, verdict=Verdict.FAILED))
    nobody, later = decisions_of(store, {})
    for one in (nobody, later):
        assert (one.asked, one.logged, one.why) == (frozenset({"a"}), {frozenset({"a"}): 1.0}, "")
        assert (one.over, one.awarded, one.passed, one.usd) == (True, False, False, Decimal("0.01"))


async def test_certain_choices_and_outcomes_that_nobody_decided_are_refused() -> None:
    decisions = decisions_of(await logged_by(sale(), mechanism=SALE(rules={"explore": 0.0})), named(linucb(), sale()))
    direct, everyone = answers(decisions, ["linucb", "sale"], seed=0)[1:]
    assert direct.refused
    assert not everyone.refused
    open_ends = decisions_of(await logged_by(ants(), tasks=20, check=False), named(ants()))
    assert "no grounded verifier" in answers(open_ends, ["ants"], seed=0)[1].refused
    nothing = answers(decisions_of(MemoryStore(clock=FakeClock()), named(ants())), ["ants"], seed=0)
    assert all("there are none" in one.refused for one in nothing)


async def test_only_the_chosen_runs_count_and_all_are_learned_from() -> None:
    store = await logged_by(ants(), tasks=40)
    assert decisions_of(store, named(ants()), chosen=lambda run, began: False) == []
    assert len(decisions_of(store, named(ants()), chosen=lambda run, began: began > 0)) == 40
    passed, usd = arrays_of(usable_for(decisions_of(store, named(ants())), "ants").decisions, "ants")
    assert not refusal(passed)
    assert (usd.reward >= 0).all()


def test_few_decisions_of_large_weight_are_called_thin() -> None:
    answer = Answer("p", 400, 0, {}, Support(400, 48.0, 0.0, 1.0, 50.0), "", {}, {})
    assert answer.thin
    assert not answer._replace(refused="too few").thin
    assert not answer._replace(support=Support(400, 48.0, 0.0, 1.0, 9.0)).thin
    assert not answer._replace(support=Support(400, 148.0, 0.0, 1.0, 50.0)).thin
