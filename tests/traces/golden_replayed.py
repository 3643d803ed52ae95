"""Replay all golden files, and make their runs again: `python -m traces.golden_replayed`, with PYTHONPATH=tests.

Prints one JSON object: what came of each. Sockets are refused while runs are replayed.
"""

from __future__ import annotations

import json
import lzma
import sys
import tempfile
from pathlib import Path
from typing import Any

import anyio

from agora.memory.ledger_file import LedgerFile
from agora.protocols import Store
from agora.traces.replay.diffing import parting
from agora.traces.replay.replaying import replay
from traces.golden_runs import GOLDEN, recorded, recorders


class Refused(BaseException):
    """Somebody wanted to talk to somebody; not an Exception, so that nobody in between catches it."""


_REFUSING = [False]


def _refuse(event: str, _arguments: tuple[Any, ...]) -> None:
    if _REFUSING[0] and event.startswith(("socket.", "subprocess.", "os.exec", "os.posix_spawn", "sqlite3.")):
        raise Refused(event)


def replayed(store: Store) -> dict[str, object]:
    """Each run of a ledger made again, without a call."""
    said: dict[str, object] = {}
    _REFUSING[0] = True
    try:
        for info in store.runs():
            found = replay(store, info.id)
            whole = found.diverged is None and not found.lacking  # last digits may differ with another numpy
            said[info.id] = found.made_again if whole else str(found)[:500]
    finally:
        _REFUSING[0] = False
    return said


async def _main() -> None:
    said: dict[str, object] = {}
    for name, record in recorders():
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"{name}.jsonl"
            file.write_bytes(lzma.decompress((GOLDEN / f"{file.name}.xz").read_bytes()))
            kept = LedgerFile.open(file)
            now = await recorded(record)
            then, fresh = ([info.id for info in store.runs()] for store in (kept, now))
            parts = [parting(kept.events(one), now.events(other)) for one, other in zip(then, fresh, strict=True)]
            said[name] = {"replayed": replayed(kept), "parts": [str(part)[:500] for part in parts if part]}
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    sys.addaudithook(_refuse)
    anyio.run(_main)
