"""An application that dies at any step is finished or undone by the next one, and leaves nothing beside the files."""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from agora.errors import FolderBusyError, LeaseError, PatchError
from agora.failpoints import Failpoint, arm
from agora.sandbox import apply_patch
from agora.sandbox.patches import digest, patch_between, snapshot
from agora.tasks import Change, Patch

Tree = dict[str, tuple[bytes | None, int]]
"""Path -> content and mode; no content: a folder."""

BEFORE: Tree = {
    "kept": (b"kept", 0o640),
    "changed": (b"old", 0o644),
    "script": (b"#!/bin/sh\n", 0o644),
    "gone": (b"gone", 0o600),
    "lib": (None, 0o750),
    "lib/deep": (None, 0o700),
    "lib/deep/one": (b"1", 0o644),
    "lib/deep/two": (b"2", 0o755),
    "turned": (None, 0o711),
    "turned/into": (b"a file", 0o644),
    "file": (b"becomes a folder", 0o644),
}
AFTER: Tree = {
    "kept": (b"kept", 0o640),
    "changed": (b"new", 0o644),
    "script": (b"#!/bin/sh\n", 0o755),
    "src": (None, 0o755),
    "src/deep": (None, 0o755),
    "src/deep/one": (b"1", 0o644),
    "src/deep/two": (b"2", 0o755),
    "turned": (b"a file", 0o644),
    "file": (None, 0o755),
    "file/inside": (b"new", 0o644),
}
SMALL_BEFORE: Tree = {"a": (b"old", 0o644), "b": (None, 0o750), "b/c": (b"gone", 0o644)}
SMALL_AFTER: Tree = {"a": (b"new", 0o755), "d": (None, 0o755), "d/e": (b"made", 0o644)}


@pytest.fixture(autouse=True)
def _plain_umask() -> None:  # pyright: ignore[reportUnusedFunction] - pytest uses it
    os.umask(0o022)


def plant(tree: Tree, root: Path) -> Path:
    root.mkdir(parents=True)
    for path, (content, mode) in tree.items():
        if content is None:
            (root / path).mkdir()
        else:
            (root / path).write_bytes(content)
        (root / path).chmod(mode)
    return root


def gather(root: Path) -> Tree:
    """Everything that is there, folders and leftovers included."""
    return {
        str(path.relative_to(root)): (None if path.is_dir() else path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
        for path in root.rglob("*")
    }


def make_patch(before: Tree, after: Tree, where: Path) -> Patch:
    return patch_between(snapshot(plant(before, where / "before")), plant(after, where / "after"))


def died(work: Callable[[], object], *, at: int) -> bool:
    """Do something in a process of its own that is killed at the n-th failpoint; False: it came to its end before."""
    child = os.fork()
    if child == 0:
        try:
            arm(Failpoint("*", at))
            work()
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def test_whatever_step_it_dies_at_a_resumed_application_ends_with_the_wanted_files_and_nothing_else(
    tmp_path: Path,
) -> None:
    patch = make_patch(BEFORE, AFTER, tmp_path)
    step = 1
    while True:
        root = plant(BEFORE, tmp_path / f"root-{step}")
        killed = died(lambda: apply_patch(patch, root), at=step)  # noqa: B023 - called at once
        apply_patch(patch, root, resuming=True)
        assert gather(root) == AFTER, f"killed at step {step}"
        apply_patch(patch, root, resuming=True)
        assert gather(root) == AFTER
        if not killed:
            break
        step += 1
    assert step > 25, "too few steps for the test to say much"


def test_killed_again_at_whatever_step_of_the_resuming_it_still_ends_with_the_wanted_files(tmp_path: Path) -> None:
    patch = make_patch(SMALL_BEFORE, SMALL_AFTER, tmp_path)
    kills, first, more = 0, 1, True
    while more:
        second, again = 1, True
        while again:
            root = plant(SMALL_BEFORE, tmp_path / f"root-{first}-{second}")
            # a kill leaves what was written: only a loss of power needs it forced to the disk
            more = died(lambda: apply_patch(patch, root, durable=False), at=first)  # noqa: B023 - called at once
            again = died(lambda: apply_patch(patch, root, resuming=True, durable=False), at=second)  # noqa: B023
            apply_patch(patch, root, resuming=True, durable=False)
            assert gather(root) == SMALL_AFTER, f"killed at step {first}, then at {second}"
            kills += 1
            second += 1
        first += 1
    assert kills > 150


def test_a_dead_application_is_put_back_when_the_files_have_moved_on(tmp_path: Path) -> None:
    patch = make_patch(BEFORE, AFTER, tmp_path)
    step = 1
    while True:
        root = plant(BEFORE, tmp_path / f"root-{step}")
        if not died(lambda: apply_patch(patch, root), at=step):  # noqa: B023 - called at once
            break
        victim = root / "changed"
        (root / "kept").write_bytes(b"not of the patch")
        if victim.exists() and victim.read_bytes() == b"old":
            victim.write_bytes(b"theirs")
            with pytest.raises(PatchError, match="'changed' is not what the patch was made from"):
                apply_patch(patch, root, resuming=True)
            expected = {**BEFORE, "changed": (b"theirs", 0o644), "kept": (b"not of the patch", 0o640)}
            assert gather(root) == expected, f"killed at step {step}"
        step += 1


def test_what_somebody_wrote_into_a_half_applied_file_is_kept_and_so_is_the_file_of_before(tmp_path: Path) -> None:
    patch = make_patch(BEFORE, AFTER, tmp_path)
    seen = 0
    for step in range(1, 200):
        root = plant(BEFORE, tmp_path / f"root-{step}")
        if not died(lambda: apply_patch(patch, root), at=step):  # noqa: B023 - called at once
            break
        stages = [path for path in root.iterdir() if path.name.startswith(".agora-patch-")]
        if (
            (root / "changed").exists()
            and (root / "changed").read_bytes() == b"new"
            and (stages[0] / "journal").exists()
        ):
            seen += 1
            (root / "changed").write_bytes(b"theirs")
            for _ in range(2):
                with pytest.raises(PatchError, match=r"'changed' changed while .*\.agora-patch-"):
                    apply_patch(patch, root, resuming=True)
                held = {path: kept for path, kept in gather(root).items() if not path.startswith(".agora-patch-")}
                assert held == {**BEFORE, "changed": (b"theirs", 0o644)}
                assert b"old" in [path.read_bytes() for path in stages[0].iterdir() if path.is_file()]
    assert seen


def test_a_new_application_first_undoes_a_dead_one_of_the_same_patch(tmp_path: Path) -> None:
    patch = make_patch(SMALL_BEFORE, SMALL_AFTER, tmp_path)
    root = plant(SMALL_BEFORE, tmp_path / "root")
    assert died(lambda: apply_patch(patch, root), at=6)
    assert gather(root) != SMALL_BEFORE
    apply_patch(patch, root)
    assert gather(root) == SMALL_AFTER


def test_resuming_what_never_began_or_was_partly_done_by_hand_does_the_rest(tmp_path: Path) -> None:
    patch = make_patch(SMALL_BEFORE, SMALL_AFTER, tmp_path)
    root = plant(SMALL_BEFORE, tmp_path / "root")
    (root / "a").write_bytes(b"new")
    (root / "a").chmod(0o755)
    apply_patch(patch, root, resuming=True)
    assert gather(root) == SMALL_AFTER


def test_one_folder_takes_one_patch_at_a_time(tmp_path: Path) -> None:
    holder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX)
    patch, announced = Patch(changes=(Change(path="a", before=None, after=b"x"),)), list[str]()
    with pytest.raises(FolderBusyError, match="another process is writing a patch"):
        apply_patch(patch, tmp_path, announce=lambda: announced.append("too early"))
    os.close(holder)
    apply_patch(patch, tmp_path, announce=lambda: announced.append("once"))
    assert gather(tmp_path) == {"a": (b"x", 0o644)}
    assert announced == ["once"]


def test_an_application_that_cannot_be_announced_changes_nothing(tmp_path: Path) -> None:
    def refuse() -> None:
        assert gather(tmp_path) == {}
        raise LeaseError("r1", "somebody else", lost=True)

    with pytest.raises(LeaseError):
        apply_patch(Patch(changes=(Change(path="a", before=None, after=b"x"),)), tmp_path, announce=refuse)
    assert list(tmp_path.iterdir()) == []


def test_patches_of_tasks_that_end_together_take_turns(tmp_path: Path) -> None:
    holder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX)
    turn = threading.Timer(0.2, os.close, (holder,))
    turn.start()
    apply_patch(Patch(changes=(Change(path="a", before=None, after=b"x"),)), tmp_path)
    turn.join()
    assert gather(tmp_path) == {"a": (b"x", 0o644)}


def test_a_patch_cannot_write_files_of_keys_or_into_a_stage(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("X_API_KEY=1")
    for path in (".env", "a/.env", ".ENV", ".env.local", ".envrc", ".agora-patch-00/journal"):
        before = digest(b"X_API_KEY=1") if path == ".env" else None
        with pytest.raises(PatchError, match="no patch may change"):
            apply_patch(Patch(changes=(Change(path=path, before=before, after=b"x"),)), tmp_path)
    assert gather(tmp_path) == {".env": (b"X_API_KEY=1", 0o644)}


def test_a_stage_that_is_damaged_is_named_and_nothing_is_touched(tmp_path: Path) -> None:
    patch = make_patch(SMALL_BEFORE, SMALL_AFTER, tmp_path)
    root = plant(SMALL_BEFORE, tmp_path / "root")
    assert died(lambda: apply_patch(patch, root), at=6)
    stage = next(path for path in root.iterdir() if path.name.startswith(".agora-patch-"))
    for text in ("{", "[]", '{"changes": [99], "folders": {}}', '{"changes": [0], "folders": {"b": 1}}'):
        (stage / "journal").write_text(text)
        held = gather(root)
        with pytest.raises(PatchError, match="is damaged"):
            apply_patch(patch, root, resuming=True)
        assert gather(root) == held
