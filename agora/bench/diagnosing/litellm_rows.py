"""LiteLLM's records of calls: rows of its proxy's LiteLLM_SpendLogs table, or what its callbacks log.

The table (schema.prisma of the proxy; `/spend/logs`, `/spend/logs/v2` or a dump of it as CSV) has `spend`, `startTime`,
`endTime`, `status`; callbacks write a StandardLoggingPayload (docs.litellm.ai/docs/proxy/logging_spec) with
`response_cost`. Both as a JSON array, an object with `data`, JSON lines or CSV.

Neither has scores. `score` in a row's `spend_logs_metadata` (what a client sends as metadata of its own) is taken as
one where it lies in [0, 1]; with stored messages, models that were asked the same then compare.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final, cast

from agora.bench.diagnosing.attempts import Attempt, Log
from agora.bench.diagnosing.objects import Object, digest, inner, moment, number, objects, read_json, text, whole
from agora.bench.routing.oddities import Oddities

_REDACTED: Final = "redacted-by-litellm"
_MISSING: Final = (
    "how well a call was answered: log a `score` in [0, 1] as spend_logs_metadata, and store prompts "
    "(general_settings.store_prompts_in_spend_logs), so that models that were asked the same can be compared"
)


def is_row(one: Object) -> bool:
    """Whether an object is such a row.

    >>> is_row({"request_id": "1", "model": "m", "spend": 0.1}), is_row({"model": "m"})
    (True, False)
    """
    return "model" in one and ("spend" in one or "response_cost" in one)


def read_litellm(paths: Iterable[Path], name: str) -> Log:
    """The calls in some files.

    Args:
        paths: Files of such rows.
        name: What to call them.

    Raises:
        ConfigError: One cannot be read.
    """
    odd = Oddities()
    attempts: list[Attempt] = []
    counts = {"answers from LiteLLM's cache": 0, "calls after a fallback": 0}
    seen: set[str] = set()
    for path in paths:
        for one in objects(path, odd):
            if not is_row(one):
                odd.count("objects that are no LiteLLM rows, left out", path.name)
                continue
            call = text(one, "request_id", "id", "litellm_call_id")
            if call and call in seen:
                odd.count("rows of a call that stands there already, left out", f"{path.name}: {call}")
                continue
            seen.add(call)
            metadata = inner(one, "metadata")
            fallback = bool(number(metadata, "attempted_fallbacks"))
            counts["answers from LiteLLM's cache"] += str(one.get("cache_hit", "")).lower() == "true"
            counts["calls after a fallback"] += fallback
            attempts.append(_attempt(one, metadata, odd, fallback=fallback))
    scored = any(one.score is not None for one in attempts)
    return Log(
        name=name,
        reader="LiteLLM spend log",
        unit="calls",
        attempts=attempts,
        counts={what: n for what, n in counts.items() if n},
        missing=() if scored else (_MISSING,),
        oddities=odd.told(),
    )


def _attempt(one: Object, metadata: Object, odd: Oddities, *, fallback: bool) -> Attempt:
    began, ended = moment(one, "startTime"), moment(one, "endTime")
    took = ended - began if began is not None and ended is not None and ended >= began else None
    usd = number(one, "spend", "response_cost")
    if usd is None:
        odd.count("calls without dollars", text(one, "request_id", "id"))
    return Attempt(
        model=text(one, "model", "model_group") or "(no model named)",
        query="" if fallback else _query(one),
        score=_score(metadata, odd),
        usd=usd,
        input_tokens=whole(one, "prompt_tokens"),
        output_tokens=whole(one, "completion_tokens"),
        seconds=took if took is not None else number(one, "response_time"),
        retries=whole(metadata, "attempted_retries") or 0,
        failed=_failed(one, metadata),
        tag=_tag(one),
    )


def _failed(one: Object, metadata: Object) -> str:
    status = text(one, "status") or text(metadata, "status")
    if status != "failure":
        return ""
    about = inner(one, "error_information") or inner(metadata, "error_information")
    return text(about, "error_class", "error_code") or text(one, "error_str") or "failed, the log does not say why"


def _query(one: Object) -> str:
    """What was asked, where it is stored."""
    asked = one.get("messages") or inner(one, "proxy_server_request").get("messages")
    if isinstance(asked, str):
        asked = read_json(asked) or asked
    if not asked or asked == "{}" or _REDACTED in str(asked):
        return ""
    return digest(asked)


def _score(metadata: Object, odd: Oddities) -> float | None:
    own = inner(metadata, "spend_logs_metadata")
    held = own.get("score")
    if held is None:
        return None
    if isinstance(held, bool):
        return float(held)
    found = number(own, "score")
    if found is None or found > 1:
        odd.count("scores outside 0..1, taken as unknown", repr(held)[:40])
        return None
    return found


def _tag(one: Object) -> str:
    tags = one.get("request_tags")
    if isinstance(tags, str):
        tags = read_json(tags)
    named = cast("list[object]", tags) if isinstance(tags, list) else []
    # the proxy itself puts the client's name among the tags
    return next((tag for tag in named if isinstance(tag, str) and not tag.startswith("User-Agent:")), "")
