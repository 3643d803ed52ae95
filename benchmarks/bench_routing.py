"""Seconds and bytes of the bench of routers, and of a single choice.

    python benchmarks/bench_routing.py [--data FOLDER] [--seeds 20] [--whole]

"choose": one choice at 11 models and 64 features after 1,000 outcomes, the median of CPU time; linear policies are to
make 20,000 a second. "knn": among 10,000 queries that are remembered, 1 ms. "fit": full information of 1,500 queries at
49 models. "same": two benches of one seed differ in nothing but times. "whole", where it is asked for: the command with
all policies and protocols, on FOLDER or on a generated set of RouterBench's size (1,882 queries, 11 models), on 2
processes: 10 minutes and 1 GB, of all processes together.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora.bench.routing import made
from agora.bench.routing.made_world import MODELS, MadeModel
from agora.bench.routing.units import maker, routers
from agora.coordinator.routers.seam import Arms, Log, Outcome, Query, Router

LINEAR: Final = (
    *("greenserv_linucb", "greenserv_thompson", "greenserv_linear_epsilon", "global_linucb"),
    *("mixllm", "pilot", "llm_bandit", "barp"),
)
"""Policies whose choice is a product of a vector and a matrix, those of them that are there."""
ARMS, FEATURES, REMEMBERED, TIMES = 11, 64, 10_000, 2_000
FITTED, FITTED_ARMS = 1_500, 49
BAR_A_SECOND, BAR_KNN_MS, BAR_WHOLE_S, BAR_BYTES = 20_000, 1.0, 600.0, 1_000_000_000


def queries(n: int, seed: int = 0) -> list[Query]:
    """Unit vectors under a few tags."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, FEATURES))
    x /= np.sqrt((x * x).sum(axis=1, keepdims=True))
    return [Query(row, tag=f"tag {at % 4}", size=100.0) for at, row in enumerate(x)]


def arms(m: int) -> Arms:
    """Models by number, with prices."""
    return Arms([f"model {at}" for at in range(m)], cost=np.geomspace(0.0001, 0.02, m))


def taught(name: str, outcomes: int = 1_000) -> tuple[Router, list[Query], Arms]:
    """A router that has learned from so many outcomes."""
    router, asked, among = maker(name, {})(), queries(outcomes), arms(ARMS)
    rng = np.random.default_rng(1)
    for at, query in enumerate(asked):
        arm = int(rng.integers(ARMS))
        router.learn(query, among.keys[arm], Outcome(float(rng.random() < (arm + at % 4) / 14), float(among.cost[arm])))
    return router, asked, among


def choice_us(router: Router, asked: Sequence[Query], among: Arms) -> float:
    """Median CPU microseconds of `choose`, over batches of 50."""
    taken: list[float] = []
    for start in range(0, TIMES, 50):
        before = time.process_time()
        for at in range(start, start + 50):
            router.choose(asked[at % len(asked)], among, dial=25.0, draw=at / TIMES)
        taken.append((time.process_time() - before) / 50)
    return statistics.median(taken) * 1e6


def log_of(n: int, m: int) -> Log:
    """Full information."""
    rng = np.random.default_rng(2)
    return Log(queries(n), arms(m), (rng.random((n, m)) < 0.6).astype(float), rng.random((n, m)) / 100)


def print_choices() -> None:
    """A line a linear policy, and kNN's."""
    there = [name for name in LINEAR if name in routers()]
    for name in there:
        us = choice_us(*taught(name))
        met = "yes" if 1e6 / us >= BAR_A_SECOND else "NO"
        print(f"choose  {name:26} {us:7.1f} us, {1e6 / us:9,.0f} a second (at least {BAR_A_SECOND:,}: {met})")
    router, among = maker("knn", {})(), arms(ARMS)
    router.fit(log_of(REMEMBERED, ARMS))
    ms = choice_us(router, queries(50, 3), among) / 1e3
    print(
        f"knn     {REMEMBERED:,} neighbours {ms:.3f} ms (at most {BAR_KNN_MS:g}: {'yes' if ms <= BAR_KNN_MS else 'NO'})"
    )


def print_fits() -> None:
    """Seconds of fitting every router, the slowest first."""
    log, taken = log_of(FITTED, FITTED_ARMS), dict[str, float]()
    for name in routers():
        router, before = maker(name, {})(), time.process_time()
        router.fit(log)
        taken[name] = time.process_time() - before
    for name, seconds in sorted(taken.items(), key=lambda one: -one[1])[:8]:
        print(f"fit     {name:26} {seconds:7.3f} s CPU for {FITTED:,} x {FITTED_ARMS}")


def command(*words: str, out: Path) -> list[str]:
    """The bench as a process."""
    return [sys.executable, "-m", "agora", "bench", "routing", *words, "--out", str(out)]


def without_times(report: Path) -> object:
    """A report without what differs from run to run."""
    whole = json.loads(report.read_text())
    for entry in whole["entries"]:
        for name in ("us_a_decision", "us_to_learn", "fit_s"):
            entry.pop(name)
    return whole


def print_same() -> None:
    """Whether two runs agree."""
    with tempfile.TemporaryDirectory() as folder:
        reports: list[object] = []
        for at, workers in enumerate(("1", "2")):
            out = Path(folder) / str(at)
            words = ("--policy", "uniroute,greenserv_thompson", "--seeds", "2", "--workers", workers)
            subprocess.run(command(*words, out=out), check=True, capture_output=True)
            reports.append(without_times(out / "report.json"))
    print(f"same    two benches with equal seeds, on 1 process and on 2: {'yes' if reports[0] == reports[1] else 'NO'}")


def as_routerbench(folder: Path) -> Path:
    """A generated set of RouterBench's size."""
    models = dict(MODELS)
    for at in range(ARMS - len(MODELS)):
        models[f"made/extra-{at}"] = MadeModel(0.1 * (at + 1), 0.4 * (at + 1), 0.1 * at, 200)
    return made.write(made.rows(queries=1_882, models=models, name="sized"), folder)


def print_whole(data: Path | None, seeds: int) -> None:
    """Wall seconds, and the most bytes of all processes together."""
    with tempfile.TemporaryDirectory() as folder:
        source = data or as_routerbench(Path(folder))
        words = ("--data", str(source), "--policy", "all", "--seeds", str(seeds), "--workers", "2")
        began, most, before = time.monotonic(), 0, resource.getrusage(resource.RUSAGE_CHILDREN)
        with subprocess.Popen(
            command(*words, out=Path(folder) / "out"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as running:
            tree = psutil.Process(running.pid)
            while running.poll() is None:
                most = max(most, memory(tree))
                time.sleep(0.5)
        seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        met = "yes" if seconds <= BAR_WHOLE_S and most <= BAR_BYTES else "NO"
        print(f"whole   {len(routers())} policies, {seeds} seeds, {source.name}: {seconds:.0f} s, {most / 1e6:.0f} MB")
        print(f"        {cpu:.0f} s of CPU in all, which says more on a busy machine")
        print(f"        (at most {BAR_WHOLE_S:.0f} s and {BAR_BYTES / 1e6:.0f} MB: {met})")
        if running.returncode:
            sys.exit(f"the bench ended with {running.returncode}")


def memory(process: psutil.Process) -> int:
    """Bytes that a process and its children hold; what they share counts for each."""
    total = 0
    for one in (process, *process.children(recursive=True)):
        try:
            total += one.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def main() -> None:
    """Print the figures, a line each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--whole", action="store_true")
    given = parser.parse_args()
    print_choices()
    print_fits()
    print_same()
    if given.whole or given.data:
        print_whole(given.data, given.seeds)


if __name__ == "__main__":
    main()
