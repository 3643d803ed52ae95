"""docs/stranger.md, typed as it stands there: the owner in one place, the stranger in another with two files alone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "stranger.md"
CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
AFTER = "@after@"
VARIES = (
    (r"agora\+[0-9a-f]{8}\+[\w+/=]{44}", "KEY"),
    (r"\b[\w+/]{43}=", "ROOT"),
    (r"\b[0-9a-f]{12,16}\b", "ID"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "WHEN"),
    (r"\d+ kB", "SIZE"),
    (r"(?<=0\.1/)\d+\.\d+|(?<=step · )\d+\.\d+|(?<=less than )0\.\d+", "SECONDS"),
    (r"\s+", " "),
)
"""What is not the same twice: keys, hashes, times, sizes, and how a table is filled up to its widest cell."""


class Typed(NamedTuple):
    command: str
    says: str


def side(title: str) -> list[Typed]:
    """The commands of one part of the page, each with what it says there."""
    part = PAGE.read_text().partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    typed: list[Typed] = []
    for block in CONSOLE.findall(part):
        for piece in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            first, *lines = piece.splitlines()
            more = [line for line in lines if re.match(r">($| )", line)]
            typed.append(Typed("\n".join([first, *(line[2:] for line in more)]), "\n".join(lines[len(more) :])))
    return typed


def said(typed: list[Typed], folder: Path) -> list[str]:
    """Type the commands into one shell; what each of them said."""
    (folder / "home").mkdir(parents=True)
    binaries = Path(sys.executable).parent
    env = {"PATH": f"{binaries}:{os.environ['PATH']}", "HOME": str(folder / "home"), "NO_COLOR": "1", "COLUMNS": "160"}
    script = "\n".join(f"{each.command}\necho {AFTER} $?" for each in typed)
    ran = subprocess.run(["bash", "-c", script], cwd=folder, env=env, capture_output=True, text=True, timeout=100)
    outputs = re.split(rf"^{AFTER} (\d+)\n", ran.stdout, flags=re.MULTILINE)
    assert outputs[1::2] == ["0"] * len(typed), ran.stdout + ran.stderr
    return outputs[0:-1:2]


def same(text: str) -> str:
    for pattern, instead in VARIES:
        text = re.sub(pattern, instead, text)
    return text.strip()


@pytest.mark.timeout(240)
def test_a_stranger_with_two_files_verifies_replays_and_explains_as_the_page_says(tmp_path: Path) -> None:
    owner, stranger = side("The owner"), side("The stranger")
    assert len(owner) == 5
    assert len(stranger) == 7
    heard = said(owner, tmp_path / "owner")
    for name in ("run.jsonl", "owner.vkey"):
        (tmp_path / "stranger").mkdir(exist_ok=True)
        shutil.copy(tmp_path / "owner" / "shop" / name, tmp_path / "stranger" / name)
    shutil.rmtree(tmp_path / "owner")
    heard += said(stranger, tmp_path / "stranger")
    for typed, output in zip([*owner, *stranger], heard, strict=True):
        assert same(output) == same(typed.says), typed.command
