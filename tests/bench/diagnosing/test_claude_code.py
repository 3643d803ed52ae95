"""Claude Code's sessions: each reply once, dollars at list prices, failures and retries where they were."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from agora.bench.diagnosing.attempts import Log
from agora.bench.diagnosing.claude_code import Rates, read_claude_code
from agora.bench.diagnosing.diagnosis import diagnose_log
from agora.bench.diagnosing.reading import form_of, read_log

RATES = Rates(read=3.0, wrote=15.0, cache_read=0.3, cache_wrote=3.75)


def _reply(id: str, model: str, *, wrote: int = 100, session: str = "s1", **more: object) -> dict[str, object]:
    usage = {
        "input_tokens": 10,
        "output_tokens": wrote,
        "cache_read_input_tokens": 1_000_000,
        "cache_creation_input_tokens": 0,
    }
    message: dict[str, object] = {"id": id, "model": model, "role": "assistant", "content": [], "usage": usage}
    return {"type": "assistant", "sessionId": session, "requestId": f"r-{id}", "message": message, **more}


def _tool(*, error: bool) -> dict[str, object]:
    content = [{"type": "tool_result", "tool_use_id": "t", "content": "x", "is_error": error}]
    return {"type": "user", "sessionId": "s1", "message": {"role": "user", "content": content}}


SESSION: list[Mapping[str, object]] = [
    {"type": "summary", "summary": "a talk", "leafUuid": "u"},
    {"type": "user", "sessionId": "s1", "message": {"role": "user", "content": "mend it"}},
    {"type": "system", "subtype": "api_error", "sessionId": "s1", "retryAttempt": 1, "error": {"status": 529}},
    {"type": "system", "subtype": "api_error", "sessionId": "s1", "retryAttempt": 2, "error": {"status": 529}},
    _reply("m1", "sonnet", wrote=3),
    _reply("m1", "sonnet", wrote=200),
    _tool(error=True),
    _tool(error=False),
    _reply("m2", "haiku"),
    {
        "type": "assistant",
        "sessionId": "s1",
        "uuid": "e",
        "isApiErrorMessage": True,
        "error": "rate_limit",
        "message": {"model": "<synthetic>", "content": [{"type": "text", "text": "API Error"}]},
    },
    {
        "type": "user",
        "sessionId": "s1",
        "message": {"role": "user", "content": [{"type": "text", "text": "[Request interrupted by user]"}]},
    },
]


def _written(folder: Path, lines: list[Mapping[str, object]], name: str = "s1.jsonl") -> Path:
    path = folder / "-home-me-project" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def _read(folder: Path) -> Log:
    assert form_of(folder) == "claude-code"
    return read_log(folder, "claude-code", prices=lambda model: RATES if model in ("sonnet", "haiku") else None)


def test_a_reply_on_several_lines_counts_once_with_its_last_usage(tmp_path: Path) -> None:
    _written(tmp_path, SESSION)
    sonnet, haiku, error = _read(tmp_path).attempts
    assert (sonnet.model, sonnet.output_tokens, sonnet.retries) == ("sonnet", 200, 2)
    assert sonnet.usd == pytest.approx((10 * 3 + 0.3e6 + 200 * 15) / 1e6)
    assert sonnet.input_tokens == 1_000_010
    assert haiku.retries == 0
    assert (error.model, error.failed, error.usd) == ("<synthetic>", "rate_limit", None)


def test_tool_errors_stops_and_sessions_are_counted(tmp_path: Path) -> None:
    _written(tmp_path, SESSION)
    _written(tmp_path / "sub", [_reply("m9", "haiku", session="s2")], "agent-1.jsonl")
    found = _read(tmp_path)
    assert found.counts == {
        "sessions": 2,
        "sessions with several models": 1,
        "tool calls that failed": 1,
        "stopped by a person": 1,
    }
    assert found.listed


def test_what_cannot_be_said_is_said_with_what_can_be(tmp_path: Path) -> None:
    _written(tmp_path, SESSION)
    found = diagnose_log(_read(tmp_path))
    assert found.pool is None
    assert "cannot be said from this log" in found.conclusion
    assert "at list prices" in found.conclusion
    assert "agora bench live" in found.missing[0]


def test_recorded_dollars_are_taken_before_any_list(tmp_path: Path) -> None:
    path = _written(tmp_path, [_reply("m1", "sonnet", costUSD=1.25, durationMs=2000)])
    found = read_claude_code([path], "s", prices=lambda _: RATES)
    (one,) = found.attempts
    assert (one.usd, one.seconds) == (1.25, 2.0)
    assert not found.listed


def test_a_model_without_a_list_price_is_named_and_torn_lines_are_counted(tmp_path: Path) -> None:
    path = _written(tmp_path, [_reply("m1", "opus")])
    path.write_text(path.read_text() + '{"type": "assist\n[1]\n')
    found = _read(tmp_path)
    assert found.attempts[0].usd is None
    assert found.oddities == (
        "no list price is known of opus: their dollars are missing",
        "2 lines that cannot be read (first: s1.jsonl, line 2)",
    )
