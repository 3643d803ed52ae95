"""A project to serve, away from the user's own settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.projects import FIXER, doing, make_project, priced


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]
    """No settings of the user's, no key."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "AGORA_DB_URL", "AGORA_API_BASE", "AGORA_GGUF", "AGORA_DEBUG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with an agent that works until it is told to go on (a file "go"), and one that is dearer."""
    return make_project(tmp_path / "project", patient=doing("patient"), fixer=priced(FIXER, "5"))
