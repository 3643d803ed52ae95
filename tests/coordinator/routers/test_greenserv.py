"""GreenServ's four: the published formulas, their schedules and their chances."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from agora.coordinator.routers.contexts import Clustered
from agora.coordinator.routers.seam import Arms, Outcome
from coordinator.routers.learning import outcome_of, stream
from coordinator.routers.worlds import KEYS, arms, log, queries, routed_policy


def test_linucb_is_the_published_index_of_the_reward() -> None:
    dial, alpha, penalty = 0.6, 0.1, 0.05
    router, contexts, rng = routed_policy("greenserv_linucb").router(), Clustered(3), np.random.default_rng(2)
    a, b = penalty * np.eye(23), np.zeros(23)
    b[0] = penalty * 0.5  # the prior
    for query in queries(40):
        outcome = Outcome(float(rng.uniform()), float(rng.uniform(0.01, 0.1)))
        router.learn(query, "coder", outcome)
        z = contexts.learned(query)
        a += np.outer(z, z)
        b += (outcome.score - dial * (outcome.cost or 0.0)) * z
    asked = queries(1, seed=9)[0]
    z = contexts.of(asked)
    theta, width = np.linalg.solve(a, b), float(np.sqrt(z @ np.linalg.solve(a, z)))
    terms = router.choose(asked, Arms(["coder"]), dial=dial, draw=0.0).terms
    index = terms["success"] + alpha * terms["width"] - dial * terms["cost"]
    assert float(index[0]) == pytest.approx(float(theta @ z) + alpha * width, abs=1e-3)  # the mean cost is a prior, too


def test_linucb_tries_who_has_no_record() -> None:
    router = routed_policy("greenserv_linucb").router()
    router.fit(log(200))
    pool = Arms([*KEYS, "newcomer"], cost=np.array([0.01, 0.05, 0.05, 0.4, 0.05]))
    assert router.choose(queries(1)[0], pool, dial=1.0, draw=0.0).order[0] == 4


def test_thompson_states_the_chance_with_which_it_draws() -> None:
    router = routed_policy("greenserv_thompson").router()
    for number, query in enumerate(queries(24)):
        router.learn(query, KEYS[number % 4], outcome_of(query, number % 4, 0.5))
    asked = queries(1, seed=8)[0]
    choices = [router.choose(asked, arms(), dial=1.0, draw=(n + 0.5) / 256) for n in range(256)]
    drawn = np.bincount([choice.order[0] for choice in choices], minlength=4) / 256
    assert (drawn == choices[0].chances).all()
    assert (drawn > 0).sum() >= 2


def test_thompson_draws_from_the_posterior() -> None:
    sigma, pool = 0.4, Arms(["coder", "writer"])
    router = routed_policy("greenserv_thompson").router(sigma=sigma)
    for query in queries(6):
        router.learn(query, "coder", Outcome(0.7, 0.0))
        router.learn(query, "writer", Outcome(0.5, 0.0))
    choice = router.choose(queries(1, seed=8)[0], pool, dial=0.0, draw=0.0)
    success, width = choice.terms["success"], sigma * choice.terms["width"]
    apart = NormalDist(float(success[0] - success[1]), float(np.hypot(*width)))
    assert 0.6 < 1.0 - apart.cdf(0.0) < 0.9
    assert float(choice.chances[0]) == pytest.approx(1.0 - apart.cdf(0.0), abs=0.06)


@pytest.mark.parametrize(("name", "decay"), [("greenserv_epsilon", 0.98), ("greenserv_linear_epsilon", 0.985)])
def test_chance_decays_with_outcomes_and_never_ends(name: str, decay: float) -> None:
    router, asked = routed_policy(name).router(), queries(1)[0]
    for outcomes in range(300):
        if outcomes in (0, 10, 100, 299):
            chances = router.choose(asked, arms(), dial=1.0, draw=0.5).chances
            assert float(chances.min()) == pytest.approx(max(0.01, decay**outcomes) / 4, rel=1e-9)
        router.learn(asked, KEYS[outcomes % 4], Outcome(1.0, 0.1))


def test_epsilon_greedy_asks_the_best_on_average_whatever_the_query() -> None:
    router = routed_policy("greenserv_epsilon").router(least=0.0)
    router.fit(log(300))
    stream(router, 600, dial=0.0)
    firsts = {router.choose(query, arms(), dial=0.0, draw=0.99).order[0] for query in queries(6, seed=3)}
    assert firsts == {KEYS.index("strong")}
