"""One request to a fake provider, and the means to answer it well or badly; answers of the OpenAI form."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler
from threading import Event
from typing import Any

DRIP_S = 0.05
"""Between two bytes of a dripping answer."""


class Exchange:
    """One request and the means to answer it, well or badly.

    Args:
        handler: The connection.
        path: What was asked for.
        body: The parsed request; empty where it was not a JSON object.
        closing: Set when the endpoint stops.
    """

    def __init__(self, handler: BaseHTTPRequestHandler, path: str, body: Mapping[str, Any], closing: Event) -> None:
        self._handler = handler
        self.path = path
        self.body = body
        self.closing = closing

    @property
    def authorization(self) -> str:
        """What the client gave as its key, with the word before it."""
        return self._handler.headers.get("Authorization") or ""

    def json(self, body: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Send a whole JSON answer."""
        self.send(json.dumps(body).encode(), status=status, headers=headers)

    def send(
        self,
        body: bytes,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        length: int | None = None,
        kind: str = "application/json",
    ) -> None:
        """Send bytes; `length` may promise more than there are, or fewer."""
        self._handler.send_response(status)
        self._handler.send_header("Content-Type", kind)
        self._handler.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in (headers or {}).items():
            self._handler.send_header(name, value)
        self._handler.end_headers()
        self.write(body)

    def start(self, headers: Mapping[str, str]) -> None:
        """Send the head of an answer of unknown length; `write` sends the rest, and `close` ends it."""
        self._handler.send_response(200)
        for name, value in headers.items():
            self._handler.send_header(name, value)
        self._handler.end_headers()

    def write(self, body: bytes) -> None:
        """Send more bytes of the body."""
        self._handler.wfile.write(body)
        self._handler.wfile.flush()

    def close(self) -> None:
        """End the connection after this exchange."""
        self._handler.close_connection = True

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._handler.connection.close()
        self.close()


Behaviour = Callable[[Exchange], None]
"""What the endpoint does with one request."""


def completion(
    content: str | None = "hello",
    *,
    finish: str | None = "stop",
    tool_calls: Sequence[Mapping[str, object]] = (),
    model: str | None = None,
    usage: Mapping[str, object] | None = None,
    logprobs: Sequence[Mapping[str, object]] = (),
) -> dict[str, Any]:
    """The body of a well-formed answer; `model` None echoes the request's when it is sent by `answer`."""
    message: dict[str, object] = {"role": "assistant", "content": content}
    if tool_calls:
        message["tool_calls"] = list(tool_calls)
    choice: dict[str, object] = {"index": 0, "message": message, "finish_reason": finish}
    if logprobs:
        choice["logprobs"] = {"content": list(logprobs)}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [choice],
        "service_tier": "default",
        "usage": dict(usage or {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}),
    }


def answer(body: Mapping[str, Any]) -> Behaviour:
    """Send this body; a model of None becomes the one that was asked for."""

    def send(exchange: Exchange) -> None:
        model = body.get("model") or exchange.body.get("model") or "test"
        exchange.json({**body, "model": model})

    return send


def text(content: str) -> Behaviour:
    """Answer with a text."""
    return answer(completion(content))


def tool(name: str, arguments: Mapping[str, object]) -> Behaviour:
    """Answer with one tool call."""
    wish = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": json.dumps(dict(arguments))}}
    return answer(completion(None, finish="tool_calls", tool_calls=[wish]))


def refuse(status: int, message: str, *, code: str | None = None, retry_after_s: float | None = None) -> Behaviour:
    """Answer with an error of the OpenAI form."""
    headers = {} if retry_after_s is None else {"Retry-After": f"{retry_after_s:g}"}
    error = {"message": message, "type": "error", "param": None, "code": code}
    return lambda exchange: exchange.json({"error": error}, status=status, headers=headers)
