"""Recorded outcomes as a matrix: queries x models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

    from agora.coordinator.routers.seam import Matrix


class Recorded(NamedTuple):
    """Who was asked what, and what came of it: repeated trials are averaged, so that a score is a share."""

    name: str
    """Of the source: its folder's name."""
    ids: tuple[str, ...]
    """Of the queries, nobody twice, sorted, (n,)."""
    models: tuple[str, ...]
    """Sorted, (m,)."""
    scores: Matrix
    """In [0, 1]; NaN: not recorded, (n, m)."""
    costs: Matrix
    """Dollars a query; NaN: not recorded, (n, m)."""
    texts: tuple[str, ...]
    """Prompts, maybe cut; empty where none is recorded, (n,)."""
    tags: tuple[str, ...]
    """What a user would say of the task: the column `task`, with the domain where a source has one task only, (n,)."""
    sizes: tuple[int, ...]
    """Characters of the whole prompt, (n,)."""
    list_prices: Matrix
    """Dollars a million tokens in and out; NaN: not known, (m, 2)."""
    latency_s: Matrix | None = None
    """Seconds; NaN: not recorded; None: of nobody, (n, m)."""
    answers: np.ndarray[tuple[int, int], np.dtype[np.object_]] | None = None
    """What each answered, as recorded (maybe cut), or None, (n, m)."""
    dates: tuple[str, ...] = ()
    """When each query was made (ISO), where it is recorded: for drift, (n,)."""
    checkable: tuple[bool, ...] = ()
    """Whether a check can follow an answer, as with code that tests can be run on; empty: of none, (n,)."""
    trials: int = 1
    """The most trials of a query at a model that were averaged; 1: nothing was tried again."""
    oddities: tuple[str, ...] = ()
    """What was handled while it was read, in words and with counts: nothing is dropped in silence."""

    def part(self, queries: Sequence[int]) -> Recorded:
        """The same with some of the queries, in the given order."""
        at = list(queries)
        return self._replace(
            ids=tuple(self.ids[n] for n in at),
            scores=self.scores[at],
            costs=self.costs[at],
            texts=tuple(self.texts[n] for n in at),
            tags=tuple(self.tags[n] for n in at),
            sizes=tuple(self.sizes[n] for n in at),
            latency_s=None if self.latency_s is None else self.latency_s[at],
            answers=None if self.answers is None else self.answers[at],
            dates=tuple(self.dates[n] for n in at) if self.dates else (),
            checkable=tuple(self.checkable[n] for n in at) if self.checkable else (),
        )

    def among(self, models: Sequence[int]) -> Recorded:
        """The same with some of the models, in the given order."""
        at = list(models)
        return self._replace(
            models=tuple(self.models[n] for n in at),
            scores=self.scores[:, at],
            costs=self.costs[:, at],
            list_prices=self.list_prices[at],
            latency_s=None if self.latency_s is None else self.latency_s[:, at],
            answers=None if self.answers is None else self.answers[:, at],
        )
