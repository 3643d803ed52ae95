"""Routers that learn from outcomes: each finds who is good at what, from a log and from its own choices."""

from __future__ import annotations

import numpy as np
import pytest

from coordinator.routers.learning import right_ones, stream
from coordinator.routers.worlds import KEYS, arms, log, queries, routed_policy

BY_TAG = (
    "greenserv_linucb",
    "greenserv_thompson",
    "greenserv_linear_epsilon",
    "global_linucb",
    "port",
    "pilot",
    "mixllm",
    "barp",
    "llm_bandit",
    "agensflow",
    "moma",
    "lookahead",
)
OTHERS = ("greenserv_epsilon", "colony", "hierrouter")
"""Without a context, by chance, and cheap ones first where a check follows."""


@pytest.mark.parametrize("name", BY_TAG)
def test_the_specialist_of_each_kind_is_found_in_a_log(name: str) -> None:
    router = routed_policy(name).router()
    router.fit(log(300))
    assert right_ones(router) >= 0.9


@pytest.mark.parametrize("name", BY_TAG)
def test_the_specialist_of_each_kind_is_found_from_its_own_choices(name: str) -> None:
    wider = {"alpha": 1.0} if name in ("greenserv_linucb", "pilot", "mixllm") else {}
    router = routed_policy(name).router(**wider)
    stream(router, 400)
    assert right_ones(router) >= 0.8


@pytest.mark.parametrize("name", [*BY_TAG, *OTHERS])
def test_the_dial_turns_without_learning_anew(name: str) -> None:
    router = routed_policy(name).router()
    router.fit(log(300))
    cheap = [
        float(router.choose(query, arms(), dial=200.0, draw=0.5).chances[KEYS.index("cheap")])
        for query in queries(10, seed=3)
    ]
    assert np.mean(cheap) > 0.9


@pytest.mark.parametrize("name", [*BY_TAG, *OTHERS])
def test_a_log_in_two_halves_is_a_log(name: str) -> None:
    whole = log(200)
    router = routed_policy(name).router()
    for part in (slice(0, 100), slice(100, 200)):
        router.fit(
            whole._replace(queries=whole.queries[part], scores=whole.scores[part], costs=whole.costs[part]),
        )
    assert name in OTHERS or right_ones(router) >= 0.9
    router.fit(whole._replace(queries=[], scores=whole.scores[:0], costs=whole.costs[:0]))
    router.choose(queries(1)[0], arms(), dial=1.0, draw=0.5)
