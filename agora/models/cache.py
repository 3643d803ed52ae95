"""A response cache for development: a run that is made again pays only for the steps that have changed.

A reply is kept by its logical step (task, phase, agent and number of the call at its desk) and by what was asked there,
so that equal prompts at different steps stay distinct: five samples of one prompt are five replies. It stands in a file
of its own, never in the ledger's database, and can be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Lock

import anyio.to_thread
from pydantic import ValidationError

from agora.abilities import StreamingModel
from agora.bids import Price
from agora.errors import ConfigError
from agora.messages import Message, Reply, Request
from agora.models.retries import call_of
from agora.protocols import ChatModel

MOST_BYTES = 200_000_000
"""Replies beyond this go, those first that were asked for longest ago."""
WAIT_S = 5.0
"""How long another process may keep the file locked."""
VERSION = 1
"""Of the form of the file and of its keys; a file of another version is emptied."""

_MODE = 0o600
_ROOM = 0.9
_SCHEMA = """
CREATE TABLE IF NOT EXISTS replies (
  key TEXT PRIMARY KEY, cap INTEGER NOT NULL, size INTEGER NOT NULL, used INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS replies_used ON replies (used, size);
"""
_NEXT = "(SELECT COALESCE(MAX(used), 0) + 1 FROM replies)"

FindsSecrets = Callable[[str], tuple[str, int]]
"""A text without its secrets, and how many there were."""


class ReplyCache:
    """Replies in one SQLite file that several processes may share.

    What goes wrong with it after it was opened costs no run anything: nothing is found then, and `problem` says why.

    Args:
        path: The file; it and its folder are made where they are missing, readable by their owner only.
        find_secrets: A reply that holds a secret is not kept: with the secret it must not be, and without it it would
            be another reply.
        most_bytes: The most that all replies together hold.

    Raises:
        ConfigError: The file cannot be used, with the mend.
    """

    def __init__(self, path: Path, *, find_secrets: FindsSecrets, most_bytes: int = MOST_BYTES) -> None:
        self._path = path
        self._find_secrets = find_secrets
        self._most_bytes = most_bytes
        self._lock = Lock()
        self.problem = ""
        """Why it has stopped; empty: it works."""
        self.hits = 0
        """How many replies were found."""
        self.misses = 0
        """How many were not."""
        try:
            self._db = self._open()
        except (sqlite3.Error, OSError) as error:
            why = f"cannot be used as a response cache ({error}): delete it, or run without --cache"
            raise ConfigError(str(path), why) from error

    def find(self, key: str, *, cap: int) -> Reply | None:
        """The reply of a step, where it would be the same under this output cap; None: it is not here.

        Args:
            key: From `step_key`.
            cap: The request's output cap, in tokens.
        """
        row: tuple[int, bytes] | None = None
        if not self.problem:
            try:
                with self._lock, self._db:
                    row = self._db.execute("SELECT cap, body FROM replies WHERE key = ?", (key,)).fetchone()
                    if row is not None:
                        self._db.execute(f"UPDATE replies SET used = {_NEXT} WHERE key = ?", (key,))
            except sqlite3.Error as error:
                self._stop(error)
        reply = _read(row[1]) if row is not None else None
        if row is not None and reply is not None and _same_under(cap, row[0], reply):
            self.hits += 1
            return reply.model_copy(update={"cached": True})
        self.misses += 1
        return None

    def keep(self, key: str, reply: Reply, *, cap: int) -> None:
        """Keep the reply of a step.

        Args:
            key: From `step_key`.
            reply: A whole one, as all are.
            cap: The output cap that it was asked under, in tokens.
        """
        body = reply.model_dump_json(exclude={"cached"})
        if self.problem or len(body) > self._most_bytes or self._holds_secret(reply):
            return
        row = (key, cap, len(body.encode()), body.encode())
        try:
            with self._lock, self._db:
                self._db.execute(f"INSERT OR REPLACE INTO replies VALUES (?, ?, ?, {_NEXT}, ?)", row)
                self._evict()
        except sqlite3.Error as error:
            self._stop(error)

    def clear(self) -> int:
        """Forget everything; return how many replies there were.

        Raises:
            ConfigError: The file cannot be written.
        """
        try:
            with self._lock, self._db:
                count: int = self._db.execute("DELETE FROM replies").rowcount
            self._db.execute("VACUUM")
        except sqlite3.Error as error:
            raise ConfigError(str(self._path), f"cannot be emptied ({error}): delete it") from error
        return count

    def close(self) -> None:
        """Let go of the file."""
        with self._lock, suppress(sqlite3.Error):
            self._db.close()

    def around(self, model: ChatModel, call: str) -> CachedModel:
        """The model behind the cache, for one attempt at a call: what a market's `wrap` is.

        Args:
            model: Asked where nothing is kept.
            call: The attempt's id: task/phase/agent/number, with "+1" and so on for a further attempt.
        """
        return CachedModel(model, self, call)

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # Before there is anything in it; SQLite gives its side files the mode of the file.
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE))
        self._path.chmod(_MODE)
        db = sqlite3.connect(self._path, timeout=WAIT_S, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=OFF")  # what a crash takes with it can be asked for again
            if db.execute("PRAGMA user_version").fetchone()[0] != VERSION:
                db.executescript(f"DROP TABLE IF EXISTS replies; {_SCHEMA} PRAGMA user_version = {VERSION};")
            db.execute("SELECT COUNT(*), SUM(size) FROM replies").fetchone()
        except sqlite3.Error:
            db.close()
            raise
        return db

    def _evict(self) -> None:
        total: int = self._db.execute("SELECT COALESCE(SUM(size), 0) FROM replies").fetchone()[0]
        if total <= self._most_bytes:
            return
        over = total - int(self._most_bytes * _ROOM)  # a little more than is needed, so that not every reply evicts
        gone: list[tuple[str]] = []
        for key, size in self._db.execute("SELECT key, size FROM replies ORDER BY used"):
            if over <= 0:
                break
            gone.append((key,))
            over -= size
        self._db.executemany("DELETE FROM replies WHERE key = ?", gone)

    def _holds_secret(self, reply: Reply) -> bool:
        written = [part for call in reply.tool_calls for part in (call.id, call.name, call.arguments)]
        tokens = "".join(row.token for row in reply.logprobs)
        return any(self._find_secrets(text)[1] for text in (reply.text, reply.model, tokens, *written))

    def _stop(self, error: sqlite3.Error) -> None:
        self.problem = f"{self._path}: the response cache stopped ({error}); calls were made as without it"


class CachedModel:
    """A chat model for one attempt at a call, whose reply may be in the cache.

    Only the first attempt looks: a further one is made because the first came to nothing.

    Args:
        model: Asked where nothing is kept.
        cache: Where replies are kept.
        call: The attempt's id.
    """

    def __init__(self, model: ChatModel, cache: ReplyCache, call: str) -> None:
        self._model, self._cache = model, cache
        self._step = call_of(call)
        self._first = call == self._step

    @property
    def name(self) -> str:
        """The model's."""
        return self._model.name

    def price(self) -> Price | None:
        """The model's."""
        return self._model.price()

    def bound_tokens(self, request: Request) -> int:
        """The model's."""
        return self._model.bound_tokens(request)

    async def complete(self, request: Request) -> Reply:
        """The kept reply, marked as such, or a call.

        Raises:
            ModelError: The call failed; failures are not kept.
        """
        return await self._find(request) or await self._keep(request, await self._model.complete(request))

    async def stream(self, request: Request, *, write: Callable[[str], None]) -> Reply:
        """The same; a kept reply, and that of a model that does not stream, comes in one piece.

        Raises:
            ModelError: The call failed.
        """
        kept = await self._find(request)
        if kept is None and isinstance(self._model, StreamingModel):
            return await self._keep(request, await self._model.stream(request, write=write))
        reply = kept or await self._keep(request, await self._model.complete(request))
        write(reply.text)
        return reply

    async def _find(self, request: Request) -> Reply | None:
        if not self._first:
            return None
        find = partial(self._cache.find, self._key(request), cap=request.max_tokens)
        return await anyio.to_thread.run_sync(find)

    async def _keep(self, request: Request, reply: Reply) -> Reply:
        keep = partial(self._cache.keep, self._key(request), reply, cap=request.max_tokens)
        await anyio.to_thread.run_sync(keep)
        return reply

    def _key(self, request: Request) -> str:
        return step_key(self._step, self._model.name, request)


def step_key(step: str, model: str, request: Request) -> str:
    """SHA-256 of a logical step and of what is asked there.

    Neither the output cap nor the deadline is part of it: both depend on what is left in purses and on the clock.

    Args:
        step: Id of the call: task/phase/agent/number.
        model: The model's name.
        request: What is asked.
    """
    asked = request.model_dump(mode="json", exclude={"messages", "deadline_s", "max_tokens", "dropped"})
    asked["messages"] = [_asked(message) for message in request.messages]
    return hashlib.sha256(json.dumps([VERSION, step, model, asked], sort_keys=True).encode()).hexdigest()


def _asked(message: Message) -> object:
    images = [hashlib.sha256(image.data).hexdigest() for image in message.images]
    return [message.model_dump(mode="json", exclude={"images"}), images]


def _same_under(cap: int, kept_cap: int, reply: Reply) -> bool:
    """Whether the answer would be the same: it ended by itself within the cap, or was cut at the same one."""
    return cap == kept_cap or (reply.finish != "length" and reply.usage.output_tokens <= cap)


def _read(body: bytes) -> Reply | None:
    try:
        return Reply.model_validate_json(body)
    except ValidationError:
        return None  # of another version of Agora: asked for again
