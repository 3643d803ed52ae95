"""A real web server on 127.0.0.1 for tests: pages, misbehaviour, and the search APIs of SearXNG, Brave and Tavily.

It counts what reached it, so that a test can judge by what happened and not by what was said.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import parse_qs, urlsplit


class Asked(NamedTuple):
    """A request that reached the server."""

    method: str
    """GET or POST."""
    path: str
    """With its query."""
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes
    """Of a POST."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """What the server answers."""

    body: str | bytes = ""
    """Text is sent as UTF-8."""
    kind: str = "text/html; charset=utf-8"
    """The Content-Type; empty: none is sent."""
    status: int = 200
    """The HTTP status."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Besides the usual ones; a Content-Length here goes before the true one."""
    drip_s: float = 0.0
    """Seconds between two bytes of the body."""


Answer = Page | Callable[[Asked], Page]
"""A page, or a function of the request."""


def redirect(location: str, *, status: int = 302) -> Page:
    """A page that leads elsewhere."""
    return Page(status=status, headers={"Location": location})


class WebSite:
    """An HTTP server in a thread, on a free port of 127.0.0.1.

    Args:
        pages: Path without query -> what is answered; others get 404.
        tls: A server's context: it then speaks https.

    >>> with WebSite({"/": Page(body="hello")}) as site:
    ...     site.url("/").startswith("http://127.0.0.1:"), len(site.asked)
    (True, 0)
    """

    def __init__(self, pages: Mapping[str, Answer] | None = None, *, tls: ssl.SSLContext | None = None) -> None:
        self.pages: dict[str, Answer] = dict(pages or {})
        """What is there; may be added to while it runs."""
        self.asked: list[Asked] = []
        """Every request, in order of arrival."""
        self._scheme = "https" if tls else "http"
        self._lock, self._closing = Lock(), Event()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def port(self) -> int:
        """The port."""
        return self._server.server_port

    @property
    def place(self) -> str:
        """Host and port, as for an allow-list."""
        return f"127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        """TCP connections that were made, whether anything was asked or not."""
        return self._server.connections

    def url(self, path: str = "/", *, host: str = "127.0.0.1") -> str:
        """A URL of this server."""
        return f"{self._scheme}://{host}:{self.port}{path}"

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

    def _answer(self, asked: Asked) -> Page:
        with self._lock:
            self.asked.append(asked)
        answer = self.pages.get(asked.path.partition("?")[0], Page(status=404, body="not here", kind="text/plain"))
        return answer if isinstance(answer, Page) else answer(asked)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                page = site._answer(Asked(self.command, self.path, headers, body))
                try:
                    self._send(page)
                except OSError:
                    self.close_connection = True  # the client went away, as it should from some of these

            do_POST = do_GET

            def _send(self, page: Page) -> None:
                body = page.body.encode() if isinstance(page.body, str) else page.body
                headers = {"Content-Length": str(len(body)), **page.headers}
                if page.kind:
                    headers.setdefault("Content-Type", page.kind)
                self.send_response(page.status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if page.drip_s:
                    for place in range(len(body)):
                        if site._closing.wait(page.drip_s):
                            break
                        self.wfile.write(body[place : place + 1])
                else:
                    self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    connections = 0

    def verify_request(self, request: object, client_address: object) -> bool:
        """Count, and let everyone in."""
        self.connections += 1
        return True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is part of the game."""


class Found(NamedTuple):
    """A result that the search APIs hand out."""

    title: str
    url: str
    text: str


def searxng(results: Sequence[Found], *, json_allowed: bool = True) -> dict[str, Answer]:
    """A SearXNG instance: GET /search?q=...&format=json; 403 where the format is not among its settings."""

    def search(asked: Asked) -> Page:
        query = parse_qs(urlsplit(asked.path).query)
        if query.get("format") != ["json"] or not json_allowed:
            return Page(status=403, body="Forbidden")
        rows = [
            {
                "title": hit.title,
                "url": hit.url,
                "content": hit.text,
                "engine": "test",
                "score": 1.0,
                "category": "general",
            }
            for hit in results
        ]
        reply = {
            "query": query["q"][0],
            "number_of_results": len(rows),
            "results": rows,
            "answers": [],
            "suggestions": [],
        }
        return _json(reply)

    return {"/search": search}


def brave(results: Sequence[Found], *, key: str) -> dict[str, Answer]:
    """Brave's web search: GET /res/v1/web/search, the key in X-Subscription-Token; `web` only where something is."""

    def search(asked: Asked) -> Page:
        query = parse_qs(urlsplit(asked.path).query)
        if asked.headers.get("x-subscription-token") != key:
            error = {
                "code": "SUBSCRIPTION_TOKEN_INVALID",
                "detail": f"token {asked.headers.get('x-subscription-token')}",
            }
            return _json({"type": "ErrorResponse", "error": error}, status=422)
        count = min(int(query.get("count", ["20"])[0]), 20)
        rows = [
            {"type": "search_result", "title": hit.title, "url": hit.url, "description": hit.text} for hit in results
        ]
        reply: dict[str, object] = {"type": "search", "query": {"original": query["q"][0]}}
        return _json({**reply, "web": {"type": "search", "results": rows[:count]}} if rows else reply)

    return {"/res/v1/web/search": search}


def tavily(results: Sequence[Found], *, key: str) -> dict[str, Answer]:
    """Tavily: POST /search with a JSON body, the key as a bearer token."""

    def search(asked: Asked) -> Page:
        if asked.method != "POST" or asked.headers.get("authorization") != f"Bearer {key}":
            error = f"Unauthorized: {asked.headers.get('authorization')}"
            return _json({"detail": {"error": error}}, status=401)
        wanted = json.loads(asked.body)
        rows = [
            {"title": hit.title, "url": hit.url, "content": hit.text, "score": 0.9, "raw_content": None}
            for hit in results
        ]
        reply = {
            "query": wanted["query"],
            "answer": None,
            "images": [],
            "results": rows[: wanted.get("max_results", 5)],
        }
        return _json({**reply, "response_time": 0.1, "request_id": "1"})

    return {"/search": search}


def _json(reply: object, *, status: int = 200) -> Page:
    return Page(body=json.dumps(reply), kind="application/json", status=status)
