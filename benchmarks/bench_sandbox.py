"""What starting a sandbox costs: medians over plain Python, interleaved, in milliseconds."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

import anyio

from agora.errors import SandboxError
from agora.protocols import Sandbox, Workspace
from agora.sandbox import BareSandbox, BubblewrapSandbox, NsjailSandbox
from agora.tasks import Tier

_ROUNDS = 60
_COMMAND = ("python", "-I", "-S", "-c", "pass")


def _plain() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *_COMMAND[1:]], check=True)
    return 1000 * (time.perf_counter() - began)


async def _inside(workspace: Workspace, command: Sequence[str]) -> float:
    began = time.perf_counter()
    ran = await workspace.run(command)
    taken = 1000 * (time.perf_counter() - began)
    if ran.exit_code != 0:
        raise SandboxError(f"the command ended with {ran.exit_code}: {ran.stderr}")
    return taken


async def _open_and_close(sandbox: Sandbox) -> float:
    began = time.perf_counter()
    workspace = await sandbox.open(None, least=Tier.BARE)
    await workspace.close()
    return 1000 * (time.perf_counter() - began)


async def _main() -> None:
    kinds: dict[str, Sandbox] = {
        "bare": BareSandbox(),
        "bubblewrap": BubblewrapSandbox(),
        "nsjail": NsjailSandbox(),
    }
    workspaces = {name: await kind.open(None, least=Tier.BARE) for name, kind in kinds.items()}
    times: dict[str, list[float]] = {name: [] for name in ("plain", *kinds)}
    copies: dict[str, list[float]] = {name: [] for name in kinds}
    for round_number in range(_ROUNDS + 5):
        taken = {"plain": _plain()}
        for name, workspace in workspaces.items():
            taken[name] = await _inside(workspace, _COMMAND)
        if round_number >= 5:  # the first ones warm the caches
            for name, value in taken.items():
                times[name].append(value)
            for name, kind in kinds.items():
                copies[name].append(await _open_and_close(kind))
    for workspace in workspaces.values():
        await workspace.close()
    plain = statistics.median(times["plain"])
    print(f"{_ROUNDS} rounds, ms: median, p95, median over plain python -I -S; open and close an empty copy")
    for name, values in times.items():
        p95 = statistics.quantiles(values, n=20)[-1]
        opened = f"{statistics.median(copies[name]):6.1f}" if name in copies else ""
        print(f"{name:12}{statistics.median(values):7.1f}{p95:7.1f}{statistics.median(values) - plain:+7.1f}{opened}")


if __name__ == "__main__":
    anyio.run(_main)
