"""The simulated world is what its parameters say, and these lie on the public figures."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from agora.bench.simulation.parameters import BINS, CODING, SEARCH, Kind, Parameters
from agora.bench.simulation.world import World, entropy_of, marks_of

PUBLIC = [(SEARCH, 0.638, 0.779), (CODING, 0.584, 0.684)]
MANY = World(Parameters(), seed=7, tasks=6_000)
EVERYONE = range(len(Parameters().agents))


@pytest.mark.parametrize(("kind", "largest", "_oracle"), PUBLIC, ids=lambda value: getattr(value, "name", None))
def test_the_largest_model_passes_what_is_public(kind: Kind, largest: float, _oracle: float) -> None:
    shares = np.array(kind.tasks) / sum(kind.tasks)
    assert float(shares @ np.array(kind.success)[:, -1]) == pytest.approx(largest, abs=0.001)


@pytest.mark.parametrize(("kind", "_largest", "oracle"), PUBLIC, ids=lambda value: getattr(value, "name", None))
def test_some_model_passes_what_the_papers_oracle_passes(kind: Kind, _largest: float, oracle: float) -> None:
    cases = [case for case in MANY.cases if MANY.parameters.kinds[case.kind] == kind]
    rate = np.mean([(case.margin[:, 0] > 0).any() for case in cases])
    assert rate == pytest.approx(oracle, abs=4 * (oracle * (1 - oracle) / len(cases)) ** 0.5)


def test_each_agent_passes_at_its_rate_in_each_bin() -> None:
    for place, kind in enumerate(MANY.parameters.kinds):
        for level in range(BINS):
            cases = [case for case in MANY.cases if (case.kind, case.bin) == (place, level)]
            rates = np.mean([case.margin[:, 0] > 0 for case in cases], axis=0)
            for rate, success in zip(rates, kind.success[level], strict=True):
                assert rate == pytest.approx(success, abs=4.5 * (success * (1 - success) / len(cases)) ** 0.5)


def test_kinds_and_bins_come_in_the_benchmarks_shares() -> None:
    whole = sum(sum(kind.tasks) for kind in MANY.parameters.kinds)
    world = World(Parameters(), seed=1, tasks=whole)
    for place, kind in enumerate(world.parameters.kinds):
        for level, count in enumerate(kind.tasks):
            assert sum((case.kind, case.bin) == (place, level) for case in world.cases) == count


def test_work_takes_the_tokens_that_are_assumed_but_for_what_the_limit_cuts() -> None:
    normal, spread = NormalDist(), MANY.parameters.attempt_spread
    for place, kind in enumerate(MANY.parameters.kinds):
        for level, tokens in enumerate(kind.tokens):
            reach = math.log(kind.token_limit / tokens) / spread
            cut = kind.token_limit * (1 - normal.cdf(reach + spread / 2))
            expected = tokens * normal.cdf(reach - spread / 2) + cut
            taken = [case.tokens.mean() for case in MANY.cases if (case.kind, case.bin) == (place, level)]
            assert np.mean(taken) == pytest.approx(expected, rel=0.04)


def test_a_longer_plan_goes_with_longer_work() -> None:
    plans = [case.plan_tokens[0, 0] for case in MANY.cases]
    work = [math.log(case.tokens[0, 0]) for case in MANY.cases]
    assert np.corrcoef(np.log(plans), work)[0, 1] == pytest.approx(MANY.parameters.plan_to_work, abs=0.05)


def test_at_full_signal_the_sharpest_judge_tells_the_outcome_and_without_signal_nothing_does() -> None:
    sure, blind = Parameters(signal=1.0), Parameters(signal=0.0)
    for case in MANY.cases[:300]:
        for agent in EVERYONE:
            passed = bool(case.margin[agent, 0] > 0)
            assert (marks_of(sure, case, agent, [3])[0] >= 3) == passed
    better = [case._replace(margin=case.margin + 3) for case in MANY.cases[:300]]
    for case, improved in zip(MANY.cases, better, strict=False):
        assert marks_of(blind, case, 0, EVERYONE) == marks_of(blind, improved, 0, EVERYONE)
        assert entropy_of(blind, case, 0) == entropy_of(blind, improved, 0)


def test_given_bin_and_agent_what_a_judge_sees_goes_with_the_attempt_as_the_signal_says() -> None:
    given = Parameters(signal=0.5, mark_spread=1_000.0)  # so coarse that a mark is the sign of what is seen
    cases = [case for case in MANY.cases if (case.kind, case.bin) == (0, 0)]
    centred = [case._replace(margin=case.margin - 1.0) for case in cases]
    seen = [marks_of(given, case, 3, [3])[0] > 2 for case in centred]
    above = [float(case.margin[3, 0]) > 0 for case in centred]
    agree = sum(one == other for one, other in zip(seen, above, strict=True)) / len(centred)
    assert 0.55 < agree < 0.75  # two signs of normal figures with correlation 0.5 agree in two of three cases


def test_a_seed_gives_one_world_and_another_seed_another() -> None:
    one, same, other = (World(Parameters(), seed=seed, tasks=40) for seed in (3, 3, 4))
    assert all((a.margin == b.margin).all() for a, b in zip(one.cases, same.cases, strict=True))
    assert any((a.margin != b.margin).any() for a, b in zip(one.cases, other.cases, strict=True))
    assert any((a.margin != b.margin).any() for a, b in zip(one.cases, one.training(), strict=False))
