"""The live battery: real attacks, each first shown to succeed without a sandbox, then tried inside.

What counts is what the host sees (a listener that was reached, a file that is there, a process that lives on), not
what a program says, wherever that can be seen from outside.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import anyio

from agora.errors import SandboxError
from agora.protocols import Sandbox
from agora.sandbox.attacks import ATTACKS, PRELUDE, STARTED, Attack
from agora.sandbox.interpreters import home_folder
from agora.sandbox.limits import RunLimits
from agora.sandbox.tiers import Limitable
from agora.tasks import Tier

__all__ = ["AttackResult", "Limitable", "marked", "run_battery"]

_DYING_S = 0.5
_LIMITS = RunLimits(
    memory_bytes=250_000_000,
    disk_bytes=20_000_000,
    processes=32,
    output_bytes=1_000_000,
)
"""Small ones, so that a bomb that gets through does no harm to the machine."""


class AttackResult(NamedTuple):
    """What came of one attack."""

    name: str
    """Of the attack."""
    klass: str
    """network, secrets, writes, kernel, processes or bombs."""
    harm_without: bool
    """Whether it succeeded without a sandbox; if not, nothing was shown."""
    harm_within: bool
    """Whether it succeeded inside."""


class _End(NamedTuple):
    """What an attack left behind."""

    stdout: str
    folder: Path


async def run_battery(sandbox: Limitable, *, names: frozenset[str] | None = None) -> list[AttackResult]:
    """Attack a sandbox, and the bare machine for comparison; about 5 seconds.

    Attacks that only root could make succeed are left out where we are not root.

    Args:
        sandbox: What is attacked.
        names: Only these attacks; None: all.

    Raises:
        ExceptionGroup: With a SandboxError: the sandbox cannot be started.
    """
    small = sandbox.limited(_LIMITS)
    results: list[AttackResult] = []
    for attack in ATTACKS:
        if (attack.root and os.geteuid() != 0) or (names is not None and attack.name not in names):
            continue
        harm: dict[bool, bool] = {}
        async with anyio.create_task_group() as group:  # each has a scene of its own
            group.start_soon(_attempt, attack, None, harm)
            group.start_soon(_attempt, attack, small, harm)
        results.append(AttackResult(attack.name, attack.klass, harm_without=harm[False], harm_within=harm[True]))
    return results


async def _attempt(attack: Attack, sandbox: Sandbox | None, harm: dict[bool, bool]) -> None:
    """Note whether an attack did harm, under whether there was a sandbox."""
    with ExitStack() as stack:
        scene = _Scene(stack)
        mark = f"agora-{secrets.token_hex(8)}"
        argv = ["-c", PRELUDE + attack.program, mark, json.dumps(scene.facts)]
        stack.callback(_kill_marked, mark)
        if sandbox is None:
            end = await _bare(argv, scene.plain, attack.timeout_s)
            harm[False] = scene.harm(attack.harm, end, mark)
            return
        workspace = await sandbox.open(None, least=Tier.BARE)
        try:
            ran = await workspace.run(["python", *argv], timeout_s=attack.timeout_s)
            if STARTED not in ran.stderr:  # one that never ran has shown nothing
                raise SandboxError(f"the attack {attack.name!r} did not start inside: {ran.stderr[-300:]!r}")
            harm[True] = scene.harm(attack.harm, _End(ran.stdout, workspace.root), mark)
        finally:
            await workspace.close()


async def _bare(argv: list[str], folder: Path, timeout_s: float) -> _End:
    """Run without any sandbox; a program that is still there after its time is asked to end, once."""
    with tempfile.TemporaryFile() as output:
        process = await anyio.open_process(
            [sys.executable, *argv], stdout=output, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, cwd=folder
        )
        with anyio.move_on_after(timeout_s) as scope:
            await process.wait()
        if scope.cancelled_caught:
            with suppress(ProcessLookupError):
                process.terminate()
            with anyio.move_on_after(0.3):
                await process.wait()
        output.seek(0)
        return _End(output.read(5_000_000).decode(errors="replace"), folder)


class _Scene:
    """What attacks reach for: listeners, a secret, a folder outside, a victim. All of it is ours, and goes again."""

    def __init__(self, stack: ExitStack) -> None:
        self._secret = secrets.token_hex(16)
        base = Path(tempfile.mkdtemp(prefix="agora-battery-"))
        stack.callback(shutil.rmtree, base, ignore_errors=True)
        base.chmod(0o755)
        self.plain = base / "plain"
        self.plain.mkdir()
        self._outside = base / "outside"
        self._outside.mkdir()
        self._outside.chmod(0o777)  # only the sandbox may be what stops a write
        home = _home_folder(stack, base)
        (home / "secret").write_text(self._secret)
        self._sockets = {name: stack.enter_context(made) for name, made in _listeners(base, self._secret)}
        self._victim_mark = f"agora-victim-{secrets.token_hex(8)}"
        self._victim = stack.enter_context(_victim(self._victim_mark, self._secret))
        self._system_file = next(path for path in ("/etc/shadow", "/etc/passwd") if os.access(path, os.R_OK))
        stack.enter_context(_variable(f"AGORA_BATTERY_{secrets.token_hex(8)}", self._secret))
        self.facts: Mapping[str, object] = {
            "tcp": self._sockets["tcp"].getsockname()[1],
            "udp": self._sockets["udp"].getsockname()[1],
            "abstract": self._sockets["abstract"].getsockname()[1:].decode(),
            "socket": str(base / "socket"),
            "secret_file": str(home / "secret"),
            "system_file": self._system_file,
            "outside": str(self._outside),
            "victim": self._victim.pid,
            "victim_mark": self._victim_mark,
        }

    def harm(self, kind: str, end: _End, mark: str) -> bool:
        """Whether an attack of a kind reached its aim."""
        looks: dict[str, Callable[[], bool]] = {
            "held": lambda: "held" in end.stdout,
            "secret": lambda: self._secret in end.stdout,
            "system_file": lambda: _digest(self._system_file) in end.stdout,
            "written": lambda: (self._outside / "written").exists(),
            "suid": lambda: _is_root_suid(end.folder / "suid"),
            "device": lambda: _is_device(end.folder / "device"),
            "victim": lambda: _has_died(self._victim),
            "alive": lambda: bool(marked(mark)),
            "flood": lambda: len(end.stdout) > _LIMITS.output_bytes,
            **{name: partial(_was_reached, made) for name, made in self._sockets.items()},
        }
        return looks[kind]()


def _has_died(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(timeout=_DYING_S)  # a killed process still has to be scheduled to die
    except subprocess.TimeoutExpired:
        return False
    return True


def _home_folder(stack: ExitStack, base: Path) -> Path:
    try:
        folder = Path(tempfile.mkdtemp(prefix=".agora-battery-", dir=home_folder()))
    except OSError:
        return base
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    return folder


def _listeners(base: Path, secret: str) -> Iterator[tuple[str, socket.socket]]:
    tcp = socket.create_server(("127.0.0.1", 0))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    abstract, named = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    abstract.bind(f"\0agora-{secret}".encode())
    named.bind(str(base / "socket"))
    (base / "socket").chmod(0o777)
    for one in (abstract, named):
        one.listen()
    for name, made in (("tcp", tcp), ("udp", udp), ("abstract", abstract), ("socket", named)):
        made.setblocking(False)
        yield name, made


def _was_reached(listener: socket.socket) -> bool:
    try:
        if listener.type == socket.SOCK_DGRAM:
            return bool(listener.recv(10))
        connection, _ = listener.accept()
    except BlockingIOError:
        return False
    connection.close()
    return True


@contextmanager
def _victim(mark: str, secret: str) -> Generator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        ["/bin/sh", "-c", f"sleep 60 # {mark}"], env={"SECRET": secret}, start_new_session=True
    ) as it:
        try:
            yield it
        finally:
            with suppress(ProcessLookupError):
                os.killpg(it.pid, signal.SIGKILL)


@contextmanager
def _variable(name: str, value: str) -> Generator[None]:
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]


def marked(mark: str) -> list[int]:
    """Host pids of processes with a mark on their command line, in whatever namespace; zombies have none."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if mark.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
    return found


def _kill_marked(mark: str) -> None:
    for pid in marked(mark):
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def _digest(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _is_root_suid(path: Path) -> bool:
    with suppress(OSError):
        info = path.lstat()
        return info.st_uid == 0 and bool(info.st_mode & stat.S_ISUID)
    return False


def _is_device(path: Path) -> bool:
    with suppress(OSError):
        return stat.S_ISCHR(path.lstat().st_mode)
    return False
