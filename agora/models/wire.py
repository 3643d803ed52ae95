"""The clients that answers come through: they read no more than a cap, and can listen to event streams."""

from __future__ import annotations

import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from typing import Any

import anyio
from anyio.lowlevel import RunVar

from agora.models.provider_form import OversizedBodyError
from agora.models.sse import Tap

MAX_BODY_BYTES = 16_000_000
"""Reading stops here: escapes and log-probabilities make a body larger than its text."""
_CLOSING_S = 1.0
_INFLATED = frozenset({"gzip", "x-gzip", "deflate"})
_ANY_HEADER = zlib.MAX_WBITS | 32  # gzip's or zlib's


class Ear:
    """Listens to one answer, and can hang up."""

    def __init__(self) -> None:
        self.tap = Tap()
        self._responses: list[Any] = []

    def attach(self, response: Any) -> None:  # noqa: ANN401 - an httpx response, which only litellm's side imports
        """Listen to this response from now on, from its beginning."""
        self.tap = Tap()
        self._responses.append(response)

    async def hang_up(self) -> None:
        """Close the connection, whatever is still on its way."""
        with anyio.move_on_after(_CLOSING_S, shield=True):
            for response in self._responses:
                with suppress(Exception):  # it may be broken already; what counts was read before
                    await response.aclose()


_listening: ContextVar[Ear | None] = ContextVar("agora_listening", default=None)


@contextmanager
def listening() -> Generator[Ear]:
    """While this context lasts, answers that arrive in it are listened to."""
    ear = Ear()
    token = _listening.set(ear)
    try:
        yield ear
    finally:
        _listening.reset(token)


class Clients:
    """The HTTP clients of one event loop: connections must not outlive it."""

    def __init__(self, handler: type[Any]) -> None:
        self.http = handler(event_hooks={"response": [cap_body]})
        self.http.client.follow_redirects = False  # each hop is one more request, with the prompt, to who knows whom
        self._openai: dict[tuple[str | None, str | None], object] = {}
        self.keeper: AsyncGenerator[None] | None = None

    def openai(self, api_base: str | None, api_key: str | None) -> object:
        """A client of the OpenAI SDK over the same connections."""
        import openai

        key = (api_base, api_key)
        if key not in self._openai:
            self._openai[key] = openai.AsyncOpenAI(
                api_key=api_key, base_url=api_base, max_retries=0, http_client=self.http.client
            )
        return self._openai[key]

    async def keep(self) -> AsyncGenerator[None]:
        """Wait for the end of the event loop, which closes its asynchronous generators, and close the connections."""
        try:
            yield
        finally:
            await self.http.client.aclose()


_clients: RunVar[Clients] = RunVar("agora_http_clients")


async def clients_here(handler: Callable[[], type[Any]]) -> Clients:
    """The clients of this event loop.

    Args:
        handler: Gives litellm's class of HTTP handlers, of which the first call here makes one.
    """
    clients = _clients.get(None)
    if clients is None:
        clients = Clients(handler())
        clients.keeper = clients.keep()
        await anext(clients.keeper)
        _clients.set(clients)
    return clients


async def cap_body(response: Any) -> None:  # noqa: ANN401 - the litellm border: its handlers are httpx hooks
    """Stop reading a body at the cap (an httpx response hook, called before the body is read)."""
    ear = _listening.get()
    if ear is not None:
        ear.attach(response)
    packed = response.headers.get("content-encoding", "").strip().lower() in _INFLATED
    if packed:  # unpacked here, since a small body may hold a large one
        del response.headers["content-encoding"]
    response.stream = _capped_stream()(response.stream, ear, zlib.decompressobj(_ANY_HEADER) if packed else None)


@cache
def _capped_stream() -> Any:  # noqa: ANN401 - the litellm border: httpx is litellm's, and as late
    import httpx

    class Capped(httpx.AsyncByteStream):
        def __init__(self, stream: httpx.AsyncByteStream, ear: Ear | None, packed: Any) -> None:  # noqa: ANN401
            self._stream = stream
            self._ear = ear
            self._packed = packed  # zlib's object, whose type has no name

        async def __aiter__(self) -> AsyncIterator[bytes]:
            size = 0
            async for sent in self._stream:
                chunk = sent if self._packed is None else self._packed.decompress(sent, MAX_BODY_BYTES + 1 - size)
                size += len(chunk)
                if size > MAX_BODY_BYTES:
                    raise OversizedBodyError(size)
                if self._ear is not None:
                    self._ear.tap.feed(chunk)
                yield chunk

        async def aclose(self) -> None:
            await self._stream.aclose()

    return Capped
