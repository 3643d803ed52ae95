"""A budget over the nodes of a graph."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.errors import BudgetExceededError, ConfigError, LedgerError
from agora.workflows.features import Subtask
from agora.workflows.spreading import Finished, Spread, Started, weights
from plans import chain, fan, graphs

budgets = st.decimals(0, 1_000, places=6)


def test_shares_go_by_estimate_and_the_heaviest_path_gets_more() -> None:
    told = [
        Subtask(id="a", estimated_tokens=1_000),
        Subtask(id="on", depends_on=("a",), estimated_tokens=1_000),
        Subtask(id="off", estimated_tokens=1_000),
        Subtask(id="double", depends_on=("a",), estimated_tokens=2_000),
    ]
    weight = weights(told)
    assert weight["double"] == 2 * weight["a"]  # both on the heaviest path
    assert weight["a"] > weight["on"] > weight["off"]  # 3, 2 and 1 of 3 thousand tokens
    even = weights(told, premium=Decimal(0))
    assert even["a"] == even["on"] == even["off"] == 1_000


def test_who_states_no_estimate_is_taken_for_the_mean() -> None:
    told = [Subtask(id="a", estimated_tokens=100), Subtask(id="b", estimated_tokens=300), Subtask(id="c")]
    assert weights(told, premium=Decimal(0))["c"] == 200
    assert set(weights(fan(3), premium=Decimal(0)).values()) == {1}


def test_unspent_money_flows_on_to_all_that_have_not_started() -> None:
    spread = Spread(Decimal(5), fan(4), premium=Decimal(0))
    assert spread.start("root") == 1
    spread.finish("root", Decimal(0))
    assert [spread.start(f"leaf{number}") for number in range(4)] == [Decimal("1.25")] * 4
    assert spread.left_usd == 0


def test_a_node_that_is_passed_over_leaves_its_share() -> None:
    spread = Spread(Decimal(3), chain(3), premium=Decimal(0))
    spread.finish("s0", Decimal(0))
    assert spread.start("s1") == Decimal("1.5")


@given(budget=budgets, subtasks=graphs(), data=st.data())
def test_what_is_spent_and_held_never_exceeds_the_budget(
    budget: Decimal, subtasks: list[Subtask], data: st.DataObject
) -> None:
    spread, log = Spread(budget, subtasks), list[Started | Finished]()
    held: dict[str, Decimal] = {}
    spent = Decimal(0)
    for one in data.draw(st.permutations([one.id for one in subtasks] * 2)):
        if one in held:  # the second time it ends
            cost = (held[one] * data.draw(st.integers(0, 4)) / 4).quantize(Decimal("0.00000001"))
            cost = min(cost, held.pop(one))
            spread.finish(one, cost)
            log.append(Finished(one, cost))
            spent += cost
        else:
            held[one] = spread.start(one)
            log.append(Started(one, held[one]))
        assert spread.left_usd >= 0
        assert spent + sum(held.values()) + spread.left_usd == budget
    again = Spread(budget, subtasks)
    again.restore([*log, *log])
    assert (again.left_usd, again.spent_usd) == (spread.left_usd, spread.spent_usd)


@given(budget=budgets, subtasks=graphs())
def test_all_of_the_budget_can_be_had_whatever_the_order(budget: Decimal, subtasks: list[Subtask]) -> None:
    spread = Spread(budget, subtasks)
    assert sum(spread.start(one.id) for one in subtasks) >= budget - Decimal("0.000001")


@given(budget=budgets, subtasks=graphs(), data=st.data())
def test_half_a_log_restores_the_same_shares(budget: Decimal, subtasks: list[Subtask], data: st.DataObject) -> None:
    names = [one.id for one in subtasks]
    first = data.draw(st.integers(0, len(names)))
    spread = Spread(budget, subtasks)
    log = [Started(name, spread.start(name)) for name in names[:first]]
    again = Spread(budget, subtasks)
    again.restore(log)
    assert [again.share(name) for name in names] == [spread.share(name) for name in names]


def test_starting_and_ending_twice_change_nothing() -> None:
    spread = Spread(Decimal(2), chain(2), premium=Decimal(0))
    assert spread.start("s0") == spread.start("s0") == 1
    spread.finish("s0", Decimal("0.5"))
    spread.finish("s0", Decimal("0.5"))
    assert spread.start("s0") == Decimal("0.5")
    assert spread.spent_usd == Decimal("0.5")


def test_senseless_amounts_and_nodes_are_refused() -> None:
    spread = Spread(Decimal(2), chain(2), premium=Decimal(0))
    spread.start("s0")
    with pytest.raises(BudgetExceededError, match="node 's0'"):
        spread.finish("s0", Decimal("1.01"))
    with pytest.raises(ConfigError, match="zero dollars or more"):
        spread.finish("s0", Decimal(-1))
    with pytest.raises(ConfigError, match="'ghost' is not in the graph"):
        spread.start("ghost")
    with pytest.raises(ConfigError, match="budget"):
        Spread(Decimal("NaN"), chain(2))
    with pytest.raises(ConfigError, match="premium"):
        Spread(Decimal(1), chain(2), premium=Decimal(-1))
    with pytest.raises(LedgerError, match="'s1' holds 3 dollars of 1"):
        spread.restore([Started("s1", Decimal(3))])
