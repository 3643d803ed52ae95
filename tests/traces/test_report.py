"""A run's page in a real browser: clicked, walked by keyboard, at both widths and schemes, against hostile text."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from playwright.sync_api import Page

from agora.ambient import SystemClock
from agora.memory.in_memory import MemoryStore
from agora.memory.sql_store import SQLStore
from agora.testing import FakeClock
from agora.traces.report import report
from browser import Chromium, Seen, offences
from traces.report_runs import HOSTILE, SEEN, flow_run, hostile_project, hostile_run
from worked_example import hold

WIDE_AND_NARROW = [1280, 360]
LOOKS = [("hostile", 1280, True), ("flow", 360, False), ("jury", 360, True), ("jury", 1280, False)]


@pytest.fixture(scope="session")
def pages() -> Iterator[Path]:
    """Three pages: hostile.html and flow.html from a project's ledger, jury.html of the worked example."""
    with tempfile.TemporaryDirectory(prefix="test-of-agora-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        project = hostile_project(folder / "project")
        anyio.run(_write, folder, project, {"hostile": hostile_run(project), "flow": flow_run(project)})
        yield folder


async def _write(folder: Path, project: Path, runs: dict[str, str]) -> None:
    store = SQLStore.open(project / "memory" / "agora.db", clock=SystemClock())
    try:
        for name, run in runs.items():
            (folder / f"{name}.html").write_text(report(run, list(store.events(run))), encoding="utf-8")
    finally:
        await store.close()
    kept = MemoryStore(clock=FakeClock())
    run = await hold(kept)
    (folder / "jury.html").write_text(report(run, list(kept.events(run))), encoding="utf-8")


def opened(page: Page) -> None:
    """Everything that can be opened, by its button."""
    page.get_by_role("button", name="Open everything").click()
    assert page.locator("details:not([open])").count() == 0


def test_hostile_text_is_shown_as_text_and_nothing_of_it_happens(chromium: Chromium, pages: Path) -> None:
    def look(page: Page, seen: Seen) -> None:
        page.on("dialog", lambda dialog: seen.console.append(dialog.message))
        opened(page)
        text = " ".join(page.locator("body").inner_text().split())
        assert text.count(SEEN) >= 5, "the goal, the plan, the work, what a tool printed and the diff"
        assert not any(mark in text for mark in HOSTILE if not mark.isprintable())
        assert page.locator("a:not([href^='#'])").count() == 0
        assert page.locator("img, iframe, object, embed, form, input, link, base").count() == 0
        assert page.evaluate("() => document.scripts.length") == 1
        handlers = "() => [...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames())"
        assert not [name for name in page.evaluate(handlers) if name.startswith("on") or name in ("style", "src")]
        assert (seen.console, seen.requests) == ([], [])

    chromium.look(pages / "hostile.html", look)


def test_its_policy_refuses_what_is_not_ours(chromium: Chromium, pages: Path) -> None:
    def look(page: Page, seen: Seen) -> None:
        page.evaluate(
            """() => {
              const script = document.createElement('script');
              script.textContent = 'window.harmed = true';
              const image = document.createElement('img');
              image.src = 'http://127.0.0.1:9/x.png';
              const style = document.createElement('style');
              style.textContent = 'body { display: none }';
              document.body.append(script, image, style);
            }"""
        )
        page.wait_for_function("() => true")
        assert page.evaluate("() => window.harmed") is None
        assert page.locator("body").is_visible()
        refused = " ".join(seen.console)
        assert all(what in refused for what in ("script", "style", "x.png"))
        assert seen.requests == []

    chromium.look(pages / "hostile.html", look)


@pytest.mark.parametrize(("name", "width", "dark"), LOOKS)
def test_it_keeps_the_rules_of_accessibility_at_every_width_and_scheme(
    chromium: Chromium, pages: Path, name: str, width: int, dark: bool
) -> None:
    def look(page: Page, seen: Seen) -> None:
        opened(page)
        assert offences(page) == []
        assert page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0, (
            "the page scrolls sideways"
        )
        paper = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
        assert (paper == "rgb(17, 21, 26)") == dark
        assert (seen.console, seen.requests) == ([], [])

    chromium.look(pages / f"{name}.html", look, width=width, dark=dark)


@pytest.mark.parametrize("width", WIDE_AND_NARROW)
def test_the_letters_in_pictures_can_be_read(chromium: Chromium, pages: Path, width: int) -> None:
    def look(page: Page, _: Seen) -> None:
        opened(page)
        heights = page.evaluate(
            """() => [...document.querySelectorAll('.plot text')].filter(t => t.getClientRects().length)
              .map(t => parseFloat(t.getAttribute('font-size')) * t.getScreenCTM().a)"""
        )
        assert len(heights) > 20
        assert min(heights) >= 9.5

    chromium.look(pages / "jury.html", look, width=width)


def test_it_can_be_walked_by_keyboard(chromium: Chromium, pages: Path) -> None:
    def look(page: Page, _: Seen) -> None:
        def focused(what: str) -> str:
            return str(page.evaluate(f"() => document.activeElement.{what}"))

        page.keyboard.press("Tab")
        assert focused("textContent") == "Skip to the content"
        assert page.locator(".skip").bounding_box() is not None
        page.keyboard.press("Enter")
        assert focused("id") == "content"
        reached: list[str] = []
        while focused("tagName") != "SUMMARY":
            page.keyboard.press("Tab")
            reached.append(focused("tagName"))
            assert len(reached) < 40
            outline = "() => getComputedStyle(document.activeElement).outlineStyle"
            assert page.evaluate(outline) == "solid", "what is focused can be seen"
        assert not page.evaluate("() => document.activeElement.parentElement.open")
        page.keyboard.press("Enter")
        assert page.evaluate("() => document.activeElement.parentElement.open")
        page.keyboard.press("Space")
        assert not page.evaluate("() => document.activeElement.parentElement.open")

    chromium.look(pages / "jury.html", look)


def test_every_link_leads_to_a_place_on_the_page_and_opens_it(chromium: Chromium, pages: Path) -> None:
    def look(page: Page, _: Seen) -> None:
        anchors = page.evaluate("() => [...document.links].map(link => link.getAttribute('href'))")
        assert len(anchors) > 10
        assert all(page.locator(f"[id='{anchor[1:]}']").count() == 1 for anchor in anchors)
        page.get_by_role("link", name="mend").click()
        assert page.get_by_role("heading", name="mend passed").is_visible()

    chromium.look(pages / "flow.html", look)


def test_it_can_be_read_without_its_script_and_printed_whole(chromium: Chromium, pages: Path) -> None:
    def bare(page: Page, _: Seen) -> None:
        assert not page.get_by_role("button").is_visible()
        folded = page.locator("summary", has_text="Jury of 3").first
        folded.click()
        assert page.get_by_role("table", name="Marks from 0 to 5, as given").first.is_visible()

    def printed(page: Page, _: Seen) -> None:
        closed = "() => document.querySelectorAll('details:not([open])').length"
        before = page.evaluate(closed)
        page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
        assert page.evaluate(closed) == 0
        page.evaluate("() => dispatchEvent(new Event('afterprint'))")
        assert page.evaluate(closed) == before > 0
        page.emulate_media(media="print")
        passed = "() => getComputedStyle(document.querySelector('.state.passed')).color"
        assert page.evaluate(passed) == "rgb(17, 99, 41)", "paper is light, whatever the reader's setting"

    chromium.look(pages / "jury.html", bare, script=False)
    chromium.look(pages / "jury.html", printed, dark=True)


def test_each_picture_has_words_and_its_figures_in_a_table(chromium: Chromium, pages: Path) -> None:
    def look(page: Page, _: Seen) -> None:
        opened(page)
        figures = page.locator("figure").all()
        assert len(figures) == 4, "what was spent, the time, the scores of both rounds"
        for figure in figures:
            assert figure.locator("svg[role=img]").first.get_attribute("aria-label")
            assert len(figure.locator("p").first.inner_text()) > 20
            assert figure.locator("table tbody tr").count() >= 1
        scores = page.get_by_role("figure", name="Scores, term by term").first
        cells = scores.locator("tbody tr").first.locator("th, td").all_inner_texts()
        assert cells[0] == "★ large"
        assert float(cells[-1]) == pytest.approx(sum(float(cell) for cell in cells[1:-1]), abs=1e-3)

    chromium.look(pages / "jury.html", look)


def test_the_graph_shows_how_each_node_stands(chromium: Chromium, pages: Path) -> None:
    def look(page: Page, _: Seen) -> None:
        picture = page.get_by_role("figure", name="The graph, by waves")
        boxes = {" ".join(box.locator("text").all_text_contents()) for box in picture.locator("g.box").all()}
        assert boxes == {"look unknown", "twice unknown", "mend passed", "never skipped"}
        assert picture.locator("path").count() == 3
        opened(page)
        assert "never was passed over" in page.locator("main").inner_text()

    chromium.look(pages / "flow.html", look)


def test_the_bids_stand_side_by_side_with_plans_and_marks(chromium: Chromium, pages: Path) -> None:
    def look(page: Page, _: Seen) -> None:
        opened(page)
        main = page.locator("main").inner_text()
        for told in (
            "1. write 19 as 20 - 1",
            "small was shown 1 of the past; its second plan counts",
            "Attempt 2: small",
            "Promised against delivered",
            "What would have turned the award",
            "Against always large, the dearest",
            "agora trace verify",
        ):
            assert told in main
        bids = page.get_by_role("table", name=re.compile("Bids side by side")).first
        assert [row.inner_text() for row in bids.get_by_role("rowheader").all()] == ["★ large", "medium", "small"]

    chromium.look(pages / "jury.html", look)
