"""What becomes of a query at a router: who is asked, what is handed in, what it takes. In expectation, without a draw.

A router that escalates is followed move by move (`Escalating`); any other is asked for one choice, whose chances weigh
what is recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from agora.bench.routing.folds import numbers
from agora.bench.routing.measures import Measured, nothing
from agora.bench.routing.stage import Stage
from agora.coordinator.routers.seam import Escalating, Query, Router, Seen

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix, Places


def asked(router: Router, stage: Stage, queries: Sequence[Query], places: Places, *, dial: float) -> tuple[Measured]:
    """Some queries at one setting, nobody checking the answers.

    Args:
        router: Fitted; nothing is learned.
        stage: What is recorded.
        queries: All of them, (n,).
        places: Which of them, (k,).
        dial: Reward that a dollar takes away.
    """
    if isinstance(router, Escalating):
        return (_walked(router, stage, queries, places, dial=dial),)
    chances = np.empty((len(places), len(stage.arms)))
    for row, place in enumerate(numbers(places)):
        choice = router.choose(queries[place], stage.arms, dial=dial, draw=float(stage.draws[place]))
        chances[row] = choice.chances
    return (weighed(chances, stage, places),)


def weighed(chances: Matrix, stage: Stage, places: Places) -> Measured:
    """What asking one model by lot comes to.

    Args:
        chances: Of each model at each query, (k, m).
        stage: What is recorded.
        places: Of the queries, (k,).
    """
    return Measured(
        score=(chances * stage.scores[places]).sum(axis=1),
        usd=(chances * stage.costs[places]).sum(axis=1),
        dearest=chances[:, stage.dearest],
        calls=np.ones(len(places)),
    )


def _walked(router: Escalating, stage: Stage, queries: Sequence[Query], places: Places, *, dial: float) -> Measured:
    made, answers = nothing(len(places)), stage.answers
    for row, place in enumerate(numbers(places)):
        seen: list[Seen] = []
        draw = float(stage.draws[place])
        while True:
            move = router.proceed(queries[place], stage.arms, seen, dial=dial, draw=draw)
            if move.ask is None or len(seen) >= 2 * len(stage.arms):
                break
            seen.append(Seen(move.ask, None, None if answers is None else answers[place, move.ask]))
        if not seen:
            continue
        at = [one.place for one in seen]
        made.score[row] = stage.scores[place, at[-1 if move.hand_in is None else move.hand_in]]
        made.usd[row] = stage.costs[place, at].sum()
        made.dearest[row] = stage.dearest in at
        made.calls[row] = len(at)
    return made
