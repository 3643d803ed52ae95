"""Claude Code's session files: `~/.claude/projects/PROJECT/SESSION.jsonl`, those of subagents included.

Each line is an event. A reply of a model (`type` "assistant") stands on several lines, one for each part of it, with
the same `message.id`: it counts once, with the last usage. Dollars (`costUSD`) stand in old files only; else they are
list prices times tokens, where a list is given. `isApiErrorMessage` marks a call that came to nothing; lines of
`subtype` "api_error" are the retries before it or before a reply.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NamedTuple, cast

from agora.bench.diagnosing.attempts import Attempt, Log
from agora.bench.diagnosing.objects import Object, inner, number, objects, text, whole
from agora.bench.routing.oddities import Oddities

_SYNTHETIC: Final = "<synthetic>"
_STOPPED: Final = "[Request interrupted by user"
_MISSING: Final = (
    "how well anything was done, and the same work done by two models: sessions are work of one kind each; for a "
    "comparison run the same checked tasks with each model, as `agora bench live` does"
)


class Rates(NamedTuple):
    """List prices in dollars a million tokens."""

    read: float
    """Tokens read."""
    wrote: float
    """Tokens written."""
    cache_read: float
    """Tokens read from the provider's cache."""
    cache_wrote: float
    """Tokens written into it."""


Prices = Callable[[str], "Rates | None"]
"""Model -> its rates; None: not listed."""


class _Reply(NamedTuple):
    line: Object
    retries: int


def is_event(one: Object) -> bool:
    """Whether an object is a line of such a file.

    >>> is_event({"type": "assistant", "sessionId": "s", "message": {}})
    True
    """
    return isinstance(one.get("type"), str) and ("sessionId" in one or one.get("type") in ("summary", "assistant"))


def read_claude_code(paths: Iterable[Path], name: str, *, prices: Prices | None = None) -> Log:
    """The calls in some sessions.

    Args:
        paths: Session files.
        name: What to call them.
        prices: For calls whose dollars are not recorded; None: they stay unknown.

    Raises:
        ConfigError: A file cannot be read.
    """
    odd = Oddities()
    replies: dict[tuple[str, str], _Reply] = {}
    sessions: dict[str, set[str]] = {}
    counts = {"sessions": 0, "sessions with several models": 0, "tool calls that failed": 0, "stopped by a person": 0}
    for path in paths:
        retries = 0
        for one in objects(path, odd):
            if not is_event(one):
                odd.count("lines that are no Claude Code events, left out", path.name)
                continue
            retries += text(one, "subtype") == "api_error"
            _count(one, counts)
            if one.get("type") == "assistant":
                key = _key(one, len(replies))
                before = replies.get(key)
                replies[key] = _Reply(one, before.retries if before else retries)
                retries = 0
                sessions.setdefault(text(one, "sessionId") or path.name, set()).add(_model(one))
    rates = {model: prices(model) for model in sorted({_model(one.line) for one in replies.values()})} if prices else {}
    attempts = [_attempt(one, rates) for one in replies.values()]
    listed = any(one.usd is not None for one in attempts) and all(
        number(reply.line, "costUSD") is None for reply in replies.values()
    )
    unlisted = sorted({one.model for one in attempts if one.usd is None and one.output_tokens})
    if unlisted:
        odd.say(f"no list price is known of {', '.join(unlisted)}: their dollars are missing")
    counts["sessions"] = len(sessions)
    counts["sessions with several models"] = sum(len(models - {_SYNTHETIC}) > 1 for models in sessions.values())
    return Log(
        name=name,
        reader="Claude Code sessions",
        unit="calls",
        attempts=attempts,
        counts=counts,
        missing=(_MISSING,),
        listed=listed,
        oddities=odd.told(),
    )


def _key(one: Object, n: int) -> tuple[str, str]:
    """What is the same on all lines of a reply; a line without an id is a reply of its own."""
    message = text(inner(one, "message"), "id")
    return (message, text(one, "requestId")) if message else ("", text(one, "uuid") or str(n))


def _model(one: Object) -> str:
    return text(inner(one, "message"), "model") or "(no model named)"


def _count(one: Object, counts: dict[str, int]) -> None:
    if one.get("type") != "user":
        return
    held = inner(one, "message").get("content")
    if isinstance(held, str):
        counts["stopped by a person"] += held.startswith(_STOPPED)
        return
    for part in cast("list[object]", held) if isinstance(held, list) else []:
        if isinstance(part, dict):
            block = cast("Object", part)
            counts["tool calls that failed"] += block.get("type") == "tool_result" and block.get("is_error") is True
            counts["stopped by a person"] += text(block, "text").startswith(_STOPPED)


def _attempt(reply: _Reply, rates: dict[str, Rates | None]) -> Attempt:
    one, model = reply.line, _model(reply.line)
    usage = inner(one, "message", "usage")
    fresh, cached, kept, wrote = (
        whole(usage, field)
        for field in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")
    )
    failed = one.get("isApiErrorMessage") is True
    usd = number(one, "costUSD")
    rate = rates.get(model)
    if usd is None and rate is not None and usage:
        usd = (
            rate.read * (fresh or 0)
            + rate.cache_read * (cached or 0)
            + rate.cache_wrote * (kept or 0)
            + rate.wrote * (wrote or 0)
        ) / 1e6
    return Attempt(
        model=model,
        usd=usd,
        input_tokens=None if fresh is None else fresh + (cached or 0) + (kept or 0),
        output_tokens=wrote,
        seconds=None if (took := number(one, "durationMs")) is None else took / 1000,
        retries=reply.retries,
        failed=(text(one, "error") or "API error") if failed else "",
    )
