"""A policy that asks a model whom it favours: once a task, without names, paid by the task, on the ledger."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from agora.coordinator.policies.advice import Advice
from agora.coordinator.policies.routed import RouterOptions, routed
from agora.coordinator.routers.choosing import by_index
from agora.coordinator.routers.knn import KNN, KNNOptions
from agora.coordinator.routers.seam import Arms, Choice, Query
from agora.events import Called, Screened
from agora.market import Market
from agora.memory.in_memory import MemoryStore
from agora.messages import Request
from agora.routing_events import Routed
from agora.tasks import Task
from agora.testing import FakeClock, RuleModel
from traces.golden_runs import SAYS_42, memory, pool


class Obedient(KNN):
    """Does what it is advised."""

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        import numpy as np

        return by_index(np.nan_to_num(arms.advice), self._costs.of(arms), terms={})


def read(answer: str, number: int) -> Sequence[float]:
    try:
        found = json.loads(answer)["best"]
    except (ValueError, KeyError, TypeError):
        return ()
    return [float(place + 1 == found) for place in range(number)]


def question(goal: str, cards: Sequence[str]) -> str:
    return "\n".join((goal, *cards))


async def run(says: str, *, labels: frozenset[str] = frozenset()) -> tuple[MemoryStore, list[str]]:
    prompts: list[str] = []

    def reply(request: Request) -> str:
        prompts.append(request.messages[0].content)
        return says

    def advice(_: RouterOptions) -> Advice:
        return Advice(RuleModel("scripted/wise", reply), question, read)

    policy = routed("knn", KNNOptions, Obedient, advice=advice)
    store = memory()
    market = Market(pool(), store=store, policy=policy(), seed=3, attempts=1, clock=FakeClock(), budget_usd="5")
    await market.run_all([Task(id="t1", goal="what is 6 x 7?", skill="sums", verify=SAYS_42, labels=labels)])
    return store, prompts


def routing(store: MemoryStore) -> Routed:
    (found,) = (item.event for item in store.events() if isinstance(item.event, Routed))
    return found


@pytest.mark.parametrize("best", [1, 2, 3])
async def test_whom_the_model_favours_stands_on_the_ledger_and_comes_first(best: int) -> None:
    store, prompts = await run(json.dumps({"best": best}))
    assert len(prompts) == 1
    assert not {"able", "weak", "half"} & set(prompts[0].split()), "it is told no name"
    considered = routing(store).routing.considered
    assert [one.known.advice for one in considered] == [1.0, 0.0, 0.0]
    assert sum(isinstance(item.event, Called) for item in store.events()) >= 1


async def test_three_numbers_mean_three_agents() -> None:
    first = [routing((await run(json.dumps({"best": best})))[0]).routing.considered[0].agent for best in (1, 2, 3)]
    assert sorted(first) == ["able", "half", "weak"]


@pytest.mark.parametrize("says", ["", "I would take the second one", '{"best": "x"', "[]"])
async def test_an_answer_that_cannot_be_read_advises_nothing(says: str) -> None:
    store, _ = await run(says)
    assert {one.known.advice for one in routing(store).routing.considered} == {None}


async def test_a_task_whose_data_carries_labels_is_shown_to_no_adviser() -> None:
    store, prompts = await run('{"best": 1}', labels=frozenset({"internal"}))
    assert prompts == []
    assert [item.event for item in store.events() if isinstance(item.event, Screened)]
