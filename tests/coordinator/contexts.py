"""Contexts, candidates and outcomes for the tests of what a coordinator learns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from agora.coordinator.features import Sight
from agora.coordinator.linucb import LinUCB, Settings
from agora.coordinator.shortlisting import Candidate

Array = npt.NDArray[np.float64]

shares = st.floats(min_value=0.0, max_value=1.0)
sights = st.builds(
    Sight,
    similarity=st.none() | st.floats(min_value=-1.0, max_value=1.0),
    difficulty=st.none() | shares,
    prior_success=st.none() | shares,
    load=st.floats(min_value=0.0, max_value=2.0),
    latency_s=st.none() | st.floats(min_value=0.0, max_value=10.0),
    cost_share=st.none() | st.floats(min_value=0.0, max_value=3.0),
    available=st.booleans(),
)
seeds = st.integers(min_value=0, max_value=2**32 - 1)
settings = st.builds(
    Settings,
    dimension=st.sampled_from([1, 3, 8]),
    alpha=st.sampled_from([0.0, 0.5, 2.0]),
    ridge=st.sampled_from([0.5, 1.0]),
    gamma=st.sampled_from([1.0, 0.99, 0.5]),
    per_arm=st.booleans(),
)


class Example(NamedTuple):
    """One outcome."""

    arm: str
    x: Array
    reward: float


def unit_rows(chance: np.random.Generator, *shape: int) -> Array:
    """Contexts of length 1 at most; a third of them are equal to their neighbour, so that there are ties."""
    rows: Array = chance.standard_normal(shape)
    rows /= np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1.0)
    flat: Array = rows.reshape(-1, shape[-1])
    flat[1::3] = flat[0::3][: len(flat[1::3])]
    return flat.reshape(shape)


def pool(size: int, seed: int) -> list[Candidate]:
    """Candidates with a few different costs and lots of their own."""
    chance = np.random.default_rng(seed)
    lots = chance.permutation(size)
    return [Candidate(f"arm{n}", float(chance.integers(0, 3)), f"{lots[n]:04d}") for n in range(size)]


def history(seed: int, *, dimension: int, length: int, arms: int) -> list[Example]:
    """Outcomes in the order of a log."""
    chance = np.random.default_rng(seed)
    x = unit_rows(chance, max(length, 1), dimension)
    return [Example(f"arm{chance.integers(arms)}", x[n], float(chance.random())) for n in range(length)]


def taught(options: Settings, examples: list[Example], *, screen_from: int | None = None) -> LinUCB:
    """A policy that learned them."""
    policy = LinUCB(options, screen_from=screen_from)
    for one in examples:
        policy.update(one.arm, one.x, one.reward)
    return policy
