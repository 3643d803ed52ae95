"""What a provider can do wrong, in one table by name: loud faults, cut answers, lying bills, hostile text.

Grown from the faults that litellm was measured against (reliability study, section 6.1). Each says what may come of it:
a reply, or an error; a reply where an error must come is a cut answer taken as whole. Faults of streams stand in
`agora.testing.streams`, answers that are well-formed and wrong in `agora.testing.chaos_wrong`.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal, NamedTuple

from agora.testing.exchange import DRIP_S, Behaviour, Exchange, answer, completion, refuse, text, tool

Fate = Literal["reply", "error", "either"]
"""What may come of a fault. "either": litellm decides, and both are safe."""

LIKE_30_MB = 30_000_000
"""Characters of an answer that no output cap allows."""


class Fault(NamedTuple):
    """One thing that a provider does wrong."""

    play: Behaviour
    """Does it."""
    fate: Fate
    """What must come of it."""
    about: str
    """What it does, in words."""
    structured: bool = False
    """It shows only where JSON was asked for."""
    hangs: bool = False
    """Nothing but the deadline ends it."""


def sent(body: bytes, *, status: int = 200, kind: str = "application/json") -> Behaviour:
    """These bytes as an answer."""
    return lambda exchange: exchange.send(body, status=status, kind=kind)


def without(body: dict[str, Any], *path: str | int) -> dict[str, Any]:
    """A body without one of its parts."""
    inner: Any = body
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return body


def used(read: object, wrote: object) -> Behaviour:
    """A good answer with this usage."""
    return answer(completion(usage={"prompt_tokens": read, "completion_tokens": wrote, "total_tokens": 12}))


def called(arguments: object, *, name: str | None = "read_file", finish: str = "tool_calls") -> Behaviour:
    """A tool call with arguments as the provider wrote them."""
    wish = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return answer(completion(None, finish=finish, tool_calls=[wish]))


def _hang(exchange: Exchange) -> None:
    exchange.closing.wait()
    exchange.close()


def _hang_inside(exchange: Exchange) -> None:
    exchange.send(b'{"id": ', length=1_000)
    _hang(exchange)


def _drip(exchange: Exchange) -> None:
    exchange.send(b"{", length=1_000_000)
    while not exchange.closing.wait(DRIP_S):
        exchange.write(b" ")
    exchange.close()


def _half(exchange: Exchange) -> None:
    body = json.dumps({**completion("hello " * 200), "model": "test"}).encode()
    exchange.send(body[: len(body) // 2], length=len(body))


def _cut(exchange: Exchange) -> None:
    _half(exchange)
    exchange.close()


def _reset_inside(exchange: Exchange) -> None:
    _half(exchange)
    exchange.reset()


def _bad_json(exchange: Exchange) -> None:
    exchange.send(_whole()[:-2])


def _garbage_in_the_body(exchange: Exchange) -> None:
    exchange.send(_whole() + b"}]garbage")


def _garbage_after_the_end(exchange: Exchange) -> None:
    body = _whole()
    exchange.send(body + b"HTTP/1.1 200 OK\r\n\r\ngarbage", length=len(body))
    exchange.close()


def _answer_after_the_end(exchange: Exchange) -> None:
    other = _whole("an answer to nobody's question")
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(other)
    body = _whole()
    exchange.send(body + head + other, length=len(body))


def _bad_status_line(exchange: Exchange) -> None:
    exchange.write(b"HTTP/1.1 two hundred\r\n\r\n")
    exchange.close()


def _plain_called_gzip(exchange: Exchange) -> None:
    exchange.send(_whole(), headers={"Content-Encoding": "gzip"})


@cache
def _long() -> bytes:
    return _whole("x" * LIKE_30_MB)


@cache
def _bomb() -> bytes:
    return gzip.compress(_long(), 1)


def _gzip_bomb(exchange: Exchange) -> None:
    exchange.send(_bomb(), headers={"Content-Encoding": "gzip"})


def _thirty_mb(exchange: Exchange) -> None:
    exchange.send(_long())


def _deep_json(exchange: Exchange) -> None:
    exchange.send(b'{"choices":' + b"[" * 200_000)


def _redirect(exchange: Exchange) -> None:
    exchange.send(b"", status=307, headers={"Location": exchange.path})


def _whole(content: str = "hello") -> bytes:
    return json.dumps({**completion(content), "model": "test"}).encode()


_LOGPROBS = [
    {"token": word, "logprob": -0.1, "bytes": None, "top_logprobs": [{"token": word, "logprob": -0.1, "bytes": None}]}
    for word in ("hel", "lo")
]
_OVERFLOW = "This model's maximum context length is 4096 tokens. However, your messages resulted in 9031 tokens."
_ENDED_TWICE: Sequence[Mapping[str, object]] = [
    {"index": place, "message": {"role": "assistant", "content": "hello"}, "finish_reason": finish}
    for place, finish in enumerate(("stop", "length"))
]

_IN_PARTS: Mapping[str, object] = {
    "index": 0,
    "message": {"role": "assistant", "content": [{"type": "text", "text": "hello"}]},
    "finish_reason": "stop",
}

GOOD: Mapping[str, Behaviour] = {
    "ok": text("hello"),
    "json": text('{"answer": 42}'),
    "tool": tool("read_file", {"path": "x"}),
    "logprobs": answer(completion(logprobs=_LOGPROBS)),
    "length": answer(completion("hello", finish="length")),
}
"""Answers that nothing is wrong with, by name."""

FAULTS: Mapping[str, Fault] = {
    "400": Fault(refuse(400, "bad request"), "error", "refuses the request"),
    "401": Fault(refuse(401, "invalid api key", code="invalid_api_key"), "error", "does not know the key"),
    "403": Fault(refuse(403, "not allowed"), "error", "does not allow the model"),
    "404": Fault(refuse(404, "no such model", code="model_not_found"), "error", "does not know the model"),
    "408": Fault(refuse(408, "request timeout"), "error", "says that it took too long"),
    "413": Fault(refuse(413, "too large"), "error", "says that the request is too large"),
    "429": Fault(refuse(429, "slow down", retry_after_s=0), "error", "asks for less, and says from when"),
    "429 bare": Fault(refuse(429, "slow down"), "error", "asks for less, and does not say from when"),
    "429 late": Fault(refuse(429, "slow down", retry_after_s=3600), "error", "asks to come back in an hour"),
    "500": Fault(refuse(500, "internal error"), "error", "breaks"),
    "502": Fault(
        sent(b"<html>Bad Gateway</html>", status=502, kind="text/html"),
        "error",
        "a proxy says in HTML that it breaks",
    ),
    "503": Fault(refuse(503, "overloaded"), "error", "has too much to do"),
    "504": Fault(refuse(504, "upstream timeout"), "error", "a proxy gave up on it"),
    "overflow": Fault(refuse(400, _OVERFLOW, code="context_length_exceeded"), "error", "the prompt does not fit"),
    "redirect": Fault(_redirect, "error", "sends the caller elsewhere, in a circle"),
    "reset": Fault(Exchange.reset, "error", "resets the connection before any answer"),
    "reset inside": Fault(_reset_inside, "error", "resets the connection in the middle of the body"),
    "cut": Fault(_cut, "error", "ends the connection in the middle of the body it promised"),
    "hang": Fault(_hang, "error", "says nothing, for ever", hangs=True),
    "hang inside": Fault(_hang_inside, "error", "says nothing more after the first bytes", hangs=True),
    "drip": Fault(_drip, "error", "sends a byte now and then, for ever", hangs=True),
    "bad status line": Fault(_bad_status_line, "error", "does not speak HTTP"),
    "garbage": Fault(sent(b"<html>not json</html>"), "error", "HTML that is called JSON"),
    "wrong type": Fault(
        sent(b"<html>log in first</html>", kind="text/html"),
        "error",
        "a captive portal's page with status 200",
    ),
    "empty body": Fault(sent(b""), "error", "status 200 and nothing else"),
    "bad json": Fault(_bad_json, "error", "JSON without its last two characters"),
    "json list": Fault(sent(b"[1, 2]"), "error", "JSON of another shape"),
    "deep json": Fault(_deep_json, "error", "JSON nested 200,000 levels deep"),
    "error in 200": Fault(
        sent(b'{"error": {"message": "it broke", "code": 500}}'), "error", "an error, status 200"
    ),
    "garbage inside": Fault(_garbage_in_the_body, "error", "a whole answer, and garbage behind it in the body"),
    "garbage after": Fault(_garbage_after_the_end, "either", "a whole answer, and bytes behind its end"),
    "answer after": Fault(_answer_after_the_end, "reply", "a whole answer, and a second one that nobody asked for"),
    "plain called gzip": Fault(_plain_called_gzip, "error", "says that the body is compressed, and it is not"),
    "gzip bomb": Fault(_gzip_bomb, "error", "30 kB that become 30 MB"),
    "30 MB": Fault(_thirty_mb, "error", "an answer of 30 MB"),
    "no usage": Fault(answer(without(completion(), "usage")), "reply", "no bill"),
    "null usage": Fault(answer({**completion(), "usage": None}), "reply", "a bill of null"),
    "negative usage": Fault(used(-5, -5), "reply", "a bill below nothing"),
    "low usage": Fault(
        answer(completion("one two three four", usage={"prompt_tokens": 0, "completion_tokens": 0})),
        "reply",
        "a bill of nothing",
    ),
    "huge usage": Fault(used(10**9, 10**9), "reply", "a bill for a billion tokens"),
    "absurd usage": Fault(used(10**30, 10**30), "either", "a bill that no column holds"),
    "text usage": Fault(used("9", "three"), "either", "a bill in words"),
    "nan usage": Fault(used(float("nan"), float("inf")), "either", "a bill that is not a number"),
    "no choices": Fault(answer({**completion(), "choices": []}), "error", "no choice in the answer"),
    "null choices": Fault(answer({**completion(), "choices": None}), "error", "null in the place of choices"),
    "no message": Fault(
        answer({**completion(), "choices": [{"index": 0, "finish_reason": "stop"}]}),
        "error",
        "a choice without a message",
    ),
    "null content": Fault(answer(completion(None)), "error", "null in the place of a text"),
    "empty content": Fault(answer(completion("")), "error", "a text of no characters"),
    "content list": Fault(
        answer({**completion(), "choices": [_IN_PARTS]}),
        "either",
        "a list of parts in the place of a text",
    ),
    "cut json": Fault(
        answer(completion('{"answer": 4', finish="length")), "error", "JSON that the output cap cut", structured=True
    ),
    "null finish": Fault(answer(completion(finish=None)), "error", "no reason why it ended"),
    "no finish": Fault(
        answer(without(completion(), "choices", 0, "finish_reason")), "error", "no field for why it ended"
    ),
    "odd finish": Fault(answer(completion(finish="moonshine")), "error", "a reason that nobody knows"),
    "filtered": Fault(answer(completion("hel", finish="content_filter")), "error", "a filter stopped it"),
    "two choices": Fault(answer({**completion(), "choices": _ENDED_TWICE}), "either", "two choices, one asked for"),
    "surrogate": Fault(text("a\ud800b\0c"), "reply", "a lone surrogate and NUL"),
    "other model": Fault(answer(completion(model="cheaper-model")), "reply", "another model answers"),
    "broken call": Fault(called('{"path": "x'), "reply", "a tool call whose arguments are not JSON"),
    "cut call": Fault(called('{"path": "x', finish="length"), "error", "a tool call that the output cap cut"),
    "odd call": Fault(called({"path": "x"}), "either", "a tool call whose arguments are an object, not a text"),
    "nameless call": Fault(called("{}", name=None), "either", "a tool call without a name"),
}  # fmt: skip
"""Every fault by name."""

BEHAVIOURS: Mapping[str, Behaviour] = {**GOOD, **{name: fault.play for name, fault in FAULTS.items()}}
"""Everything that the endpoint can do, by name."""
