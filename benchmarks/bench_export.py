"""A ledger in and out: what it takes to export, open, import and rebuild a long one.

Run: python benchmarks/bench_export.py [ENTRIES]

Events are those of `bench_ledger.py`. CPU is that of the whole process; memory is the most that it held so far. Ratios
are to the time that Python's JSON parser takes for the same lines.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import anyio

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora.ambient import SystemClock
from agora.memory.ledger_file import LedgerFile
from agora.memory.rebuilding import rebuild
from agora.memory.sql_store import SQLStore
from agora.memory.taking_in import take_in
from agora.traces.exporting import Export, selected
from agora.traces.files import write_file
from benchmarks.bench_ledger import fill


def parsed(file: Path) -> None:
    """Read each line as JSON, which nobody who reads it can do without."""
    with file.open("rb") as stream:
        for line in stream:
            json.loads(line)


async def main(entries: int) -> None:
    """Print one line a step."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = SQLStore.open(folder / "a.db", clock=SystemClock())
        await fill(store, entries)
        file = folder / "all.jsonl"
        steps: dict[str, Callable[[], object]] = {
            "export": lambda: write_file(file, Export(store, selected(store, store, None)).lines()),
            "json.loads": lambda: parsed(file),
            "open": lambda: LedgerFile.open(file),
            "runs": lambda: LedgerFile.open(file).runs(),
            "import": lambda: take_in(LedgerFile.open(file), folder / "b.db"),
            "rebuild": lambda: rebuild(folder / "b.db", clock=SystemClock()),
        }
        took: dict[str, float] = {}
        for step, do in steps.items():
            began = time.process_time()
            do()
            took[step] = time.process_time() - began
            most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            ratio = took[step] / took["json.loads"] if "json.loads" in took else float("nan")
            print(f"{step:12} {took[step]:7.2f} s CPU  {ratio:6.1f} x parsing  at most {most:6.0f} MB")
        print(f"{store.size()} entries, {file.stat().st_size / 1e6:.0f} MB")
        await store.close()


if __name__ == "__main__":
    anyio.run(main, int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
