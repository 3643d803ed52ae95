"""`agora ui` in a process of its own, and a plain client for it."""

from __future__ import annotations

import http.client
import re
import signal
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from cli.projects import started

_ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)(/enter/[0-9a-f]{64})\n")


class Got(NamedTuple):
    """An answer."""

    status: int
    headers: Mapping[str, str]
    text: str


class Served:
    """A server that runs.

    Args:
        process: Of the command.
        port: Where it listens.
        entry: The path that holds the token.
    """

    def __init__(self, process: subprocess.Popen[str], port: int, entry: str) -> None:
        self.process, self.port, self.entry = process, port, entry
        self.address = f"http://127.0.0.1:{port}{entry}"
        self._cookie = ""

    @property
    def cookie(self) -> str:
        """What a browser has after it was shown the address."""
        if not self._cookie:
            self._cookie = self.ask(self.entry, known=False).headers["set-cookie"].partition(";")[0]
        return self._cookie

    def ask(
        self, path: str, *, method: str = "GET", known: bool = True, headers: Mapping[str, str] | None = None
    ) -> Got:
        """Ask for one page.

        Args:
            path: With its query.
            method: How.
            known: Whether the cookie is sent.
            headers: Further ones.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            cookie = {"Cookie": self.cookie} if known else {}
            connection.request(method, path, headers={**cookie, **(headers or {})})
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return Got(answer.status, told, answer.read().decode())
        finally:
            connection.close()

    @contextmanager
    def listened(self, path: str, *, headers: Mapping[str, str] | None = None) -> Generator[http.client.HTTPResponse]:
        """A stream that stays open."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path, headers={"Cookie": self.cookie, **(headers or {})})
            yield connection.getresponse()
        finally:
            connection.close()

    def interrupt(self) -> tuple[int, str]:
        """Ctrl-C; the exit code, and what stood on standard error."""
        self.process.send_signal(signal.SIGINT)
        _, told = self.process.communicate(timeout=30)
        return self.process.returncode, told


@contextmanager
def served(project: Path, *arguments: str) -> Generator[Served]:
    """The command in a project, until the block ends."""
    process = started(project, "ui", "--no-open", *arguments)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = _ADDRESS.fullmatch(line)
        assert found, line + process.communicate(timeout=30)[1]
        yield Served(process, int(found[1]), found[2])
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=30)
