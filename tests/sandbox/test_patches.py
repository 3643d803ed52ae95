"""Patches: what was read is what is written, wholly or not at all, once."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agora.errors import PatchError
from agora.sandbox.patches import apply_patch, digest, patch_between, snapshot
from agora.tasks import Change, Patch

Tree = dict[str, tuple[bytes, int]]

_NAMES = st.sampled_from(["a", "b", "c.txt", "é"])
_CONTENTS = st.one_of(st.binary(max_size=40), st.text("ab\n", max_size=60).map(str.encode))


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """Files by path, where no file stands where another one needs a folder."""
    paths = draw(st.lists(st.lists(_NAMES, min_size=1, max_size=3).map("/".join), unique=True, max_size=6))
    files: Tree = {}
    for path in paths:
        parents = {str(parent) for parent in Path(path).parents}
        if not parents & set(files) and not any(other.startswith(f"{path}/") for other in files):
            files[path] = (draw(_CONTENTS), draw(st.sampled_from([0o644, 0o755])))
    return files


def plant(tree: Tree, root: Path) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for path, (content, mode) in tree.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
        (root / path).chmod(mode)
    return root


def gather(root: Path) -> Tree:
    """All files, and all that is left over."""
    files = [path for path in root.rglob("*") if not path.is_dir()]
    return {str(path.relative_to(root)): (path.read_bytes(), stat.S_IMODE(path.lstat().st_mode)) for path in files}


def make_patch(before: Tree, after: Tree, where: Path) -> Patch:
    return patch_between(snapshot(plant(before, where / "before")), plant(after, where / "after"))


@given(before=trees(), after=trees())
@settings(max_examples=150, deadline=None)
def test_a_patch_turns_the_one_folder_into_the_other(before: Tree, after: Tree) -> None:
    with tempfile.TemporaryDirectory() as name:
        where = Path(name)
        patch = make_patch(before, after, where)
        apply_patch(patch, where / "before")
        assert gather(where / "before") == after
        assert [change.path for change in patch.changes] == sorted({change.path for change in patch.changes})


@given(before=trees(), after=trees())
@settings(max_examples=100, deadline=None)
def test_a_second_application_is_refused_and_changes_nothing(before: Tree, after: Tree) -> None:
    with tempfile.TemporaryDirectory() as name:
        where = Path(name)
        patch = make_patch(before, after, where)
        apply_patch(patch, where / "before")
        if patch.changes:
            with pytest.raises(PatchError):
                apply_patch(patch, where / "before")
        assert gather(where / "before") == after


@given(before=trees(), after=trees(), data=st.data())
@settings(max_examples=100, deadline=None)
def test_a_folder_that_has_moved_on_is_left_alone(before: Tree, after: Tree, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        where = Path(name)
        patch = make_patch(before, after, where)
        if not patch.changes:
            return
        victim = data.draw(st.sampled_from(patch.changes))
        target = where / "before" / victim.path
        if victim.before is None and (target.is_dir() or any(parent.is_file() for parent in target.parents)):
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"somebody else was here")
        moved_on = gather(where / "before")
        with pytest.raises(PatchError, match="nothing was written"):
            apply_patch(patch, where / "before")
        assert gather(where / "before") == moved_on


@given(before=trees(), after=trees())
@settings(max_examples=60, deadline=None)
def test_a_failure_half_way_puts_everything_back(before: Tree, after: Tree) -> None:
    with tempfile.TemporaryDirectory() as name:
        where = Path(name)
        # the last file of the patch has to replace a folder that is not empty, which no rename can do
        patch = make_patch(before, {**after, "zz": (b"new", 0o644)}, where)
        plant({"zz/in the way": (b"", 0o644)}, where / "before")
        held = gather(where / "before")
        with pytest.raises(PatchError, match="zz"):
            apply_patch(patch, where / "before")
        assert gather(where / "before") == held


@pytest.mark.parametrize(
    "path",
    [
        "../out",
        "/etc/passwd",
        "a/../../out",
        "",
        ".",
        "a//b",
        "a\0b",
        ".git/hooks/pre-commit",
        "x/.GIT/config",
        ".venv/x",
    ],
)
def test_a_path_that_leaves_the_folder_or_enters_what_is_barred_is_refused(path: str, tmp_path: Path) -> None:
    with pytest.raises(PatchError):
        apply_patch(Patch(changes=(Change(path=path, before=None, after=b"x"),)), tmp_path)
    assert not list(tmp_path.rglob("*"))


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    outside = plant({"file": (b"old", 0o644)}, tmp_path / "outside")
    root = plant({}, tmp_path / "root")
    (root / "folder").symlink_to(outside)
    (root / "file").symlink_to(outside / "file")
    for path in ("folder/file", "file"):
        for before in (None, digest(b"old")):
            with pytest.raises(PatchError):
                apply_patch(Patch(changes=(Change(path=path, before=before, after=b"x"),)), root)
    assert gather(outside) == {"file": (b"old", 0o644)}


def test_a_patch_cannot_set_the_user_id_of_a_file(tmp_path: Path) -> None:
    apply_patch(Patch(changes=(Change(path="tool", before=None, after=b"x", mode=0o6755),)), tmp_path)
    assert stat.S_IMODE((tmp_path / "tool").stat().st_mode) == 0o755


def test_files_stay_their_owners(tmp_path: Path) -> None:
    root = plant({"old": (b"x", 0o644)}, tmp_path / "root")
    owner = 4242 if os.geteuid() == 0 else os.geteuid()
    for path in (root, root / "old"):
        os.chown(path, owner, -1)
    changes = (
        Change(path="new", before=None, after=b"y"),
        Change(path="old", before=digest(b"x"), after=b"y"),
    )
    apply_patch(Patch(changes=changes), root)
    assert {path.stat().st_uid for path in root.iterdir()} == {owner}


def test_the_text_is_a_unified_diff_that_names_binaries_and_leaves_them_out(tmp_path: Path) -> None:
    before: Tree = {"a.py": (b"one\ntwo", 0o644), "b.bin": (b"\0\1", 0o644), "gone": (b"x\n", 0o644)}
    after: Tree = {"a.py": (b"one\nthree", 0o644), "b.bin": (b"\0\2", 0o644)}
    text = make_patch(before, after, tmp_path).text
    assert "--- a/a.py\n+++ b/a.py\n" in text
    assert "-two\n\\ No newline at end of file\n+three\n\\ No newline at end of file\n" in text
    assert "# binary or large: a/b.bin b/b.bin, 2 -> 2 bytes\n" in text
    assert "--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n" in text


def test_a_file_made_to_be_slow_to_compare_is_shown_quickly_and_truly(tmp_path: Path) -> None:
    old = b"".join(b"%d\n" % (number % 7) for number in range(20_000))
    new = b"".join(b"%d\n" % (number % 11) for number in range(20_000))
    patch = make_patch({"a": (old, 0o644)}, {"a": (new, 0o644)}, tmp_path)
    lines = patch.text.splitlines()
    assert sum(line.startswith("-") for line in lines[2:]) <= 20_000
    apply_patch(patch, tmp_path / "before")
    assert (tmp_path / "before" / "a").read_bytes() == new


def test_links_pipes_and_names_in_no_encoding_are_named_and_left_out(tmp_path: Path) -> None:
    root = plant({"kept": (b"x", 0o644)}, tmp_path / "root")
    before = snapshot(root)
    (root / "link").symlink_to("/etc/passwd")
    os.mkfifo(root / "pipe")
    (root / os.fsdecode(b"\xff")).write_text("x")
    patch = patch_between(before, root)
    assert patch.changes == ()
    assert "link' is a link" in patch.text
    assert "pipe' is not a regular file" in patch.text
    assert "is named in no known encoding" in patch.text
