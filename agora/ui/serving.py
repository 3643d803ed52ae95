"""A server on 127.0.0.1 that ends cleanly, gives nobody much time to say what they want, and logs nothing.

Slow requests (a head that comes byte by byte: Slowloris) are cut off; connections are bounded, and further ones are
told so (503).
"""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, cast

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from agora.errors import ConfigError
from agora.protocols import Store
from agora.ui.app import application
from agora.ui.guard import Guard

if TYPE_CHECKING:
    from asyncio import TimerHandle, Transport  # noqa: TID251 - uvicorn's own types; nothing of it is called here

HOST: Final = "127.0.0.1"
PORT: Final = 8517
"""Where it listens, if nothing else is said and nobody else does."""
MOST_CONNECTIONS: Final = 64
HEAD_S: Final = 10.0
"""The longest that a connection may take to say what it wants."""
IDLE_S: Final = 20
"""The longest that a connection may stand without a request."""
MOST_HEAD_BYTES: Final = 16_384
END_S: Final = 3
"""The longest that open answers are waited for at the end."""
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class _Hasty(H11Protocol):
    """Cuts a connection off whose request does not come."""

    _cut: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        self._cut = self.loop.call_later(HEAD_S, transport.abort)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._answering():
            self._spare()
        elif self._cut is None:
            self._cut = self.loop.call_later(HEAD_S, self.transport.abort)

    def on_response_complete(self) -> None:
        self._spare()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._spare()
        super().connection_lost(exc)

    def _answering(self) -> bool:
        """Whether a whole head has come that has no whole answer yet; uvicorn begins without any."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is not None and not cycle.response_complete

    def _spare(self) -> None:
        if self._cut is not None:
            self._cut.cancel()
            self._cut = None


class _Server(uvicorn.Server):
    """Ends on Ctrl-C, which is how one ends it, and so no failure."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        before = {one: signal.signal(one, self.handle_exit) for one in _SIGNALS}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)


def bound(port: int | None) -> socket.socket:
    """A socket that listens on 127.0.0.1 only.

    Args:
        port: Which; None: the usual one, or any that is free where somebody else has it.

    Raises:
        ConfigError: That port cannot be had.
    """
    trouble = OSError()
    for wanted in (PORT, 0) if port is None else (port,):
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, wanted))
            listening.listen(MOST_CONNECTIONS)
        except OSError as problem:
            listening.close()
            trouble = problem
            continue
        return listening
    raise ConfigError("--port", f"{port} cannot be had ({trouble.strerror}): name another, or none") from None


async def serve(store: Store, listening: socket.socket, *, ready: Callable[[str], None]) -> None:
    """Serve until Ctrl-C.

    Args:
        store: With the ledger; it is only read.
        listening: As `bound` gave it; it is closed at the end.
        ready: Told the address, with its token, once it can be opened.
    """
    port = int(listening.getsockname()[1])
    server: _Server | None = None

    def closing() -> bool:
        return server is not None and server.should_exit

    guard = Guard(application(store, closing=closing), port=port)
    with _quiet():
        settings: dict[str, Any] = {
            "http": _Hasty,
            "ws": "none",
            "lifespan": "off",
            "log_config": None,
            "access_log": False,
            "server_header": False,
            "proxy_headers": False,
            "limit_concurrency": MOST_CONNECTIONS,
            "timeout_keep_alive": IDLE_S,
            "timeout_graceful_shutdown": END_S,
            "h11_max_incomplete_event_size": MOST_HEAD_BYTES,
        }
        server = _Server(uvicorn.Config(guard, **settings))
        ready(f"http://{HOST}:{port}{guard.entry}")
        try:
            await server.serve(sockets=[listening])
        finally:
            listening.close()


@contextmanager
def _quiet() -> Generator[None]:
    """The server says nothing of its own: what is wrong is told to whoever asked."""
    logger = logging.getLogger("uvicorn")
    handler, propagate = logging.NullHandler(), logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate
