"""The guard against server-side request forgery: a name is resolved once, and all that it resolves to is judged.

Whoever connects gets the judged addresses and connects to one of them, so that a name which changes its mind between
the look and the connection (DNS rebinding) changes nothing. OWASP SSRF prevention; CWE-918.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

import anyio

from agora.agents.web.addresses import never_meant, why_not_public
from agora.agents.web.urls import Target, only_local, parse_place, refused
from agora.errors import WebError

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""(host, port) -> its addresses, in the order in which they are tried."""

_MAX_ADDRESSES: Final = 32


async def system_resolver(host: str, port: int) -> list[str]:
    """The addresses that this machine's resolver gives."""
    found = await anyio.getaddrinfo(host, port, type=1)  # 1: SOCK_STREAM
    return list(dict.fromkeys(str(row[4][0]) for row in found))


class Guard:
    """Decides where a connection may go.

    Args:
        allow: Places, as "127.0.0.1:8080" or "wiki.example:443", that may be private: exactly this host and port. Even
            these may not lead to link-local addresses, to the metadata of clouds, or to a multicast group.
        resolver: Names to addresses.

    Raises:
        WebRefusedError: An allowed place is not HOST:PORT.
    """

    def __init__(self, *, allow: Iterable[str] = (), resolver: Resolver = system_resolver) -> None:
        self.allow = tuple(sorted({parse_place(place) for place in allow}))
        self._resolver = resolver

    async def admit(self, target: Target) -> tuple[str, ...]:
        """The addresses to connect to: all of them judged, none of them looked up again.

        Raises:
            WebRefusedError: One of them is not public, or the name is one that only means something inside a network.
            WebError: The name cannot be resolved.
        """
        allowed = target.place in self.allow
        if only_local(target) and not allowed:
            raise refused(target.url, "is a name inside a private network, which is not fetched")
        addresses = (target.host,) if target.literal else await self._resolved(target)
        for address in addresses:
            if allowed and never_meant(address):
                raise refused(target.url, f"leads to {address}, which is never fetched")
            if not allowed and (why := why_not_public(address)):
                raise refused(target.url, f"leads to {address} ({why}), and only the public internet is fetched")
        return addresses

    async def _resolved(self, target: Target) -> tuple[str, ...]:
        try:
            found = tuple(await self._resolver(target.host, target.port))
        except (OSError, UnicodeError):
            raise WebError(
                target.url, "its host is not known: check the name, or that this machine is online"
            ) from None
        if not found:
            raise WebError(target.url, "its host has no address: check the name")
        return found[:_MAX_ADDRESSES]
