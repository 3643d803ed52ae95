"""What a person sees of `agora ui`: in a real browser, by keyboard, on a phone, while a run goes on elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from browser import Chromium, Seen, offences
from cli.projects import CHECK, started
from cli.remembered import remember
from traces.many_ledgers import a_run
from ui.served import Served, served

WAIT_MS = 60_000


def _listed(page: Page, server: Served) -> None:
    """Come from the printed address to the list."""
    page.wait_for_url(f"http://127.0.0.1:{server.port}/", timeout=WAIT_MS)


def _remember(project: Path, runs: int = 3) -> None:
    for at in range(runs):
        remember(project, *a_run(f"run{at:04}", at)[0], run=f"run{at:04}")


@pytest.mark.timeout(300)
def test_a_run_in_another_process_appears_and_is_followed_to_its_end(project: Path, chromium: Chromium) -> None:
    def watch(page: Page, seen: Seen) -> list[str]:
        _listed(page, server)
        expect(page.locator("#live")).to_have_text("Live: waiting for new events.", timeout=WAIT_MS)
        expect(page.locator("main")).to_contain_text("No runs yet")
        arguments = ("mend the word", "--workspace", "repo", "--verify", CHECK, "--yes", "--agents", "patient")
        run = started(project, "run", *arguments)
        try:
            expect(page.locator("main")).to_contain_text("mend the word", timeout=WAIT_MS)
            expect(page.locator("main .state")).to_have_text("running", timeout=WAIT_MS)
            page.locator("main a").click()
            page.wait_for_url("**/runs/*")
            expect(page.locator("h1")).to_contain_text("Run ")
            expect(page.locator("header")).to_contain_text("The run is running")
            expect(page.locator("#live")).to_contain_text("waiting for new events", timeout=WAIT_MS)
            fold = page.locator("main details").first
            fold.locator("summary").first.focus()
            page.keyboard.press("Enter")
            assert fold.evaluate("fold => fold.open")
            (project / "go").touch()
            expect(page.locator("#live")).to_contain_text("The run has ended", timeout=WAIT_MS)
        finally:
            (project / "go").touch()
            run.communicate(timeout=60)
        expect(page.locator("main")).to_contain_text("passed", timeout=WAIT_MS)
        expect(page.locator("header")).to_contain_text("The run is done", timeout=WAIT_MS)
        assert page.locator("main details").first.evaluate("fold => fold.open")  # what was opened stays open
        expect(page.locator("#live-log li").first).to_contain_text("done")
        assert not [one for one in seen.requests if not one.startswith(f"http://127.0.0.1:{server.port}/")]
        return seen.console

    with served(project) as server:
        assert chromium.look(server.address, watch) == []


@pytest.mark.timeout(200)
def test_the_list_and_the_figures_can_be_read_by_keyboard_on_a_phone_and_in_the_dark(
    project: Path, chromium: Chromium
) -> None:
    _remember(project)

    def by_keyboard(page: Page, seen: Seen) -> list[str]:
        _listed(page, server)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "many runs in figures"
        page.keyboard.press("Enter")
        page.wait_for_url("**/figures")
        found = offences(page)
        page.get_by_role("link", name="all runs").press("Enter")
        page.wait_for_url(f"http://127.0.0.1:{server.port}/")
        return [*found, *offences(page), *seen.console]

    def fits(page: Page, seen: Seen) -> list[str]:
        _listed(page, server)
        trouble: list[str] = []
        for path in ("/", "/figures"):
            page.goto(f"http://127.0.0.1:{server.port}{path}")
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                trouble.append(f"{path} is wider than the screen")
            trouble += offences(page)
        return [*trouble, *seen.console]

    with served(project) as server:
        assert chromium.look(server.address, by_keyboard) == []
        assert chromium.look(server.address, fits, width=360, height=740, dark=True) == []


@pytest.mark.timeout(200)
def test_a_stranger_gets_nothing_and_without_scripts_the_pages_can_be_read(project: Path, chromium: Chromium) -> None:
    _remember(project, runs=1)

    def stranger(page: Page, _seen: Seen) -> str:
        return page.inner_text("body")

    def still(page: Page, _seen: Seen) -> str:
        _listed(page, server)
        page.get_by_role("link", name="many runs in figures").click()
        page.wait_for_url("**/figures")
        return page.inner_text("main")

    with served(project) as server:
        told = chromium.look(f"http://127.0.0.1:{server.port}/", stranger)
        assert "open the address that `agora ui` printed" in told
        assert "run0000" not in told
        assert "Task classes" in chromium.look(server.address, still, script=False)
