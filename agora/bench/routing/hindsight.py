"""One model for a whole stream, chosen with all its outcomes known: what stands beside policies that learn.

best single   the most reward (score - lambda x dollars) over the stream; under a shared budget the most score that the
              money pays for, if it is spent as the queries come
cheapest      the fewest dollars over the stream

Nobody who meets the stream can choose so; a learner that does better than the best single model tells queries apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from agora.bench.routing.stage import Stage
from agora.bench.routing.standing import CHEAPEST, SINGLE
from agora.bench.routing.worlds import world

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Vector

KNOWN: Final[Mapping[str, str]] = MappingProxyType(
    {
        SINGLE: "in a stream: one model for all of it, the best there, known in hindsight",
        CHEAPEST: "in a stream: one model for all of it, the cheapest there, known in hindsight",
    }
)
"""Who is chosen so, and what is said of it."""


def chosen(name: str, stage: Stage, protocol: str, seed: int, *, share: float | None = None) -> str:
    """The model of one stream.

    Args:
        name: One of `KNOWN`.
        stage: What is recorded.
        protocol: One of `worlds.STREAMS`.
        seed: Of the stream.
        share: Dollars a query that there are; None: there is no shared budget.
    """
    here = world(stage, protocol, seed)
    usd: Vector = here.costs.mean(axis=0)
    if name == CHEAPEST:
        worth = -usd
    elif share is None:
        worth = (here.scores - stage.setting.dial * here.costs).sum(axis=0)
    else:
        worth = here.scores.mean(axis=0) * share / np.maximum(usd, share)
    always = (here.alive > 0).all(axis=0)
    return stage.recorded.models[int(np.argmax(np.where(always, worth, -np.inf)))]
