"""`agora fit`, end to end: a real store, a real file."""

from __future__ import annotations

import json
import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from agora.cli.definitions import load_mechanism
from agora.events import Event
from agora.tasks import Verdict
from cli.projects import CHECK, Shell
from cli.remembered import Tried, auctioned, began, remember, score

AUCTION = """\
# Ours.
mechanism = "sale"
dial = 0.25

[weights]
cost = 0.5     # dollars
entropy = 0.25
jury = 0.25    # judges
"""


def told(seed: int, *, auctions: int, two: bool = True) -> Iterator[Event]:
    """Auctions of three bidders in which the jury knows who will pass and the entropy nothing."""
    chance = np.random.default_rng(seed)
    yield began()
    for number in range(auctions):
        good = [bool(chance.uniform() < 0.5) for _ in "abc"]
        scores = [
            score(
                name,
                {
                    "cost": 0.01 * float(chance.uniform()),
                    "entropy": float(chance.uniform()),
                    "jury": 0.2 + 0.6 * passes + 0.2 * float(chance.uniform()),
                },
            )
            for name, passes in zip("abc", good, strict=True)
        ]
        ranked = sorted(scores, key=lambda one: one.total)[: 2 if two else 1]
        tried = [
            Tried(one.agent, Verdict.PASSED if good["abc".index(one.agent)] else Verdict.FAILED, "0.1")
            for one in ranked
        ]
        yield from auctioned(f"t{number}", scores, *tried)


@pytest.fixture
def fitted(project: Path) -> Path:
    """A project with an auction of its own and sixty past auctions."""
    (project / "auctions").mkdir()
    (project / "auctions" / "ours.toml").write_text(AUCTION)
    remember(project, *told(3, auctions=60))
    return project


def test_minmax_leaves_cost_its_share_and_says_that_no_outcome_decided_it(shell: Shell, fitted: Path) -> None:
    shown = shell("fit", "--auction", "ours")
    assert shown.code == 0, shown.err
    assert "fitted by minmax" in shown.out
    assert "n = 60 auctions" in shown.out
    assert "no outcome and no task decides it" in " ".join(shown.out.split())
    assert "against equal weights" in shown.out
    assert "against the weights before" in shown.out
    assert "only bidders that were awarded have an outcome" in " ".join(shown.out.split())
    form = json.loads(shell("fit", "--auction", "ours", "--json").out)
    assert form["schema"] == "agora.fit/1"
    cost = form["after"]["cost"] * form["scales"]["cost"]
    values = form["after"]["entropy"] + form["after"]["jury"]
    assert cost / (cost + values) == pytest.approx(1 / 3, rel=1e-4)
    assert form["bound"] == pytest.approx(form["objective"], abs=1e-6)
    assert (fitted / "auctions" / "ours.toml").read_text() == AUCTION


def test_regret_finds_what_tells_of_outcomes_and_write_keeps_the_rest_of_the_file(shell: Shell, fitted: Path) -> None:
    file = fitted / "auctions" / "ours.toml"
    file.chmod(0o640)
    shown = shell("fit", "--auction", "ours", "--fit", "regret", "--lambda", "0.01", "--write", "--json")
    assert shown.code == 0, shown.err
    form = json.loads(shown.out)
    assert form["written"] is True
    assert form["two_outcomes"] == 60
    assert form["after"]["jury"] > form["after"]["entropy"]
    assert form["objective"] < form["objective_equal"] / 2
    held_out = form["held_out"]["equal weights"]
    assert held_out["tried"] == 60
    assert held_out["low"] <= held_out["gain"] <= held_out["high"]
    written = file.read_text()
    content = tomllib.loads(written)
    assert content["weights"] == {term: form["after"][term] for term in ("cost", "entropy", "jury")}
    assert sum(content["weights"].values()) == pytest.approx(1.0, abs=1e-4)
    assert content["dial"] == 0.25
    assert [line.partition("#")[2] for line in written.splitlines() if "#" in line] == [" Ours.", " dollars", " judges"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert load_mechanism("ours", project=fitted).name == "sale"
    assert "dial stands at 0.25" in shell("fit", "--auction", "ours").out


def test_weights_are_compared_with_the_dial_as_it_stands(shell: Shell, fitted: Path) -> None:
    (fitted / "auctions" / "ours.toml").write_text(AUCTION.replace("dial = 0.25", "dial = 1.0"))
    form = json.loads(shell("fit", "--auction", "ours", "--fit", "regret", "--json").out)
    assert form["dial"] == 1.0
    assert [found["moved"] for found in form["held_out"].values()] == [0, 0]  # cost alone decides, whatever the fit
    (fitted / "auctions" / "ours.toml").write_text(AUCTION.replace("dial = 0.25", "dial = 0.5"))
    form = json.loads(shell("fit", "--auction", "ours", "--fit", "regret", "--json").out)
    assert form["held_out"]["equal weights"]["moved"] > 0


def test_an_auction_without_a_file_gets_one_and_fitting_again_changes_nothing(shell: Shell, fitted: Path) -> None:
    first = shell("fit", "--write")
    assert first.code == 0, first.err
    file = fitted / "auctions" / "sale.toml"
    written = file.read_text()
    assert tomllib.loads(written)["mechanism"] == "sale"
    assert load_mechanism("sale", project=fitted).name == "sale"
    assert shell("fit", "--write").code == 0
    assert tomllib.loads(file.read_text())["weights"] == pytest.approx(tomllib.loads(written)["weights"], rel=1e-4)


def test_weights_of_terms_that_no_auction_had_stay(shell: Shell, project: Path) -> None:
    events: list[Event] = [began()]
    for number in range(25):
        scores = [score(name, {"cost": 0.01 * (number + place), "entropy": 0.5}) for place, name in enumerate("ab")]
        events.extend(auctioned(f"t{number}", scores))
    remember(project, *events)
    (project / "auctions").mkdir()
    (project / "auctions" / "ours.toml").write_text(AUCTION)
    assert shell("fit", "--auction", "ours", "--write").code == 0
    weights = tomllib.loads((project / "auctions" / "ours.toml").read_text())["weights"]
    assert weights["jury"] == 0.25
    assert weights["cost"] + weights["entropy"] == pytest.approx(0.75, abs=1e-4)


def test_too_few_auctions_are_refused_with_what_is_missing(shell: Shell, project: Path) -> None:
    remember(project, *told(1, auctions=12))
    few = shell("fit")
    assert few.code == 2
    assert "needs 30 past auctions with figures and two bids (10 for each of 3 weights" in few.error
    assert "there are 12" in few.error


def test_regret_is_refused_where_no_two_bidders_have_outcomes(shell: Shell, project: Path) -> None:
    remember(project, *told(1, auctions=40, two=False))
    refused = shell("fit", "--fit", "regret")
    assert refused.code == 2
    assert "needs 30 past auctions in which two bidders have a grounded outcome" in refused.error
    assert "there are 0" in refused.error
    minmax = shell("fit")
    assert minmax.code == 0
    assert "no auction has two outcomes" in " ".join(minmax.out.split())


def test_an_empty_memory_is_refused(shell: Shell, project: Path) -> None:
    refused = shell("fit")
    assert refused.code == 2
    assert "needs 20 past auctions" in refused.error
    assert "there are 0" in refused.error


def test_what_was_left_out_is_said(shell: Shell, fitted: Path) -> None:
    old = [score(name, {"cost": 0.1, "entropy": 0.5, "jury": 0.5}, told=False) for name in "ab"]
    remember(fitted, began(), *auctioned("old", old), run="bbbbbbbbbbbb")
    assert "left out: 1 recorded before scores had figures" in shell("fit").out


def test_a_mechanism_without_weights_is_refused(shell: Shell, project: Path) -> None:
    refused = shell("fit", "--auction", "posted")
    assert refused.code == 2
    assert "'posted' has no weights to fit" in refused.error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--auction", "nonsense"), "no mechanism named 'nonsense'"),
        (("--lambda", "-1"), "lambda"),
        (("--fit", "magic"), "magic"),
    ],
)
def test_what_does_not_make_sense_is_refused(
    shell: Shell, project: Path, arguments: tuple[str, ...], said: str
) -> None:
    shown = shell("fit", *arguments)
    assert shown.code == 2
    assert said in shown.error


def test_what_a_market_writes_is_what_is_read(shell: Shell, project: Path) -> None:
    shell("run", "mend word.txt", "--workspace", "repo", "--verify", CHECK, "--yes")
    refused = shell("fit")
    assert "there are 1" in refused.error
    assert "there are 1 (only" in shell("fit", "--fit", "regret").error  # the winner failed, the runner-up passed


def test_to_write_without_a_project_is_refused(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nowhere").mkdir()
    monkeypatch.chdir(tmp_path / "nowhere")
    refused = shell("fit", "--write")
    assert refused.code == 2
    assert "no project to write to" in refused.error
