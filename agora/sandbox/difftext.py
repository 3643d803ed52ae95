"""One changed file as a unified diff for people; bounded work, whatever the file holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import unified_diff

from agora.tasks import Change

_FILE_CAP = 200_000
_WORK_CAP = 4_000_000


def file_diff(change: Change, old: bytes | None) -> str:
    """A unified diff, or one line where the file is binary, large or not to be had.

    Args:
        change: What happened to the file.
        old: Its former content; None where it did not exist or cannot be had any more.
    """
    before = f"a/{change.path}" if change.before is not None else "/dev/null"
    after = f"b/{change.path}" if change.after is not None else "/dev/null"
    if change.before is not None and old is None:
        return f"--- {before}\n+++ {after}\n# the former content is not at hand\n"
    a, b = _lines(old), _lines(change.after)
    if a is None or b is None:
        sizes = f"{len(old or b'')} -> {len(change.after or b'')} bytes"
        return f"# binary or large: {before} {after}, {sizes}\n"
    if a == b:
        return f"# {change.path}: mode {change.mode:o}" + ("\n" if change.before else ", empty\n")
    return "".join(_mark_ends(_diff(a, b, before, after)))


def _lines(content: bytes | None) -> list[str] | None:
    if content is None:
        return []
    if len(content) > _FILE_CAP or b"\0" in content:
        return None
    try:
        return content.decode().splitlines(keepends=True)
    except UnicodeDecodeError:
        return None


def _diff(a: Sequence[str], b: Sequence[str], before: str, after: str) -> Iterator[str]:
    head = 0
    while head < min(len(a), len(b)) and a[head] == b[head]:
        head += 1
    tail = 0
    while tail < min(len(a), len(b)) - head and a[-1 - tail] == b[-1 - tail]:
        tail += 1
    gone, new = a[head : len(a) - tail], b[head : len(b) - tail]
    if len(gone) * len(new) <= _WORK_CAP:
        yield from unified_diff(a, b, before, after)
        return
    # difflib takes time that grows with the product; a hostile file must not buy minutes with it
    yield f"--- {before}\n"
    yield f"+++ {after}\n"
    yield f"@@ -{head + 1},{len(gone)} +{head + 1},{len(new)} @@\n"
    yield from (f"-{line}" for line in gone)
    yield from (f"+{line}" for line in new)


def _mark_ends(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
