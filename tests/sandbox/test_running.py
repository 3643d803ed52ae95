"""Running: the same promises in every sandbox that this machine has."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from agora.errors import SandboxError
from agora.protocols import Sandbox, Workspace
from agora.records import Ran
from agora.sandbox import BareSandbox, BubblewrapSandbox, NsjailSandbox, RunLimits
from agora.sandbox.battery import marked
from agora.tasks import Tier

KINDS: dict[str, type[BubblewrapSandbox] | type[NsjailSandbox]] = {
    "bubblewrap": BubblewrapSandbox,
    "nsjail": NsjailSandbox,
}
LIMITS = RunLimits(memory_bytes=200_000_000, disk_bytes=10_000_000, output_bytes=100_000, poll_s=0.05)


def wait_until(holds: Callable[[], bool]) -> None:
    """Poll what only the kernel knows; give up after 20 seconds."""
    ends = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.01)


@pytest.fixture(params=sorted(KINDS))
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    return KINDS[request.param](limits=LIMITS)


@pytest.fixture
async def workspace(sandbox: Sandbox) -> AsyncGenerator[Workspace]:
    opened = await sandbox.open(None)
    yield opened
    await opened.close()


async def test_a_command_works_in_the_copy_as_nobody_and_its_files_come_back(workspace: Workspace) -> None:
    ran = await workspace.run(["sh", "-c", "cat; id -u; pwd; echo made > file; echo oh >&2; exit 7"], stdin="hello\n")
    assert ran._replace(seconds=0) == Ran(7, "hello\n65534\n/workspace\n", "oh\n", 0, "")
    assert [(change.path, change.after) for change in workspace.patch().changes] == [("file", b"made\n")]


async def test_nothing_of_our_environment_is_seen_and_what_is_given_is(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET_KEY", "very-secret")
    ran = await workspace.run(["python", "-c", "import os; print(dict(os.environ))"], env={"GIVEN": "yes"})
    assert "'GIVEN': 'yes'" in ran.stdout
    assert "very-secret" not in (await workspace.run(["sh", "-c", "cat /proc/*/environ"])).stdout + ran.stdout


async def test_python_is_agoras_own_with_its_packages_and_commands(workspace: Workspace) -> None:
    ran = await workspace.run(["python", "-c", "import sys, pytest; print(sys.executable)"])
    assert ran.stdout.strip() == sys.executable
    assert (await workspace.run(["ruff", "--version"])).stdout.startswith("ruff ")
    ran = await workspace.run(["sh", "-c", f"echo x > {Path(sys.executable).parent}/planted"])
    assert ran.exit_code != 0
    assert not (Path(sys.executable).parent / "planted").exists()


_ORDINARY = """
import asyncio, concurrent.futures as futures, multiprocessing, os, socket, sqlite3, subprocess, tempfile, threading
threading.Thread(target=print, args=("thread",)).start()
print(subprocess.run(["echo", "child"], capture_output=True, text=True).stdout.strip())
left, right = socket.socketpair(); left.send(b"pair"); print(right.recv(4).decode())
print(sqlite3.connect("x.db").execute("select 'database'").fetchone()[0])
os.mkfifo("pipe"); print(asyncio.run(asyncio.sleep(0, "loop")))
with multiprocessing.Pool(2) as pool: print(sum(pool.map(abs, [-1, -2])))
with tempfile.TemporaryDirectory() as folder: print(folder.startswith("/tmp/"))
"""

_REFUSED = """
import ctypes, errno, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def shown(result): return errno.errorcode[ctypes.get_errno()] if result == -1 else "allowed"
for family in (socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK, socket.AF_PACKET, 38, 40):
    print(shown(libc.socket(family, 3 if family == 17 else 1, 0)), end=" ")
print(shown(libc.unshare(0x10000000)), shown(libc.mount(b"x", b"/", b"tmpfs", 0, None)), end=" ")
print(shown(libc.ioctl(0, 0x5412, b"x")), shown(libc.ptrace(0, 0, 0, 0)), shown(libc.syscall(435, 0, 0)))
"""


async def test_what_ordinary_programs_need_works(workspace: Workspace) -> None:
    ran = await workspace.run(["python", "-c", _ORDINARY])
    assert sorted(ran.stdout.split()) == sorted(["thread", "child", "pair", "database", "loop", "3", "True"]), (
        ran.stderr
    )


async def test_the_filter_is_in_force(workspace: Workspace) -> None:
    ran = await workspace.run(["python", "-c", _REFUSED])
    assert ran.stdout.split() == ["EPERM"] * 10 + ["ENOSYS"], ran.stderr


async def test_real_pytest_runs(workspace: Workspace) -> None:
    workspace.path("test_it.py").write_text("def test_it(tmp_path):\n    assert 1 == 2\n")
    ran = await workspace.run(["python", "-m", "pytest", "-q"])
    assert ran.exit_code == 1
    assert "1 failed" in ran.stdout


async def test_a_file_rewritten_within_the_second_runs_as_rewritten(workspace: Workspace) -> None:
    for word in ("one", "two"):  # of the same size, so that a byte-code cache could not tell
        workspace.path("mod.py").write_text(f"print({word!r})\n")
        assert (await workspace.run(["python", "-c", "import mod"])).stdout == f"{word}\n"


async def test_a_copy_can_be_mounted_for_reading_only(workspace: Workspace) -> None:
    workspace.path("here").write_text("x")
    ran = await workspace.run(["sh", "-c", "cat here; echo y > there || echo y > here"], writable=False)
    assert (ran.stdout, ran.exit_code != 0) == ("x", True)
    assert not workspace.path("there").exists()


async def test_time_runs_out_even_where_all_signals_are_ignored(workspace: Workspace) -> None:
    program = "import os, signal, time\nfor n in (1, 2, 3, 15): signal.signal(n, signal.SIG_IGN)\nos.fork()\n"
    ran = await workspace.run(["python", "-c", f"{program}print('on', flush=True)\ntime.sleep(60)"], timeout_s=0.5)
    assert (ran.exit_code, ran.limit) == (124, "time")
    assert ran.seconds < 5


async def test_a_flood_of_output_is_cut(workspace: Workspace) -> None:
    for stream in ("", " >&2"):
        ran = await workspace.run(["sh", "-c", f"yes{stream}"])
        assert (ran.exit_code, ran.limit, len(ran.stdout + ran.stderr)) == (137, "output", 100_000)


async def test_memory_of_all_processes_together_is_limited(workspace: Workspace) -> None:
    program = (
        "import os, time\nfor _ in range(4): os.fork() or (b := bytearray(os.urandom(4096) * 25000), time.sleep(60))"
    )
    ran = await workspace.run(["python", "-c", program + "\ntime.sleep(60)"], timeout_s=30)
    assert (ran.exit_code, ran.limit) == (137, "memory")


async def test_disk_is_limited_in_folders_that_are_shut_too(workspace: Workspace) -> None:
    program = "import os, time\nos.mkdir('d')\nfor n in range(20): open(f'd/{n}', 'wb').write(os.urandom(1 << 20))\n"
    ran = await workspace.run(["python", "-c", f"{program}os.chmod('d', 0)\ntime.sleep(60)"], timeout_s=30)
    assert (ran.exit_code, ran.limit) == (137, "disk")


async def test_a_command_that_is_not_there_cannot_be_started(workspace: Workspace) -> None:
    with pytest.raises(SandboxError, match="'no-such-program' could not be started"):
        await workspace.run(["no-such-program"])
    with pytest.raises(SandboxError, match="empty"):
        await workspace.run([])
    with pytest.raises(SandboxError, match="NUL"):
        await workspace.run(["echo", "a\0b"])


async def test_a_daemon_does_not_outlive_its_command(workspace: Workspace) -> None:
    ran = await workspace.run(["sh", "-c", "setsid sleep 4242 >/dev/null 2>&1 & echo started"])
    assert ran.stdout == "started\n"
    assert marked("sleep\0004242") == []


async def test_cancellation_kills_and_reaps_everything(workspace: Workspace) -> None:
    with anyio.move_on_after(0.5) as scope:
        await workspace.run(["sh", "-c", "setsid sleep 4343 & sleep 4343"])
    assert scope.cancelled_caught
    assert marked("sleep\0004343") == []


async def test_closing_kills_what_still_runs_and_removes_the_copy(sandbox: Sandbox) -> None:
    workspace = await sandbox.open(None)
    os.mkfifo(workspace.root / "ready")
    ended: list[Ran] = []

    async def run() -> None:
        ended.append(await workspace.run(["sh", "-c", "echo ready > ready; sleep 4444"]))

    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            group.start_soon(run)
            await anyio.to_thread.run_sync((workspace.root / "ready").read_text)  # a pipe: waits for the other end
            await workspace.close()
    assert ended[0].exit_code != 0
    assert marked("sleep\0004444") == []
    assert not workspace.root.exists()
    with pytest.raises(SandboxError, match="closed"):
        await workspace.run(["true"])


async def test_commands_side_by_side_do_not_mix(workspace: Workspace) -> None:
    results: dict[int, str] = {}

    async def one(number: int) -> None:
        results[number] = (await workspace.run(["sh", "-c", f"echo {number}"])).stdout

    async with anyio.create_task_group() as group:
        for number in range(8):
            group.start_soon(one, number)
    assert results == {number: f"{number}\n" for number in range(8)}


async def test_no_descriptor_of_ours_stays_open(workspace: Workspace) -> None:
    async def once() -> int:
        await workspace.run(["true"])
        await workspace.run(["sleep", "9"], timeout_s=0.05)
        with pytest.raises(SandboxError):
            await workspace.run(["no-such-program"])
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - not a folder of files

    assert await once() == await once()


async def test_a_workspace_brings_its_own_venv_from_a_home_that_is_closed(sandbox: Sandbox, tmp_path: Path) -> None:
    home = tmp_path / "home"
    repo = home / "repo"
    repo.mkdir(parents=True)
    venv.create(repo / ".venv", symlinks=True, with_pip=False)
    (repo / "code.py").write_text("import sys\nprint(sys.prefix)\n")
    home.chmod(0o700)
    workspace = await sandbox.open(repo)
    for writable in (True, False):
        ran = await workspace.run(["python", "code.py"], writable=writable)
        assert ran.stdout.strip() == str(repo / ".venv"), ran.stderr
    assert (await workspace.run(["ls", str(home)])).stdout == "repo\n"
    assert workspace.patch().changes == ()
    await workspace.close()


async def test_a_venv_made_by_strangers_shows_nothing_of_the_home(sandbox: Sandbox, tmp_path: Path) -> None:
    secret = tmp_path / "home" / "secrets" / "keys" / "token"
    secret.parent.mkdir(parents=True)
    secret.write_text("very-secret")
    secret.chmod(0o755)
    repo = tmp_path / "repo"
    (repo / ".venv" / "bin").mkdir(parents=True)
    (repo / ".venv" / "lib" / "python3.11").mkdir(parents=True)
    (repo / ".venv" / "pyvenv.cfg").write_text("home = /usr/bin")
    (repo / ".venv" / "bin" / "python").symlink_to(secret)
    workspace = await sandbox.open(repo)
    assert (await workspace.run(["sh", "-c", f"cat {secret} || true"])).stdout == ""
    assert (await workspace.run(["python", "-c", "print(1)"])).stdout == "1\n"
    await workspace.close()


_FROM_HOME = """
import anyio, sys
from agora.sandbox import {kind}

async def main():
    workspace = await {kind}().open(None)
    ran = await workspace.run(["python", "-I", "-S", "-c", "import sys; print(sys.executable)"])
    print(ran.stdout, ran.stderr)
    await workspace.close()

anyio.run(main)
"""


_FOREVER = """
import anyio
from agora.sandbox import {kind}

async def main():
    workspace = await {kind}().open(None)
    print(workspace.root.parent, flush=True)
    await workspace.run(["sh", "-c", "setsid sleep 45{number} & echo up > up; sleep 45{number}"], timeout_s=600)

anyio.run(main)
"""


@pytest.mark.parametrize(("kind", "number"), [("BubblewrapSandbox", 45), ("NsjailSandbox", 46)])
def test_nothing_runs_on_when_agora_is_killed(kind: str, number: int) -> None:
    mark = f"sleep\00045{number}"
    program = _FOREVER.format(kind=kind, number=number)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as agora:
        assert agora.stdout is not None
        folder = Path(agora.stdout.readline().strip())
        wait_until(lambda: len(marked(mark)) >= 2)
        agora.kill()
    wait_until(lambda: not marked(mark))
    shutil.rmtree(folder)


@pytest.mark.parametrize("kind", ["BubblewrapSandbox", "NsjailSandbox"])
def test_agora_itself_may_be_installed_in_a_home_that_is_closed(kind: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    venv.create(home / ".venv", symlinks=True, with_pip=False)
    python = home / ".venv" / "bin" / "python"
    env = {"PYTHONPATH": os.pathsep.join(sys.path), "HOME": str(home)}
    done = subprocess.run(
        [python, "-c", _FROM_HOME.format(kind=kind)], env=env, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == str(python), done.stderr


async def test_without_a_sandbox_time_and_output_are_limited_still() -> None:
    workspace = await BareSandbox(limits=LIMITS).open(None, least=Tier.BARE)
    assert (await workspace.run(["sh", "-c", "sleep 60 & sleep 60"], timeout_s=0.3)).limit == "time"
    assert (await workspace.run(["yes"])).limit == "output"
    assert (await workspace.run(["python", "-c", "import os; print(os.getcwd())"])).stdout.strip() == str(
        workspace.root
    )
    with pytest.raises(SandboxError, match="cannot start 'no-such-program'"):
        await workspace.run(["no-such-program"])
    await workspace.close()
