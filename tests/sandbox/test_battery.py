"""The live battery: every attack works without a sandbox, and none works inside."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agora.sandbox import BareSandbox, BubblewrapSandbox, Limitable, NsjailSandbox, run_battery
from agora.sandbox.attacks import ATTACKS

KINDS: dict[str, type[Limitable]] = {"BubblewrapSandbox": BubblewrapSandbox, "NsjailSandbox": NsjailSandbox}

_AS_NOBODY = """
import anyio
from agora.sandbox import {kind}, run_battery
for one in anyio.run(run_battery, {kind}()):
    print(one.name, one.harm_without, one.harm_within)
"""

# A namespace of mounts in which closed parents of the interpreter are replaced by open ones that hold nothing else.
_OPEN_UP = """
set -e
stage=/sys
mount -t tmpfs tmpfs $stage
n=0
for folder in "$@"; do mkdir $stage/$n; mount --rbind "$folder" $stage/$n; n=$((n + 1)); done
[ -z "$CLOSED" ] || for folder in $CLOSED; do mount -t tmpfs -o mode=755 tmpfs "$folder"; done
n=0
for folder in "$@"; do mkdir -p "$folder"; mount --rbind $stage/$n "$folder"; n=$((n + 1)); done
exec setpriv --reuid=65534 --regid=65534 --clear-groups "$PYTHON" -c "$PROGRAM"
"""


@pytest.mark.parametrize("kind", sorted(KINDS))
async def test_every_attack_succeeds_without_the_sandbox_and_fails_inside(kind: str) -> None:
    results = await run_battery(KINDS[kind]())
    expected = [attack.name for attack in ATTACKS if os.geteuid() == 0 or not attack.root]
    assert [one.name for one in results] == expected
    assert [one.name for one in results if not one.harm_without] == [], "shown to be an attack at all"
    assert [one.name for one in results if one.harm_within] == []


async def test_the_battery_sees_harm_where_there_is_no_sandbox() -> None:
    names = frozenset({"tcp", "home-secret", "write-outside", "kill-host", "environ"})
    results = await run_battery(BareSandbox(), names=names)
    assert {one.name for one in results if one.harm_within} == names


def test_every_class_has_an_attack() -> None:
    assert {attack.klass for attack in ATTACKS} == {"network", "secrets", "writes", "kernel", "processes", "bombs"}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_user_who_is_not_root_is_protected_too(kind: str, tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    folders = sorted({Path(sys.base_prefix), Path(sys.prefix), root})
    closed = sorted({str(parent) for folder in folders for parent in folder.parents if not parent.stat().st_mode & 1})
    tmp_path.chmod(0o777)
    program = _AS_NOBODY.format(kind=kind)
    env = {
        "PYTHONPATH": str(root),
        "HOME": "/tmp",
        "PROGRAM": program,
        "PYTHON": sys.executable,
        "PATH": os.environ["PATH"],
    }
    command = [sys.executable, "-c", program]
    if os.geteuid() == 0:
        env["CLOSED"] = " ".join(closed)
        command = ["unshare", "--mount", "sh", "-c", _OPEN_UP, "sh", *map(str, folders)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, cwd="/", timeout=100)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert len(lines) == sum(not attack.root for attack in ATTACKS), done.stderr
    assert [line for line in lines if line[1:] != ["True", "False"]] == []
