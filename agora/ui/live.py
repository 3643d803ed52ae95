"""New events of a run, or of all, while they happen: server-sent events (WHATWG HTML, 9.2), read from the ledger.

Whoever writes the ledger does not know that somebody looks on: it is asked again and again for what is new, each time
for a bounded number of entries, in a thread. A stream ends after a while, and the browser takes it up where it was.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Sequence
from itertools import islice
from typing import Final, NamedTuple

import anyio
import anyio.to_thread

from agora.events import Done
from agora.protocols import Store
from agora.records import Recorded
from agora.traces.told.wording import visible

POLL_S: Final = 0.5
"""How long after one look at the ledger the next one comes."""
MOST_ENTRIES: Final = 200
"""So many entries are read at one look at most."""
STREAM_S: Final = 900.0
"""After so long a stream ends."""
BEAT_S: Final = 15.0
"""After so long without anything new a reader is told that the connection stands."""
MOST_STREAMS: Final = 16
"""So many streams at once at most."""
RETRY_MS: Final = 2_000
"""How long a browser waits before it takes a stream up again."""
OVERALL: Final = frozenset({"started", "joined", "left", "posted", "awarded", "task_done", "asked", "resumed", "done"})
"""What is told of all runs together."""


class Streams:
    """How many streams there are."""

    def __init__(self, most: int = MOST_STREAMS) -> None:
        self._most = most
        self._open = 0

    @property
    def full(self) -> bool:
        """Whether there may be no further one now."""
        return self._open >= self._most

    def take(self) -> bool:
        """Take a place; False: there is none."""
        if self.full:
            return False
        self._open += 1
        return True

    def give_back(self) -> None:
        """One fewer."""
        self._open -= 1


class Feed(NamedTuple):
    """What a stream is of."""

    store: Store
    """With the ledger."""
    run: str | None
    """One run; None: all."""
    after: int
    """The last position that the reader knows."""

    def read(self, after: int) -> Sequence[Recorded]:
        """What stands after a position, bounded."""
        kinds = None if self.run is not None else OVERALL
        return list(islice(self.store.events(self.run, after=after, kinds=kinds), MOST_ENTRIES))


async def stream(feed: Feed, *, closing: Callable[[], bool]) -> AsyncGenerator[bytes]:
    """What a browser is sent.

    Args:
        feed: Of what.
        closing: Whether the server is about to end.
    """
    yield f"retry: {RETRY_MS}\n\n".encode()
    after, begun, beat = feed.after, anyio.current_time(), anyio.current_time()
    while not closing() and anyio.current_time() - begun < STREAM_S:
        entries = await anyio.to_thread.run_sync(feed.read, after, abandon_on_cancel=True)
        for entry in entries:
            after = entry.seq
            yield told(entry)
            if feed.run is not None and isinstance(entry.event, Done):
                yield b"event: end\ndata: {}\n\n"
                return
        if entries:
            beat = anyio.current_time()
        elif anyio.current_time() - beat >= BEAT_S:
            beat = anyio.current_time()
            yield b": still here\n\n"
        if len(entries) < MOST_ENTRIES:
            await anyio.sleep(POLL_S)


def told(entry: Recorded) -> bytes:
    r"""One entry as it is sent: JSON in ASCII on one line, nothing in it that could end it early.

    >>> told(Recorded(seq=3, run="a", at_us=0, hash="", event=None))
    b'id: 3\ndata: {"seq": 3, "run": "a", "at_us": 0, "kind": "erased", "task": ""}\n\n'
    """
    event = entry.event
    data = {
        "seq": entry.seq,
        "run": entry.run,
        "at_us": entry.at_us,
        "kind": event.kind if event else "erased",
        "task": visible(event.task)[:200] if event else "",
    }
    return f"id: {entry.seq}\ndata: {json.dumps(data)}\n\n".encode("ascii")
