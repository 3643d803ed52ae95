"""The long form of what the tests do briefly: `make soak`. One table at the end; each part also runs alone.

python benchmarks/soak.py                 all parts, one after another
python benchmarks/soak.py kills faults    some of them
python benchmarks/soak.py --list          what there is, and the command of each
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PATIENCE_S = 6 * 3600.0
"""The longest that one part may take."""
PARTS: Mapping[str, Sequence[str]] = {
    "kills": ("benchmarks/crashes.py", "--every", "--random", "1000"),
    "postgres": (
        "benchmarks/crashes.py",
        "--random",
        "100",
        "--zombies",
        "20",
        "--writers",
        "20",
        "--held",
        "20",
        "--store",
        "postgres",
    ),
    "duels": (
        "benchmarks/crashes.py",
        "--twice",
        "200",
        "--zombies",
        "200",
        "--writers",
        "50",
        "--held",
        "50",
        "--pairs",
        "50",
    ),
    "parallel": ("benchmarks/crashes.py", "--random", "100", "--parallel", "2"),
    "cancels": ("benchmarks/cancellations.py",),
    "sandboxed": ("benchmarks/cancellations.py", "--sandboxed"),
    "faults": ("benchmarks/soak_providers.py", "50"),
    "outages": ("tests/memory/outages.py", "100"),
}
"""Name -> the script and its arguments, from the root of the repository."""


class Ended(NamedTuple):
    """How one part ended."""

    name: str
    code: int
    minutes: float
    said: str
    """Its closing lines that are about figures."""


def command(name: str) -> list[str]:
    """The command line of a part."""
    script, *arguments = PARTS[name]
    return [sys.executable, script, *arguments]


def played(name: str) -> Ended:
    """Run one part and show what it says while it says it."""
    print(f"== {name}: python {' '.join(PARTS[name])}", flush=True)
    started_s = time.monotonic()
    path = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    lines: list[str] = []
    with subprocess.Popen(
        command(name),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as part:
        try:
            for line in part.stdout or ():
                print(f"   {line}", end="", flush=True)
                lines.append(line.strip())
                if time.monotonic() - started_s > PATIENCE_S:
                    raise SystemExit(f"{name} took more than {PATIENCE_S / 3600:.0f} hours")
        except BaseException:
            os.killpg(part.pid, signal.SIGKILL)
            raise
    minutes = (time.monotonic() - started_s) / 60
    return Ended(name, part.returncode, minutes, "; ".join(line for line in lines[-3:] if line))


def main() -> int:
    """Run the parts that are named, or all; the exit code says whether all held."""
    names = sys.argv[1:] or list(PARTS)
    if names == ["--list"]:
        print(*(f"{name:10} python {' '.join(argv)}" for name, argv in PARTS.items()), sep="\n")
        return 0
    if unknown := [name for name in names if name not in PARTS]:
        print(f"no part {unknown[0]!r}: there are {', '.join(PARTS)}")
        return 2
    ended = [played(name) for name in names]
    print(f"\n{'part':10} {'held':5} {'min':>7}  what it says")
    for part in ended:
        print(f"{part.name:10} {'no' if part.code else 'yes':5} {part.minutes:7.1f}  {part.said[:200]}")
    return int(any(part.code for part in ended))


if __name__ == "__main__":
    sys.exit(main())
