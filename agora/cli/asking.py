"""A question on the terminal: what is asked for, exactly, and the answer.

Nothing that a model wrote reaches the screen as it is: arguments stand in quotes, diffs line by line, and all of it
goes through `candid`. What was typed before a question stood on the screen is no answer to it.
"""

from __future__ import annotations

import os
import sys
import termios
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Final, Literal

import anyio
from rich.text import Text

from agora.cli.candid import argument, candid
from agora.cli.paint import err, usd
from agora.questions import About, Question
from agora.tasks import Change, Patch

Reply = Literal["yes", "no", "all", "later"]
"""What a person says; "all" is yes to all of this kind, "later" no answer."""

SHOWN_LINES: Final = 60
"""Lines of a diff that are shown unasked."""
_SHOWN_CHARS: Final = 2_000
_SHOWN_FILES: Final = 20
_WIDE: Final = 96
_MOST_TRIES: Final = 20
_REPLIES: Final[Mapping[str, Reply | Literal["whole"]]] = {
    "y": "yes",
    "yes": "yes",
    "n": "no",
    "no": "no",
    "": "no",
    "a": "all",
    "all": "all",
    "d": "whole",
    "diff": "whole",
}
_VERBS: Final[Mapping[About, str]] = {
    "diff": "Apply it",
    "command": "Run it",
    "award": "Award it",
    "step": "Go on",
}
_ALL: Final[Mapping[About, str]] = {"diff": "diffs", "command": "commands", "award": "awards", "step": "steps"}


def can_ask() -> bool:
    """Whether a person sits at this process: its input and its standard error are a terminal."""
    return sys.stdin.isatty() and err().is_terminal


async def ask(question: Question) -> Reply:
    """Show a question and wait for what a person says."""
    show(question)
    for _ in range(_MOST_TRIES):
        every = _ALL[question.about]
        said = await typed_line(
            f"{_VERBS[question.about]}? [y]es, [N]o, [a]lways yes to {every} of this run, [d] shows it whole: "
        )
        if said is None:
            return "later"
        reply = _REPLIES.get(said.strip().lower())
        if reply == "whole":
            show(question, whole=True)
        elif reply is not None:
            return reply
    return "later"


def show(question: Question, *, whole: bool = False) -> None:
    """What is asked for, on standard error.

    Args:
        question: With its patch.
        whole: Without leaving anything out.
    """
    for text, style in lines_of(question, whole=whole):
        err().print(Text(text, style=style), soft_wrap=True)


def lines_of(question: Question, *, whole: bool = True) -> Iterator[tuple[str, str]]:
    """A question line by line, each with its style."""
    who, task = candid(question.agent, command=True), candid(question.task, command=True)
    if question.about == "award":
        yield f"{task}: award to {who}, with {usd(question.usd)} set aside for it at most", "head"
        if question.reason:
            yield f"  {candid(' '.join(question.reason.split()))}", ""
        return
    if question.about == "command":
        where = "in the sandbox, on a copy" if question.sandboxed else "OUTSIDE ANY SANDBOX, with your rights"
        cost = f", for {usd(question.usd)} at most" if question.usd else ""
        yield f"{task}: {who} wants to run a command {where}{cost}", "head"
        yield from _command(question, whole=whole)
        return
    if question.about == "step":
        yield f"{task}: the workflow asks before it goes on", "head"
        for row in question.reason.split("\n"):
            yield from _cut(candid(row), "  ", whole=whole)
        return
    folder = candid(question.workspace, command=True)
    yield f"{task}: {who}'s work changes {_files(len(question.patch.changes))} of {folder}", "head"
    yield from _diff(question.patch, whole=whole)


def _command(question: Question, *, whole: bool) -> Iterator[tuple[str, str]]:
    arguments = [argument(word) for word in question.argv]
    line = " ".join(arguments)
    rows = [line] if len(line) <= _WIDE else arguments
    for row in rows:
        yield from _cut(row, "    ", whole=whole)
    if question.env:
        yield "  and sets for it", "quiet"
        for name, value in question.env:
            yield from _cut(argument(f"{name}={value}"), "    ", whole=whole)
    if question.stdin:
        yield "  and feeds it", "quiet"
        shown = question.stdin.split("\n")
        for row in shown if whole else shown[:SHOWN_LINES]:
            yield from _cut(candid(row), "    ", whole=whole)
        if not whole and len(shown) > SHOWN_LINES:
            yield f"  ... {len(shown) - SHOWN_LINES} more lines: d shows them", "unknown"


def _cut(row: str, indent: str, *, whole: bool) -> Iterator[tuple[str, str]]:
    if whole or len(row) <= _SHOWN_CHARS:
        yield indent + row, ""
        return
    half = _SHOWN_CHARS // 2
    yield indent + row[:half], ""
    yield f"  ... {len(row) - 2 * half} more characters: d shows them ...", "unknown"
    yield indent + row[-half:], ""


def _diff(patch: Patch, *, whole: bool) -> Iterator[tuple[str, str]]:
    """The files as they would be changed, then the diff; the list is made from the changes and not from the text."""
    for change in patch.changes if whole else patch.changes[:_SHOWN_FILES]:
        yield f"  {_what(change)} {candid(change.path, command=True)}", ""
    if not whole and len(patch.changes) > _SHOWN_FILES:
        yield f"  ... {len(patch.changes) - _SHOWN_FILES} more files: d lists them", "unknown"
    lines = patch.text.removesuffix("\n").split("\n")  # splitlines would end a line where a terminal does not
    for line in lines if whole else lines[:SHOWN_LINES]:
        for row, _ in _cut(candid(line), "", whole=whole):
            yield row, style_of(line)
    if not whole and len(lines) > SHOWN_LINES:
        yield f"... {len(lines) - SHOWN_LINES} more lines: d shows them", "unknown"


def _what(change: Change) -> str:
    verb = "remove" if change.after is None else "create" if change.before is None else "change"
    return f"{verb}, executable:" if change.after is not None and change.mode & 0o111 else f"{verb}:"


def _files(count: int) -> str:
    return f"{count} file" + ("" if count == 1 else "s")


def style_of(line: str) -> str:
    """The style of a diff's line."""
    if line.startswith(("+++ ", "--- ", "@@ ", "# ")):
        return "head"
    return "added" if line.startswith("+") else "removed" if line.startswith("-") else ""


async def typed_line(prompt: str) -> str | None:
    """One line from the terminal, typed after the prompt stood there; None at its end.

    Waiting for it can be interrupted, and holds up nobody else's work.
    """
    descriptor = sys.stdin.fileno()
    with suppress(termios.error):
        termios.tcflush(descriptor, termios.TCIFLUSH)
    sys.stderr.write(prompt)
    sys.stderr.flush()
    await anyio.wait_readable(descriptor)
    said = os.read(descriptor, 4_096)  # a terminal gives one line at a time; a buffer of our own would keep more
    return said.decode(errors="replace") if said else None
