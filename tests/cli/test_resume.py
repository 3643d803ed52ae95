"""A run that was cut off goes on: from a kill at a boundary, with the settings that it began with, in a new process."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import anyio

from agora.agents.function import FunctionAgent
from agora.ambient import SystemClock
from agora.bids import Plan, Price
from agora.market import Market
from agora.memory.sql_store import SQLStore
from agora.protocols import Desk
from agora.testing.endpoint import FaultyEndpoint, text
from cli.projects import CHECK, Shell, doing, make_project, started

RUN = ("run", "mend word.txt", "--workspace", "repo", "--verify", CHECK, "--yes")


def killed(folder: Path, place: str, *arguments: str) -> None:
    """Run a command line that dies at a place."""
    process = started(folder, *arguments, environ={"AGORA_FAILPOINT": place})
    _, said = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, said


def seqs(project: Path) -> int:
    store = SQLStore.open(project / "memory" / "agora.db", clock=SystemClock())
    count = sum(1 for _ in store.events())
    anyio.run(store.close)
    return count


def test_a_killed_run_goes_on_where_it_was(shell: Shell, project: Path) -> None:
    killed(project, "performed.durable:1", *RUN)
    assert "(cut off)" in shell("runs").out
    shown = shell("show")
    assert "to go on with it: agora resume" in shown.out
    shown = shell("resume")
    assert shown.code == 0, shown.err
    assert (project / "repo" / "word.txt").read_text() == "right\n"
    form = json.loads(shell("show", "--json").out)
    assert [attempt["agent"] for attempt in form["tasks"][0]["attempts"]] == ["spoiler", "fixer"]
    assert form["resumptions"] == [{"unknown": [], "usd": "0", "tokens": 0}]
    assert "resumed once" in shell("show").out
    assert json.loads(shell("runs", "--json").out)["runs"][0]["state"] == "done"


def test_calls_of_unknown_fate_are_charged_and_said_before_the_run_goes_on(shell: Shell, project: Path) -> None:
    with FaultyEndpoint(text("1. answer"), text("it is wrong"), text("it is wrong")) as endpoint:
        (project / "agents" / "hosted.toml").write_text(
            f'model = "openai/own"\napi_base = "{endpoint.url}"\ntools = []\nprice = {{ output_per_mtok = "10" }}\n'
        )
        order = ("run", "which word?", "--verify", "true", "--agents", "hosted", "--yes")
        killed(project, "reserved.durable:2", *order)
        shown = shell("resume")
    assert shown.code == 0, shown.err
    lines = shown.err.splitlines()
    said = next(place for place, line in enumerate(lines) if "1 call of unknown fate was charged" in line)
    assert "at its worst case, $0.0" in lines[said]
    assert lines[said].endswith(": task-1/attempt-1/hosted/1")
    assert said < next(place for place, line in enumerate(lines) if "done:" in line)
    [resumed] = json.loads(shell("show", "--json").out)["resumptions"]
    assert resumed["unknown"] == ["task-1/attempt-1/hosted/1"]
    assert "1 call of unknown fate was charged" in shell("show").out


def test_a_run_goes_on_with_the_settings_it_began_with(shell: Shell, project: Path, tmp_path: Path) -> None:
    own = project / "own.toml"
    own.write_text(doing("fix"))
    killed(project, "awarded.durable:1", *RUN, "--mechanism", "posted", "--agents", "./own.toml", "--budget", "0.25")
    (project / "agora.toml").write_text('seed = 8\nmechanism = "random"\n')
    shown = shell("resume", "--json")
    assert shown.code == 0, shown.err
    form = json.loads(shown.out)
    assert (form["mechanism"], form["seed"], form["agents"]) == ("posted", 7, ["own"])


def test_an_agent_that_has_changed_since_is_named(shell: Shell, project: Path) -> None:
    killed(project, "awarded.durable:1", *RUN)
    before = (project / "agents" / "fixer.toml").read_text()
    (project / "agents" / "fixer.toml").unlink()
    shown = shell("resume")
    assert (shown.code, "agent 'fixer'" in shown.error) == (2, True), shown.err
    (project / "agents" / "fixer.toml").write_text(before.replace("2", "3"))
    assert "has another price" in shell("resume").error
    (project / "agents" / "fixer.toml").write_text(before)
    assert shell("resume").code == 0


def test_a_finished_run_is_told_again_and_nothing_is_written(shell: Shell, project: Path) -> None:
    assert shell(*RUN).code == 0
    before = seqs(project)
    shown = shell("resume", "last")
    assert shown.code == 0, shown.err
    assert "patch applied: word.txt" in shown.out
    assert seqs(project) == before
    assert "no run was cut off or waits" in shell("resume").error


def test_a_run_that_lives_is_shown_as_running_and_left_alone(shell: Shell, tmp_path: Path) -> None:
    folder = make_project(tmp_path / "waiting", patient=doing("patient"))
    process = started(folder, *RUN)
    assert process.stderr is not None
    for line in process.stderr:
        if "awarded to patient" in line:
            break
    at = ("--project", str(folder))
    assert "(running)" in shell("runs", *at).out
    shown = shell("resume", *at)
    assert (shown.code, "is being written by" in shown.error) == (1, True), shown.err
    (folder / "go").touch()
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_run_begun_in_python_is_not_guessed_at(shell: Shell, project: Path) -> None:
    async def answer(desk: Desk, plan: Plan) -> str:
        return "42"

    async def begin() -> str:
        store = SQLStore.open(project / "memory" / "agora.db", clock=SystemClock())
        agent = FunctionAgent("a", answer, plan=Plan(text="answer"), price=Price())
        result = await Market([agent], store=store).run("what is 6 x 7?")
        await store.close()
        return result.run

    (project / "memory").mkdir(exist_ok=True)
    shown = shell("resume", anyio.run(begin))
    assert (shown.code, "Market.resume" in shown.error) == (2, True), shown.err


def test_a_failpoint_that_is_none_is_refused(shell: Shell, project: Path) -> None:
    process = started(project, "runs", environ={"AGORA_FAILPOINT": "called"})
    _, said = process.communicate(timeout=60)
    assert (process.returncode, "NAME:HIT" in said) == (2, True)
