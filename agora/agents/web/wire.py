"""One HTTP/1.1 exchange with an address that was judged before, bounded in bytes before and after decompression.

The name stays in the Host header, in SNI and in the certificate's check; only the TCP connection goes to the address.
Nothing is taken from the environment (no proxy, no netrc), no cookie is kept, and a redirect is only reported.
"""

from __future__ import annotations

import ssl
import zlib
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Final, NamedTuple, cast

import httpcore

from agora.agents.web.urls import Target
from agora.errors import WebError

MAX_WIRE_BYTES: Final = 5_000_000
"""The longest body, as it comes."""
MAX_BODY_BYTES: Final = 10_000_000
"""The longest body, after decompression."""
CONNECT_S: Final = 5.0
"""The longest that one address may take to answer."""
_WINDOW: Final = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
_HEADERS: Final = {
    "User-Agent": f"agora-market/{version('agora-market')}",
    "Accept-Encoding": "gzip, deflate",
    "Connection": "close",
}


class Received(NamedTuple):
    """What a server answered."""

    status: int
    """The HTTP status."""
    headers: Mapping[str, str]
    """By lower-case name; of several with one name the first."""
    body: bytes
    """Decompressed."""


async def exchange(
    target: Target,
    addresses: Sequence[str],
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    tls: ssl.SSLContext | None = None,
) -> Received:
    """Ask once, at the first of these addresses that answers.

    Args:
        target: What is asked for.
        addresses: Judged addresses of its host.
        method: GET or POST.
        headers: Besides the common ones.
        body: Of a POST.
        tls: What to check certificates with; None: the usual authorities.

    Raises:
        WebError: No connection, a broken answer, or one that is too large.
    """
    sent = {"Host": target.authority, **_HEADERS, **(headers or {})}
    if body:
        sent["Content-Length"] = str(len(body))
    request = httpcore.Request(
        method,
        httpcore.URL(
            scheme=target.scheme.encode(),
            host=target.host.encode(),
            port=target.port,
            target=target.path.encode("ascii"),
        ),
        headers=[(name.encode(), value.encode("utf-8")) for name, value in sent.items()],
        content=body or None,
        extensions={"timeout": {"connect": CONNECT_S}},
    )
    connection = httpcore.AsyncHTTPConnection(
        origin=request.url.origin,
        ssl_context=tls if tls is not None or target.scheme == "http" else httpcore.default_ssl_context(),
        http1=True,
        http2=False,
        network_backend=_JudgedBackend(addresses),
    )
    try:
        async with connection:
            response = await connection.handle_async_request(request)
            try:
                return await _received(target, response)
            finally:
                await response.aclose()
    except httpcore.TimeoutException:
        raise WebError(target.url, "its server did not answer in time: try another page") from None
    except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError) as error:
        raise WebError(target.url, _cause(error)) from None


class _JudgedBackend(httpcore.AsyncNetworkBackend):
    """Connects to the judged addresses in turn, whatever host it is asked for."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = tuple(addresses)
        self._inner = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failure: Exception = httpcore.ConnectError("no address")
        for address in self._addresses:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


async def _received(target: Target, response: httpcore.Response) -> Received:
    headers: dict[str, str] = {}
    for name, value in response.headers:
        headers.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
    if 300 <= response.status < 400 or response.status >= 400:
        return Received(response.status, headers, b"")  # neither a redirect's nor an error's body is read
    declared = headers.get("content-length", "")
    if declared.isdigit() and (len(declared) > 9 or int(declared) > MAX_WIRE_BYTES):
        raise _too_large(target)
    unpack = _Unpacker(target, headers.get("content-encoding", ""))
    wire, parts = 0, list[bytes]()
    async for chunk in response.aiter_stream():
        wire += len(chunk)
        if wire > MAX_WIRE_BYTES:
            raise _too_large(target)
        parts.append(unpack.more(chunk))
    unpack.end()
    return Received(response.status, headers, b"".join(parts))


class _Unpacker:
    """Decompresses as bytes come, and never more than the cap at once, so that a bomb costs what the cap costs."""

    def __init__(self, target: Target, encoding: str) -> None:
        self._target, self._left = target, MAX_BODY_BYTES
        name = encoding.strip().lower()
        if name not in ("", "identity") and name not in _WINDOW:
            raise WebError(target.url, "its body is packed in a way that was not asked for: try another page")
        self._zip = zlib.decompressobj(_WINDOW[name]) if name in _WINDOW else None
        self._raw = name == "deflate"

    def more(self, chunk: bytes) -> bytes:
        """The next piece, unpacked."""
        piece = self._unpacked(chunk) if self._zip is not None else chunk
        self._left -= len(piece)
        if self._left < 0:
            raise _too_large(self._target)
        return piece

    def end(self) -> None:
        """Refuse a packed body that was cut."""
        if self._zip is not None and not self._zip.eof:
            raise WebError(self._target.url, "its body ends before its end: try again")

    def _unpacked(self, chunk: bytes) -> bytes:
        assert self._zip is not None
        if self._zip.eof and chunk:
            raise WebError(self._target.url, "its body goes on after its end: try another page")
        try:
            piece = self._zip.decompress(chunk, self._left + 1)
        except zlib.error:
            if not self._raw:
                raise WebError(self._target.url, "its body cannot be unpacked: try another page") from None
            self._zip = zlib.decompressobj(-zlib.MAX_WBITS)  # "deflate" without its wrapper, as some servers send it
            self._raw = False
            return self._unpacked(chunk)
        self._raw = False
        if self._zip.unused_data:
            raise WebError(self._target.url, "its body goes on after its end: try another page")
        return piece


def _too_large(target: Target) -> WebError:
    return WebError(target.url, f"is larger than {MAX_WIRE_BYTES // 1_000_000} MB: ask for a smaller page")


def _cause(error: Exception) -> str:
    if isinstance(error, ssl.SSLError) or "CERTIFICATE" in str(error) or "SSL" in str(error):
        return "its certificate or its encryption cannot be trusted: it was not read"
    if isinstance(error, httpcore.ConnectError):
        return "no connection could be made: check the address, or that this machine is online"
    return "its server broke off or does not speak HTTP: try again, or another page"
