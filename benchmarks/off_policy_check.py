"""Off-policy estimates held against the truth, on the recorded decisions of a real router.

    python benchmarks/off_policy_check.py ../shared/data/logs/greenserv_bandit.csv.gz

The log (GreenServ's warm-up: 16 open models, 1,507 queries in each of five passes) has two rows for each pass and
query: one of a router that drew its model evenly (chance 1/16), one of an epsilon-greedy router. Rewards, in [0, 1],
are real: accuracy with energy, and the same whenever the same model got the same query.

A. Random rows as they were logged, 1/16 each. What a policy would have come to is known exactly for two: the
   epsilon-greedy router (its own row stands beside each random one) and the oracle (each query's best possible reward
   is on record); and for a coin thrown between them. The oracle's choice is known only where it was seen, so the model
   is not asked about it: ips and snips alone. Samples of rows without replacement; truth is that of all rows. The
   random draws are the same in all samples, so these samples are not as independent as those of B.
B. Full information: of each query the models whose reward is on record (4 to 10 of 16) are a small matrix that is
   known wholly. Queries are drawn with replacement, and a logged choice among the known models afresh: evenly, or
   skewed to three models (chances down to about .02). Truth is exact.

Reported for each target and estimator: truth, mean estimate less truth (bias), spread of the estimates, share of the
95 % intervals that hold the truth (normal, bootstrap), and the mean effective sample. n decisions a sample, so many
samples. Samples that `refusal` would refuse are counted and, in a second line, what the intervals of the others hold.

Code, thresholds and the reported seeds (0:1000) stood before the first run on them; choices were made on 90000:90050.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import numpy.typing as npt

from agora.traces.off_policy.estimators import Estimate, Logged, Method, Weighting, estimates, refusal, support_of

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

RESAMPLES = 200
METHODS: tuple[Method, ...] = ("ips", "snips", "dm", "dr")


class Rows(NamedTuple):
    """The log: a random row and an epsilon-greedy one for each pass and query."""

    models: list[str]
    random: Places
    reward: Floats
    greedy: Places
    greedy_reward: Floats
    best: Floats
    known: Floats
    """(queries, models) rewards on record; NaN where there is none."""


class Target(NamedTuple):
    """A policy and what it comes to."""

    truth: float
    draw: Callable[[np.random.Generator], Logged]
    methods: tuple[Method, ...] = METHODS


def read(path: Path) -> Rows:
    """The log as arrays."""
    with gzip.open(path, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    models = sorted({row["chosen_model"] for row in rows})
    place = {name: number for number, name in enumerate(models)}
    queries = {name: number for number, name in enumerate(sorted({row["query_id"] for row in rows}))}
    known = np.full((len(queries), len(models)), np.nan)
    sides: dict[str, dict[tuple[str, str], Mapping[str, str]]] = {"random": {}, "epsilon_greedy": {}}
    for row in rows:
        sides[row["algorithm"]][row["run_id"], row["query_index"]] = row
        known[queries[row["query_id"]], place[row["chosen_model"]]] = float(row["actual_reward"])
    keys = sorted(sides["random"])
    assert keys == sorted(sides["epsilon_greedy"]), "each random row has its epsilon-greedy one"
    random, greedy = ([side[key] for key in keys] for side in sides.values())
    return Rows(
        models,
        np.array([place[row["chosen_model"]] for row in random], dtype=np.int64),
        np.array([float(row["actual_reward"]) for row in random]),
        np.array([place[row["chosen_model"]] for row in greedy], dtype=np.int64),
        np.array([float(row["actual_reward"]) for row in greedy]),
        np.array([float(row["optimal_reward"]) for row in random]),
        known,
    )


def as_logged(rows: Rows, *, n: int) -> dict[str, Target]:
    """Part A: targets on the random rows."""
    count, k = len(rows.random), len(rows.models)
    even = np.full(count, 1 / k)
    greedy = np.eye(k)[rows.greedy]
    # Of the oracle only this is known of a row: whether the model that was drawn is the best one.
    oracle = np.zeros((count, k))
    oracle[np.arange(count), rows.random] = np.isclose(rows.reward, rows.best, atol=1e-9)

    def sampled(target: Floats) -> Callable[[np.random.Generator], Logged]:
        def draw(rng: np.random.Generator) -> Logged:
            at = rng.permutation(count)[:n]
            nothing = np.zeros(len(at))
            return Logged(rows.random[at], even[at], target[at], rows.reward[at], nothing.astype(np.int64), nothing)

        return draw

    said, best = float(rows.greedy_reward.mean()), float(rows.best.mean())
    return {
        "epsilon-greedy": Target(said, sampled(greedy)),
        "oracle": Target(best, sampled(oracle), ("ips", "snips")),
        "a coin between both": Target((said + best) / 2, sampled((greedy + oracle) / 2), ("ips", "snips")),
    }


def with_all_known(rows: Rows, *, n: int, skewed: bool) -> dict[str, Target]:
    """Part B: targets on the queries' known models, logged afresh."""
    known = ~np.isnan(rows.known)
    rewards = np.where(known, rows.known, 0.0)
    k = len(rows.models)
    liked = np.where(np.arange(k) % 5 == 0, 6.0, 1.0) if skewed else np.ones(k)
    logging = _rows_of_one(known * liked)
    means = rewards.sum(axis=0) / known.sum(axis=0)
    favourite = np.where(known, means, -1.0).argmax(axis=1)
    policies = {
        "always the best on average": np.eye(k)[favourite],
        "by softness of the averages": _rows_of_one(known * np.exp((means - means.max()) / 0.05)),
        "the worst on average": np.eye(k)[np.where(known, means, 2.0).argmin(axis=1)],
        "the best of each query": np.eye(k)[np.where(known, rows.known, -1.0).argmax(axis=1)],
    }
    ends = logging.cumsum(axis=1)

    def sampled(target: Floats) -> Callable[[np.random.Generator], Logged]:
        def draw(rng: np.random.Generator) -> Logged:
            at = rng.integers(0, len(rewards), n)
            drawn = np.minimum((rng.random(n)[:, None] >= ends[at]).sum(axis=1), k - 1).astype(np.int64)
            nothing = np.zeros(n)
            chance = logging[at, drawn]
            return Logged(drawn, chance, target[at], rewards[at, drawn], nothing.astype(np.int64), nothing)

        return draw

    return {
        name: Target(float((target * rewards).sum(axis=1).mean()), sampled(target)) for name, target in policies.items()
    }


def checked(target: Target, seeds: Sequence[int], *, weighting: Weighting) -> list[str]:
    """A line for each estimator."""
    found: dict[Method, list[Estimate]] = {method: [] for method in target.methods}
    refused, worth = list[bool](), list[float]()
    for seed in seeds:
        logged = target.draw(np.random.default_rng(seed))
        told = estimates(logged, seed=seed, most=1.0, resamples=RESAMPLES, weighting=weighting)
        refused.append(bool(refusal(logged)))
        worth.append(support_of(logged).ess)
        for method in target.methods:
            found[method].append(told[method])
    kept = [not one for one in refused]
    lines: list[str] = []
    for method, each in found.items():
        values = np.array([one.value for one in each])
        cells = [f"{target.truth:.4f}", f"{values.mean() - target.truth:+.4f}", f"{values.std(ddof=1):.4f}"]
        for which in ("normal", "bootstrap"):
            inside = [
                low <= target.truth <= high
                for low, high in (one.normal if which == "normal" else one.bootstrap for one in each)
            ]
            of_kept = [held for held, keep in zip(inside, kept, strict=True) if keep]
            cells.append(f"{np.mean(inside):.3f}" + (f" ({np.mean(of_kept):.3f})" if of_kept and any(refused) else ""))
        lines.append(f"{method} | {' | '.join(cells)} | {np.mean(worth):.0f} | {sum(refused)}")
    return lines


def _rows_of_one(weights: Floats) -> Floats:
    scaled: Floats = weights / weights.sum(axis=1, keepdims=True)
    return scaled


def main(path: Path, seeds: Sequence[int], sizes: Sequence[int], weighting: Weighting) -> None:
    """Print a table for each part and size."""
    rows = read(path)
    count = len(rows.random)
    print(f"{count} random rows, {len(rows.known)} queries, {len(rows.models)} models, {len(seeds)} samples of each")
    print("\nA, all random rows at once\n\n| target | truth | estimator | estimate [95 %, normal] | effective |")
    print("| --- | --- | --- | --- | --- |")
    for name, target in as_logged(rows, n=count).items():
        logged = target.draw(np.random.default_rng(seeds[0]))
        told = estimates(logged, seed=seeds[0], most=1.0, weighting=weighting)
        for method in target.methods:
            one = told[method]
            ends = f"[{one.normal[0]:.4f}, {one.normal[1]:.4f}]"
            print(f"| {name} | {target.truth:.4f} | {method} | {one.value:.4f} {ends} | {support_of(logged).ess:.0f} |")
    parts: list[tuple[str, Callable[[int], dict[str, Target]]]] = [
        ("A, samples of the random rows", lambda n: as_logged(rows, n=n)),
        ("B, logged evenly", lambda n: with_all_known(rows, n=n, skewed=False)),
        ("B, logged skewed", lambda n: with_all_known(rows, n=n, skewed=True)),
    ]
    for part, targets in parts:
        for n in sizes:
            print(f"\n{part}, n = {n}\n")
            print("| target | estimator | truth | bias | spread | normal | bootstrap | effective | refused |")
            print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
            for name, target in targets(n).items():
                for line in checked(target, seeds, weighting=weighting):
                    print(f"| {name} | {line} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?", default=Path("../shared/data/logs/greenserv_bandit.csv.gz"))
    parser.add_argument("--seeds", default="0:1000", help="first:end")
    parser.add_argument("--sizes", default="250,1000", help="decisions a sample")
    parser.add_argument("--clip", type=float)
    parser.add_argument("--switch", type=float)
    given = parser.parse_args()
    if not given.data.is_file():
        parser.error(f"{given.data} is not there: name the log")
    first, end = (int(part) for part in given.seeds.split(":"))
    main(
        given.data,
        range(first, end),
        [int(part) for part in given.sizes.split(",")],
        Weighting(clip=given.clip, switch=given.switch),
    )
