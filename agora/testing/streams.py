"""Event streams of an OpenAI-compatible endpoint, whole and broken: behaviours for `FaultyEndpoint`.

A stream is whole when a finish reason came, [DONE] after it, and nothing that contradicts them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from agora.testing.exchange import DRIP_S, Behaviour, Exchange

WORDS = ("hello ", "brave ", "new ", "world")
"""What the streams say, piece by piece."""
DONE = b"data: [DONE]\n\n"
"""The end mark of a stream."""
USAGE: Mapping[str, object] = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
"""What a stream that counts says it took."""


def event(
    content: str | None = None,
    *,
    finish: str | None = None,
    tool_calls: Sequence[Mapping[str, object]] = (),
    logprobs: Sequence[Mapping[str, object]] = (),
    model: str = "test",
) -> dict[str, Any]:
    """One chunk of an answer, as its object."""
    delta: dict[str, object] = {} if content is None else {"role": "assistant", "content": content}
    if tool_calls:
        delta["tool_calls"] = list(tool_calls)
    choice: dict[str, object] = {"index": 0, "delta": delta, "finish_reason": finish}
    if logprobs:
        choice["logprobs"] = {"content": list(logprobs)}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [choice]}


def bill(usage: Mapping[str, object] = USAGE) -> dict[str, Any]:
    """The chunk that says what an answer took."""
    return {**event(), "choices": [], "usage": dict(usage)}


def spoken(*words: str) -> tuple[dict[str, Any], ...]:
    """The chunks with text."""
    return tuple(event(word) for word in words or WORDS)


def wire(body: Mapping[str, Any]) -> bytes:
    """A chunk as it goes over the wire."""
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def streamed(*parts: bytes | Mapping[str, Any], chunked: bool = True, end: bool = True) -> Behaviour:
    """Send these parts as an event stream.

    Args:
        parts: Chunks, or raw bytes.
        chunked: False: no transfer coding, so that nothing but the stream itself tells where it ends.
        end: False: the connection ends without the last (empty) chunk of the transfer coding.
    """

    def send(exchange: Exchange) -> None:
        begin(exchange, chunked=chunked)
        for part in parts:
            push(exchange, part if isinstance(part, bytes) else wire(part), chunked=chunked)
        if end and chunked:
            exchange.write(b"0\r\n\r\n")
        exchange.close()

    return send


def begin(exchange: Exchange, *, chunked: bool = True) -> None:
    """The head of an event stream."""
    headers = {"Content-Type": "text/event-stream", "Connection": "close"}
    exchange.start({**headers, "Transfer-Encoding": "chunked"} if chunked else headers)


def push(exchange: Exchange, data: bytes, *, chunked: bool = True) -> None:
    """More of an event stream."""
    exchange.write(b"%x\r\n%s\r\n" % (len(data), data) if chunked else data)


def _row(word: str) -> dict[str, object]:
    row = {"token": word, "logprob": -0.1, "bytes": None}
    return {**row, "top_logprobs": [row]}


def _wish(arguments: str, **more: object) -> dict[str, Any]:
    return event(tool_calls=[{"index": 0, **more, "function": {"name": "read_file" if more else None,
                                                               "arguments": arguments}}])  # fmt: skip


def _stall(exchange: Exchange) -> None:
    begin(exchange)
    push(exchange, wire(event("hello ")))
    exchange.closing.wait()
    exchange.close()


def _drip(exchange: Exchange) -> None:
    begin(exchange)
    while not exchange.closing.wait(DRIP_S):
        push(exchange, wire(event("x ")))
    exchange.close()


def _comments(exchange: Exchange) -> None:
    begin(exchange)
    while not exchange.closing.wait(DRIP_S):
        push(exchange, b": still thinking\n\n")
    exchange.close()


def _endless(exchange: Exchange) -> None:
    begin(exchange)
    part = wire(event("x" * 10_000))
    while not exchange.closing.is_set():
        push(exchange, part)
    exchange.close()


def _reset(exchange: Exchange) -> None:
    begin(exchange)
    push(exchange, wire(event("hello ")))
    exchange.reset()


_STOP = event(finish="stop")
_TAIL = (_STOP, bill(), DONE)
_ERROR = {"error": {"message": "the engine fell over", "type": "server_error", "code": 503}}

STREAMS: Mapping[str, Behaviour] = {
    "ok": streamed(*spoken(), *_TAIL),
    "without transfer coding": streamed(*spoken(), *_TAIL, chunked=False),
    "tool": streamed(
        _wish("", id="call_1", type="function"), _wish('{"pa'), _wish('th": "x"}'),
        event(finish="tool_calls"), bill(), DONE,
    ),
    "logprobs": streamed(*(event(word, logprobs=[_row(word)]) for word in ("hel", "lo")), *_TAIL),
    "length": streamed(*spoken(), event(finish="length"), bill(), DONE),
    "same finish twice": streamed(*spoken(), _STOP, *_TAIL),
    "comments between": streamed(b": wait\n\n", *spoken(), b": wait\n\n", *_TAIL),
    "surrogate": streamed(event("a\ud800b\0c"), *_TAIL),
    "other model": streamed(event("hello", model="cheaper-model"), *_TAIL),
    "repeating": streamed(*spoken(*["0, 0"] * 150), *_TAIL),
    "no usage": streamed(*spoken(), _STOP, DONE),
    "negative usage": streamed(*spoken(), _STOP, bill({"prompt_tokens": -5, "completion_tokens": -5}), DONE),
    "low usage": streamed(*spoken(), _STOP, bill({"prompt_tokens": 0, "completion_tokens": 0}), DONE),
}  # fmt: skip
"""Streams that are whole, by name; their bills need not be right."""

STREAM_FAULTS: Mapping[str, Behaviour] = {
    "no end": streamed(*spoken()),
    "no end, no transfer coding": streamed(*spoken(), chunked=False),
    "no finish": streamed(*spoken(), bill(), DONE),
    "no done": streamed(*spoken(), _STOP, bill(), chunked=False),
    "cut": streamed(*spoken(), end=False),
    "cut in an event": streamed(*spoken(), wire(event("more"))[:40], chunked=False),
    "reset": _reset,
    "error": streamed(*spoken(), _ERROR),
    "error and done": streamed(*spoken(), _ERROR, *_TAIL),
    "error at once": streamed(_ERROR),
    "stall": _stall,
    "drip": _drip,
    "only comments": _comments,
    "endless": _endless,
    "two finishes": streamed(*spoken(), _STOP, event(finish="length"), bill(), DONE),
    "text after the end": streamed(*spoken(), _STOP, event("more"), bill(), DONE),
    "odd finish": streamed(*spoken(), event(finish="moonshine"), bill(), DONE),
    "garbage": streamed(*spoken(), b"data: {not json\n\n", *_TAIL),
    "no text": streamed(event(""), *_TAIL),
    "only the end": streamed(DONE),
    "no events": streamed(b"<html>not a stream</html>"),
    "nothing": streamed(chunked=False),
}
"""Streams that must never become a reply, by name."""
