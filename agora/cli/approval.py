"""Asking a person before a patch is written to their folder."""

from __future__ import annotations

import sys

import anyio
from rich.text import Text

from agora.cli.paint import err, visible
from agora.cli.view import View
from agora.tasks import Patch, Task

_SHOWN_LINES = 400
_YES = frozenset({"y", "yes"})


class Approver:
    """Shows a patch, asks for it on a terminal, and remembers what was said.

    Args:
        view: What has to leave the screen while a question stands on it.
        yes: Say yes to everything.
    """

    def __init__(self, view: View, *, yes: bool) -> None:
        self._view, self._yes = view, yes
        self.refused = False
        """A person said no."""
        self.unasked: list[str] = []
        """Tasks whose patch was not applied because nobody could be asked."""

    async def __call__(self, task: Task, patch: Patch) -> bool:
        """Whether the patch may be written."""
        if self._yes:
            return True
        if not (sys.stdin.isatty() and err().is_terminal):
            self.unasked.append(task.id)
            return False
        with self._view.paused():
            show_patch(patch)
            answer = await _asked(f"Apply to {task.workspace}? [y/N] ")
        approved = answer.strip().lower() in _YES
        self.refused = self.refused or not approved
        return approved


def show_patch(patch: Patch) -> None:
    """A patch as a unified diff on standard error, with every misleading character made visible."""
    lines = patch.text.splitlines()
    for line in lines[:_SHOWN_LINES]:
        err().print(Text(visible(line), style=_style(line)))
    if len(lines) > _SHOWN_LINES:
        paths = ", ".join(change.path for change in patch.changes)
        err().print(Text(f"... {len(lines) - _SHOWN_LINES} more lines; the files: {visible(paths)}", style="quiet"))


def _style(line: str) -> str:
    if line.startswith(("+++", "---", "@@", "#")):
        return "head"
    return "added" if line.startswith("+") else "removed" if line.startswith("-") else ""


async def _asked(question: str) -> str:
    """One line from the terminal; waiting for it can be interrupted, and holds up nobody else's work."""
    sys.stderr.write(question)
    sys.stderr.flush()
    await anyio.wait_readable(sys.stdin)
    return sys.stdin.readline()
