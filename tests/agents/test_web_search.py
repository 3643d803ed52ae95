"""Search speaks to each provider in its own form, and no key is ever seen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from agora.agents.web.providers import (
    BraveSearch,
    FolderSearch,
    SearchProvider,
    SearxngSearch,
    TavilySearch,
    configured_provider,
)
from agora.agents.web.searching import MAX_RESULTS, WebSearch, web_search
from agora.cli.agent_files import build_agent, read_agent
from agora.cli.session import Session
from agora.errors import ConfigError, WebError
from agora.messages import ToolCall
from agora.settings import Settings
from agora.tasks import Task
from agora.testing import check_tool, desk_for
from agora.testing.websites import Answer, Found, Page, WebSite, brave, redirect, searxng, tavily

KEY = "canary-key-0123456789abcdef"
FOUND = [
    Found("Tea &amp; <strong>leaves</strong>", "https://tea.example/", "All about <b>tea</b>\u202e leaves."),
    Found("Coffee", "https://coffee.example/?a=1", "Beans."),
    Found("Coffee again", "https://coffee.example/?a=1", "The same page."),
    Found("Metadata", "http://user@169.254.169.254/", "No URL that could be read."),
    Found("Milk", "https://milk.example/", "Cows."),
]


def pages(name: str, results: list[Found]) -> Mapping[str, Answer]:
    return {"searxng": searxng(results), "brave": brave(results, key=KEY), "tavily": tavily(results, key=KEY)}[name]


def provider(name: str, site: WebSite, *, key: str = KEY) -> SearchProvider:
    if name == "searxng":
        return SearxngSearch(site.url("/"))
    return BraveSearch(key, url=site.url("")) if name == "brave" else TavilySearch(key, url=site.url(""))


@pytest.mark.parametrize("name", ["searxng", "brave", "tavily"])
async def test_each_provider_is_asked_in_its_form_and_its_reply_is_read(name: str) -> None:
    with WebSite(pages(name, FOUND)) as site:
        hits = await provider(name, site).search("tea & milk?", limit=10)
        assert [hit.url for hit in hits] == [
            "https://tea.example/",
            "https://coffee.example/?a=1",
            "https://milk.example/",
        ]
        assert hits[0].title == "Tea & leaves"
        assert hits[0].snippet == "All about tea leaves."
        assert len(await provider(name, site).search("tea", limit=1)) == 1
        assert not [asked for asked in site.asked if KEY in asked.path]
        first = site.asked[0]
        said = json.loads(first.body)["query"] if first.body else first.path
        assert "tea" in said
    with WebSite(pages(name, [])) as site:
        assert await provider(name, site).search("tea", limit=5) == []


@pytest.mark.parametrize("name", ["brave", "tavily"])
async def test_a_refused_key_is_named_by_its_variable_and_not_shown(name: str) -> None:
    with WebSite(pages(name, FOUND)) as site:
        wrong = provider(name, site, key="wrong-key-99887766")
        with pytest.raises(WebError, match=f"{name.upper()}_API_KEY") as refusal:
            await wrong.search("tea", limit=5)
        assert "wrong-key" not in str(refusal.value) + repr(refusal.value) + repr(wrong) + repr(vars(wrong))
        assert refusal.value.__cause__ is None


async def test_an_instance_without_json_says_what_to_set() -> None:
    with (
        WebSite(searxng(FOUND, json_allowed=False)) as site,
        pytest.raises(WebError, match=r"list json under search.formats"),
    ):
        await SearxngSearch(site.url("/")).search("tea", limit=5)


@pytest.mark.parametrize("name", ["searxng", "brave", "tavily"])
@pytest.mark.parametrize(
    "reply",
    [
        Page(body="<html>", kind="text/html"),
        Page(body=b"\xff\xfe[", kind="application/json"),
        Page(body="[" * 100_000, kind="application/json"),
        Page(status=500),
        Page(body='{"results": [', kind="application/json"),
    ],
)
async def test_a_broken_reply_is_an_error_without_a_key(name: str, reply: Page) -> None:
    with WebSite({"/search": reply, "/res/v1/web/search": reply}) as site:
        with pytest.raises(WebError, match=f"search by {name}") as refusal:
            await provider(name, site).search("tea", limit=5)
        assert KEY not in str(refusal.value)


@pytest.mark.parametrize("body", ["null", "[]", "{}", '{"results": 1, "web": 2}', '{"results": [1, null, {"url": 3}]}'])
@pytest.mark.parametrize("name", ["searxng", "brave", "tavily"])
async def test_a_reply_of_another_shape_holds_nothing(name: str, body: str) -> None:
    reply = Page(body=body, kind="application/json")
    with WebSite({"/search": reply, "/res/v1/web/search": reply}) as site:
        assert await provider(name, site).search("tea", limit=5) == []


@pytest.mark.parametrize("name", ["brave", "tavily"])
async def test_a_key_does_not_follow_a_redirect(name: str) -> None:
    with WebSite() as elsewhere:
        away = redirect(elsewhere.url("/"), status=307)
        with (
            WebSite({"/search": away, "/res/v1/web/search": away}) as site,
            pytest.raises(WebError, match="answers 307"),
        ):
            await provider(name, site).search("tea", limit=5)
        assert elsewhere.connections == 0


async def test_a_folder_stands_in_for_the_web(tmp_path: Path) -> None:
    (tmp_path / "tea.md").write_text("# Tea\n\nGreen tea is steamed.\nBlack tea is oxidised.\n")
    tool = WebSearch(FolderSearch(tmp_path))
    shown = await tool.call({"query": "how is green tea made", "limit": 1}, None)
    assert "URL: tea.md:3" in shown
    assert "Green tea is steamed." in shown


def test_the_provider_that_is_configured_is_taken_and_the_free_one_first() -> None:
    every = {"SEARXNG_URL": "http://127.0.0.1:8080", "BRAVE_API_KEY": KEY, "TAVILY_API_KEY": KEY}
    assert configured_provider(every).name == "searxng"
    assert configured_provider({**every, "SEARXNG_URL": " "}).name == "brave"
    assert configured_provider({"TAVILY_API_KEY": KEY}).name == "tavily"
    with pytest.raises(ConfigError, match=r"SEARXNG_URL: .*http"):
        configured_provider({"SEARXNG_URL": "localhost:8080"})
    with pytest.raises(ConfigError, match="BRAVE_API_KEY") as refusal:
        configured_provider({"BRAVE_API_KEY": "hunter22\r\nX-Evil: 1"})
    assert "hunter22" not in str(refusal.value)


async def test_without_a_provider_the_three_variables_are_named() -> None:
    with pytest.raises(ConfigError, match=r"SEARXNG_URL.*BRAVE_API_KEY.*TAVILY_API_KEY"):
        await WebSearch(environ={}).call({"query": "tea"}, None)


async def test_the_tool_fits_its_seam_and_shows_at_most_what_was_asked_for() -> None:
    many = [Found(f"Title {number}", f"https://x.example/{number}", "words") for number in range(50)]
    with WebSite(searxng(many)) as site:
        tool = WebSearch(environ={"SEARXNG_URL": site.url("/")})
        assert tool.origin == "web"
        await check_tool(tool, {"query": "tea"})
        assert (await tool.call({"query": "tea", "limit": 3}, None)).count("URL: ") == 3
        assert (await tool.call({"query": "tea", "limit": 99}, None)).count("URL: ") == MAX_RESULTS
        desk = desk_for(Task(id="t", goal="search"))
        refused = await desk.use(tool, ToolCall(id="1", name="web_search", arguments='{"query": "x", "site": "y"}'))
        assert not refused.ok
        with pytest.raises(ConfigError, match="need query"):
            await tool.call({"query": " "}, None)


def test_an_agent_file_can_name_both_tools(tmp_path: Path) -> None:
    file = tmp_path / "reader.toml"
    file.write_text('kind = "llm"\nmodel = "local/smollm2-135m"\ntools = ["fetch", "web_search"]\n')
    agent = build_agent(read_agent(file), file, session=Session(project=tmp_path, settings=Settings()))
    assert agent.profile.tools == ("fetch", "web_search")
    assert repr(web_search) == "<tool web_search>"
