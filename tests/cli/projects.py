"""A small project to run the command line in: two function agents, one folder with a wrong word."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from agora.cli.main import run_app

HELPERS = '''
"""The project's own functions."""

from decimal import Decimal
from pathlib import Path

import anyio
from pydantic import BaseModel

from agora.agents.llm import LLMAgent
from agora.agents.tools import tool
from agora.bids import Price
from agora.testing import ScriptedModel, call, say


async def fix(desk, plan):
    desk.workspace.path("word.txt").write_text("right\\n")
    return "mended the word"


async def spoil(desk, plan):
    desk.workspace.path("word.txt").write_text("wr\\u202eng\\x1b[2J\\n")
    return "tried [red]something[/]"


async def speak(desk, plan):
    return "x"


async def wait(desk, plan):
    await anyio.sleep_forever()


async def patient(desk, plan):
    while not Path("go").exists():
        await anyio.sleep(0.02)
    return await fix(desk, plan)


async def stubborn(desk, plan):
    with anyio.CancelScope(shield=True):
        return await patient(desk, plan)


async def command(desk, plan):
    await desk.run(["python", "-c", "print('[red]p\u0430y[/] \x1b[2J')"])
    return await fix(desk, plan)


def scripted(name):
    replies = [say("1. read word.txt\\n2. answer"), call("read_file", path="word.txt"), say("it is wrong")]
    model = ScriptedModel("scripted", replies)
    return LLMAgent(name, model, price=Price(output_per_mtok=Decimal(1)))


class Word(BaseModel):
    word: str


def breaks(name):
    raise RuntimeError("no such luck")


number = 7
'''

FIXER = 'kind = "function"\ntarget = "helpers_of_test:fix"\nplan = "write the right word"\n'
SPOILER = 'kind = "function"\ntarget = "helpers_of_test:spoil"\nplan = "guess"\n'
CHECK = "grep -q right word.txt"


def make_project(folder: Path, **agents: str) -> Path:
    """A project whose agents are the named TOML texts."""
    for part in ("agents", "repo"):
        (folder / part).mkdir(parents=True)
    (folder / "agora.toml").write_text("seed = 7\n")
    (folder / "helpers_of_test.py").write_text(HELPERS)
    (folder / "repo" / "word.txt").write_text("wrong\n")
    for name, text in agents.items():
        (folder / "agents" / f"{name}.toml").write_text(text)
    return folder


def priced(definition: str, seconds: str) -> str:
    """A definition with a price in seconds for each task."""
    return f'{definition}price = {{ unit = "s", per_task = "{seconds}" }}\n'


def doing(target: str, *, seconds: str = "1") -> str:
    """The definition of a function agent with a price in seconds."""
    return priced(FIXER.replace(":fix", f":{target}"), seconds)


def until(descriptor: int, mark: str) -> str:
    """Read a terminal until a text is seen, or its other side has closed it."""
    seen = b""
    while mark.encode() not in seen:
        ready, _, _ = select.select([descriptor], [], [], 60)
        assert ready, seen.decode(errors="replace")
        try:
            chunk = os.read(descriptor, 65_536)
        except OSError:
            break
        if not chunk:
            break
        seen += chunk
    return seen.decode(errors="replace")


@contextmanager
def at_terminal(
    folder: Path, *arguments: str, environ: Mapping[str, str] | None = None
) -> Generator[tuple[subprocess.Popen[str], int]]:
    """A command line at a terminal of its own, and our side of the terminal."""
    ours, theirs = pty.openpty()
    process = started(folder, *arguments, terminal=theirs, environ=environ)
    os.close(theirs)
    try:
        yield process, ours
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(timeout=60)
        os.close(ours)


class Shown:
    """How a command ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def error(self) -> str:
        """The last line on standard error."""
        lines = self.err.strip().splitlines()
        return lines[-1] if lines else ""


class Shell:
    """Runs command lines in this process, standing in a project."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Shown:
        """Run one."""
        self._capsys.readouterr()
        code = run_app(arguments)
        shown = self._capsys.readouterr()
        return Shown(code, shown.out, shown.err)


def started(
    folder: Path, *arguments: str, terminal: int | None = None, environ: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """A command line in a process of its own.

    Args:
        folder: Where it stands.
        arguments: After "agora".
        terminal: A descriptor for its three streams; None: pipes.
        environ: Further variables.
    """
    stream = subprocess.PIPE if terminal is None else terminal
    return subprocess.Popen(
        [sys.executable, "-m", "agora", *arguments],
        cwd=folder,
        env={**os.environ, **(environ or {})},
        text=True,
        start_new_session=True,
        stdin=stream,
        stdout=stream,
        stderr=stream,
    )
