"""One strict reading of a URL. What was read is what is connected to, so no second parser can see another host.

Where browsers mend (WHATWG URL), this refuses: backslashes, control characters, user names, numbers that are no dotted
quad, percent signs and look-alike letters in a host, zones of IPv6. Ports are those of the WHATWG fetch standard's
"bad port" list and a few services that speak to anyone who writes a line.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final, NamedTuple
from urllib.parse import quote, urljoin

import idna

from agora.errors import WebRefusedError

MAX_URL_CHARS: Final = 2_048
"""Longer ones are refused."""

_URL: Final = re.compile(r"(https?)://([^/?#]+)([^?#]*)(\?[^#]*)?(?:#.*)?", re.IGNORECASE | re.DOTALL)
_BRACKETED: Final = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::([0-9]{1,5}))?")
_NAMED: Final = re.compile(r"([^:\[\]]+)(?::([0-9]{1,5}))?")
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_QUAD: Final = re.compile(r"(?:(?:0|[1-9][0-9]{0,2})\.){3}(?:0|[1-9][0-9]{0,2})")
_ENCODED: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_KEPT: Final = "%/:@!$&'()*+,;=-._~[]?"
_PORTS: Final = {"http": 80, "https": 443}
_LOCAL_NAMES: Final = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "private", "arpa", "onion")
_BAD_PORTS: Final = frozenset(
    int(port)
    for port in re.findall(
        r"[0-9]+",
        """0 1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115
    117 119 123 135 137 139 143 161 179 389 427 445 465 512 513 514 515 526 530 531 532 540 548 554 556 563 587 601 636
    873 989 990 993 995 1433 1521 1719 1720 1723 2049 2375 2376 2379 3306 3389 3659 4045 4190 5060 5061 5432 5900 5984
    6000 6379 6566 6665 6666 6667 6668 6669 6679 6697 9042 10080 10250 11211 27017""",
    )
)


class Target(NamedTuple):
    """A URL as it will be asked for."""

    scheme: str
    """http or https."""
    host: str
    """A lower-case ASCII name, or an address without brackets."""
    port: int
    """From 1 to 65535."""
    path: str
    """Path and query, in ASCII."""

    @property
    def authority(self) -> str:
        """Host and port, as in a Host header: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def place(self) -> str:
        """Host and port, as they stand in an allow-list."""
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def literal(self) -> bool:
        """Whether the host is an address and no name."""
        return ":" in self.host or bool(_QUAD.fullmatch(self.host))

    @property
    def url(self) -> str:
        """The whole, written in one way."""
        return f"{self.scheme}://{self.authority}{self.path}"


def parse_url(url: str) -> Target:
    """Read an absolute http(s) URL.

    Raises:
        WebRefusedError: It is not one, or is written in a way that some parser would read differently.

    >>> parse_url("HTTPS://Example.org:443/a b?q=1#top").url
    'https://example.org/a%20b?q=1'
    """
    if len(url) > MAX_URL_CHARS:
        raise refused(url, f"is longer than {MAX_URL_CHARS} characters")
    url = url.strip(" \r\n")
    if any(character < " " or character == "\x7f" or not character.isprintable() for character in url):
        raise refused(url, "holds a control or invisible character: write a plain URL")
    if "\\" in url:
        raise refused(url, "holds a backslash: write a plain URL")
    read = _URL.fullmatch(url)
    if read is None:
        raise refused(url, "is not http://HOST/... or https://HOST/...: only these are fetched")
    scheme = read[1].lower()
    host, port = _authority(url, read[2], _PORTS[scheme])
    return Target(scheme, host, port, _quoted(url, read[3] or "/") + _quoted(url, read[4] or ""))


def parse_place(place: str) -> str:
    """An entry of an allow-list, HOST:PORT, in the form of `Target.place`.

    Raises:
        WebRefusedError: It is not one host and one port.
    """
    _, colon, port = place.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or any(mark in place for mark in "/?#@\\ *"):
        raise refused(place, 'is no place to allow: write "HOST:PORT"')
    host, number = _authority(place, place, 0)
    return Target("http", host, number, "/").place


def follow(target: Target, location: str) -> Target:
    """Where a redirect leads.

    Raises:
        WebRefusedError: Nowhere that may be asked for by its form, or from https to http.
    """
    if any(not character.isprintable() for character in location) or "\\" in location:
        raise refused(target.url, "redirects to an address that is not a plain URL")
    try:
        joined = urljoin(target.url, location.strip())
    except ValueError:
        raise refused(target.url, "redirects to an address that is not a URL") from None
    onward = parse_url(joined)
    if target.scheme == "https" and onward.scheme == "http":
        raise refused(target.url, "redirects from https down to http: ask for an https page")
    return onward


def refused(url: str, why: str) -> WebRefusedError:
    """The error for a URL, which is shown short and with nothing invisible in it."""
    shown = ascii(url if len(url) <= 120 else url[:117] + "...")
    return WebRefusedError(f"URL {shown}", why)


def _authority(url: str, text: str, default_port: int) -> tuple[str, int]:
    if "@" in text:
        shown = url.replace(text, "...@" + text.rpartition("@")[2], 1)  # a password may stand there
        raise refused(shown, "holds a user name before the host: leave it out")
    if "%" in text:
        raise refused(url, "holds a percent sign in the host: write it plainly, without a zone")
    bracketed = _BRACKETED.fullmatch(text)
    named = bracketed or _NAMED.fullmatch(text)
    if named is None:
        raise refused(url, "has a host or port that cannot be read: write HOST or HOST:PORT")
    port = int(named[2]) if named[2] else default_port
    if not 1 <= port <= 65535 or port in _BAD_PORTS:
        raise refused(url, f"names port {port}, which no page is served on")
    return (_v6(url, named[1]) if bracketed else _host(url, named[1])), port


def _v6(url: str, text: str) -> str:
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        raise refused(url, "has brackets around something that is no IPv6 address") from None


def _host(url: str, text: str) -> str:
    host = _ascii_name(url, text)
    if host.endswith("."):
        raise refused(url, "has a host that ends with a dot: leave the dot out")
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        if not _QUAD.fullmatch(host) or max(int(part) for part in labels) > 255:
            raise refused(url, "has a number for a host: write an IPv4 address as four decimal numbers")
        return host
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise refused(url, "has a host that is no name of letters, digits, - and dots")
    return host


def _ascii_name(url: str, text: str) -> str:
    if text.isascii():
        return text.lower()
    lowered = text.lower()
    if any(mark in lowered for mark in "\u3002\uff0e\uff61"):
        raise refused(url, "has a dot in the host that only looks like one: write a plain dot")
    try:
        return idna.encode(lowered, strict=True, std3_rules=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise refused(url, "has letters in the host that no name may have: write it in plain letters") from None


def only_local(target: Target) -> bool:
    """Whether a name can only mean something inside a network: one label, or an ending kept for that.

    >>> only_local(parse_url("http://wiki/")), only_local(parse_url("http://wiki.example/"))
    (True, False)
    """
    labels = target.host.split(".")
    return not target.literal and (len(labels) == 1 or labels[-1] in _LOCAL_NAMES)


def _quoted(url: str, text: str) -> str:
    if _ENCODED.search(text):
        text = _ENCODED.sub("%25", text)
    try:
        return quote(text, safe=_KEPT)
    except UnicodeEncodeError:
        raise refused(url, "holds half a surrogate pair: write a plain URL") from None
