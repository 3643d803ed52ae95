"""Checkpoints as git notes: on HEAD of a repository, under refs/notes/agora, from where they can be pushed.

No hook of the repository and none of its settings that run a program take part.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from agora.errors import SignatureError

REF: Final = "refs/notes/agora"
"""Where the notes are."""
DEADLINE_S: Final = 20.0
"""The longest that one git command may take."""
_SAFE: Final = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "notes.displayRef=")
_WHO: Final = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Agora"), ("EMAIL", "agora@localhost"))
}
_OURS: Final = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_NOTES_REF", "GIT_OBJECT_DIRECTORY")


def repository(folder: Path) -> Path | None:
    """The top of the git repository that a folder belongs to; None: of none, or there is no git.

    It is where `.git` stands: a repository's settings may name any folder as its top (core.worktree).
    """
    try:
        _git(folder, "rev-parse", "--git-dir")
        whole = folder.resolve()
    except (OSError, SignatureError):
        return None
    return next((top for top in (whole, *whole.parents) if (top / ".git").exists()), None)


def add_note(folder: Path, note: str) -> str:
    """Put a note behind those on HEAD of a folder's repository.

    Returns:
        The commit that it is on.

    Raises:
        SignatureError: git refused, or took too long.
    """
    commit = _git(folder, "rev-parse", "--verify", "HEAD^{commit}").strip()
    _git(folder, "notes", f"--ref={REF}", "append", "-F", "-", commit, given=note)
    return commit


def read_notes(folder: Path) -> Sequence[tuple[str, str]]:
    """All notes of a folder's repository: commit, text; none where there is no repository.

    Raises:
        SignatureError: git refused, or took too long.
    """
    if repository(folder) is None or not _git(folder, "for-each-ref", REF).strip():
        return ()
    listed = [line.split() for line in _git(folder, "notes", f"--ref={REF}", "list").splitlines()]
    return [(commit, _git(folder, "cat-file", "blob", blob)) for blob, commit in listed]


def _git(folder: Path, *arguments: str, given: str = "") -> str:
    env = {name: value for name, value in os.environ.items() if name not in _OURS}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *_SAFE, *arguments],
            input=given.encode(),
            capture_output=True,
            env={**env, **_WHO, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
            timeout=DEADLINE_S,
            check=False,
        )
    except FileNotFoundError:
        raise SignatureError("there is no git here: install it, or set checkpoint to 'file'") from None
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise SignatureError(f"git {arguments[0]} in {str(folder)!r} did not end: {problem}") from None
    if done.returncode:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())[:300]
        raise SignatureError(f"git {arguments[0]} in {str(folder)!r} failed: {said or done.returncode}")
    return done.stdout.decode("utf-8", "replace")
