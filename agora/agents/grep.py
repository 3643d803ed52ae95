"""Searching the text of a folder, line by line. Standard library only: its source also runs inside the sandbox.

A regular expression can take for ever, and Python cannot interrupt one. So file_tools runs patterns as a command of the
sandbox with a time limit (`python -I -c SOURCE`, the query as JSON on stdin), and plain text in this process.
"""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from fnmatch import fnmatchcase

SKIPPED = frozenset(
    {".git", ".venv", "venv", "node_modules", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
)
"""Folders that are never listed or searched."""
MAX_FILES = 20_000
"""Files that are looked at, at most."""
MAX_FILE_BYTES = 2_000_000
"""Larger files are not searched."""
SHOWN_LINE_CHARS = 200
"""A line is shown up to here."""


def matches(path: str, pattern: str) -> bool:
    """Whether a path fits a glob; `*` also crosses folders, and a pattern without "/" may fit the name alone.

    >>> matches("src/a/b.py", "src/*.py"), matches("a.py", "**/*.py"), matches("src/b.py", "*.py")
    (True, True, True)
    """
    bare = pattern[3:] if pattern.startswith("**/") else pattern
    return fnmatchcase(path, pattern) or fnmatchcase(path, bare) or fnmatchcase(path, bare.replace("**/", ""))


def files_under(root: str, pattern: str) -> list[str]:
    """Regular files below a folder that fit a glob, sorted, links not followed."""
    found: list[str] = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED)
        for name in sorted(names):
            path = os.path.relpath(os.path.join(folder, name), root).replace(os.sep, "/")  # noqa: PTH118  # inner loop
            if matches(path, pattern):
                found.append(path)
        if len(found) >= MAX_FILES:
            break
    return sorted(found[:MAX_FILES])


def text_of(path: str) -> str | None:
    """A file's text; None where it is not a regular text file of bearable size."""
    try:
        # O_NONBLOCK: a named pipe would block for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode) or about.st_size > MAX_FILE_BYTES:
            return None
        data = file.read(MAX_FILE_BYTES)
    return None if b"\0" in data else data.decode("utf-8", "replace")


def search(root: str, query: str, *, pattern: str, regex: bool, limit: int) -> tuple[list[str], bool]:
    """Lines that hold a text (or match a regular expression), as `path:line: text`, and whether there are more."""
    expression = re.compile(query if regex else re.escape(query))
    hits: list[str] = []
    for path in files_under(root, pattern):
        text = text_of(os.path.join(root, path))  # noqa: PTH118  # inner loop
        if text is None or (not regex and query not in text):
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            if expression.search(line):
                if len(hits) == limit:
                    return hits, True
                hits.append(f"{path}:{number}: {line.strip()[:SHOWN_LINE_CHARS]}")
    return hits, False


def main() -> None:
    """Search the working folder: the query as JSON on stdin, the result as JSON on stdout."""
    asked = json.load(sys.stdin)
    try:
        hits, more = search(".", asked["query"], pattern=asked["pattern"], regex=True, limit=asked["limit"])
    except re.error as error:
        sys.stdout.write(json.dumps({"error": str(error)}))
    else:
        sys.stdout.write(json.dumps({"hits": hits, "more": more}))


if __name__ == "__main__":
    main()
