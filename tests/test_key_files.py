"""A project's .env gives keys of providers, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agora.errors import ConfigError
from agora.settings import environment, exposed_keys, read_keys


def test_keys_are_read_and_every_other_name_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ONE_API_KEY", raising=False)
    monkeypatch.setenv("TWO_TOKEN", "already set")
    before = dict(os.environ)
    (tmp_path / ".env").write_text(
        "# keys\nONE_API_KEY='a b=c'\nexport TWO_TOKEN=other\nAWS_ACCESS_KEY_ID=id\nAGORA_API_KEY=own\n"
        "X_API_KEY=${HOME}\n"
        "PATH=/bad\nLD_PRELOAD=/bad.so\nAGORA_BUDGET_USD=9\nAGORA_API_BASE=http://bad\nOPENAI_API_BASE=http://bad\n"
        "SSLKEYLOGFILE=/bad\nHTTPS_PROXY=http://bad\nEMPTY_KEY=\nBARE_KEY\n"
    )
    keys = {"ONE_API_KEY": "a b=c", "AWS_ACCESS_KEY_ID": "id", "AGORA_API_KEY": "own", "X_API_KEY": "${HOME}"}
    assert read_keys(tmp_path / ".env") == {**keys, "TWO_TOKEN": "other"}
    assert dict(environment(tmp_path)) == {**before, **keys}
    assert dict(os.environ) == before


def test_without_a_file_and_above_a_project_nothing_is_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("ABOVE_API_KEY=x")
    (tmp_path / "project").mkdir()
    assert "ABOVE_API_KEY" not in environment(tmp_path / "project")
    (tmp_path / "project" / ".env").mkdir()
    assert "ABOVE_API_KEY" not in environment(tmp_path / "project")


@pytest.mark.parametrize(
    ("content", "line"),
    [(b"A_KEY=good\n\nB_KEY='hush-hush\n", 3), (b"A_KEY=x\n=hush-hush\n", 2), (b"A_KEY=x\nB_KEY=\xffhush-hush\n", 2)],
)
def test_a_malformed_file_is_refused_by_its_line_and_never_shown(tmp_path: Path, content: bytes, line: int) -> None:
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(ConfigError, match=rf"\.env: line {line}: is not ") as raised:
        environment(tmp_path)
    assert "hush" not in str(raised.value)


def test_what_is_no_file_or_too_large_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".env")
    with pytest.raises(ConfigError, match="is not a file"):
        environment(tmp_path)
    (tmp_path / ".env").unlink()
    (tmp_path / ".env").write_bytes(b"#" * 200_000)
    with pytest.raises(ConfigError, match="larger than"):
        environment(tmp_path)


def test_a_file_that_everybody_may_read_is_warned_of(tmp_path: Path) -> None:
    assert exposed_keys(tmp_path) == ""
    (tmp_path / ".env").write_text("A_KEY=hush-hush")
    (tmp_path / ".env").chmod(0o644)
    assert exposed_keys(tmp_path).endswith(
        "may be read by everybody on this machine: chmod 600 " + str(tmp_path / ".env")
    )
    (tmp_path / ".env").chmod(0o600)
    assert exposed_keys(tmp_path) == ""


def test_importing_litellm_reads_no_env_file_of_this_folder_or_above_itself(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PLANTED_BY_A_FILE=1\nOPENAI_API_BASE=http://bad\n")
    code = (
        "import os, dotenv.main; dotenv.main.find_dotenv = lambda *a, **k: os.path.join(os.getcwd(), '.env')\n"
        "from agora.models.litellm_model import load_litellm; load_litellm()\n"
        "print('PLANTED_BY_A_FILE' in os.environ, 'OPENAI_API_BASE' in os.environ)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
