"""The open web as two tools: `fetch` reads a page, `web_search` finds pages; both behind a guard."""

from __future__ import annotations

from agora.agents.web.fetching import WebFetch, fetch
from agora.agents.web.providers import BraveSearch, FolderSearch, Hit, SearchProvider, SearxngSearch, TavilySearch
from agora.agents.web.searching import WebSearch, web_search

__all__ = [
    "BraveSearch",
    "FolderSearch",
    "Hit",
    "SearchProvider",
    "SearxngSearch",
    "TavilySearch",
    "WebFetch",
    "WebSearch",
    "fetch",
    "web_search",
]
