"""The auction on a real small model, against each agent alone, random and the same spend: a ladder of five bins.

    python benchmarks/ladder.py --seed 20261122 --each 20

The pool is the starter project's: SmolLM2-135M greedy, the same with checked samples, a linter and a search. The tasks
and their bins are those of ladder_tasks.py; another seed gives other tasks. Nothing is tuned on them, and nothing is
learned during the comparison. A seeded call that was made before is not made again: its tokens and seconds are booked
as they were, so that all ways stand on the same replies. Seconds are those inside models, tools and commands.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import anyio

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora.ambient import SystemClock
from agora.bench.comparing import Summary, only, summarise
from agora.bench.live import Lab, compare
from agora.bench.ways import Way
from agora.cli.definitions import load_mechanism
from agora.coordinator import Everyone
from agora.intervals import Interval, wilson
from agora.memory.in_memory import MemoryStore
from agora.memory.sql_store import SQLStore
from agora.messages import Reply
from agora.models.local import LocalModel
from agora.protocols import Clock, Store
from agora.sandbox import best_sandbox
from agora.settings import Settings
from agora.tasks import Task
from benchmarks.ladder_tasks import BINS, ladder
from benchmarks.variant_tasks import Variant
from benchmarks.variants import ROOT, starter_agents, write_files

ATTEMPTS = Settings().attempts
"""As the market's default: after a failure the same agent plans again, then the others are asked."""

_GROUPS = {
    **{f"bin {place}": (place,) for place in BINS},
    "code, bins 3 to 5": BINS[2:],
    "all bins": BINS,
}


@contextmanager
def laid_out(variants: Sequence[Variant]) -> Generator[list[Task]]:
    """The tasks, each with a workspace of its own and its verifier."""
    with tempfile.TemporaryDirectory(prefix="agora-ladder-") as base:
        tasks: list[Task] = []
        for variant in variants:
            folder = Path(base) / variant.task.id
            write_files(folder, variant.files)
            tasks.append(variant.task.model_copy(update={"workspace": str(folder), "verify": variant.check}))
        yield tasks


def fresh_store(record: Path | None, *, clock: Clock) -> Store:
    """A memory that knows nothing yet; in a file of its own where a record is kept."""
    if record is None:
        return MemoryStore(clock=clock)
    record.mkdir(exist_ok=True)
    return SQLStore.open(str(record / f"{len(_files(record)):04}.db"), clock=clock)


async def known_replies(record: Path | None, *, clock: Clock) -> dict[str, dict[str, tuple[int, Reply]]]:
    """What the models answered in all runs of a record."""
    replies: dict[str, dict[str, tuple[int, Reply]]] = {}
    for file in _files(record):
        store = SQLStore.open(str(file), clock=clock)
        lab = Lab(tasks=(), budget_usd=Decimal(0), seed=0, store=store, replies=replies)
        for info in store.runs():
            lab.know(info.id)
        await store.close()
    return replies


def _files(record: Path | None) -> list[Path]:
    return [] if record is None else sorted(record.glob("*.db"))


def table(found: Sequence[Summary]) -> str:
    """A row for each way."""
    lines = [
        f"{'way':22} {'passed/n':>8}  rate  95 % interval   the auction passes more by    s/task  s/solved [95 %]"
        f"{'':9} tokens/task  bids"
    ]
    for one in found:
        solved = one.per_solved["seconds"]
        lines.append(
            f"{one.way.name:22} {one.rate * one.n:>4.0f}/{one.n:<3}  {one.rate:.2f}  [{one.low:.2f}, {one.high:.2f}]"
            f"   {_signed(one.behind):26}  {one.per_task['seconds']:6.2f}  {_ranged(solved):23}"
            f" {one.per_task['tokens']:8.0f}  {one.overhead.get('seconds', 0):6.0%}"
        )
    return "\n".join(lines)


def hindsight(alone: Sequence[Way]) -> str:
    """What choosing right every time would give: tasks that some agent passes alone."""
    tasks = {row.task for way in alone for row in way.rows}
    some = {row.task for way in alone for row in way.rows if row.passed}
    low, high = wilson(len(some), len(tasks))
    return (
        f"{'some agent alone':22} {len(some):>4}/{len(tasks):<3}  {len(some) / len(tasks):.2f}  [{low:.2f}, {high:.2f}]"
    )


async def main(seed: int, each: int, record: Path | None) -> None:
    """Measure and print."""
    clock = SystemClock()
    began_s = clock.monotonic_s()
    rungs = ladder(seed, each)
    agents = starter_agents(LocalModel())
    names = ", ".join(agent.profile.name for agent in agents)
    print(f"ladder: seed {seed}, {each} tasks in each of {len(BINS)} bins, n {len(rungs)}; agents {names}", flush=True)

    def said(way: Way) -> None:
        print(f"  after {clock.monotonic_s() - began_s:4.0f} s: {way.name}, {way.passed}/{len(way.rows)}", flush=True)

    with laid_out([variant for _, variant in rungs]) as tasks:
        replies = await known_replies(record, clock=clock)
        store = fresh_store(record, clock=clock)
        lab = Lab(tasks=tasks, budget_usd=Decimal(0), seed=seed, store=store, sandbox=best_sandbox(), replies=replies)
        mechanism = load_mechanism("sale", project=ROOT)
        ways = await compare(lab, agents, mechanism=mechanism, policy=Everyone(), attempts=ATTEMPTS, done=said)
        await store.close()
    alone = ways[1 : 1 + len(agents)]
    for name, places in _GROUPS.items():
        ids = frozenset(variant.task.id for of, variant in rungs if of in places)
        parts = [only(way, ids) for way in ways if not way.error]
        print(f"\n{name}, n {len(ids)}")
        print(table(summarise(parts, auction=parts[0], seed=seed)))
        print(hindsight([only(way, ids) for way in alone]))
    print()
    for way in ways:
        print(f"{way.name}: {way.how or way.error}")
    print(f"wall time {clock.monotonic_s() - began_s:.0f} s")


def _signed(value: Interval | None) -> str:
    return "" if value is None else f"{value.value:+.2f} [{value.low:+.2f}, {value.high:+.2f}]"


def _ranged(value: Interval | None) -> str:
    return "none solved" if value is None else f"{value.value:.2f} [{value.low:.2f}, {value.high:.2f}]"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The auction on a real small model, against simpler choices.")
    parser.add_argument("--seed", type=int, default=20_261_122)
    parser.add_argument("--each", type=int, default=20, help="tasks in each bin")
    parser.add_argument("--record", type=Path, help="keep the runs in this folder, and take equal calls from it")
    return parser.parse_args()


if __name__ == "__main__":
    given = _arguments()
    anyio.run(main, given.seed, given.each, given.record)
