"""The command check runs on a fresh copy with the patch in it; work cannot change what checks it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from agora.errors import ConfigError, SandboxError, VerifierError
from agora.sandbox import best_sandbox
from agora.tasks import Change, Check, Outcome, Patch, Task, Tier, Verdict, Work
from agora.testing.verifiers import check_verifier
from agora.values import JsonValue
from agora.verifiers import build_verifier

TEST = "from calc import add\n\n\ndef test_add():\n    assert add(2, 2) == 4\n"
GOOD = "def add(a, b):\n    return a + b\n"
BAD = "def add(a, b):\n    return a - b\n"


def project(root: Path, **more: object) -> Task:
    (root / "calc.py").write_text(BAD)
    (root / "test_calc.py").write_text(TEST)
    return Task.model_validate({"id": "t", "goal": "Mend add.", "workspace": str(root), **more})


def work(root: Path, files: dict[str, str | None]) -> Work:
    changes: list[Change] = []
    for name, text in sorted(files.items()):
        old = root / name
        before = hashlib.sha256(old.read_bytes()).hexdigest() if old.exists() else None
        changes.append(Change(path=name, before=before, after=None if text is None else text.encode()))
    return Work(output="", patch=Patch(changes=tuple(changes)))


def names_in(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir())


async def judged(task: Task, done: Work, command: JsonValue, **options: JsonValue) -> Outcome:
    verifier = build_verifier(Check(kind="command", options={"command": command, **options}))
    return await verifier.verify(task, done, sandbox=best_sandbox())


async def test_the_command_verifier_conforms(tmp_path: Path) -> None:
    task = project(tmp_path)
    verifier = build_verifier(Check(kind="command", options={"command": "pytest -q"}))
    good, bad = work(tmp_path, {"calc.py": GOOD}), work(tmp_path, {})
    await check_verifier(verifier, task, good, bad, best_sandbox())


async def test_evidence_shows_what_the_tests_said_and_the_original_stays(tmp_path: Path) -> None:
    outcome = await judged(project(tmp_path), work(tmp_path, {}), "pytest -q")
    assert outcome.verdict is Verdict.FAILED
    assert "assert 0 == 4" in outcome.evidence
    assert outcome.evidence.endswith("'pytest -q' ended with exit code 1, not 0")
    assert outcome.seconds > 0
    assert names_in(tmp_path) == ["calc.py", "test_calc.py"]


@pytest.mark.parametrize(
    "cheat",
    [
        {"calc.py": "import os\nos._exit(0)\n"},
        {"calc.py": "import pytest\npytest.skip('no', allow_module_level=True)\n"},
        {"conftest.py": "def pytest_sessionfinish(session):\n    session.exitstatus = 0\n"},
        {"pytest.ini": "[pytest]\naddopts = --co\n"},
        {"pytest.py": "print('1 passed')\n"},
        {"./sub/../conftest.py": "import os\nos._exit(0)\n"},
        {".venv/bin/python": "#!/bin/sh\necho 1 passed\n"},
        {"test_calc.py": None},
        {"test_calc.py": "def test(): pass\n"},
    ],
)
async def test_cheats_at_a_command_fail(tmp_path: Path, cheat: dict[str, str | None]) -> None:
    task = project(tmp_path, protect=("test_*.py",))
    outcome = await judged(task, work(tmp_path, cheat), "pytest -q")
    assert outcome.verdict is Verdict.FAILED


async def test_a_protected_file_is_named(tmp_path: Path) -> None:
    outcome = await judged(project(tmp_path), work(tmp_path, {"deep/er/conftest.py": "x"}), "true")
    assert outcome.evidence == "the patch changes protected files: deep/er/conftest.py"
    outcome = await judged(project(tmp_path), work(tmp_path, {"deep/er/conftest.py": "x"}), "true", protect=[])
    assert outcome.verdict is Verdict.PASSED


@pytest.mark.parametrize(
    ("command", "expected", "verdict"),
    [
        ("true", 0, Verdict.PASSED),
        ("false", 0, Verdict.FAILED),
        ("false", 1, Verdict.PASSED),
        ("sh -c 'exit 7'", 7, Verdict.PASSED),
        ("echo hello | grep -q hello && test -f calc.py", 0, Verdict.PASSED),
        (["test", "$HOME", "=", "$HOME"], 0, Verdict.PASSED),
        ("python -c 'import sys'", 0, Verdict.PASSED),
        ("python3 -c pass", 0, Verdict.PASSED),
        ("sh -c 'exit 127'", 0, Verdict.FAILED),
    ],
)
async def test_the_exit_code_decides(tmp_path: Path, command: JsonValue, expected: int, verdict: Verdict) -> None:
    outcome = await judged(project(tmp_path), work(tmp_path, {}), command, expect_exit=expected)
    assert outcome.verdict is verdict


async def test_the_time_limit_is_a_failure(tmp_path: Path) -> None:
    outcome = await judged(project(tmp_path), work(tmp_path, {}), "sleep 30", timeout_s=0.5)
    assert outcome.verdict is Verdict.FAILED
    assert "ended by the time limit" in outcome.evidence


@pytest.mark.parametrize(
    "command", ["no-such-command -x", "no-such-command | cat; exit 127", "python -m no_such_module"]
)
async def test_a_check_that_cannot_start_is_no_verdict(tmp_path: Path, command: str) -> None:
    with pytest.raises(VerifierError, match=r"'no.such.\w+' (was not found|did not start): install it"):
        await judged(project(tmp_path), work(tmp_path, {}), command)


async def test_a_patch_that_does_not_fit_fails(tmp_path: Path) -> None:
    done = Work(output="", patch=Patch(changes=(Change(path="calc.py", before="0" * 64, after=b""),)))
    outcome = await judged(project(tmp_path), done, "true")
    assert outcome.verdict is Verdict.FAILED
    assert "does not fit" in outcome.evidence


async def test_a_sandbox_below_the_tasks_tier_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SandboxError):
        await judged(project(tmp_path, tier=Tier.MACHINE), work(tmp_path, {}), "true")


async def test_control_characters_stay_out_of_evidence(tmp_path: Path) -> None:
    outcome = await judged(
        project(tmp_path), work(tmp_path, {}), ["printf", "\\033[31mred\\033[0m\\001\\n"], expect_exit=9
    )
    assert outcome.evidence.startswith("red\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "command: Field required"),
        ({"command": ""}, "command"),
        ({"command": "echo 'open"}, "close its quotes"),
        ({"command": "true", "timeout_s": -1}, "timeout_s"),
        ({"command": "true", "timeuot_s": 1}, "timeuot_s: Extra inputs"),
    ],
)
def test_bad_options_name_the_field(options: dict[str, JsonValue], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_verifier(Check(kind="command", options=options))


async def test_an_existing_test_may_not_be_changed_and_a_new_one_may_come(tmp_path: Path) -> None:
    task = project(tmp_path)
    softened = work(tmp_path, {"test_calc.py": "def test_add():\n    assert True\n"})
    outcome = await judged(task, softened, "pytest -q")
    assert outcome.verdict is Verdict.FAILED
    assert "test_calc.py" in outcome.evidence
    added = work(tmp_path, {"calc.py": GOOD, "test_more.py": "def test_more():\n    assert 1\n"})
    assert (await judged(task, added, "pytest -q")).verdict is Verdict.PASSED
    assert (await judged(task, softened, "pytest -q", keep=[])).verdict is Verdict.PASSED
