"""Who searches the web: SearXNG, Brave, Tavily, or a folder of documents on this machine.

The forms of requests and replies are those of each one's documentation: SearXNG "Search API", Brave "Web Search API",
Tavily "POST /search". Keys go into headers only, never into a URL, a message or a repr; redirects are not followed.
"""

from __future__ import annotations

import html
import json
import re
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, Protocol, cast
from urllib.parse import urlencode

import anyio
import anyio.to_thread

from agora.agents.folder_search import search_folder
from agora.agents.web.cleaning import one_line
from agora.agents.web.guard import Guard
from agora.agents.web.reading import decoded
from agora.agents.web.urls import parse_url
from agora.agents.web.wire import exchange
from agora.errors import ConfigError, WebError

DEADLINE_S: Final = 20.0
"""The longest that one search may take."""
BRAVE_URL: Final = "https://api.search.brave.com"
TAVILY_URL: Final = "https://api.tavily.com"
VARIABLES: Final = ("SEARXNG_URL", "BRAVE_API_KEY", "TAVILY_API_KEY")
"""What configures a provider, in the order in which they are looked for: the one that costs nothing first."""

_MARKUP: Final = re.compile(r"<[^<>]{0,200}>")
_BRAVE_MOST: Final = 20
_TAVILY_MOST: Final = 20
_QUERY_CHARS: Final = 400


class Hit(NamedTuple):
    """One result of a search of the web; every word in it is a stranger's."""

    title: str
    """As the page calls itself."""
    url: str
    """Where it is."""
    snippet: str
    """What it says about the query."""


class SearchProvider(Protocol):
    """Someone who searches the web."""

    @property
    def name(self) -> str:
        """As in its results."""
        ...

    async def search(self, query: str, *, limit: int) -> Sequence[Hit]:
        """The best results, best first, at most `limit`.

        Raises:
            WebError: It gave none; no key is ever in the message.
        """
        ...


class SearxngSearch:
    """A SearXNG instance, which must have `json` among its `search.formats`.

    Args:
        url: Its address, as "http://127.0.0.1:8080"; being configured, it may be private.
        tls: What to check its certificate with; None: the usual authorities.

    Raises:
        WebRefusedError: The address cannot be read.
    """

    def __init__(self, url: str, *, tls: ssl.SSLContext | None = None) -> None:
        self.name: Final = "searxng"
        self._api = _Api(self.name, url, tls=tls)

    async def search(self, query: str, *, limit: int) -> Sequence[Hit]:
        """The best results.

        Raises:
            WebError: None came.
        """
        asked = urlencode({"q": query[:_QUERY_CHARS], "format": "json"})
        reply = await self._api.ask(f"/search?{asked}", hints={403: "its settings must list json under search.formats"})
        return _hits(_rows(reply, "results"), "content", limit)


class BraveSearch:
    """Brave's index.

    Args:
        key: The subscription token.
        url: Where its API is.
        tls: What to check its certificate with; None: the usual authorities.
    """

    def __init__(self, key: str, *, url: str = BRAVE_URL, tls: ssl.SSLContext | None = None) -> None:
        self.name: Final = "brave"
        self._api = _Api(self.name, url, secret={"X-Subscription-Token": _plain_key("BRAVE_API_KEY", key)}, tls=tls)

    async def search(self, query: str, *, limit: int) -> Sequence[Hit]:
        """The best results.

        Raises:
            WebError: None came.
        """
        asked = urlencode({"q": query[:_QUERY_CHARS], "count": min(limit, _BRAVE_MOST), "text_decorations": "false"})
        hints = {401: "check BRAVE_API_KEY", 422: "check BRAVE_API_KEY, and the query", 429: "its quota is used up"}
        reply = await self._api.ask(f"/res/v1/web/search?{asked}", hints=hints)
        return _hits(_rows(reply, "web", "results"), "description", limit)


class TavilySearch:
    """Tavily's search for models.

    Args:
        key: The API key.
        url: Where its API is.
        tls: What to check its certificate with; None: the usual authorities.
    """

    def __init__(self, key: str, *, url: str = TAVILY_URL, tls: ssl.SSLContext | None = None) -> None:
        self.name: Final = "tavily"
        secret = {"Authorization": f"Bearer {_plain_key('TAVILY_API_KEY', key)}"}
        self._api = _Api(self.name, url, secret=secret, tls=tls)

    async def search(self, query: str, *, limit: int) -> Sequence[Hit]:
        """The best results.

        Raises:
            WebError: None came.
        """
        asked = {"query": query[:_QUERY_CHARS], "max_results": min(limit, _TAVILY_MOST), "search_depth": "basic"}
        hints = {401: "check TAVILY_API_KEY", 429: "its rate limit is reached", 432: "its quota is used up"}
        reply = await self._api.ask("/search", body=json.dumps(asked).encode(), hints=hints)
        return _hits(_rows(reply, "results"), "content", limit)


class FolderSearch:
    """A folder of documents in place of the web: the lines that fit best, by BM25.

    Args:
        folder: Where they are.
    """

    def __init__(self, folder: Path) -> None:
        self.name: Final = "folder"
        self._folder = folder

    async def search(self, query: str, *, limit: int) -> Sequence[Hit]:
        """The best lines, with `path:line` for a URL.

        Raises:
            WorkspaceError: There is no such folder.
        """
        found = await anyio.to_thread.run_sync(partial(search_folder, self._folder, query, limit))
        return [Hit(Path(hit.path).name, f"{hit.path}:{hit.line}", one_line(hit.text, 500)) for hit in found]


def configured_provider(variables: Mapping[str, str]) -> SearchProvider:
    """The provider that the environment configures.

    Raises:
        ConfigError: None is configured, or SEARXNG_URL cannot be read.
    """
    makers: Mapping[str, Callable[[str], SearchProvider]] = {
        "SEARXNG_URL": SearxngSearch,
        "BRAVE_API_KEY": BraveSearch,
        "TAVILY_API_KEY": TavilySearch,
    }
    for variable in VARIABLES:
        if value := variables.get(variable, "").strip():
            try:
                return makers[variable](value)
            except WebError as error:
                raise ConfigError(variable, error.what) from None
    raise ConfigError(
        "web_search",
        "no search provider is configured: set SEARXNG_URL (your own SearXNG, without a key), BRAVE_API_KEY "
        "or TAVILY_API_KEY",
    )


class _Api:
    """A provider's HTTP side; the secret headers are in nothing that is shown."""

    def __init__(
        self, name: str, url: str, *, secret: Mapping[str, str] | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self._name, self._secret, self._tls = name, dict(secret or {}), tls
        self._root = parse_url(url)
        self._guard = Guard(allow=[self._root.place])  # whoever configures an address means it

    async def ask(self, path: str, *, body: bytes = b"", hints: Mapping[int, str]) -> object:
        """The JSON of one reply."""
        base = self._root.path.partition("?")[0].rstrip("/")
        target = self._root._replace(path=base + path)
        headers = {"Accept": "application/json", **({"Content-Type": "application/json"} if body else {})}
        try:
            with anyio.fail_after(DEADLINE_S):
                addresses = await self._guard.admit(target)
                received = await exchange(
                    target,
                    addresses,
                    method="POST" if body else "GET",
                    headers={**headers, **self._secret},
                    body=body,
                    tls=self._tls,
                )
        except TimeoutError:
            raise self._failed(f"took longer than {DEADLINE_S:g} s: try again") from None
        except WebError as error:
            raise self._failed(error.what) from None
        if received.status != 200:
            hint = hints.get(received.status, "try again later")
            raise self._failed(f"answers {received.status}: {hint}")
        try:
            return json.loads(decoded(received.body, "application/json; charset=utf-8"))
        except (ValueError, RecursionError):
            raise self._failed("answers something that is not JSON: check its address") from None

    def _failed(self, what: str) -> WebError:
        return WebError(f"search by {self._name} at {self._root.authority}", what)


def _plain_key(variable: str, key: str) -> str:
    """A key that can stand in a header; a broken one is not shown."""
    key = key.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError(variable, "is empty or holds something that no key holds: paste it again")
    return key


def _rows(reply: object, *path: str) -> list[object]:
    """The list at a path of a reply; a missing one is empty, since Brave leaves `web` out where nothing was found."""
    for name in path:
        reply = cast("dict[str, object]", reply).get(name) if isinstance(reply, dict) else None
    return cast("list[object]", reply) if isinstance(reply, list) else []


def _hits(rows: Iterable[object], snippet: str, limit: int) -> list[Hit]:
    found: dict[str, Hit] = {}
    for row in rows:
        fields = cast("dict[str, object]", row) if isinstance(row, dict) else {}
        url = fields.get("url")
        if len(found) == limit:
            break
        if not isinstance(url, str) or url in found:
            continue
        try:
            shown = parse_url(url).url
        except WebError:
            continue  # not something that `fetch` could ever open
        found[url] = Hit(_words(fields.get("title"), 200), shown, _words(fields.get(snippet), 500))
    return list(found.values())


def _words(value: object, most: int) -> str:
    return one_line(html.unescape(_MARKUP.sub("", value[: most * 8])), most) if isinstance(value, str) else ""
