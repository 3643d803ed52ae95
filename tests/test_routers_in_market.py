"""Every router as a policy of a real run: it routes, learns from the ledger, and is replayed from it."""

from __future__ import annotations

import json

import pytest

from agora.ambient import SeededChance
from agora.events import Awarded
from agora.market import Market
from agora.routing import Known, Outlook
from agora.routing_events import Credited, Routed
from agora.testing import FakeClock
from agora.traces.replay.making import policy_from
from agora.traces.replay.replaying import replay
from agora.values import JsonValue
from coordinator.routers.worlds import routed_policy, router_names
from traces.golden_runs import memory, pool, tasks


@pytest.mark.parametrize("name", router_names())
async def test_a_router_routes_learns_and_is_replayed_from_the_ledger(name: str) -> None:
    store = memory()
    for first in (0, 3):
        market = Market(
            pool(), store=store, policy=policy_from(name, ""), seed=3, attempts=2, clock=FakeClock(), budget_usd="20"
        )
        await market.run_all(tasks(first, 3))
    events = [item.event for item in store.events()]
    routed = [event for event in events if isinstance(event, Routed)]
    assert len(routed) == 6
    assert {event.routing.by for event in routed} == {name}
    assert sum(isinstance(event, Credited) for event in events) >= 6
    first_asked = [event.routing.considered[0].agent for event in routed]
    awarded = [event.award.agent for event in events if isinstance(event, Awarded) and event.award.attempt == 1]
    assert awarded == first_asked, "the first in rank gets the task"
    for info in store.runs():
        found = replay(store, info.id)
        assert found.diverged is None, name
        assert not found.lacking


@pytest.mark.parametrize("name", router_names())
def test_a_routing_among_one_agent_is_made_again_from_its_record(name: str) -> None:
    policy = routed_policy(name)()
    alone = pool()[:1]
    task = tasks(0, 1)[0]
    outlook = Outlook(known={"able": Known(lot="a")})
    for seed in range(1, 6):
        given = policy.shortlist(task, [one.profile for one in alone], outlook, chance=SeededChance(seed))
        assert given.routing is not None
        routed = Routed(task=task.id, skill=task.skill, routing=given.routing)
        assert policy.again(task, routed, ["able"]) == given.routing


async def test_what_another_release_or_a_damaged_file_keeps_is_refused_and_learned_anew() -> None:
    store = memory()
    market = Market(pool(), store=store, policy=policy_from("knn", ""), seed=3, clock=FakeClock(), budget_usd="20")
    await market.run_all(tasks(0, 3))
    learned, other = routed_policy("knn")(), routed_policy("knn")()
    for item in store.events():
        if item.event is not None:
            learned.learn("r", item.event)
    kept = learned.saved()
    assert other.restored(kept)
    assert other.saved() == kept
    found = json.loads(kept)
    assert found["ranker"]["form"] == "knn/1"
    damaged: list[JsonValue] = [
        {**found, "ranker": {**found["ranker"], "form": "knn/2"}},
        {**found, "ranker": found["ranker"]["state"]},
        {**found, "ranker": {**found["ranker"], "state": {**found["ranker"]["state"], "costs": None}}},
        {**found, "open": [["r", {}, []]]},
        [],
    ]
    for one in damaged:
        assert not other.restored(json.dumps(one))
        assert other.saved() == kept, "nothing changed"
    assert not other.restored("[" * 100_000)
