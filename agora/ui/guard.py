"""Who may ask this server, and for what; everything else is refused before any page is made.

    421, 400   another Host header, or not exactly one: a name that somebody else points at this machine (DNS rebinding)
    405        anything but GET and HEAD: there is nothing to change
    403        an Origin, or a fetch, that is not of this server's own pages; no cookie; a wrong token

The token is 256 random bits (Python's `secrets`), in the address that is printed. Whoever opens that gets a cookie that
no script sees and that no other site's page makes a browser send (HttpOnly, SameSite=Strict: RFC 6265bis 5.6); the
addresses of pages hold nothing that is worth stealing.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

import anyio

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SEND_S: Final = 30.0
"""The longest that a reader may keep a piece of an answer waiting."""
ENTRY: Final = "/enter/"
"""What stands before the token in the address that is printed."""
_TOKEN_BYTES: Final = 32
_METHODS: Final = ("GET", "HEAD")
_NOTHING: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_ALWAYS: Final = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_WELCOME: Final = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Agora</title>'
    '<meta http-equiv="refresh" content="0; url=/"></head><body><p><a href="/">Agora</a></p></body></html>\n'
)


class _Answer(NamedTuple):
    status: int
    text: str
    headers: tuple[tuple[bytes, bytes], ...] = ()
    html: bool = False


class Guard:
    """Stands before an application.

    Args:
        app: Answers whom this lets through.
        port: At which the server listens: part of its own name.
    """

    def __init__(self, app: ASGIApp, *, port: int) -> None:
        self._app = app
        self._hosts = {f"127.0.0.1:{port}".encode(), f"localhost:{port}".encode()}
        if port == 80:
            self._hosts |= {b"127.0.0.1", b"localhost"}
        self._origins = {b"http://" + host for host in self._hosts}
        self._cookie = f"agora-ui-{port}"
        self.entry = f"{ENTRY}{secrets.token_hex(_TOKEN_BYTES)}"
        """The path of the printed address, with the token."""
        self._session = secrets.token_hex(_TOKEN_BYTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or have it answered."""
        if scope["type"] != "http":
            return
        guarded = _guarded(send)
        answer = self._refused(scope)
        if answer is None:
            await self._app(scope, receive, guarded)
            return
        kind = b"text/html; charset=utf-8" if answer.html else b"text/plain; charset=utf-8"
        body = answer.text.encode()
        headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), *answer.headers]
        await guarded({"type": "http.response.start", "status": answer.status, "headers": headers})
        await guarded({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _refused(self, scope: Scope) -> _Answer | None:
        headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
        told: dict[bytes, list[bytes]] = {}
        for name, value in headers:
            told.setdefault(name.lower(), []).append(value)
        hosts = told.get(b"host", [])
        if len(hosts) != 1:
            return _Answer(400, "one Host header is needed\n")
        if hosts[0].lower() not in self._hosts:
            return _Answer(421, "this server has another name: open the address that `agora ui` printed\n")
        if scope["method"] not in _METHODS:
            return _Answer(405, "pages are only read here\n", ((b"allow", b"GET, HEAD"),))
        if self._foreign(told):
            return _Answer(403, "only this server's own pages may ask for that\n")
        return self._unknown(scope, told)

    def _foreign(self, told: dict[bytes, list[bytes]]) -> bool:
        """Whether another site's page asks."""
        origins = told.get(b"origin", [])
        if any(origin.lower() not in self._origins for origin in origins):
            return True
        site, mode = told.get(b"sec-fetch-site", []), told.get(b"sec-fetch-mode", [])
        return any(one in (b"cross-site", b"same-site") for one in site) and mode != [b"navigate"]

    def _unknown(self, scope: Scope, told: dict[bytes, list[bytes]]) -> _Answer | None:
        """Whether it is somebody who was not shown the address; with the token there is a cookie to be had."""
        if scope["path"].startswith(ENTRY):
            if not _same(scope["path"], self.entry):
                return _Answer(403, "a wrong token: open the address that `agora ui` printed\n")
            cookie = f"{self._cookie}={self._session}; Path=/; HttpOnly; SameSite=Strict"
            return _Answer(200, _WELCOME, ((b"set-cookie", cookie.encode()),), html=True)
        if any(_same(value, self._session) for value in self._cookies(told.get(b"cookie", []))):
            return None
        return _Answer(403, "open the address that `agora ui` printed: it holds the token\n")

    def _cookies(self, lines: Iterable[bytes]) -> Iterable[str]:
        for line in lines:
            for pair in line.decode("latin-1").split(";"):
                name, _, value = pair.strip().partition("=")
                if name == self._cookie:
                    yield value


def _guarded(send: Send) -> Send:
    """Sends with the headers that every answer has, and waits for no reader for ever."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            names = {name.lower() for name, _ in headers}
            headers += [pair for pair in _ALWAYS if pair[0] not in names]
            if b"content-security-policy" not in names:
                headers.append((b"content-security-policy", _NOTHING.encode()))
            message = {**message, "headers": headers}
        with anyio.fail_after(SEND_S):
            await send(message)

    return sent


def _same(given: str, known: str) -> bool:
    return secrets.compare_digest(given.encode("utf-8", "surrogatepass"), known.encode())
