"""What always stands beside a policy that a check follows: fixed cascades, and one model tried again.

fixed cascade   the same models in the same order for every query, from cheap to dear, the best such list on the
                fitting part (FrugalGPT's cascade, arXiv 2305.05176, without its scorer: the check is the scorer)
retries         one model, asked up to so many times; the best model and number on the fitting part
oracle          the cheapest model that is right, asked alone
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from agora.bench.routing.checked import in_turn, reaching
from agora.bench.routing.full import Frontier, met, mixed
from agora.bench.routing.measures import Measured, nothing
from agora.bench.routing.stage import Stage

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Places

CASCADE: Final = "fixed cascade"
RETRIES: Final = "retries"
CHAINED: Final = (CASCADE, RETRIES)
_LONGEST: Final = 5
_KEPT: Final = 20
"""Lists that are made longer, for each dial of the grid."""
_TRIES: Final = (1, 2, 3, 5, 8)

Chain = tuple[int, ...]


def chained(name: str, stage: Stage, *, right: float) -> Frontier:
    """One of `CHAINED`, measured as policies are.

    Args:
        name: One of them.
        stage: What is recorded.
        right: How often the check is right.
    """
    grid, targets = ([nothing(stage.n) for _ in those] for those in (stage.frontier_dials, stage.setting.money))
    for fold in stage.folds:
        chains = _cascades(stage, fold.fitting, right) if name == CASCADE else _retries(stage)
        points = [_means(stage, fold.fitting, chain, right) for chain in chains]
        for into, dial in zip(grid, stage.frontier_dials, strict=True):
            worth = [score - dial * usd for usd, score in points]
            _put(into, _measured(stage, fold.measured, chains[worth.index(max(worth))], right), fold.measured)
        for into, target in zip(targets, stage.setting.money, strict=True):
            dear, cheap, share = met(points, target)
            first, other = (_measured(stage, fold.measured, chains[at], right) for at in (dear, cheap))
            _put(into, mixed(first, other, share), fold.measured)
    return Frontier(tuple(grid), stage.frontier_dials, tuple(targets), (0.0,) * len(targets), 0.0, 0.0)


def _retries(stage: Stage) -> list[Chain]:
    return [(model,) * tries for model in range(len(stage.arms)) for tries in _TRIES]


def _cascades(stage: Stage, places: Places, right: float) -> list[Chain]:
    """Lists from cheap to dear; the best ones at each dial are made longer by one model, and so on."""
    order = np.argsort(stage.costs[places].mean(axis=0), kind="stable").tolist()
    level: list[Chain] = [(model,) for model in order]
    known = {chain: _means(stage, places, chain, right) for chain in level}
    for _ in range(min(_LONGEST, len(order)) - 1):
        kept: dict[Chain, None] = {}
        for dial in stage.dials:
            worth = [dial * usd - score for usd, score in (known[chain] for chain in level)]
            kept.update((level[at], None) for at in sorted(range(len(level)), key=worth.__getitem__)[:_KEPT])
        level = [(*chain, model) for chain in kept for model in order[order.index(chain[-1]) + 1 :]]
        known.update((chain, _means(stage, places, chain, right)) for chain in level)
    return list(known)


def _means(stage: Stage, places: Places, chain: Chain, right: float) -> tuple[float, float]:
    """(dollars, score)."""
    score, usd, _ = in_turn(stage.scores[places][:, chain], stage.costs[places][:, chain], right=right)
    return float(usd.mean()), float(score.mean())


def _measured(stage: Stage, places: Places, chain: Chain, right: float) -> Measured:
    scores = stage.scores[places][:, chain]
    score, usd, calls = in_turn(scores, stage.costs[places][:, chain], right=right)
    reached = reaching(scores, right=right)[0]
    dearest = reached[:, chain.index(stage.dearest)] if stage.dearest in chain else np.zeros(len(places))
    return Measured(score, usd, dearest, calls)


def _put(into: Measured, part: Measured, places: Places) -> None:
    for whole, values in zip(into, part, strict=True):
        whole[places] = values
