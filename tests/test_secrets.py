"""Fifty canaries and whole runs in processes of their own: none is found in anything that they leave, say or send."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

from agora.sandbox import BareSandbox, BubblewrapSandbox, NsjailSandbox
from agora.tasks import Tier
from agora.testing.endpoint import Exchange, FaultyEndpoint, text, tool
from canaries import CANARIES, found_in, key_file, leaks, value, variables

_LOOK = "env; cat /proc/*/environ /proc/*/cmdline /proc/*/status; cat .env ../.env ../../.env; cat leaks.txt; sleep 0.3"
_STEPS = (
    ("run_shell", {"command": _LOOK}),
    ("read_file", {"path": ".env"}),
    ("read_file", {"path": "leaks.txt"}),
    ("run_python", {"code": "import os; print(dict(os.environ)); print(open('leaks.txt').read())"}),
    ("search_files", {"query": "KEY"}),
    ("run_shell", {"command": "base64 leaks.txt; rev leaks.txt | rev; cp leaks.txt copied.txt; echo right > word.txt"}),
)
_UNGUARDED = """
import sys
from agora.ledger.redact import Redactor
Redactor.text = lambda self, text: (text, 0)
Redactor.raw = lambda self, data: (data, 0)
Redactor.may_hit = lambda self, written: False
from agora.cli.main import main
main()
"""


def work(exchange: Exchange) -> None:
    """A model that plans, then looks everywhere, then repeats all that it has read."""
    messages: list[Mapping[str, Any]] = exchange.body["messages"]
    done = sum(message["role"] == "tool" for message in messages)
    if not exchange.body.get("tools"):
        text("1. look around\n2. write the word")(exchange)
    elif done < len(_STEPS):
        tool(*_STEPS[done])(exchange)
    else:
        text("I have read: " + "\n".join(str(message["content"]) for message in messages))(exchange)


def echo(exchange: Exchange) -> None:
    """A provider that repeats the key it was given when it refuses it, and where the request came in."""
    said = f"Incorrect API key provided: {exchange.authorization}; url https://me:{value('GITHUB_TOKEN')}@host/v1"
    exchange.json({"error": {"message": said, "type": "invalid_request_error", "code": "invalid_api_key"}}, status=401)


class Seen(NamedTuple):
    """All that a run left, said and sent."""

    places: Mapping[str, bytes]
    code: int
    said: str


@contextmanager
def watched(places: dict[str, bytes]) -> Generator[None]:
    """Meanwhile keep every command line of this machine, and the environment of whatever belongs to a sandbox."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.005):
            for entry in Path("/proc").iterdir():
                if not entry.name.isdigit():
                    continue
                try:
                    argv = (entry / "cmdline").read_bytes()
                    places[f"command line {argv[:300]!r}"] = argv
                    if any(word in argv for word in (b"agora-gate", b"bwrap", b"nsjail", b"sleep", b"supervisor")):
                        places[f"environment of {argv[:300]!r}"] = (entry / "environ").read_bytes()
                except OSError:
                    continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def make_project(project: Path, *, worker: str, echoing: str) -> None:
    """A project whose workspace is full of keys, with three agents: one works, two are refused by their provider."""
    (project / "agents").mkdir(parents=True)
    (project / "repo").mkdir()
    (project / "agora.toml").write_text("seed = 7\n")
    for place in (project, project / "repo"):
        (place / ".env").write_text(key_file())
        (place / ".env").chmod(0o600)
    (project / "repo" / "leaks.txt").write_text(leaks())
    (project / "repo" / "word.txt").write_text("wrong\n")
    locked = echoing.replace("://", f"://me:{quote(value('NPM_TOKEN'), safe='')}@")
    for name, base in (("worker", worker), ("echoing", echoing), ("locked", locked)):
        price = 'price = { unit = "s", output_per_mtok = "1" }'
        (project / "agents" / f"{name}.toml").write_text(f'model = "openai/test"\napi_base = "{base}"\n{price}\n')


def run(folder: Path, *, sandbox: str, guarded: bool = True) -> Seen:
    """One run with a hostile agent, agents behind echoing providers, and everything that tells of it."""
    project, temp = folder / "project", folder / "temp"
    temp.mkdir()
    environ = {**os.environ, **variables(), "TMPDIR": str(temp), "HOME": str(folder), "OLLAMA_HOST": "127.0.0.1:9"}
    environ["AGORA_DEBUG"] = "1"
    start = [sys.executable, *(["-m", "agora"] if guarded else ["-c", _UNGUARDED])]
    places: dict[str, bytes] = {}

    def shell(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        done = subprocess.run(
            [*start, *arguments], cwd=project, env=environ, capture_output=True, check=False, timeout=240
        )
        places[f"output of {' '.join(arguments[:2])}"] = done.stdout + done.stderr
        return done

    with FaultyEndpoint(work) as worker, FaultyEndpoint(echo) as echoing:
        make_project(project, worker=worker.url, echoing=echoing.url)
        verify = "cat word.txt leaks.txt; grep -q right word.txt"
        flags = ["--agents", "worker,echoing,locked", "--verify", verify, "--workspace", "repo", "--approve", "yes"]
        flags += ["--bare"] if sandbox == "bare" else []
        with watched(places):
            first = shell("run", "mend word.txt", *flags, "--output-format", "stream-json")
        looks = ["agents", "memory search word"]
        looks += [f"{command}{form}" for command in ("show", "explain", "runs") for form in ("", " --json")]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for looked in [pool.submit(shell, *look.split()) for look in looks]:
                looked.result()
        bodies = [*worker.requests, *echoing.requests]
    places["prompts"] = "\n".join(json.dumps(body, ensure_ascii=False) for body in bodies).encode()
    contents = (str(message.get("content")) for body in bodies for message in body["messages"])
    places["prompts as text"] = "\n".join(contents).encode()
    planted = {".env", "leaks.txt", "copied.txt", "worker.toml", "echoing.toml", "locked.toml"}
    for file in [file for file in folder.rglob("*") if file.is_file() and file.name not in planted]:
        places[str(file.relative_to(folder))] = file.read_bytes()
        if file.suffix == ".db":
            with sqlite3.connect(file) as database:
                places[f"dump of {file.name}"] = "\n".join(database.iterdump()).encode("utf-8", "replace")
    return Seen(places, first.returncode, (first.stdout + first.stderr).decode(errors="replace"))


@pytest.fixture
def folder(open_path: Path) -> Path:
    """A place that the sandbox's user can reach."""
    return open_path


@pytest.mark.timeout(600)
@pytest.mark.parametrize("sandbox", ["best", "bare"])
def test_no_canary_is_found_in_anything_that_a_run_leaves_says_or_sends(sandbox: str, folder: Path) -> None:
    assert len(CANARIES) == 50
    seen = run(folder, sandbox=sandbox)
    assert seen.code == 0, seen.said[-3000:]
    assert (folder / "project" / "repo" / "word.txt").read_text() == "right\n"
    assert b"[redacted]" in seen.places["prompts"]
    assert b"Incorrect API key provided" in seen.places["output of show --json"]
    assert any(place.startswith("environment of") for place in seen.places)
    assert found_in(seen.places) == []


@pytest.mark.timeout(600)
def test_without_the_redactor_the_same_search_finds_them(folder: Path) -> None:
    seen = run(folder, sandbox="best", guarded=False)
    found = found_in(seen.places)
    names = {line.split(" in ")[0] for line in found}
    assert len(names) >= 45, found
    for place in ("prompts", "dump of agora.db", "output of show --json", "project/memory/agora.db"):
        assert any(line.endswith(f" in {place}") for line in found), place


@pytest.mark.parametrize("kind", [BareSandbox, BubblewrapSandbox, NsjailSandbox])
async def test_no_sandbox_shows_a_key_inside_or_to_other_users_of_the_machine(
    kind: type[BareSandbox] | type[BubblewrapSandbox] | type[NsjailSandbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, secret in variables().items():
        monkeypatch.setenv(name, secret)
    places: dict[str, bytes] = {}
    copy = await kind().open(None, least=Tier.BARE)
    try:
        with watched(places):
            ran = await copy.run(["sh", "-c", "env; cat /proc/self/environ; sleep 0.7"])
    finally:
        await copy.close()
    places["inside"] = ran.stdout.encode()
    assert any(place.startswith("environment of") for place in places)
    assert found_in({place: content for place, content in places.items() if b"pytest" not in content}) == []
