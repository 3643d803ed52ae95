"""Copies: private, complete, capped, and safe to read back."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from agora.errors import PatchError, SandboxError, WorkspaceError
from agora.protocols import Sandbox
from agora.sandbox import BareSandbox, BubblewrapSandbox, RunLimits, apply_patch
from agora.sandbox.trees import TreeCaps
from agora.tasks import Change, Patch, Tier


def bare(caps: TreeCaps | None = None) -> Sandbox:
    return BareSandbox(caps=caps)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    for path in ("a.py", "pkg/b.py", ".git/HEAD", ".venv/pyvenv.cfg", "node_modules/x", "pkg/__pycache__/b.pyc"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(path)
    return folder


async def test_history_environments_and_caches_are_not_copied(source: Path) -> None:
    workspace = await bare().open(source, least=Tier.BARE)
    files = {str(path.relative_to(workspace.root)) for path in workspace.root.rglob("*") if path.is_file()}
    assert files == {"a.py", "pkg/b.py"}
    await workspace.close()
    assert not workspace.root.exists()
    assert not workspace.root.parent.exists()


async def test_the_source_is_never_touched_and_the_patch_carries_the_work(source: Path) -> None:
    workspace = await bare().open(source, least=Tier.BARE)
    workspace.path("a.py").write_text("changed\n")
    workspace.path("pkg/b.py").unlink()
    patch = workspace.patch()
    await workspace.close()
    assert (source / "a.py").read_text() == "a.py"
    assert [(change.path, change.after) for change in patch.changes] == [("a.py", b"changed\n"), ("pkg/b.py", None)]
    apply_patch(patch, source)
    assert (source / "a.py").read_text() == "changed\n"
    assert not (source / "pkg/b.py").exists()


async def test_links_are_copied_only_where_they_stay_inside(source: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (source / "inner").symlink_to(source / "pkg" / "b.py")
    (source / "outer").symlink_to(tmp_path / "secret")
    (source / "relative").symlink_to("../secret")
    (source / "circle").symlink_to("circle")
    workspace = await bare().open(source, least=Tier.BARE)
    assert (workspace.root / "inner").readlink() == Path("pkg/b.py")
    assert not any((workspace.root / name).is_symlink() for name in ("outer", "relative", "circle"))
    await workspace.close()


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", "link/x", "link", "a\0b", "x" * 300, "\udcff"])
async def test_a_path_that_leaves_the_copy_is_refused(name: str) -> None:
    workspace = await bare().open(None, least=Tier.BARE)
    (workspace.root / "link").symlink_to("/etc")
    with pytest.raises(WorkspaceError):
        workspace.path(name)
    assert workspace.path("fine/file") == workspace.root / "fine" / "file"
    await workspace.close()


async def test_a_patch_given_at_opening_is_in_the_copy_and_not_in_its_own_patch(source: Path) -> None:
    patch = Patch(changes=(Change(path="new.py", before=None, after=b"new"),))
    workspace = await bare().open(source, patch=patch, least=Tier.BARE)
    assert workspace.path("new.py").read_bytes() == b"new"
    assert workspace.patch() == Patch()
    await workspace.close()


async def test_a_patch_that_does_not_fit_leaves_no_copy_behind(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(source.parent))
    source.parent.chmod(0o755)
    with pytest.raises(PatchError):
        await bare().open(source, patch=Patch(changes=(Change(path="a.py", before=None, after=b""),)), least=Tier.BARE)
    assert not list(source.parent.glob("agora-*"))


@pytest.mark.parametrize(
    ("caps", "why"),
    [
        (TreeCaps(files=2), "more than 2 files"),
        (TreeCaps(total_bytes=5), "more than 5 bytes"),
        (TreeCaps(file_bytes=3), "holds more than 3 bytes"),
        (TreeCaps(depth=1), "deeper than 1"),
    ],
)
async def test_a_folder_past_the_caps_is_refused_with_a_reason(source: Path, caps: TreeCaps, why: str) -> None:
    with pytest.raises(WorkspaceError, match=why):
        await bare(caps).open(source, least=Tier.BARE)


async def test_a_source_that_is_not_a_folder_is_refused(source: Path) -> None:
    with pytest.raises(WorkspaceError, match="is not there"):
        await bare().open(source / "nowhere", least=Tier.BARE)
    with pytest.raises(WorkspaceError, match="is not a folder"):
        await bare().open(source / "a.py", least=Tier.BARE)


async def test_a_bare_sandbox_is_refused_where_more_is_demanded() -> None:
    with pytest.raises(SandboxError, match="demands a sandbox of tier NAMESPACE"):
        await bare().open(None)


async def test_a_namespace_is_refused_where_a_machine_is_demanded() -> None:
    with pytest.raises(SandboxError, match="tier MACHINE"):
        await BubblewrapSandbox().open(None, least=Tier.MACHINE)


_MESS = """
import os, socket
os.symlink('/etc/passwd', 'link')
os.mkfifo('pipe')
open('closed', 'w').write('closed')
os.chmod('closed', 0)
os.mkdir('shut'); open('shut/file', 'w').write('x'); os.chmod('shut', 0)
open('tool', 'w').write('#!/bin/sh'); os.chmod('tool', 0o7777)
open(os.fsencode('n') + bytes([255]), 'w').write('x')
"""


async def test_whatever_a_command_leaves_is_read_back_safely_and_removed() -> None:
    workspace = await BubblewrapSandbox().open(None)
    ran = await workspace.run(["python", "-c", _MESS])
    assert ran.exit_code == 0, ran.stderr
    patch = workspace.patch()
    assert {change.path: change.mode for change in patch.changes} == {
        "closed": 0o644,
        "shut/file": 0o644,
        "tool": 0o755,
    }
    await workspace.close()
    assert not workspace.root.parent.exists()


async def test_endless_nesting_is_refused_by_name_and_still_removed() -> None:
    workspace = await BubblewrapSandbox(limits=RunLimits(poll_s=60)).open(None)
    program = "import os\nfor _ in range(3000): os.mkdir('d'); os.chdir('d')"
    ran = await workspace.run(["python", "-c", program])
    assert ran.exit_code == 0, ran.stderr
    with pytest.raises(WorkspaceError, match="deeper"):
        workspace.patch()
    await workspace.close()
    assert not workspace.root.parent.exists()


async def test_what_our_own_tools_write_can_be_changed_inside() -> None:
    workspace = await BubblewrapSandbox().open(None)
    path = workspace.path("folder/file")
    path.parent.mkdir()
    path.write_text("ours")
    path.chmod(0o600)
    ran = await workspace.run(["sh", "-c", "echo theirs >> folder/file"])
    assert (ran.exit_code, path.read_text()) == (0, "ourstheirs\n")
    assert stat.S_ISREG(os.lstat(path).st_mode)
    await workspace.close()
