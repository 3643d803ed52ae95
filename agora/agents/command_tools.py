"""Tools that run commands in the attempt's sandbox, and the set of tools that an agent has by default."""

from __future__ import annotations

from typing import Final

from agora.agents.file_tools import list_files, read_file, replace_in_file, search_files, write_file
from agora.agents.folder_search import search_documents
from agora.agents.tools import tool
from agora.protocols import Tool, Workspace
from agora.records import Ran

MAX_STDOUT_CHARS: Final = 8_000
"""Shown of what a command writes to stdout: a third from its beginning, the rest from its end."""
MAX_STDERR_CHARS: Final = 4_000
"""Shown of stderr, in the same way."""
MAX_TIMEOUT_S: Final = 600.0
"""No command may ask for longer."""


@tool
async def run_shell(workspace: Workspace, command: str, timeout_s: float = 60.0) -> str:
    """Run a shell command in the workspace; answers with its exit code and output.

    Args:
        workspace: The attempt's copy, filled in by the market.
        command: As typed at a prompt.
        timeout_s: Seconds until it is ended.
    """
    return shown(await workspace.run(["sh", "-c", command], timeout_s=_bounded(timeout_s)))


@tool
async def run_python(workspace: Workspace, code: str, timeout_s: float = 60.0) -> str:
    """Run a Python program in the workspace; answers with its exit code and output.

    Args:
        workspace: The attempt's copy, filled in by the market.
        code: The whole program; print what you want to see.
        timeout_s: Seconds until it is ended.
    """
    return shown(await workspace.run(["python", "-"], stdin=code, timeout_s=_bounded(timeout_s)))


def shown(ran: Ran) -> str:
    r"""How a command ended, in a compact text.

    >>> shown(Ran(exit_code=1, stdout="", stderr="no such file", seconds=0.04))
    'exit code 1 in 0.0 s\n--- stderr\nno such file'
    """
    ended = f" (ended by the {ran.limit} limit)" if ran.limit else ""
    text = f"exit code {ran.exit_code} in {ran.seconds:.1f} s{ended}"
    for name, stream, most in (("stdout", ran.stdout, MAX_STDOUT_CHARS), ("stderr", ran.stderr, MAX_STDERR_CHARS)):
        if stream.strip():
            text += f"\n--- {name}\n{_middle_cut(stream.rstrip(), most)}"
    return text


def _middle_cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    head = most // 3
    return f"{text[:head]}\n[... {len(text) - most} characters cut ...]\n{text[head - most :]}"


def _bounded(timeout_s: float) -> float:
    return min(max(timeout_s, 0.1), MAX_TIMEOUT_S)


DEFAULT_TOOLS: Final[tuple[Tool, ...]] = (
    read_file,
    write_file,
    replace_in_file,
    list_files,
    search_files,
    run_shell,
    run_python,
    search_documents,
)
"""What an agent has that names no tools of its own."""
