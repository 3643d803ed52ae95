"""The response cache of `--cache`: where it is, and what is said of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from agora.cli.paint import err, safe
from agora.ledger.redact import Redactor
from agora.memory.location import database_url
from agora.settings import environment

if TYPE_CHECKING:
    from agora.cli.session import Session
    from agora.models.cache import ReplyCache
    from agora.protocols import ChatModel

FILE = "cache.db"
"""Beside the shared memory, and never inside it."""
CACHE_NOTE = "replies of earlier runs may stand in for calls (--cache): they are marked, and cost no dollars"
"""What the ledger says at the start of such a run."""


def cache_path(session: Session) -> Path:
    """Beside the database where that is a file; else where it would be."""
    database = session.database
    if "://" in database:
        env = {name: value for name, value in environment().items() if name != "AGORA_DB_URL"}
        database = database_url(env=env, cwd=session.root, home=Path.home())
    return Path(database).parent / FILE


@asynccontextmanager
async def cached(session: Session) -> AsyncGenerator[Callable[[ChatModel, str], ChatModel] | None]:
    """What is put around models where the settings want a cache; at the end, a word on what it did.

    Raises:
        ConfigError: The file cannot be used.
    """
    if not session.settings.cache:
        yield None
        return
    cache = _opened(session)
    try:
        yield cache.around
    finally:
        cache.close()
        _report(cache)


def forget_replies(session: Session) -> int:
    """Empty the cache; return how many replies there were.

    Raises:
        ConfigError: The file cannot be used.
    """
    if not cache_path(session).exists():
        return 0
    cache = _opened(session)
    try:
        return cache.clear()
    finally:
        cache.close()


def _opened(session: Session) -> ReplyCache:
    from agora.models.cache import ReplyCache

    return ReplyCache(cache_path(session), find_secrets=Redactor(session.secrets).text)


def _report(cache: ReplyCache) -> None:
    if cache.problem:
        err().print(f"warning: {safe(cache.problem)}")
    elif cache.hits + cache.misses:
        err().print(f"[quiet]response cache: {cache.hits} of {cache.hits + cache.misses} calls answered from it[/]")
