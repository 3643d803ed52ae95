"""Tools that read, write, change, list and search the files of an attempt's workspace, and nothing outside it."""

from __future__ import annotations

import functools
import inspect
import json
import os
import stat
from typing import BinaryIO, Final, cast

import anyio.to_thread

from agora.agents import grep
from agora.agents.tools import tool
from agora.errors import ConfigError
from agora.protocols import Workspace

MAX_LINES: Final = 400
"""Lines that one read_file shows."""
MAX_CHARS: Final = 20_000
"""Characters that one tool result shows."""
MAX_NAMES: Final = 500
"""Names that one list_files shows."""
MAX_HITS: Final = 100
"""Lines that one search_files shows."""
MAX_EDIT_BYTES: Final = 10_000_000
"""Larger files cannot be edited by replacement."""
REGEX_TIMEOUT_S: Final = 10.0
"""A regular expression may take so long."""


@tool(reads=True)
def read_file(workspace: Workspace, path: str, first_line: int = 1, last_line: int | None = None) -> str:
    """Read a text file, or a range of its lines.

    Args:
        workspace: The attempt's copy, filled in by the market.
        path: Relative to the workspace.
        first_line: The first line to show, from 1.
        last_line: The last line to show; leave it out to read on.
    """
    first = max(first_line, 1)
    with _opened(workspace, path) as file:
        lines: list[str] = []
        total = chars = 0
        for total, raw in enumerate(file, start=1):
            if total < first or (last_line is not None and total > last_line) or len(lines) == MAX_LINES:
                continue
            if b"\0" in raw:
                raise ConfigError(path, "is not a text file")
            line = raw.decode("utf-8", "replace")
            if chars + len(line) > MAX_CHARS:
                if lines:
                    last_line = total - 1
                    continue
                line = line[:MAX_CHARS] + " [line cut here]\n"
                last_line = total
            chars += len(line)
            lines.append(line)
    return _shown(path, lines, first=first, total=total)


@tool
def write_file(workspace: Workspace, path: str, content: str) -> str:
    """Write a whole text file; what was there is replaced, and missing folders are made.

    Args:
        workspace: The attempt's copy, filled in by the market.
        path: Relative to the workspace.
        content: The whole new text.
    """
    target = workspace.path(path)
    if target.exists() and not target.is_file():
        raise ConfigError(path, "is not a file: choose another path")
    data = _encoded(path, content)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    except OSError as error:
        raise ConfigError(path, f"cannot be written: {error.strerror}") from None
    return f"wrote {path}: {content.count(chr(10)) + (not content.endswith(chr(10)) and bool(content))} lines"


@tool
def replace_in_file(workspace: Workspace, path: str, old: str, new: str, all: bool = False) -> str:
    """Replace an exact piece of text in a file; it must occur exactly once, unless all is true.

    Args:
        workspace: The attempt's copy, filled in by the market.
        path: Relative to the workspace.
        old: The text as it stands in the file, with its spaces and line breaks.
        new: What to put there.
        all: Replace every occurrence.
    """
    if not old:
        raise ConfigError("old", "is empty: give the exact text to replace, or use write_file for a new file")
    with _opened(workspace, path) as file:
        data = file.read(MAX_EDIT_BYTES + 1)
    if len(data) > MAX_EDIT_BYTES:
        raise ConfigError(path, f"is larger than {MAX_EDIT_BYTES} bytes")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise ConfigError(path, "is not UTF-8 text") from None
    if "\r\n" in text and old not in text:
        old, new = (part.replace("\r\n", "\n").replace("\n", "\r\n") for part in (old, new))
    count = text.count(old)
    if count == 0:
        raise ConfigError(path, "the old text does not occur" + _nearest(text, old))
    if count > 1 and not all:
        where = ", ".join(str(line) for line in _lines_of(text, old)[:10])
        raise ConfigError(path, f"the old text occurs {count} times (lines {where}): add context, or set all")
    workspace.path(path).write_bytes(_encoded(path, text.replace(old, new)))
    return f"replaced {count} in {path} (line {_lines_of(text, old)[0]})"


@tool(thread=True, reads=True)
def list_files(workspace: Workspace, pattern: str = "*") -> str:
    """List the files of the workspace that fit a glob.

    Args:
        workspace: The attempt's copy, filled in by the market.
        pattern: As src/*.py; a star also crosses folders.
    """
    found = grep.files_under(str(workspace.root), pattern)
    more = len(found) - MAX_NAMES
    return "\n".join(found[:MAX_NAMES]) + (f"\n[{more} more: narrow the pattern]" if more > 0 else "") or "no such file"


@tool(reads=True)
async def search_files(workspace: Workspace, query: str, pattern: str = "*", regex: bool = False) -> str:
    """Search the files of the workspace; answers with path:line: text.

    Args:
        workspace: The attempt's copy, filled in by the market.
        query: The text to find, as it is written.
        pattern: Only files that fit this glob.
        regex: Take the query as a Python regular expression.
    """
    if not query:
        raise ConfigError("query", "is empty: say what to look for")
    if regex:
        hits, more = await _searched_in_sandbox(workspace, query, pattern)
    else:
        search = functools.partial(grep.search, pattern=pattern, regex=False, limit=MAX_HITS)
        hits, more = await anyio.to_thread.run_sync(search, str(workspace.root), query, abandon_on_cancel=True)
    return "\n".join(hits) + ("\n[more lines match: narrow the search]" if more else "") or "nothing found"


async def _searched_in_sandbox(workspace: Workspace, query: str, pattern: str) -> tuple[list[str], bool]:
    asked = json.dumps({"query": query, "pattern": pattern, "limit": MAX_HITS})
    ran = await workspace.run(
        ["python", "-I", "-c", _grep_source()], stdin=asked, timeout_s=REGEX_TIMEOUT_S, writable=False
    )
    if ran.exit_code == 124:
        raise ConfigError("query", f"the pattern took more than {REGEX_TIMEOUT_S:g} s: simplify it")
    try:
        answer = cast("dict[str, object]", json.loads(ran.stdout))
    except ValueError:
        raise ConfigError("query", f"the search ended with exit code {ran.exit_code}: {ran.stderr[-300:]}") from None
    if "error" in answer:
        raise ConfigError("query", f"not a regular expression ({answer['error']})")
    return cast("list[str]", answer["hits"]), bool(answer["more"])


@functools.cache
def _grep_source() -> str:
    return inspect.getsource(grep)


def _opened(workspace: Workspace, path: str) -> BinaryIO:
    target = workspace.path(path)
    try:
        # O_NONBLOCK: opening a named pipe would block for ever.
        descriptor = os.open(target, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        raise ConfigError(path, f"cannot be read: {error.strerror}; list_files shows what there is") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ConfigError(path, "is not a file; list_files shows what there is")
    return os.fdopen(descriptor, "rb")


def _encoded(path: str, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ConfigError(path, "the text holds half a surrogate pair, which no file can store: leave it out") from None


def _shown(path: str, lines: list[str], *, first: int, total: int) -> str:
    if not lines:
        return f"[{path} is empty]" if total == 0 else f"[{path} has {total} lines; none from {first} on]"
    last = first + len(lines) - 1
    text = "".join(lines)
    if first == 1 and last == total:
        return text
    mend = f"; read on with first_line={last + 1}" if last < total else ""
    return f"{text}{'' if text.endswith(chr(10)) else chr(10)}[lines {first}-{last} of {total}{mend}]"


def _lines_of(text: str, part: str) -> list[int]:
    """Line numbers, from 1, where a text begins; at most the first 100."""
    lines: list[int] = []
    at = text.find(part)
    while at >= 0 and len(lines) < 100:
        lines.append(text.count("\n", 0, at) + 1)
        at = text.find(part, at + len(part))
    return lines


def _nearest(text: str, old: str) -> str:
    """Where the first line of a missing text stands but for its spaces."""
    wanted = next((line.strip() for line in old.splitlines() if line.strip()), "")
    near = [number for number, line in enumerate(text.splitlines(), start=1) if wanted and line.strip() == wanted]
    if near:
        return (
            f"; its line {wanted[:80]!r} stands at {near[:5]}: copy spaces and line breaks exactly, as read_file shows"
        )
    return ": read the file first and copy the text exactly"
