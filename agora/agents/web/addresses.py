"""Which addresses are the public internet, and which lead into a private network or to the machine itself.

Sources: the IANA special-purpose address registries (RFC 6890 and its updates), RFC 6052 (NAT64), RFC 3056 (6to4),
RFC 4380 (Teredo), RFC 5214 (ISATAP), and the addresses at which clouds serve metadata. The lists are written out, since
`ipaddress.is_global` differs between Python's own versions; it is asked as well, and the stricter answer counts.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_V4: Final[Mapping[str, str]] = MappingProxyType(
    {
        "0.0.0.0/8": "this network",
        "10.0.0.0/8": "a private network",
        "100.64.0.0/10": "a carrier's own network",
        "127.0.0.0/8": "this machine",
        "168.63.129.16/32": "a cloud's metadata",
        "169.254.0.0/16": "link-local, with the metadata of clouds",
        "172.16.0.0/12": "a private network",
        "192.0.0.0/24": "reserved for protocols",
        "192.0.2.0/24": "for documentation",
        "192.31.196.0/24": "AS112",
        "192.52.193.0/24": "multicast tunnels",
        "192.88.99.0/24": "6to4 relays",
        "192.168.0.0/16": "a private network",
        "192.175.48.0/24": "AS112",
        "198.18.0.0/15": "for benchmarks",
        "198.51.100.0/24": "for documentation",
        "203.0.113.0/24": "for documentation",
        "224.0.0.0/4": "multicast",
        "240.0.0.0/4": "reserved",
    }
)
_V6_GLOBAL: Final = ipaddress.IPv6Network("2000::/3")
_V6: Final[Mapping[str, str]] = MappingProxyType(
    {
        "2001::/23": "reserved for protocols (Teredo, ORCHID, benchmarks)",
        "2001:db8::/32": "for documentation",
        "2002::/16": "6to4, which carries an IPv4 address",
        "2620:4f:8000::/48": "AS112",
        "3ffe::/16": "the old 6bone",
        "3fff::/20": "for documentation",
    }
)
_V4_NETS: Final = tuple((ipaddress.IPv4Network(net), why) for net, why in _V4.items())
_V6_NETS: Final = tuple((ipaddress.IPv6Network(net), why) for net, why in _V6.items())
_ISATAP: Final = frozenset({0x00005EFE, 0x02005EFE})
_NEVER_V4: Final = tuple(
    ipaddress.IPv4Network(net)
    for net in ("0.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16", "192.0.0.0/24", "224.0.0.0/4", "240.0.0.0/4")
)
_NEVER_V6: Final = tuple(
    ipaddress.IPv6Network(net)
    for net in (
        *("::/128", "fe80::/10", "ff00::/8", "fd00:ec2::254/128"),
        *("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"),  # these carry an IPv4 address
    )
)


def why_not_public(address: str) -> str:
    """What an address is if it is not the public internet; empty where it is.

    IPv6 is public inside 2000::/3 only, so that mapped, compatible, translated (64:ff9b::/96), unique-local, link-local
    and multicast addresses are all out, and inside it not where an address carries an IPv4 address.

    >>> why_not_public("10.1.2.3"), why_not_public("1.1.1.1"), why_not_public("::ffff:1.1.1.1")
    ('a private network', '', 'outside of 2000::/3')
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "no address"
    if isinstance(ip, ipaddress.IPv4Address):
        named = next((why for net, why in _V4_NETS if ip in net), "")
    elif ip.scope_id is not None:
        return "bound to a network interface"
    elif ip not in _V6_GLOBAL:
        return "outside of 2000::/3"
    elif int(ip) >> 32 & 0xFFFFFFFF in _ISATAP:
        return "ISATAP, which carries an IPv4 address"
    else:
        named = next((why for net, why in _V6_NETS if ip in net), "")
    return named or ("" if ip.is_global and not ip.is_multicast else "not globally reachable")


def never_meant(address: str) -> bool:
    """Whether even a name that the user allowed may not lead there: metadata of clouds, link-local, multicast, nothing.

    >>> never_meant("169.254.169.254"), never_meant("192.168.1.7")
    (True, False)
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return True
    if isinstance(ip, ipaddress.IPv4Address):
        return any(ip in net for net in _NEVER_V4)
    if ip.ipv4_mapped is not None:
        return never_meant(str(ip.ipv4_mapped))
    return ip.scope_id is not None or any(ip in net for net in _NEVER_V6)
