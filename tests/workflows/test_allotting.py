"""What a node may take of what is left."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from agora.tasks import Limits
from agora.workflows.allotting import Allotment
from agora.workflows.instances import Instance
from agora.workflows.nodes import Flow, TaskNode


def flow_of(*tokens: int) -> Flow:
    """A chain."""
    nodes = [
        TaskNode(id=f"n{place}", goal="go", after=(f"n{place - 1}",) if place else (), tokens=count)
        for place, count in enumerate(tokens)
    ]
    return Flow(name="flow", nodes=tuple(nodes))


def instance(flow: Flow, place: int, item: str = "") -> Instance:
    node = flow.nodes[place]
    assert isinstance(node, TaskNode)
    return Instance(id=node.id + item, path=(node.id,), node=node, text="go")


def test_alike_nodes_of_a_chain_get_even_shares_and_the_last_gets_all_that_is_left() -> None:
    flow = flow_of(100, 100, 100, 100)
    allotment, left = Allotment(flow), Decimal(1)
    shares: list[Decimal] = []
    for place in range(4):
        one = instance(flow, place)
        allotment.opened([one])
        usd = allotment.limits(one, Limits(usd=left)).usd
        assert usd is not None
        shares.append(usd)
        left -= usd / 2  # each leaves half of it
    assert shares == [Decimal("0.25"), Decimal("0.291666"), Decimal("0.364583"), left + shares[-1] / 2]


def test_who_is_expected_to_take_more_may_take_more() -> None:
    flow = flow_of(100, 300)
    allotment, one = Allotment(flow), instance(flow, 0)
    allotment.opened([one])
    assert allotment.limits(one, Limits(usd=Decimal(1), tokens=1000, steps=10)) == Limits(
        usd=Decimal("0.25"), tokens=250, steps=2
    )


def test_the_share_of_a_node_that_is_passed_over_is_for_the_others() -> None:
    flow = flow_of(100, 100)
    allotment, one = Allotment(flow), instance(flow, 0)
    allotment.opened([one])
    allotment.passed_over("n1")
    assert allotment.limits(one, Limits(usd=Decimal(1))).usd == 1


def test_nothing_is_kept_for_a_node_that_may_have_to_stand_in_and_it_gets_a_share_when_it_does() -> None:
    first = TaskNode(id="first", goal="go", on_failure="fallback", fallback="second")
    second = TaskNode(id="second", goal="go")
    flow = Flow(name="flow", nodes=(first, second))
    allotment, one, other = Allotment(flow), instance(flow, 0), instance(flow, 1)
    allotment.opened([one])
    assert allotment.limits(one, Limits(usd=Decimal(1))).usd == 1
    allotment.opened([other])
    assert allotment.limits(other, Limits(usd=Decimal("0.4"))).usd == Decimal("0.4")


@given(items=st.integers(1, 20), usd=st.decimals(0, 1000, places=6), tokens=st.integers(0, 10**9))
def test_the_items_of_a_map_and_all_after_them_fit_into_what_is_left(items: int, usd: Decimal, tokens: int) -> None:
    flow = flow_of(10, 20)
    allotment = Allotment(flow)
    batch = [instance(flow, 0, f"[{place}]") for place in range(items)]
    last = instance(flow, 1)
    allotment.opened(batch)
    left = Limits(usd=usd, tokens=tokens)
    given: list[Limits] = []
    for one in batch:
        given.append(allotment.limits(one, left))
        usd, tokens = usd - (given[-1].usd or 0), tokens - (given[-1].tokens or 0)
        assert usd >= 0
        assert tokens >= 0
        left = Limits(usd=usd, tokens=tokens)
    allotment.opened([last])
    assert allotment.limits(last, left) == left, "nothing is lost by rounding: the last gets what is left"
    assert max(one.usd or 0 for one in given) - min(one.usd or 0 for one in given) <= Decimal("0.0001")
