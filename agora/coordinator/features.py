"""What a policy sees of an agent for a task: a fixed, versioned vector.

Features of Symphony-Coord (arXiv 2602.00966, code of 2026), with three more: how hard the task is, how often the agent
passed tasks of this kind, and what it asks. Every feature is clipped to [0, 1] and what is not known is neutral, 0.5; a
vector longer than 1 is divided by its length, as in the source.

The order of the features is part of every state that was learned on them: whoever changes it changes the version, and
a state of another version is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from agora.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array: TypeAlias = npt.NDArray[np.float64]

FEATURES_VERSION: Final = "features-1"
"""Of what stands at which place of a vector, and how it is scaled."""
NAMES: Final = (
    "one",
    "similarity",
    "difficulty",
    "prior_success",
    "load",
    "latency_norm",
    "cost_norm",
    "available",
)
"""The features in their order."""
DIMENSION: Final = len(NAMES)
SLOW_S: Final = 2.0
"""Seconds that count as 1 unless a task says otherwise; the source's figure."""
NEUTRAL: Final = 0.5


class Sight(NamedTuple):
    """The raw figures of one agent for one task. None: not known.

    >>> vector(Sight(similarity=1.0, cost_share=0.0, latency_s=0.0)).round(2).tolist()
    [0.53, 0.53, 0.27, 0.27, 0.0, 0.0, 0.0, 0.53]
    """

    similarity: float | None = None
    """Cosine of the task and what the agent can do; below 0 counts as 0."""
    difficulty: float | None = None
    """Of the task, in [0, 1]; the same for all of its candidates."""
    prior_success: float | None = None
    """Share of verified tasks of this kind that the agent passed, in [0, 1]."""
    load: float = 0.0
    """How busy it is, in [0, 1]."""
    latency_s: float | None = None
    """Expected seconds of an attempt."""
    cost_share: float | None = None
    """Expected cost of an attempt as a share of what the task may cost; more than 1 counts as 1."""
    available: bool = True
    """Whether it takes tasks now."""


def figures(sights: Sequence[Sight], *, slow_s: float = SLOW_S) -> Array:
    """The features without the leading 1, each in [0, 1], one agent a row: (n, 7).

    Args:
        sights: Of the candidates.
        slow_s: Seconds that count as 1, > 0: the time limit of a task, say.

    Raises:
        ConfigError: A figure is infinite, or `slow_s` is not above 0.
    """
    import numpy as np

    if not slow_s > 0.0:
        raise ConfigError("slow_s", f"{slow_s!r} must be more than 0 seconds")
    rows: Array = np.array(sights, dtype=np.float64).reshape(len(sights), DIMENSION - 1)
    if np.isinf(rows).any():
        place = int(np.argmax(np.isinf(rows).any(axis=1)))
        raise ConfigError("features", f"{sights[place]!r} has an infinite figure: give None for what is not known")
    rows[:, 4] /= slow_s
    rows[np.isnan(rows)] = NEUTRAL
    return np.clip(rows, 0.0, 1.0, out=rows)


def vectors(sights: Sequence[Sight], *, slow_s: float = SLOW_S) -> Array:
    """The contexts of all candidates, (n, 8), each of length 1 at most.

    Args:
        sights: Of the candidates.
        slow_s: Seconds that count as 1.

    Raises:
        ConfigError: As `figures`.
    """
    return scaled(figures(sights, slow_s=slow_s))


def scaled(rows: Array) -> Array:
    """Contexts from `figures`: with the leading 1, and of length 1 at most; (n, 7) to (n, 8)."""
    import numpy as np

    x: Array = np.concatenate([np.ones((len(rows), 1)), rows], axis=1)
    x /= np.maximum(np.sqrt((x * x).sum(axis=1, keepdims=True)), 1.0)
    return x


def vector(sight: Sight, *, slow_s: float = SLOW_S) -> Array:
    """The context of one agent, (8,)."""
    row: Array = vectors([sight], slow_s=slow_s)[0]
    return row


def check_version(version: str, *, dimension: int = DIMENSION, length: int | None = None) -> None:
    """Refuse what was learned on other features.

    Raises:
        ConfigError: The version or the length is another one.
    """
    if version != FEATURES_VERSION or (length is not None and length != dimension):
        size = "" if length is None else f" of {length} features"
        raise ConfigError(
            "learned state",
            f"was learned on {version!r}{size}, and this release sees {FEATURES_VERSION!r} of {dimension}: learn anew",
        )
