"""Pages looked at in a real Chromium without a window: clicked, typed at, measured, photographed.

The browser is the machine's own, any Chromium or Chrome, or playwright's; `make test` gets one where there is none. It
is driven in a thread of its own, since playwright's loop would be in the way of anyio in this one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final, TypeVar, cast

from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Route, sync_playwright

T = TypeVar("T")

_NAMES: Final = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ELSEWHERE: Final = ("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",)
_PACKAGES: Final = ("chromium-headless-shell", "fonts-dejavu-core")
_OFF: Final = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-gpu")


@dataclass
class Seen:
    """What happened while a page was looked at, besides what was asked of it."""

    console: list[str] = field(default_factory=list[str])
    """Warnings and errors: of the page's scripts, and of what its policy refused."""
    requests: list[str] = field(default_factory=list[str])
    """Everything that was asked for, the page itself left out."""


class Chromium:
    """One browser; each look has a window of its own, without anything of an earlier one."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._playwright, self._browser = self._thread.submit(_begun).result()

    def look(
        self,
        at: Path | str,
        act: Callable[[Page, Seen], T],
        *,
        width: int = 1280,
        height: int = 900,
        dark: bool = False,
        script: bool = True,
    ) -> T:
        """Open a page and do something with it.

        Args:
            at: A file, or an address.
            act: What is done; it gets the page, and what is seen besides.
            width: Of the window, in CSS pixels.
            height: As `width`.
            dark: Whether the reader prefers a dark scheme.
            script: Whether the page's scripts run.
        """

        def looked() -> T:
            address = at.resolve().as_uri() if isinstance(at, Path) else at
            with self._window(address, width=width, height=height, dark=dark, script=script) as (page, seen):
                return act(page, seen)

        return self._thread.submit(looked).result()

    @contextmanager
    def _window(
        self, address: str, *, width: int, height: int, dark: bool, script: bool
    ) -> Generator[tuple[Page, Seen]]:
        window = self._browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
        )
        try:
            page, seen = window.new_page(), Seen()

            def heard(message: ConsoleMessage) -> None:
                if message.type in ("error", "warning"):
                    seen.console.append(message.text)

            def asked(route: Route) -> None:
                if route.request.url.partition("#")[0] != address.partition("#")[0]:
                    seen.requests.append(route.request.url)
                route.continue_()

            page.on("console", heard)
            page.on("pageerror", lambda error: seen.console.append(str(error)))
            window.route("**/*", asked)
            page.goto(address)
            yield page, seen
        finally:
            window.close()

    def close(self) -> None:
        """End the browser."""

        def ended() -> None:
            self._browser.close()
            self._playwright.stop()

        self._thread.submit(ended).result()
        self._thread.shutdown()


def offences(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.2 A and AA and its own good practice, an offence a line; empty: nothing."""
    page.evaluate(_axe())
    found = cast(
        "Mapping[str, list[Mapping[str, object]]]",
        page.evaluate("() => axe.run(document, {resultTypes: ['violations']})"),
    )
    return [
        f"{one['id']}: {one['help']}: {node['html']}"
        for one in found["violations"]
        for node in cast("list[Mapping[str, object]]", one["nodes"])
    ]


@cache
def _axe() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def _begun() -> tuple[Playwright, Browser]:
    driver = sync_playwright().start()
    bare = ["--no-sandbox"] if os.name == "posix" and os.getuid() == 0 else []
    # without one of the machine's it is playwright's own, whose absence playwright names with its mend
    return driver, driver.chromium.launch(executable_path=_own(), args=[*_OFF, *bare])


def _own() -> str | None:
    return next((found for name in (*_NAMES, *_ELSEWHERE) if (found := shutil.which(name))), None)


def get_one() -> None:
    """Have a browser on this machine: by apt where we may, else the one that playwright fetches for itself."""
    if _own():
        return
    if shutil.which("apt-get") and os.getuid() == 0:
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], env=quiet, stdout=subprocess.DEVNULL, check=False)
        argv = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *_PACKAGES]
        subprocess.run(argv, env=quiet, stdout=subprocess.DEVNULL, check=False)
    if not _own():
        subprocess.run([sys.executable, "-m", "playwright", "install", "--only-shell", "chromium"], check=False)


if __name__ == "__main__":
    get_one()
