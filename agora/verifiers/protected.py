"""Which files work may not change: a patch that touches one fails, and says which."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final

from agora.tasks import Patch

ALWAYS: Final = (".venv/**", "venv/**", ".git/**", "**/pyvenv.cfg", "**/*.pth")
"""What runs the checks, or could change how they run, whatever the task says."""
CONTROLS: Final = (
    *("**/conftest.py", "pytest.ini", ".pytest.ini", "tox.ini", "setup.cfg", "pyproject.toml", "noxfile.py"),
    *("ruff.toml", ".ruff.toml", "mypy.ini", ".flake8", ".coveragerc", "Makefile"),
    *("**/sitecustomize.py", "**/usercustomize.py", "pytest.py", "pytest/**", "_pytest/**", "unittest/**", "ruff.py"),
)
"""What steers test runners and linters; a command check protects it unless told otherwise."""

TESTS: Final = ("**/test_*.py", "**/*_test.py", "tests/**", "test/**", "**/*.test.*", "**/*.spec.*")
"""Existing tests: a command check keeps them as they are unless told otherwise; new ones may come."""


def fits(path: str, pattern: str) -> bool:
    """Whether a path fits a glob; `*` also crosses folders, and `**/` may stand for no folder. Capitals count less.

    >>> fits("tests/deep/test_a.py", "tests/*"), fits("conftest.py", "**/conftest.py"), fits("a.py", "tests/**")
    (True, True, False)
    """
    name, glob = posixpath.normpath(path).lower(), pattern.lower().removeprefix("./")
    return fnmatchcase(name, glob) or (glob.startswith("**/") and fnmatchcase(name, glob[3:]))


def touched(patch: Patch, patterns: Sequence[str]) -> list[str]:
    """The files of a patch that fit one of the globs, in order of path."""
    return sorted({change.path for change in patch.changes if any(fits(change.path, glob) for glob in patterns)})


def changed(patch: Patch, patterns: Sequence[str]) -> list[str]:
    """The files of a patch that existed before and fit one of the globs, in order of path."""
    existing = Patch(changes=tuple(change for change in patch.changes if change.before is not None))
    return touched(existing, patterns)
