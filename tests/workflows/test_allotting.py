"""What a node may take of what is left."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from agora.tasks import Limits, Verdict
from agora.workflows.allotting import Allotment
from agora.workflows.expanding import Progress
from agora.workflows.flow import Workflow
from agora.workflows.instances import Ending, Instance
from agora.workflows.nodes import Each, Flow, TaskNode, When
from agora.workflows.unrolling import synthesised
from flow_graphs import ending_of, nested_flows, seeds


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


def branches() -> Flow:
    """One task, and two of which one is done."""
    sort = TaskNode(id="n0", goal="sort", tokens=100)
    either = [
        TaskNode(id=f"n{at}", goal="go", after=("n0",), when=(When(of="n0", equals=at),), tokens=100) for at in (1, 2)
    ]
    last = TaskNode(id="n3", goal="go", after=("n1", "n2"), needs="any", tokens=100)
    return Flow(name="flow", nodes=(sort, *either, last))


def test_of_two_branches_one_is_kept_for_and_what_is_not_taken_flows_on() -> None:
    flow = branches()
    allotment = Allotment(flow)
    allotment.opened([instance(flow, 0)])
    first = allotment.limits(instance(flow, 0), Limits(usd=Decimal(1))).usd
    assert first == Decimal("0.4"), "itself, half of each branch, and half of the last, which hangs on them"
    allotment.opened([instance(flow, 2)])
    allotment.passed_over("n1")
    assert allotment.limits(instance(flow, 2), Limits(usd=Decimal(1))).usd == Decimal("0.5"), "the last is sure now"
    allotment.opened([instance(flow, 3)])
    assert allotment.limits(instance(flow, 3), Limits(usd=Decimal("0.7"))).usd == Decimal("0.7")


def test_items_that_state_what_they_take_each_weigh_that_each() -> None:
    nodes = TaskNode(id="n0", goal="{item}", each=Each(of="list"), tokens=100), TaskNode(id="n1", goal="go", tokens=100)
    flow = Flow(name="flow", nodes=nodes)
    allotment = Allotment(flow)
    items = [instance(flow, 0, f"[{at}]") for at in range(3)]
    allotment.opened([*items, instance(flow, 1)])
    assert allotment.limits(items[0], Limits(usd=Decimal(1))).usd == Decimal("0.25")


def test_re_routes_that_may_never_come_keep_little_of_the_budget_and_get_it_when_they_do() -> None:
    """A synthesis of five that is written out with five re-routes: the first time the workers have most of it."""
    plan = Workflow("q", synthesis=True)
    for number in range(5):
        plan.task(f"w{number}", "How many?")
    flow = synthesised(plan.build()).flow
    progress, allotment, left = Progress(flow, {}), Allotment(flow), Decimal(1)
    ready, told, shares = list(progress.ready.start), 0, dict[str, Decimal]()
    allotment.opened(ready)
    while ready:
        one = ready.pop(0)
        usd = allotment.limits(one, Limits(usd=left)).usd
        assert usd is not None
        assert usd <= left
        shares[one.id] = usd
        left -= usd / 2
        opened = progress.finish(one.id, Ending(verdict=Verdict.UNKNOWN, output=one.id))
        allotment.opened(opened)
        for remark in progress.passed_over(told):
            allotment.passed_over(remark.id)
            told += 1
        ready += opened
    first = [shares[f"w{number}"] for number in range(5)]
    assert 5 * first[0] > Decimal("0.4"), "two fifths for the first answers, though they are 5 of 80 tasks"
    assert sum(isinstance(node, TaskNode) for node in flow.nodes) >= 80
    assert shares["w0-r5"] > 0
    assert list(shares)[-1] == "decide"
    assert shares["decide"] == left + shares["decide"] / 2, "the last may take all that is left"


@given(flow=nested_flows(), seed=seeds)
@settings(deadline=None, max_examples=60)
def test_shares_are_never_more_than_what_is_left_whatever_the_workflow(flow: Flow, seed: int) -> None:
    progress, allotment, left = Progress(flow, {}), Allotment(flow), Decimal(1)
    ready, told = list(progress.ready.start), 0
    allotment.opened(ready)
    while ready:
        one = ready.pop(seed % len(ready))
        usd = allotment.limits(one, Limits(usd=left)).usd
        assert usd is not None
        assert 0 <= usd <= left
        left -= usd
        opened = progress.finish(one.id, ending_of(one, seed))
        allotment.opened(opened)
        for remark in progress.passed_over(told):
            allotment.passed_over(remark.id)
            told += 1
        ready = [each for each in (*ready, *opened) if progress.wanted(each.id)]
