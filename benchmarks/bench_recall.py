"""Recall among many remembered bids: milliseconds a query, and how many of the true nearest it finds.

    python benchmarks/bench_recall.py [ENTRIES] [--goals FILE ...] [--cache FOLDER] [--seed N]

Goals are drawn from a grammar, or taken from JSON lines and varied (`recall_goals.py`); each is embedded by the real
model, 5 to 15 ms of CPU, and kept in the folder for the next time. 200 queries are goals that nobody remembers.
Times are of one thread: medians, and the tenth percentile, which other programs on the machine disturb less.
"""

from __future__ import annotations

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))  # before numpy reads them

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import anyio
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora.ambient import SystemClock
from agora.events import Event
from agora.memory.embeddings import Embedder, loaded
from agora.memory.recall import Recalling
from agora.memory.shelf import Entry, Shelf
from agora.memory.sql_store import SQLStore
from agora.memory.vectors import Matrix, Vector, Vectors
from agora.testing.lessons import memory_update
from benchmarks.recall_goals import embedded, goals

QUERIES = 200
LIMIT = 8
MOST_STORED = 10_000
DEPTH = 32
BAR_MS = {10_000: 0.6, 100_000: 5.0}
BAR_RECALL = 0.99


def row(name: str, figure: str, bar: str = "") -> None:
    """One line of the table."""
    print(f"{name:52} {figure:34} {bar}")


def load() -> None:
    """What else the machine does."""
    row(f"load of this machine of {os.cpu_count()} CPUs, last minute", f"{os.getloadavg()[0]:7.2f}")


def timed(work: Callable[[int], object]) -> str:
    """Milliseconds of one thread's CPU for each query."""
    times: list[float] = []
    for number in range(QUERIES):
        began = time.thread_time()
        work(number)
        times.append((time.thread_time() - began) * 1000)
    return f"{np.median(times):7.3f} ms, p10 {np.quantile(times, 0.1):.3f}"


def found(vectors: Vectors, remembered: Matrix, asked: Matrix) -> float:
    """The share of the exact nearest eight that a search returns."""
    hits = 0
    for query in asked:
        cosines = remembered @ query
        least = np.partition(cosines, -LIMIT)[-LIMIT]
        hits += int((cosines[vectors.nearest(query, LIMIT)[0]] >= least - 1e-6).sum())
    return hits / (LIMIT * len(asked))


def search(texts: Sequence[str], remembered: Matrix, asked_texts: Sequence[str], asked: Matrix) -> None:
    """What is searched in memory: vectors alone, words alone, both."""
    count = len(texts)
    bar = next((f"bar <= {ms} ms" for size, ms in BAR_MS.items() if count == size), "")
    vectors = Vectors(remembered.shape[1])
    vectors.grow(count)
    vectors.put(slice(0, count), remembered)
    share = found(vectors, remembered, asked)
    row("share of the exact nearest 8 that is found", f"{share:7.4f}", f"bar >= {BAR_RECALL}")
    row("vectors: all cosines (exact)", timed(lambda number: np.argpartition(remembered @ asked[number], -LIMIT)))
    coarse = timed(lambda number: vectors.nearest(asked[number], LIMIT))
    row("vectors: signs, then exact cosines of the best", coarse, bar)
    shelf = Shelf(Recalling(capacity=count), dimensions=remembered.shape[1])
    began = time.thread_time()
    shelf.add(Entry(place + 1, "r", f"t{place}", text, remembered[place]) for place, text in enumerate(texts))
    list(shelf.search(asked_texts[0], asked[0], depth=DEPTH))
    row("reading all of them into memory, once a process", f"{time.thread_time() - began:7.2f} s")
    whole = timed(lambda number: list(islice(shelf.search(asked_texts[number], asked[number], depth=DEPTH), LIMIT)))
    row("words and vectors, fused", whole, bar)


class Ready:
    """The real model's vectors, made before: what is measured is the search, and a store is filled at once."""

    def __init__(self, model: Embedder, texts: Sequence[str], vectors: Matrix) -> None:
        self._model = model
        self._vectors: dict[str, Vector] = dict(zip(texts, vectors, strict=True))

    @property
    def name(self) -> str:
        """As the model's."""
        return self._model.name

    @property
    def dimensions(self) -> int:
        """As the model's."""
        return self._model.dimensions

    def embed(self, text: str) -> Vector:
        """The vector."""
        return self._vectors[text]

    def knows(self, text: str) -> bool:
        """Whether it is there."""
        return text in self._vectors


async def from_store(texts: Sequence[str], asked: Sequence[str], ready: Ready) -> None:
    """The whole of `SQLStore.recall` on SQLite, with and without embeddings."""
    with tempfile.TemporaryDirectory() as folder:
        ways: dict[str, Callable[[], Embedder | None]] = {
            f"SQLStore.recall of {len(texts)}, words and meaning": lambda: ready,
            f"SQLStore.recall of {len(texts)}, words only (FTS5)": lambda: None,
        }
        for name, embedder in ways.items():
            store = SQLStore.open(
                f"{folder}/agora.db",
                clock=SystemClock(),
                recalling=Recalling(capacity=len(texts)),
                embedder=embedder,
            )
            if not any(store.events()):
                await store.record("r", *(learned(place, text) for place, text in enumerate(texts)))
            began = time.thread_time()
            store.recall(asked[0])
            row(f"{name}: the first", f"{time.thread_time() - began:7.2f} s")
            row(name, timed(partial(_recall, store, asked)))
            await store.close()


def _recall(store: SQLStore, asked: Sequence[str], number: int) -> None:
    store.recall(asked[number], limit=LIMIT)


def learned(place: int, goal: str) -> Event:
    """One remembered bid."""
    return memory_update(task=f"t{place}", goal=goal)


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("entries", type=int, nargs="?", default=10_000)
    arguments.add_argument("--goals", type=Path, nargs="*", default=[])
    arguments.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "agora-bench-recall")
    arguments.add_argument("--seed", type=int, default=20261122)
    asked = arguments.parse_args()
    began = time.thread_time()
    embedder, trouble = loaded()
    loading = time.thread_time() - began
    if embedder is None:
        raise SystemExit(f"recall by meaning cannot be measured: {trouble}")
    load()
    texts = goals(asked.entries + QUERIES, asked.goals, seed=asked.seed)
    began = time.thread_time()
    vectors = embedded(texts, embedder, cache=asked.cache)
    mean = sum(map(len, texts)) / len(texts)
    row(f"{len(texts)} goals of {mean:.0f} characters", f"{time.thread_time() - began:7.1f} s to embed or read")
    row("loading the model, once a process", f"{loading:7.2f} s")
    row("embedding of one query", timed(lambda number: embedder.embed(f"{texts[number]} {number}")))
    asked_texts = texts[-QUERIES:]
    search(texts[:-QUERIES], vectors[:-QUERIES], asked_texts, vectors[-QUERIES:])
    ready = Ready(embedder, texts, vectors)
    anyio.run(from_store, texts[:-QUERIES][:MOST_STORED], asked_texts, ready)
    load()


if __name__ == "__main__":
    main()
