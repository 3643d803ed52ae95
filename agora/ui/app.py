"""The addresses: the list of runs, one run, the figures over many, and what is new while it happens."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from agora.errors import AgoraError, LedgerError
from agora.protocols import Store
from agora.traces.many.figures import Selected
from agora.ui.live import RETRY_MS, Feed, Streams, stream
from agora.ui.pages import Pages

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

PAGE_S: Final = 60.0
"""The longest that a page is waited for."""
MOST_AT_ONCE: Final = 4
"""So many pages are made at once at most; the others wait."""
_POLICY: Final = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">')
_MOST_DIGITS: Final = 15


def application(store: Store, *, closing: Callable[[], bool] = lambda: False) -> Starlette:
    """What answers whom the guard lets through.

    Args:
        store: With the ledger; it is only read.
        closing: Whether the server is about to end: streams end then.
    """
    answers = _Answers(store, closing=closing)
    return Starlette(
        routes=[
            Route("/", answers.runs),
            Route("/runs/{run}", answers.run),
            Route("/figures", answers.figures),
            Route("/live", answers.live),
        ],
        exception_handlers={404: _lost, 500: _broken},
    )


class _Answers:
    def __init__(self, store: Store, *, closing: Callable[[], bool]) -> None:
        self._store, self._closing = store, closing
        self._pages, self._streams = Pages(store), Streams()
        self._room = anyio.CapacityLimiter(MOST_AT_ONCE)

    async def runs(self, request: Request) -> Response:
        try:
            before = _whole(request.query_params, "before", least=1)
        except ValueError as error:
            return _plain(f"{error}\n", 400)
        return await self._made(lambda: self._pages.runs(before=before))

    async def run(self, request: Request) -> Response:
        name = str(request.path_params["run"])
        return await self._made(lambda: self._pages.run(name))

    async def figures(self, request: Request) -> Response:
        asked = request.query_params
        try:
            selected = Selected(
                since_us=_whole(asked, "since_us", least=0),
                last=_whole(asked, "last", least=1),
                skill=asked.get("skill"),
            )
        except ValueError as error:
            return _plain(f"{error}\n", 400)
        return await self._made(lambda: self._pages.figures(selected))

    async def live(self, request: Request) -> Response:
        try:
            known = _whole({"after": request.headers.get("last-event-id", "")}, "after", least=0)
            after = known if known is not None else _whole(request.query_params, "after", least=0) or 0
        except ValueError as error:
            return _plain(f"{error}\n", 400)
        if request.method == "HEAD":
            return Response(media_type="text/event-stream")
        if not self._streams.take():
            return _plain("too many pages are live: close some\n", 503, {"retry-after": str(RETRY_MS // 1000)})
        feed = Feed(self._store, request.query_params.get("run"), after)
        return _Live(stream(feed, closing=self._closing), self._streams)

    async def _made(self, make: Callable[[], str | None]) -> Response:
        try:
            with anyio.fail_after(PAGE_S):
                text = await anyio.to_thread.run_sync(make, limiter=self._room, abandon_on_cancel=True)
        except TimeoutError:
            return _plain(f"this page takes longer than {PAGE_S:g} s; it is still being made: ask for it again\n", 503)
        except LedgerError as error:
            return _plain(f"the ledger cannot be read: {error}\n", 503)
        except AgoraError as error:
            return _plain(f"{error}\n", 500)
        return _page(text) if text is not None else _plain("there is no such run\n", 404)


class _Live(StreamingResponse):
    """A stream whose place was taken before it was made; it is given back however it ends."""

    def __init__(self, content: AsyncGenerator[bytes], streams: Streams) -> None:
        super().__init__(content, media_type="text/event-stream")
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._streams.give_back()


async def _broken(_request: Request, _error: Exception) -> Response:
    return _plain("something went wrong here; this is a bug in Agora\n", 500)


async def _lost(_request: Request, _error: Exception) -> Response:
    return _plain("there is no such page\n", 404)


def _page(text: str) -> Response:
    """A page with its own policy as a header too, which also forbids that it is framed."""
    found = _POLICY.search(text)
    policy = html.unescape(found[1]) if found else "default-src 'none'"
    return HTMLResponse(text, headers={"content-security-policy": f"{policy}; frame-ancestors 'none'"})


def _plain(text: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return PlainTextResponse(text, status_code=status, headers=headers)


def _whole(asked: Mapping[str, str], name: str, *, least: int) -> int | None:
    """A whole number of the query; None where it says nothing.

    Raises:
        ValueError: It is none.
    """
    text = asked.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS and int(text) >= least):
        raise ValueError(f"{name} must be a whole number of at least {least}")
    return int(text)
