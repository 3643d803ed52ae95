"""A real OpenAI-compatible endpoint on 127.0.0.1 that misbehaves on demand.

Behaviours are functions of one exchange, in one table by name; a script says which comes at which request. A new fault
is one more function in the table.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, Self

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

    def json(self, body: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Send a whole JSON answer."""
        self.send(json.dumps(body).encode(), status=status, headers=headers)

    def send(
        self, body: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None, length: int | None = None
    ) -> None:
        """Send bytes; `length` may promise more than there are."""
        self._handler.send_response(status)
        self._handler.send_header("Content-Type", "application/json")
        self._handler.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in (headers or {}).items():
            self._handler.send_header(name, value)
        self._handler.end_headers()
        self.write(body)

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


def _without(body: dict[str, Any], *path: str | int) -> dict[str, Any]:
    inner: Any = body
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return body


def _hang(exchange: Exchange) -> None:
    exchange.closing.wait()
    exchange.close()


def _drip(exchange: Exchange) -> None:
    exchange.send(b"{", length=1_000_000)
    while not exchange.closing.wait(DRIP_S):
        exchange.write(b" ")
    exchange.close()


def _cut(exchange: Exchange) -> None:
    body = json.dumps({**completion("hello " * 200), "model": "test"}).encode()
    exchange.send(body[: len(body) // 2], length=len(body))
    exchange.close()


_LOGPROBS = [
    {"token": word, "logprob": -0.1, "bytes": None, "top_logprobs": [{"token": word, "logprob": -0.1, "bytes": None}]}
    for word in ("hel", "lo")
]
_OVERFLOW = "This model's maximum context length is 4096 tokens. However, your messages resulted in 9031 tokens."

BEHAVIOURS: Mapping[str, Behaviour] = {
    "ok": text("hello"),
    "json": text('{"answer": 42}'),
    "tool": tool("read_file", {"path": "x"}),
    "logprobs": answer(completion(logprobs=_LOGPROBS)),
    "429": refuse(429, "slow down", retry_after_s=0),
    "429 late": refuse(429, "slow down", retry_after_s=3600),
    "500": refuse(500, "internal error"),
    "503": refuse(503, "overloaded"),
    "401": refuse(401, "invalid api key", code="invalid_api_key"),
    "404": refuse(404, "no such model", code="model_not_found"),
    "overflow": refuse(400, _OVERFLOW, code="context_length_exceeded"),
    "reset": Exchange.reset,
    "hang": _hang,
    "drip": _drip,
    "cut": _cut,
    "garbage": lambda exchange: exchange.send(b"<html>not json</html>"),
    "no usage": answer(_without(completion(), "usage")),
    "negative usage": answer(completion(usage={"prompt_tokens": -5, "completion_tokens": -5, "total_tokens": -10})),
    "low usage": answer(completion("one two three four", usage={"prompt_tokens": 0, "completion_tokens": 0})),
    "no choices": answer({**completion(), "choices": []}),
    "null content": answer(completion(None)),
    "cut json": answer(completion('{"answer": 4', finish="length")),
    "length": answer(completion("hello", finish="length")),
    "null finish": answer(completion(finish=None)),
    "no finish": answer(_without(completion(), "choices", 0, "finish_reason")),
    "odd finish": answer(completion(finish="moonshine")),
    "30 MB": lambda exchange: text("x" * 30_000_000)(exchange),
    "surrogate": text("a\ud800b\0c"),
    "other model": answer(completion(model="cheaper-model")),
}
"""Every behaviour by name."""


class FaultyEndpoint:
    """An OpenAI-compatible HTTP server in a thread, on a free port of 127.0.0.1.

    Chat requests take the script's behaviours in order; after its end the last one repeats. GET answers with the list
    of models, so that probes work.

    Args:
        script: Names from `BEHAVIOURS`, or functions of the exchange.
        models: What GET lists.

    >>> with FaultyEndpoint("500", "ok") as endpoint:
    ...     endpoint.url.startswith("http://127.0.0.1:"), endpoint.count
    (True, 0)
    """

    def __init__(self, *script: str | Behaviour, models: Sequence[str] = ("test",)) -> None:
        self._script = [BEHAVIOURS[step] if isinstance(step, str) else step for step in script or ("ok",)]
        self._models = tuple(models)
        self._lock = Lock()
        self._closing = Event()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.requests: list[Mapping[str, Any]] = []
        """The parsed body of every chat request, in order of arrival."""

    @property
    def url(self) -> str:
        """What to give as `api_base`."""
        return f"{self.root}/v1"

    @property
    def root(self) -> str:
        """The server without a path."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def count(self) -> int:
        """How many chat requests came."""
        return len(self.requests)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _take(self, body: Mapping[str, Any]) -> Behaviour:
        with self._lock:
            place = min(len(self.requests), len(self._script) - 1)
            self.requests.append(body)
        return self._script[place]

    def _list(self, exchange: Exchange) -> None:
        rows = [{"id": name, "name": name, "object": "model"} for name in self._models]
        exchange.json({"object": "list", "data": rows, "models": rows})

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                endpoint._list(Exchange(self, self.path, {}, endpoint._closing))

            def do_POST(self) -> None:
                read = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                body: dict[str, Any] = json.loads(read) if read else {}
                behaviour = endpoint._take(body)
                try:
                    behaviour(Exchange(self, self.path, body, endpoint._closing))
                except OSError:
                    self.close_connection = True  # the client went away, as it should from some of these

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is part of the game."""
