"""`agora trace replay --with` and `agora trace estimate`: what they tell, and what they refuse to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import pytest

from agora.ambient import SystemClock
from agora.errors import Exit
from agora.events import Posted
from agora.memory.sql_store import SQLStore
from agora.tasks import Task
from cli.projects import Shell
from cli.remembered import began, remember
from worked_example import hold

HOSTILE = "\x1b[2J[red]\u202e</script>"


@cache
def _made() -> tuple[str, Mapping[str, bytes]]:
    """The worked example's two runs, once: the second one's id, and the database's files."""

    async def make(folder: str) -> str:
        store = SQLStore.open(f"{folder}/agora.db", clock=SystemClock())
        run = await hold(store)
        await store.close()
        return run

    with TemporaryDirectory() as folder:
        run = anyio.run(make, folder)
        return run, {file.name: file.read_bytes() for file in Path(folder).iterdir()}


def held(folder: Path, erase: str = "", erase_past: str = "") -> str:
    """The worked example in a project's memory; one body is erased: a kind's last in the run, or its first of all."""
    run, files = _made()
    (folder / "memory").mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / "memory" / name).write_bytes(content)

    async def take_out() -> None:
        store = SQLStore.open(str(folder / "memory" / "agora.db"), clock=SystemClock())
        if erase:
            store.erase([entry.seq for entry in store.events(run, kinds=frozenset({erase}))][-1])
        else:
            store.erase(next(entry.seq for entry in store.events(kinds=frozenset({erase_past}))))
        await store.close()

    if erase or erase_past:
        anyio.run(take_out)
    return run


def test_a_changed_rule_shows_awards_then_and_now_and_what_is_known(shell: Shell, project: Path) -> None:
    run = held(project)
    shown = shell("trace", "replay", run, "--with", "rules.refine=off")
    assert shown.code == 0, shown.err
    for said in (
        "No call was made",
        "1 award moved",
        "then small: failed on record (this award",
        "now large: not known: it never worked on this task on record",
        "would not have been asked for, and do not count",
        "it might never have been held",
        "promised in dollars: $0.00075 then, $0.0079 now",
        "awards: 1 then, 1 now; nobody now: 0",
        "passed: 0 then, 0 known now; of 1 now no outcome is on record",
        "taken by the work, both on record in 0: ",
    ):
        assert said in " ".join(shown.out.split()), said
    form = json.loads(shell("trace", "replay", "--with", "rules.refine=off", "--json").out)
    assert form["schema"] == "agora.trace.counterfactual/1"
    first, second = form["auctions"]
    assert (first["then"]["winner"], first["now"]["winner"], first["moved"], first["known"]) == (
        "small",
        "large",
        True,
        True,
    )
    assert (first["now"]["outcome"], first["now"]["took"]) == (None, None)
    assert second["follows_a_change"]
    assert form["money"]["both_on_record"] == 0


def test_nothing_moves_where_the_rule_stays_as_it_was(shell: Shell, project: Path) -> None:
    run = held(project)
    for change in ("mechanism=sale", "dial=.5", "policy=sale"):
        shown = shell("trace", "replay", run, "--with", change)
        assert shown.code == 0, shown.err
        assert "the same award for the same promise in all" in shown.out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("mechanism=second_scor", "did you mean 'second_score'?"),
        ("weights.cots=1", "did you mean 'weights.cost'?"),
        ("rules.exploer=0", "did you mean 'rules.explore'?"),
        ("policy=linucb+sal", "did you mean 'linucb+sale'?"),
        ("policy.margn=1", "did you mean 'policy.margin'?"),
        ("agents=-larg", "did you mean 'large'?"),
        ("agents=large", "write -NAME"),
        ("agents=-large,-medium,-small", "leaves nobody"),
        ("dial=2", "must be in [0, 1]"),
        ("dial=nan", "must be in [0, 1]"),
        ("weights.cost=much", "must be a number"),
        ("rules.refine=twice", "rules: refine"),
        ("slack=", "has no value"),
        ("mechanism=", "has no value"),
        (f"weights.{HOSTILE}=1", "no option of mechanism"),
        ("dial=" + "9" * 2000, "2000 characters"),
    ],
)
def test_what_cannot_be_meant_is_answered_with_the_nearest(shell: Shell, project: Path, change: str, said: str) -> None:
    run = held(project)
    shown = shell("trace", "replay", run, "--with", change)
    assert shown.code == Exit.USAGE
    assert said in shown.err
    assert "Traceback" not in shown.err
    assert "\x1b[2J" not in shown.err + shown.out
    assert not shown.out


@pytest.mark.parametrize("kind", ["bid", "judged", "scored", "opened", "posted"])
def test_an_auction_whose_body_was_erased_is_named_and_left_out(shell: Shell, project: Path, kind: str) -> None:
    run = held(project, erase=kind)
    shown = shell("trace", "replay", run, "--with", "dial=.6")
    assert shown.code == Exit.INCOMPLETE, shown.out + shown.err
    assert "not decided again" in shown.out
    assert "erased" in shown.out
    form = json.loads(shell("trace", "replay", run, "--with", "dial=.6", "--json").out)
    assert form["not_decided_again"]
    assert len(form["auctions"]) + len(form["not_decided_again"]) == (1 if kind == "posted" else 2)


def test_a_run_without_auctions_is_told_so(shell: Shell, project: Path) -> None:
    remember(project, began(), Posted(task="t", spec=Task(id="t", goal="do it")))
    none = shell("trace", "replay", "last", "--with", "dial=.6")
    assert none.code == 0, none.err
    assert "held no auction" in none.out


def test_what_a_policy_cannot_learn_any_more_is_said(shell: Shell, project: Path) -> None:
    run = held(project, erase_past="credited")
    shown = shell("trace", "replay", run, "--with", "policy=linucb")
    assert shown.code == 0, shown.err
    assert "1 event that linucb would have learned from cannot be read here" in " ".join(shown.out.split())
    thin = shell("trace", "estimate", "--policy", "linucb")
    assert "1 event that linucb would have learned from cannot be read here" in " ".join(thin.err.split())


def test_an_agent_that_is_left_out_takes_its_awards_with_it(shell: Shell, project: Path) -> None:
    run = held(project)
    shown = shell("trace", "replay", run, "--with", "agents=-small", "--with", "rules.refine=off")
    assert shown.code == 0, shown.err
    said = " ".join(shown.out.split())
    assert "the judges had the plans of small before them too" in said
    assert "now nobody: nobody would work on it in this auction" in said


def test_estimates_are_refused_with_a_reason_where_the_record_is_thin(shell: Shell, project: Path) -> None:
    held(project)
    shown = shell("trace", "estimate")
    assert shown.code == 0, shown.err
    assert "at least 30 are needed" in shown.out or "had no chance to be made" in shown.out
    form = json.loads(shell("trace", "estimate", "--policies", "ants,sale", "--json").out)
    assert form["schema"] == "agora.trace.estimate/1"
    assert [one["policy"] for one in form["policies"]] == ["as logged", "ants", "sale"]
    assert all(one["refused"] and not one["passed"] for one in form["policies"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--policy", "linub"), "did you mean 'linucb'?"),
        (("--policy", ","), "names none"),
        (("--method", "snip"), "did you mean 'snips'?"),
        (("--clip", "0"), "must be above 0"),
        (("--switch", "nan"), "must be above 0"),
        (("--runs", "nosuch"), "nosuch"),
        (("--since", "yesteryear"), "yesteryear"),
    ],
)
def test_estimates_name_what_they_cannot_use(
    shell: Shell, project: Path, arguments: tuple[str, str], said: str
) -> None:
    held(project)
    shown = shell("trace", "estimate", *arguments)
    assert shown.code == Exit.USAGE
    assert said in shown.err
    assert "Traceback" not in shown.err


@pytest.mark.parametrize("change", ["budget=1", "seed=3", "mark.ada=5"])
def test_what_only_a_fork_can_change_says_so(shell: Shell, project: Path, change: str) -> None:
    refused = shell("trace", "replay", "last", "--with", change)
    assert refused.code == 2
    assert f"--from EVENT --change {change}" in " ".join(refused.err.split())


def test_an_empty_memory_has_nothing_to_estimate_from(shell: Shell, project: Path) -> None:
    shown = shell("trace", "estimate", "--policy", "linucb")
    assert shown.code == 0, shown.err
    assert "no decision on record can be used" in shown.out
