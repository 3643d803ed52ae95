"""A full disk, and folders that cannot be written: a clear error, and everything as it was."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from agora.errors import PatchError
from agora.sandbox import apply_patch
from agora.tasks import Change, Patch

_FULL = """
import os, resource, signal, sys
from pathlib import Path
import anyio
from agora.errors import AgoraError
from agora.sandbox import BareSandbox, apply_patch
from agora.tasks import Change, Patch, Tier
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
root, what = Path(sys.argv[1]), sys.argv[2]
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    if what == "patch":
        changes = (Change(path="a", before=None, after=b"x"), Change(path="b", before=None, after=b"x" * 90_000))
        apply_patch(Patch(changes=changes), root)
    else:
        anyio.run(lambda: BareSandbox().open(root, least=Tier.BARE))
except AgoraError as error:
    print(type(error).__name__, error)
"""


def told(root: Path, what: str, temp: Path, *, read_only: Path | None = None, hidden: Sequence[str] = ()) -> str:
    """What a process says in which no file may grow past 20 kB.

    Args:
        root: The folder that it works on.
        what: "patch" or "copy".
        temp: Its temporary folder.
        read_only: A folder that it cannot write: for root by a mount in a namespace of its own, else by its mode.
        hidden: Folders that it cannot write either; root only.
    """
    environ = {**os.environ, "TMPDIR": str(temp)}
    command = [sys.executable, "-c", _FULL, str(root), what]
    if read_only is not None and os.geteuid() == 0:
        places = [*hidden, str(read_only)]
        mounts = " && ".join(f"mount --bind {place} {place} && mount -o remount,bind,ro {place}" for place in places)
        command = ["unshare", "--mount", "sh", "-c", f'{mounts} && exec "$@"', "sh", *command]
    elif read_only is not None:
        read_only.chmod(0o555)
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr[-2000:]
    return done.stdout


@pytest.fixture
def temp(open_path: Path) -> Path:
    return open_path


def test_a_patch_that_does_not_fit_on_the_disk_changes_nothing(tmp_path: Path, temp: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    assert told(root, "patch", temp).startswith("PatchError the patch could not be written (")
    assert not list(root.iterdir())


def test_a_copy_that_does_not_fit_on_the_disk_is_refused_with_the_mend_and_leaves_nothing(
    tmp_path: Path, temp: Path
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "large").write_bytes(b"x" * 90_000)
    said = told(root, "copy", temp)
    assert said.startswith(f"SandboxError a private copy cannot be made in '{temp}' (File too large): free some space")
    assert not list(temp.iterdir())


def test_a_folder_that_cannot_be_written_is_named_and_left_alone(tmp_path: Path, temp: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "old").write_text("x")
    said = told(root, "patch", temp, read_only=root)
    assert said.startswith("PatchError the patch could not be written (")
    assert f"{root}" in said
    assert [path.name for path in root.iterdir()] == ["old"]


def test_a_temporary_folder_that_cannot_be_written_is_named_with_the_mend(tmp_path: Path, temp: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    hidden = ("/tmp", "/var/tmp") if os.geteuid() == 0 else ()
    said = told(root, "copy", temp, read_only=temp, hidden=hidden)
    if hidden:
        assert said.startswith("SandboxError a private copy cannot be made in ")
        assert "name another folder in TMPDIR" in said
    else:  # there are others that can be written
        assert said == ""
    assert not list(temp.iterdir())


def test_a_folder_that_is_gone_or_no_folder_is_named(tmp_path: Path) -> None:
    patch = Patch(changes=(Change(path="a", before=None, after=b"x"),))
    (tmp_path / "file").write_text("x")
    for place in ("gone", "file"):
        with pytest.raises(PatchError, match=place):
            apply_patch(patch, tmp_path / place)
