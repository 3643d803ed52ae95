"""A real OpenAI-compatible endpoint on 127.0.0.1 that misbehaves on demand.

What it can do stands in `agora.testing.chaos`: one table by name, each fault a function of one exchange. It is played
by script, or drawn from a seed at a rate.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, Self

from agora.ambient import SeededChance
from agora.models.health import SHARED
from agora.testing.chaos import BEHAVIOURS, FAULTS
from agora.testing.exchange import DRIP_S, Behaviour, Exchange, answer, completion, refuse, text, tool

__all__ = [
    "BEHAVIOURS",
    "DRIP_S",
    "Behaviour",
    "Exchange",
    "FaultyEndpoint",
    "answer",
    "at_random",
    "completion",
    "refuse",
    "text",
    "tool",
]


def at_random(
    seed: int, *, rate: float = 1.0, faults: Sequence[str] = tuple(FAULTS), otherwise: str | Behaviour = "ok"
) -> Callable[[int], Behaviour]:
    """What happens at each request, drawn from a seed: the same seed, the same weather.

    Args:
        seed: What all draws follow from.
        rate: Of the requests that meet a fault, in [0, 1].
        faults: Names from the table; each is as likely as any other.
        otherwise: What the rest get.
    """
    chance = SeededChance(seed)

    def choose(number: int) -> Behaviour:
        if chance.uniform(f"{number}/rate") >= rate:
            return _named(otherwise)
        return _named(faults[chance.integer(f"{number}/fault") % len(faults)])

    return choose


def _in_order(steps: Sequence[Behaviour], number: int) -> Behaviour:
    return steps[min(number, len(steps) - 1)]


def _named(step: str | Behaviour) -> Behaviour:
    return BEHAVIOURS[step] if isinstance(step, str) else step


class FaultyEndpoint:
    """An OpenAI-compatible HTTP server in a thread, on a free port of 127.0.0.1.

    Chat requests take the script's behaviours in order; after its end the last one repeats. GET answers with the list
    of models, so that probes work.

    Args:
        script: Names from `BEHAVIOURS`, or functions of the exchange.
        weather: What happens at each request, by its number from 0, in the place of a script (see `at_random`).
        models: What GET lists.

    >>> with FaultyEndpoint("500", "ok") as endpoint:
    ...     endpoint.url.startswith("http://127.0.0.1:"), endpoint.count
    (True, 0)
    """

    def __init__(
        self,
        *script: str | Behaviour,
        weather: Callable[[int], Behaviour] | None = None,
        models: Sequence[str] = ("test",),
    ) -> None:
        steps = [_named(step) for step in script or ("ok",)]
        self._weather = weather or partial(_in_order, steps)
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
        for address in (self.url, self.root):
            SHARED.forget(address)  # the system may have given this port to another endpoint before
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
            number = len(self.requests)
            self.requests.append(body)
        return self._weather(number)

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
