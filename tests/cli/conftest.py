"""A shell in a project, away from the user's own settings and servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.projects import FIXER, SPOILER, Shell, make_project, priced


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]
    """No settings of the user's, no Ollama of this machine, no key."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "AGORA_DB_URL", "AGORA_API_BASE", "AGORA_GGUF", "AGORA_DEBUG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Shell:
    """Runs command lines."""
    return Shell(capsys)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a cheap agent that fails and a dearer one that does not; the shell stands in it."""
    folder = make_project(tmp_path / "project", fixer=priced(FIXER, "2"), spoiler=priced(SPOILER, "1"))
    monkeypatch.chdir(folder)
    return folder
