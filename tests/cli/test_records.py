"""Records on the command line: the tables and the JSON of `agora agents` and `agora memory`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import anyio
import pytest

from agora.memory.sql_store import SQLStore
from agora.testing.clocks import FakeClock
from agora.testing.lessons import bids_update, judge_update, record_update
from cli.projects import CHECK, Shell

RUN = ("run", "mend word.txt", "--workspace", "repo", "--verify", CHECK)


async def fill(place: Path) -> None:
    store = SQLStore.open(place, clock=FakeClock())
    await store.record("r1", *(record_update(passed=passed) for passed in (1, 1, 0, 1)))
    await store.record("r1", bids_update(malformed=("other",)), bids_update(entropy=0.25), bids_update(entropy=0.5))
    await store.record("r1", bids_update(surprisal_nats=1.25), judge_update((4, 1), (5, 1), (2, 0), (3, 0)))
    await store.close()


@pytest.fixture
def filled(tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A memory in which "scout" has stated 75 % four times and passed three."""
    place = tmp_path / "records.db"
    monkeypatch.setenv("AGORA_DB_URL", str(place))
    anyio.run(fill, place)
    return place


@pytest.mark.parametrize("command", ["agents", "memory"])
def test_the_json_has_the_sums_and_what_follows_from_them(shell: Shell, filled: Path, command: str) -> None:
    form = json.loads(shell(command, "--json").out)
    assert form["schema"] == f"agora.{command}/1"
    other, scout = form["records"]
    assert (scout["tried"], scout["passed"], scout["promised_steps"], scout["usd"]) == (4, 3, 12, "0.4")
    assert (scout["promised_usd"], scout["delivered_usd"]) == ("0.28", "0.4")
    assert scout["confidence"][7] == {"tried": 4, "passed": 3, "stated": 3.0}
    assert (scout["stated_outcomes"], scout["mean_stated"], scout["mean_came_true"]) == (4, 0.75, 0.75)
    assert (scout["brier"], scout["calibration_error"]) == (pytest.approx(0.1875), pytest.approx(0.0))
    assert (scout["bids_fit"], scout["calls_ran"]) == (1.0, 0.8)
    assert (scout["judged_passed"], scout["judged_failed"], scout["agreement"]) == (2, 2, pytest.approx(0.625))
    assert (scout["entropies"], scout["mean_entropy"], scout["mean_surprisal_nats"]) == ([0.25, 0.5], 0.375, 1.25)
    assert (other["agreement"], other["mean_entropy"], other["surprisals"]) == (0.5, None, [])
    assert scout["standing"]["success"] == pytest.approx(4 / 6)
    assert 0.3 < scout["standing"]["success_low"] < scout["standing"]["success"]
    assert scout["standing"]["share"] == 1.0
    assert (other["tried"], other["bids_fit"], other["brier"], other["calls_ran"]) == (0, 0.75, None, None)
    assert other["standing"]["success_low"] == 0


@pytest.mark.parametrize("command", ["agents", "memory"])
def test_the_tables_show_work_and_words(shell: Shell, filled: Path, command: str) -> None:
    shown = shell(command).out
    work, words, marks = (re.split(r"\s{2,}", line.strip()) for line in shown.splitlines() if line.startswith("scout"))
    assert work == ["scout", "python", "100%", "3/4", "42%", "12/16", "400/360", "$0.28/$0.40", "-/6"]
    assert words == ["scout", "python", "75%", "75% of 4", "0.188", "0.000", "4/4", "16/20"]
    assert marks == ["scout", "python", "2/2", "1/2", "0.62", "0.375", "1.250"]
    assert len([line for line in shown.splitlines() if line.startswith("other")]) == 2, "who never judged is not shown"
    assert "at least: 90% sure, 0% under 3 attempts" in shown


def test_a_run_leaves_its_asked_price_and_its_bids_on_the_records(shell: Shell, project: Path) -> None:
    shell(*RUN)
    records = {record["agent"]: record for record in json.loads(shell("agents", "--json").out)["records"]}
    asked = {name: record["promised_seconds"] for name, record in records.items()}
    assert asked == {"fixer": 2.0, "spoiler": 1.0}
    fitted = {name: (record["bids"], record["bids_fit"]) for name, record in records.items()}
    assert fitted == {"fixer": (2, 1.0), "spoiler": (1, 1.0)}, "after the failure the other was asked once more"
