"""Whatever a user gets wrong: one clear line that names the thing and the mend, and the right exit code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cli.projects import CHECK, FIXER, Shell, make_project, priced

RUN = ("run", "mend word.txt", "--workspace", "repo", "--verify", CHECK)
LLM = 'model = "{model}"\n'


def _write(path: str, text: str) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)

    return prepare


def _not_text(folder: Path) -> None:
    (folder / "t.toml").write_bytes(b"goal = '\xff'")


def _nothing(folder: Path) -> None:
    pass


OWN = 'model = "openai/x"\napi_base = "http://127.0.0.1:9/v1"\n'
TASK = 'goal = "x"\nworkspace = "repo"\n'
CASES: dict[str, tuple[Callable[[Path], None], tuple[str, ...], int, str]] = {
    "an empty goal": (_nothing, ("run", " "), 2, "goal: is empty"),
    "a workspace that is not there": (_nothing, ("run", "x", "-w", "nowhere"), 2, "workspace 'nowhere' does not exist"),
    "a budget below zero": (_nothing, (*RUN, "--budget", "-1"), 2, "--budget: '-1' is not an amount"),
    "a budget in words": (_nothing, (*RUN, "--budget", "lots"), 2, "--budget: 'lots' is not an amount"),
    "an unknown agent": (_nothing, (*RUN, "--agents", "fixr"), 2, "no agent named 'fixr'; did you mean 'fixer'"),
    "nobody asked for": (_nothing, (*RUN, "--agents", ","), 2, "--agents: names nobody"),
    "an unknown mechanism": (_nothing, (*RUN, "--mechanism", "sael"), 2, "did you mean 'sale'"),
    "an unknown option": (_nothing, (*RUN, "--nonsense"), 2, "--nonsense"),
    "an unknown command": (_nothing, ("rnu",), 2, "rnu"),
    "a seed in words": (_nothing, (*RUN, "--seed", "x"), 2, "seed"),
    "an unknown run": (_nothing, ("show", "feed"), 2, "no run named 'feed'"),
    "no project there": (_nothing, ("runs", "--project", "repo"), 2, "agora init repo"),
    "a task file that is not there": (_nothing, ("run", "gone.toml"), 2, "gone.toml: is not there"),
    "a folder without tasks": (_nothing, ("run", "repo"), 2, "repo: holds no tasks"),
    "a malformed task": (_write("t.toml", "goal = "), ("run", "t.toml"), 2, "t.toml: is not TOML"),
    "a task that is not text": (
        _not_text,
        ("run", "t.toml"),
        2,
        "t.toml: is not UTF-8",
    ),
    "a task without a goal": (_write("t.toml", "skill = 'x'"), ("run", "t.toml"), 2, "t.toml: goal: is missing"),
    "a task with an unknown key": (
        _write("t.toml", TASK + "skil = 'x'"),
        ("run", "t.toml"),
        2,
        "t.toml: skil: unknown key; did you mean 'skill'",
    ),
    "a task with a wrong type": (
        _write("t.toml", TASK + "files = 3"),
        ("run", "t.toml"),
        2,
        "t.toml: files: 3 does not fit: write a list",
    ),
    "a task about no folder": (
        _write("t.toml", 'goal = "x"\nworkspace = "gone"'),
        ("run", "t.toml"),
        2,
        "t.toml: workspace: 'gone' is not a folder",
    ),
    "a task of an unknown tier": (
        _write("t.toml", TASK + 'tier = "iron"'),
        ("run", "t.toml"),
        2,
        "t.toml: tier: 'iron' is no sandbox tier",
    ),
    "an unknown verifier": (
        _write("t.toml", TASK + '[verify]\nkind = "comand"'),
        ("run", "t.toml"),
        2,
        "t.toml: verify: no verifier named 'comand'; did you mean 'command'",
    ),
    "a verifier without its file": (
        _write("t.toml", TASK + '[verify]\nkind = "tests"\nfile = "hidden.py"'),
        ("run", "t.toml"),
        2,
        "t.toml: verify.file: 'hidden.py' is not a file",
    ),
    "a negative limit": (
        _write("t.toml", TASK + "[limits]\nsteps = -1"),
        ("run", "t.toml"),
        2,
        "t.toml: limits.steps: -1 does not fit",
    ),
    "a verifier that cannot start": (
        _nothing,
        ("run", "x", "-w", "repo", "--verify", "no-such-program-here", "--yes"),
        4,
        "",
    ),
    "malformed settings": (_write("agora.toml", "seed = ["), RUN, 2, "agora.toml: is not TOML"),
    "unknown settings": (_write("agora.toml", "budgt_usd = 1"), RUN, 2, "did you mean 'budget_usd'"),
    "a malformed agent": (_write("agents/x.toml", "kind ="), RUN, 2, "agents/x.toml: is not TOML"),
    "an unknown kind of agent": (_write("agents/x.toml", 'kind = "robot"'), RUN, 2, "x.toml: kind: 'robot' is no kind"),
    "an agent with an unknown key": (
        _write("agents/x.toml", 'modle = "openai/gpt-5-mini"'),
        RUN,
        2,
        "agents/x.toml: ",
    ),
    "an agent with an unknown tool": (
        _write("agents/x.toml", OWN + 'tools = ["read_fil"]'),
        RUN,
        2,
        "agents/x.toml: tools: no tool named 'read_fil'; did you mean 'read_file'",
    ),
    "an agent whose output is no model": (
        _write("agents/x.toml", OWN + 'output = "helpers_of_test:number"'),
        RUN,
        2,
        "agents/x.toml: output: 'helpers_of_test:number' is no pydantic model",
    ),
    "an agent whose output is not there": (
        _write("agents/x.toml", OWN + '[llm]\noutput = "helpers_of_test:Gone"'),
        RUN,
        2,
        "agents/x.toml: output: module 'helpers_of_test' has no 'Gone'",
    ),
    "an agent whose target is not there": (
        _write("agents/x.toml", FIXER.replace(":fix", ":gone")),
        RUN,
        2,
        "agents/x.toml: target: module 'helpers_of_test' has no 'gone'",
    ),
    "an agent whose target is none": (
        _write("agents/x.toml", FIXER.replace(":fix", ":number")),
        RUN,
        2,
        "agents/x.toml: target: 'helpers_of_test:number' is no agent",
    ),
    "an agent whose target breaks": (
        _write("agents/x.toml", FIXER.replace(":fix", ":breaks")),
        RUN,
        2,
        "RuntimeError: no such luck",
    ),
    "two agents of one name": (
        _write("agents/x.toml", 'name = "fixer"\n' + FIXER),
        RUN,
        2,
        "another agent is already named 'fixer'",
    ),
    "a command agent without a command": (
        _write("agents/x.toml", 'kind = "command"'),
        RUN,
        2,
        "agents/x.toml: command: state one of",
    ),
    "a command with an unknown field": (
        _write("agents/x.toml", 'kind = "command"\n[command]\ncommand = ["x", "{gaol}"]'),
        RUN,
        2,
        "unknown field '{gaol}'",
    ),
    "a malformed auction": (
        _write("auctions/mine.toml", 'mechanism = "sale"\nwieghts = {}'),
        (*RUN, "--mechanism", "mine"),
        2,
        "mine.toml: wieghts: unknown key; did you mean 'weights'",
    ),
    "an auction with senseless weights": (
        _write("auctions/mine.toml", 'mechanism = "sale"\n[weights]\ncost = -1'),
        (*RUN, "--mechanism", "mine"),
        2,
        "auctions/mine.toml: weights",
    ),
    "an unknown model": (
        _write("agents/x.toml", LLM.format(model="nowhere/model-of-nobody")),
        RUN,
        2,
        "agents/x.toml: no model named 'nowhere/model-of-nobody'",
    ),
    "a missing key": (
        _write("agents/hosted.toml", LLM.format(model="openai/gpt-5-mini")),
        (*RUN, "--agents", "hosted"),
        2,
        "set OPENAI_API_KEY",
    ),
    "a missing key, file named": (
        _write("hosted.toml", LLM.format(model="anthropic/claude-haiku-4-5")),
        (*RUN, "--agents", "hosted.toml"),
        2,
        "set ANTHROPIC_API_KEY",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_gives_one_line_and_its_exit_code(name: str, shell: Shell, project: Path) -> None:
    prepare, arguments, code, message = CASES[name]
    prepare(project)
    shown = shell(*arguments)
    assert shown.code == code, shown.err
    if message:
        assert shown.err.count("\n") == 1
        assert shown.error.startswith("error: ")
        assert message in shown.error
    assert "Traceback" not in shown.err + shown.out


def test_an_empty_pool_says_who_is_absent_and_why(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(make_project(tmp_path / "empty"))
    shown = shell(*RUN)
    assert shown.code == 2
    assert "has no agents" in shown.error
    assert "no key is set (OPENAI_API_KEY" in shown.error
    assert "agora init" in shown.error


def test_budget_zero_with_agents_that_charge_dollars_ends_with_3(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dollars = FIXER + 'price = { per_task = "0.10" }\n'
    monkeypatch.chdir(make_project(tmp_path / "paid", fixer=dollars))
    shown = shell(*RUN, "--budget", "0")
    assert shown.code == 3
    assert "charges dollars, and the budget is 0" in shown.out
    assert shell(*RUN, "--budget", "0.05").code == 3
    assert shell(*RUN, "--budget", "1", "--yes").code == 0


def test_budget_zero_with_local_agents_is_fine(shell: Shell, project: Path) -> None:
    assert shell(*RUN, "--budget", "0", "--yes").code == 0


def test_an_unpriced_model_is_not_called(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = 'model = "openai/own-model"\napi_base = "http://127.0.0.1:9/v1"\n'
    monkeypatch.chdir(make_project(tmp_path / "unpriced", own=own))
    shown = shell(*RUN)
    assert shown.code == 3
    assert "is unpriced" in shown.out


def test_a_silent_server_of_ones_own_is_a_failed_bid(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = priced('model = "openai/own-model"\napi_base = "http://127.0.0.1:9/v1"\n', "1")
    monkeypatch.chdir(make_project(tmp_path / "silent", own=own))
    shown = shell(*RUN)
    assert shown.code == 1
    assert "own does not bid" in shown.err


def test_without_any_sandbox_a_task_with_a_workspace_is_refused(
    shell: Shell, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "t.toml").write_text(
        'goal = "x"\nworkspace = "repo"\ntier = "machine"\n[verify]\nkind = "command"\ncommand = ["true"]\n'
    )
    shown = shell("run", "t.toml")
    assert shown.code == 6
    assert "tier MACHINE" in shown.error


def test_agora_debug_shows_where_it_happened(shell: Shell, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGORA_DEBUG", "1")
    with pytest.raises(LookupError, match="feed"):
        shell("show", "feed")
