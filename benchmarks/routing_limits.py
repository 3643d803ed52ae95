"""What bounds routers on recorded outcomes: a table that knows everything, and how much more data would help.

    python benchmarks/routing_limits.py --data FOLDER [--money .001,.0016] [--policy knn,agora] [--features minilm]

"hindsight": the best table by task tag at each amount of money, fitted and measured on all queries: nothing that knows
only the tag can do better there, and nothing like it can be had beforehand. "learning curve": the same policies fitted
on a quarter, a half and all of each fitting part, measured on the fifth fold as ever; if the last doubling adds little,
more data of this kind will not help. "of the spread": how much of the differences between queries, within a tag, the
policy's expected success of the dearest model explains (R squared, on queries that it was not fitted on).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora.bench.routing.embedding import embedded
from agora.bench.routing.folds import numbers
from agora.bench.routing.full import frontier
from agora.bench.routing.measures import Measured
from agora.bench.routing.reading import read
from agora.bench.routing.slices import dense
from agora.bench.routing.stage import Setting, Stage, dial_of, money_of
from agora.bench.routing.units import maker
from agora.bench.routing.vectors import FEATURES

SHARES = (0.25, 0.5, 1.0)


def hindsight(stage: Stage, money: float) -> tuple[float, float]:
    """Score and dollars of the best table at so much money; between two dials a mixture."""
    tags = np.array(stage.recorded.tags)
    points: list[tuple[float, float]] = []
    for dial in np.concatenate([[0.0], np.geomspace(1e-3, 1e7, 400)]):
        score = usd = 0.0
        for tag in sorted(set(stage.recorded.tags)):
            of_tag = tags == tag
            mean, cost = stage.scores[of_tag].mean(axis=0), stage.costs[of_tag].mean(axis=0)
            best = int((mean - dial * cost).argmax())
            score, usd = score + mean[best] * of_tag.sum(), usd + cost[best] * of_tag.sum()
        points.append((usd / stage.n, score / stage.n))
    usds, scores = (np.array(values) for values in zip(*sorted(set(points)), strict=True))
    return float(np.interp(money, usds, scores)), min(money, float(usds[-1]))


def thinned(made: Stage, share: float) -> Stage:
    """A stage that is left with a part of each fitting part, drawn once."""
    rng = np.random.default_rng(7)
    keep = rng.random(made.n) < share
    made.folds = tuple(
        fold._replace(
            fitting=fold.fitting[keep[fold.fitting]],
            inner=fold.inner[keep[fold.inner]],
            setting=fold.setting[keep[fold.setting]],
        )
        for fold in made.folds
    )
    return made


def explained(stage: Stage, policy: str) -> float:
    """R squared within tags of the expected success of the dearest model."""
    said, place = np.zeros(stage.n), stage.dearest
    for number, fold in enumerate(stage.folds):
        router, queries = maker(policy, {})(), stage.queries(number)
        router.fit(stage.log(queries, fold.fitting))
        for n in numbers(fold.measured):
            terms = router.choose(queries[n], stage.arms, dial=0.0, draw=0.5).terms
            said[n] = float(terms["success"][place]) if "success" in terms else 0.0
    truth, tags = stage.scores[:, place].copy(), np.array(stage.recorded.tags)
    for tag in sorted(set(stage.recorded.tags)):
        of_tag = tags == tag
        truth[of_tag] -= truth[of_tag].mean()
        said[of_tag] -= said[of_tag].mean()
    return 1.0 - float(((truth - said) ** 2).sum() / (truth**2).sum())


def line(targets: Sequence[Measured]) -> str:
    """Scores and dollars at the amounts of money."""
    return "  ".join(f"{float(one.score.mean()):.4f} @ ${float(one.usd.mean()):.3g}" for one in targets)


def main() -> None:
    """Print all of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--money", default="")
    parser.add_argument("--policy", default="tag_table,knn,agora")
    parser.add_argument("--features", choices=FEATURES, default="svd")
    options = parser.parse_args()
    matrix = dense(read(options.data))
    money = tuple(float(one) for one in options.money.split(",") if one) or money_of(matrix)
    setting = Setting(money=money, dial=dial_of(matrix), seeds=1, features=options.features, said=True)
    vectors = embedded(matrix.texts) if options.features == "minilm" else None
    stage = Stage(matrix, setting, embedded=vectors)
    print(
        f"{matrix.name}: {stage.n} queries, {len(stage.arms)} models, money {', '.join(f'${one:g}' for one in money)}"
    )
    known = [hindsight(stage, one) for one in money]
    print("hindsight, table by tag     ", "  ".join(f"{score:.4f} @ ${usd:.3g}" for score, usd in known))
    for policy in options.policy.split(","):
        for share in SHARES:
            found = frontier(maker(policy, {}), thinned(Stage(matrix, setting, embedded=vectors), share))
            print(f"{policy:12} fitted on {share:4.0%} ", line(found.targets))
        print(f"{policy:12} of the spread   {explained(stage, policy):+.4f}")


if __name__ == "__main__":
    main()
