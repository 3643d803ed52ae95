"""What type a task is of, without training: cosine to the centroid of each type's examples, softmax at temperature 0.1.

AMRO-S (arXiv 2603.12933) trains a small model for this. Here a handful of example sentences a type is enough to start;
embeddings come as an argument, and hashed tf-idf over the examples stands in where there are none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

from pydantic import Field

from agora.coordinator.ants.hashed_words import HashedWords
from agora.coordinator.ants.state import Probability
from agora.errors import ConfigError
from agora.values import Value

Embed = Callable[[str], Sequence[float]]
"""Text -> vector, always of one length."""

TEMPERATURE: Final = 0.1


class Intent(Value):
    """The distribution over task types, and how it was found."""

    weights: Mapping[str, Probability]
    """Task type -> probability; sum 1."""
    method: Literal["embedding", "words", "model", "uniform"]
    """Prototypes over embeddings or hashed words; a model's answer; or nothing was known."""
    reason: str = ""
    """Why it is uniform, where it is."""
    cosines: Mapping[str, float] = Field(default_factory=dict)
    """Task type -> likeness to its prototype, where there was one."""


def uniform(types: Sequence[str], reason: str) -> Intent:
    """Nothing is known of a task's type."""
    return Intent(weights=dict.fromkeys(types, 1 / len(types)), method="uniform", reason=reason)


def softmax(scores: Mapping[str, float], *, temperature: float = TEMPERATURE) -> dict[str, float]:
    """Scores -> probabilities; equal scores get equal shares.

    >>> softmax({"code": 0.3, "maths": 0.3})
    {'code': 0.5, 'maths': 0.5}
    """
    top = max(scores.values())
    pulls = {name: math.exp((score - top) / temperature) for name, score in scores.items()}
    total = math.fsum(pulls.values())
    return {name: pull / total for name, pull in pulls.items()}


class PrototypeIntent:
    """Task types by example.

    Args:
        examples: Task type -> texts of that type, at least one each.
        embed: Text -> vector; None: hashed tf-idf, which knows only the examples' own words.
        temperature: Of the softmax, above 0: lower is surer.
        least: A text whose best cosine is not above this is of no known type, in [-1, 1).

    Raises:
        ConfigError: A type has no example, or an example's embedding is empty or of another length.

    >>> kinds = PrototypeIntent({"code": ["fix the failing test"], "maths": ["solve the equation"]})
    >>> max((found := kinds.of("this test is failing")).weights, key=found.weights.__getitem__)
    'code'
    >>> kinds.of("zzz").method
    'uniform'
    """

    def __init__(
        self,
        examples: Mapping[str, Sequence[str]],
        *,
        embed: Embed | None = None,
        temperature: float = TEMPERATURE,
        least: float = 0.0,
    ) -> None:
        if not examples or not all(examples.values()):
            raise ConfigError("intent", "every task type needs at least one example text")
        if not (temperature > 0 and math.isfinite(temperature) and -1 <= least < 1):
            raise ConfigError("intent", f"temperature {temperature!r} must be above 0, and least {least!r} in [-1, 1)")
        self.types = tuple(examples)
        self._method: Literal["embedding", "words"] = "words" if embed is None else "embedding"
        self._embed = embed or HashedWords([text for texts in examples.values() for text in texts]).vector
        self._temperature, self._least = temperature, least
        self._centroids = {kind: self._centroid(kind, texts) for kind, texts in examples.items()}
        if len({len(centroid) for centroid in self._centroids.values()}) != 1:
            raise ConfigError("intent", "embeddings of the examples differ in length: use one embedding for all")

    def of(self, text: str) -> Intent:
        """The distribution over types; uniform, and said so, where the text is like none of them.

        Raises:
            ConfigError: Its embedding has another length than the examples'.
        """
        vector = _unit(self._embed(text))
        if vector is None:
            return uniform(self.types, "the text has no embedding")
        cosines = {kind: _dot(vector, centroid) for kind, centroid in self._centroids.items()}
        if max(cosines.values()) <= self._least:
            return uniform(self.types, f"the text is like no known type: no cosine is above {self._least:g}")
        return Intent(weights=softmax(cosines, temperature=self._temperature), method=self._method, cosines=cosines)

    def _centroid(self, kind: str, texts: Sequence[str]) -> list[float]:
        vectors = [_unit(self._embed(text)) for text in texts]
        known = [vector for vector in vectors if vector is not None]
        if len({len(vector) for vector in known}) > 1:
            raise ConfigError("intent", f"embeddings of the examples of {kind!r} differ in length: use one embedding")
        centre = _unit([math.fsum(column) for column in zip(*known, strict=True)])
        if centre is None:
            raise ConfigError("intent", f"the examples of {kind!r} have no embedding: write sentences with words")
        return centre


def _unit(vector: Sequence[float]) -> list[float] | None:
    """At length 1; None where it has no direction."""
    length = math.hypot(*vector)
    return [value / length for value in vector] if length > 0 and math.isfinite(length) else None


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    if len(one) != len(other):
        raise ConfigError(
            "intent", f"an embedding has {len(one)} numbers, the examples' have {len(other)}: use one model"
        )
    return math.fsum(a * b for a, b in zip(one, other, strict=True))
