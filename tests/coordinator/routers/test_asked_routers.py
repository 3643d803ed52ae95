"""Routers that ask a model: what it is asked, how its answer is read, and what is done without one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from agora.coordinator.routers import masrouter, router_r1, tcar, xrouter
from agora.coordinator.routers.asked import favours
from agora.coordinator.routers.seam import Arms
from agora.errors import UsageError
from coordinator.routers.worlds import COSTS, KEYS, log, queries, routed_policy

DEEP = '{"call": ' + "[" * 100_000 + "}"
Read = Callable[[str], Sequence[int]]
ASKED = {"tcar": tcar, "router_r1": router_r1, "xrouter": xrouter, "masrouter": masrouter}
SAYS = {
    "tcar": "<Reason>it is code</Reason><ID>3, 1</ID>",
    "router_r1": "<think>code</think>\n<search>3: write it</search> <search>1: check</search>",
    "xrouter": 'Well: {"call": [3, 1]}',
    "masrouter": '```json\n{"mode": "chain", "roles": ["a", "b"], "agents": [3, 1]}\n```',
}


@pytest.mark.parametrize("name", ASKED)
def test_the_prompt_shows_every_card_and_the_task_as_data(name: str) -> None:
    prompt = ASKED[name].question("solve {it} % now", ["skills: code; 0.1 usd", "skills: prose; 2 usd"])
    assert "1. skills: code; 0.1 usd" in prompt
    assert "2. skills: prose; 2 usd" in prompt
    assert "--------\nsolve {it} % now\n--------" in prompt


@pytest.mark.parametrize("name", ASKED)
def test_whom_the_model_names_comes_first(name: str) -> None:
    found = ASKED[name].read(SAYS[name])
    assert found[0] == 3
    assert favours(found, 4)[2] == 1.0


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize(
    "answer",
    [
        "",
        "I cannot say",
        "{",
        '{"call": "x", "agents": null}',
        "<ID></ID>",
        "9" * 5000,
        '{"call": ' + "[" * 100_000 + "}",
    ],
)
def test_an_answer_that_cannot_be_read_names_nobody(name: str, answer: str) -> None:
    assert list(ASKED[name].read(answer)) == []
    assert list(favours(ASKED[name].read(answer), 3)) == []


@pytest.mark.parametrize("name", ASKED)
def test_the_named_are_asked_in_turn_and_the_others_after_them(name: str) -> None:
    router = routed_policy(name).router()
    router.fit(log(200))
    advised = Arms(KEYS, cost=COSTS, advice=np.array([0.75, 0.0, 0.0, 1.0]))
    choice = router.choose(queries(1)[0], advised, dial=0.1, draw=0.5)
    assert list(choice.order[:3]) == [3, 0, 1], "the coder is the best of the others at code"
    assert choice.rungs == 2


@pytest.mark.parametrize("name", ASKED)
def test_without_a_model_the_record_decides_and_that_is_said(name: str) -> None:
    router = routed_policy(name).router()
    router.fit(log(200))
    choice = router.choose(queries(1)[0], Arms(KEYS, cost=COSTS), dial=0.1, draw=0.5)
    assert choice.order[0] == 1
    assert "state `model`" in choice.note


def test_a_model_that_there_is_not_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="nowhere"):
        routed_policy("tcar")(model="nowhere/none")
