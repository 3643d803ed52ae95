"""A text in the user's own editor: $VISUAL, else $EDITOR; what they write is kept in a file that is named."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

import anyio

from agora.errors import AgoraError, ConfigError
from agora.settings import short

T = TypeVar("T")

MOST_TRIES: Final = 3
"""How often a text that cannot be used is offered again, the first time included."""
_MARK: Final = "# ! "
_ERROR_FD: Final = 2


class GivenUpError(AgoraError):
    """Nothing usable came out of the editor.

    Args:
        why: In words.
        file: Where the text stands.
    """

    def __init__(self, why: str, file: Path) -> None:
        super().__init__(f"{why}; what was written stands in {short(file)}")


def editor_of(environ: Mapping[str, str], *, somebody: bool) -> list[str]:
    """The command that edits a file.

    Args:
        environ: $VISUAL and $EDITOR are read.
        somebody: A person sits at a terminal, where vi is there if nothing is stated.

    Raises:
        ConfigError: None is stated, or it cannot be read.
    """
    for name in ("VISUAL", "EDITOR"):
        if stated := environ.get(name, "").strip():
            try:
                return shlex.split(stated)
            except ValueError as error:
                raise ConfigError(f"${name}", f"{stated!r} is no command: {error}") from None
    if not somebody:
        raise ConfigError("--edit", "there is no editor and no terminal: set $EDITOR")
    return ["vi"]


async def edit(
    text: str, file: Path, read: Callable[[Path], T], *, editor: Sequence[str], told: Callable[[str], None]
) -> T:
    """Let a person change a text until it can be used.

    Args:
        text: What is offered; where the file is there already, what stands in it goes before.
        file: Where it is kept.
        read: Makes of the file what is wanted.
        editor: The command; the file is put behind it.
        told: Is told what is wrong, each time that something is.

    Raises:
        GivenUpError: The editor ended with an error, or after the last try the text still cannot be used.
        ConfigError: The editor cannot be started, or the file not written.
    """
    known = _kept(file) or text
    wrong = ""
    for _ in range(MOST_TRIES):
        offered = "".join(f"{_MARK}{line}\n" for line in wrong.splitlines()) + known
        _keep(file, offered)
        if code := await _run(editor, file):
            raise GivenUpError(f"the editor ended with code {code}", file)
        known = _kept(file)
        if wrong and known == _unmarked(offered):
            raise GivenUpError(f"it was left as it is, and {wrong}", file)
        try:
            return read(file)
        except AgoraError as error:
            wrong = str(error)
            told(wrong)
    raise GivenUpError(f"after {MOST_TRIES} tries {wrong}", file)


async def _run(editor: Sequence[str], file: Path) -> int:
    """The editor's exit code; standard output is the results' own, so an editor without a terminal writes elsewhere."""
    try:
        done = await anyio.run_process(
            [*editor, str(file)],
            stdin=None,
            stdout=None if sys.stdout.isatty() else _ERROR_FD,
            stderr=None,
            check=False,
        )
    except OSError as error:
        raise ConfigError("$EDITOR", f"{editor[0]!r} cannot be started: {error.strerror}") from None
    return done.returncode


def _keep(file: Path, text: str) -> None:
    """Write a text that nobody else may read."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise ConfigError(short(file), f"cannot be written: {error.strerror}") from None


def _kept(file: Path) -> str:
    """What stands in the file, without what was wrong with it before."""
    try:
        return _unmarked(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return ""


def _unmarked(text: str) -> str:
    lines = text.splitlines(keepends=True)
    while lines and lines[0].startswith(_MARK):
        lines.pop(0)
    return "".join(lines)
