"""File and command tools work on the attempt's copy, and leave it by no path."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from agora.agents.command_tools import DEFAULT_TOOLS, run_python, run_shell
from agora.agents.file_tools import list_files, read_file, replace_in_file, search_files, write_file
from agora.errors import AgoraError, ConfigError, WorkspaceError
from agora.protocols import Tool, Workspace
from agora.sandbox import best_sandbox
from agora.values import JsonValue


@pytest.fixture
async def workspace(tmp_path: Path) -> AsyncGenerator[Workspace, None]:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.py").write_text("def one():\n    return 1\n\n\ndef two():\n    return 1\n")
    (tmp_path / "long.txt").write_text("".join(f"line {number}\n" for number in range(1, 1001)))
    (tmp_path / "wide.txt").write_text("x" * 100_000 + "\nend\n")
    (tmp_path / "dos.txt").write_bytes(b"a\r\nb\r\n")
    (tmp_path / "data.bin").write_bytes(b"\0\1")
    (tmp_path / "slow.txt").write_text("a" * 60 + "b\n")
    (tmp_path / "empty.txt").touch()
    opened = await best_sandbox().open(tmp_path)
    yield opened
    await opened.close()


async def use(tool: Tool, workspace: Workspace, **arguments: JsonValue) -> str:
    return await tool.call(arguments, workspace)


async def test_reading_says_what_was_cut(workspace: Workspace) -> None:
    assert (
        await use(read_file, workspace, path="src/a.py") == "def one():\n    return 1\n\n\ndef two():\n    return 1\n"
    )
    assert (await use(read_file, workspace, path="long.txt")).endswith(
        "line 400\n[lines 1-400 of 1000; read on with first_line=401]"
    )
    part = await use(read_file, workspace, path="long.txt", first_line=999, last_line=2000)
    assert part == "line 999\nline 1000\n[lines 999-1000 of 1000]"
    assert "[line cut here]" in await use(read_file, workspace, path="wide.txt")
    assert len(await use(read_file, workspace, path="wide.txt")) < 21_000
    assert await use(read_file, workspace, path="empty.txt") == "[empty.txt is empty]"
    assert "none from 5000" in await use(read_file, workspace, path="long.txt", first_line=5000)


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "link/passwd"])
@pytest.mark.parametrize("tool", [read_file, write_file, replace_in_file], ids=lambda tool: tool.spec.name)
async def test_no_tool_leaves_the_workspace(workspace: Workspace, path: str, tool: Tool) -> None:
    (workspace.root / "link").symlink_to("/etc")
    arguments: dict[str, JsonValue] = {"path": path}
    more: dict[str, dict[str, JsonValue]] = {
        "write_file": {"content": "x"},
        "replace_in_file": {"old": "r", "new": "x"},
    }
    with pytest.raises(WorkspaceError):
        await tool.call({**arguments, **more.get(tool.spec.name, {})}, workspace)


@pytest.mark.parametrize("path", ["gone.txt", "src", "data.bin", "pipe"])
async def test_what_is_not_a_text_file_cannot_be_read(workspace: Workspace, path: str) -> None:
    os.mkfifo(workspace.root / "pipe")
    with pytest.raises(AgoraError, match=path):
        await use(read_file, workspace, path=path)


async def test_writing_makes_folders_and_shows_in_the_patch(workspace: Workspace) -> None:
    assert await use(write_file, workspace, path="new/deep/b.py", content="x = 1\n") == "wrote new/deep/b.py: 1 lines"
    assert [change.path for change in workspace.patch().changes] == ["new/deep/b.py"]
    with pytest.raises(ConfigError, match="surrogate"):
        await use(write_file, workspace, path="c.py", content="\ud800")


async def test_a_replacement_must_fit_exactly_once(workspace: Workspace) -> None:
    with pytest.raises(ConfigError, match=r"occurs 2 times \(lines 2, 6\)"):
        await use(replace_in_file, workspace, path="src/a.py", old="return 1", new="return 2")
    with pytest.raises(ConfigError, match=r"stands at \[5\]"):
        await use(replace_in_file, workspace, path="src/a.py", old="  def two():", new="")
    done = await use(
        replace_in_file, workspace, path="src/a.py", old="def two():\n    return 1", new="def two():\n    return 2"
    )
    assert done == "replaced 1 in src/a.py (line 5)"
    assert await use(replace_in_file, workspace, path="src/a.py", old="def", new="DEF", all=True) == (
        "replaced 2 in src/a.py (line 1)"
    )
    await use(replace_in_file, workspace, path="dos.txt", old="a\nb", new="c\nd")
    assert (workspace.root / "dos.txt").read_bytes() == b"c\r\nd\r\n"


async def test_listing_and_searching(workspace: Workspace) -> None:
    assert await use(list_files, workspace, pattern="**/*.py") == "src/a.py"
    assert await use(search_files, workspace, query="def two(") == "src/a.py:5: def two():"
    assert (
        await use(search_files, workspace, query=r"^def \w+", regex=True)
        == "src/a.py:1: def one():\nsrc/a.py:5: def two():"
    )
    assert (await use(search_files, workspace, query="line")).endswith("[more lines match: narrow the search]")
    with pytest.raises(ConfigError, match="not a regular expression"):
        await use(search_files, workspace, query="(", regex=True)


async def test_a_regular_expression_without_end_is_ended(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agora.agents.file_tools.REGEX_TIMEOUT_S", 1.0)
    with pytest.raises(ConfigError, match="simplify"):
        await use(search_files, workspace, query="^(a+)+$", pattern="slow.txt", regex=True)


async def test_commands_show_exit_code_and_capped_output(workspace: Workspace) -> None:
    text = await use(run_shell, workspace, command="ls src; echo oops >&2; exit 3")
    assert text.startswith("exit code 3 in ")
    assert text.endswith("--- stdout\na.py\n--- stderr\noops")
    assert "--- stdout\n3" in await use(run_python, workspace, code="print(1 + 2)")
    long = await use(run_python, workspace, code="print('x' * 100000)")
    assert "characters cut" in long
    assert len(long) < 9_000
    assert "time limit" in await use(run_shell, workspace, command="sleep 20", timeout_s=0.5)


def test_the_default_tools_have_clear_specs() -> None:
    names = [tool.spec.name for tool in DEFAULT_TOOLS]
    assert names[-1] == "search_folder"
    assert len(set(names)) == len(names) == 8
    for tool in DEFAULT_TOOLS:
        properties = tool.spec.parameters["properties"]
        assert isinstance(properties, dict)
        assert "workspace" not in properties
        assert all(isinstance(one, dict) and one.get("description") for one in properties.values())
