"""`agora explain RUN EVENT`: each event of real runs is explained, and what it says is what is on record."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import pytest

from agora.ambient import SystemClock
from agora.cli.explaining_credit import credit_form, print_credit
from agora.cli.explaining_decision import Told, decision_form, print_decision
from agora.events import Asked, Event, Learned, Recalled, TopologyChosen
from agora.forks import events_of
from agora.memory.sql_store import SQLStore
from agora.protocols import Store
from agora.questions import Question
from agora.records import Recorded
from agora.traces.counterfactuals.runs import read_record
from agora.traces.explaining.credit_of_runs import credit_of
from agora.traces.replay.making import mechanism_from
from agora.traces.told.story import told
from cli.projects import Shell
from worked_example import hold


@pytest.fixture
def run(project: Path) -> str:
    """The worked example of the docs, held: a jury, lessons, a second plan, a failure and a second attempt."""

    async def held() -> str:
        (project / "memory").mkdir(exist_ok=True)
        store = SQLStore.open(project / "memory" / "agora.db", clock=SystemClock(), embedder=lambda: None)
        try:
            return await hold(store)
        finally:
            await store.close()

    return anyio.run(held)


@pytest.fixture
def store(project: Path, run: str) -> Store:
    """Its ledger."""
    return SQLStore.open(project / "memory" / "agora.db", clock=SystemClock(), embedder=lambda: None)


def test_every_event_of_a_run_can_be_explained(store: Store, run: str, capsys: pytest.CaptureFixture[str]) -> None:
    entries = list(events_of(store, run))
    story = told(one.event for one in entries)
    for one in entries:
        print_decision(Told(store, story, one))
        shown = capsys.readouterr().out
        assert shown.startswith(f"event {one.seq}: {one.event.kind if one.event else ''}")
        assert len(shown.splitlines()) > 1, shown
        assert "{'" not in shown, "no object is shown as Python writes it"
        form = decision_form(Told(store, story, one))
        assert json.loads(json.dumps(form)) == form
        assert (form["event"], form["run"]) == (one.seq, run)


def test_each_kind_says_what_it_is_about(shell: Shell, store: Store, run: str) -> None:
    entries = list(events_of(store, run))

    def of(kind: str, number: int = 0) -> str:
        found = [one for one in entries if one.event is not None and one.event.kind == kind]
        shown = shell("explain", run, str(found[number].seq))
        assert shown.code == 0, shown.err
        return shown.out

    assert "may bid: large (p=1), medium (p=1), small (p=1)" in of("screened")
    assert "best score" in of("routed")
    bid = of("bid", 2)
    assert "small asks $0.00025 for 5000 tokens" in bid
    assert "marks: large 1, medium 1, small 5" in bid
    assert "smallest changes that would have given it the award" in of("bid", 1)
    assert "its second bid counts in the end" in bid
    assert "score -0.156926" in bid, "of the first bids, and not of the second"
    assert "it was the best; what would have turned that" in of("bid", 3)
    judged = of("judged", 2)
    assert "small gave (0 to 5): large 4, medium 1, small 5" in judged
    assert "small: of its own operator" in judged
    recalled = next(of("recalled", number) for number in range(3) if "won in task" in of("recalled", number))
    assert "won in task past of run" in recalled
    scored = of("scored", 1)
    assert "a jury figure of large above 0.831657 instead of 0.8 (4 % more)" in scored
    assert "the weight of cost below 0.18616" in scored
    assert "delivered 1 step" in of("awarded")
    assert "a fact, in" in of("verified")
    memory = next(one for one in entries if isinstance(one.event, Learned) and one.event.what == "memory")
    assert "it entered no later decision" in shell("explain", run, str(memory.seq)).out


def test_what_was_learned_names_the_later_decisions_that_it_entered(shell: Shell, store: Store, run: str) -> None:
    shown_at = [one for one in events_of(store, run) if isinstance(one.event, Recalled) and one.event.lessons]
    first = next(iter(store.events()))
    learned = [one for one in store.events(first.run) if isinstance(one.event, Learned)]
    kinds = {"memory": "recalled", "record": "screened", "bids": "screened"}
    for one in learned:
        assert isinstance(one.event, Learned)
        shown = shell("explain", first.run, str(one.seq)).out
        if one.event.what == "memory":
            assert any(f"event {later.seq} (recalled" in shown for later in shown_at)
        if one.event.what in kinds:
            assert f"({kinds[one.event.what]} product, run {run})" in shown
    credited = next(one for one in store.events(first.run) if one.event is not None and one.event.kind == "credited")
    assert f"(routed product, run {run})" in shell("explain", first.run, str(credited.seq)).out


def test_an_event_that_is_not_there_names_the_nearest_and_a_task_its_like(shell: Shell, run: str) -> None:
    shown = shell("explain", run, "9999")
    assert (shown.code, "did you mean" in shown.error, "(done)" in shown.error) == (2, True, True)
    shown = shell("explain", run, "prodct")
    assert (shown.code, "did you mean 'product'?" in shown.error) == (2, True)
    shown = shell("explain", run, "9999", "--credit")
    assert (shown.code, "--credit" in shown.error) == (2, True)


def test_credit_is_told_with_what_it_rests_on(
    shell: Shell, store: Store, run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = shell("explain", run, "--credit").out
    assert "what each agent added, by what is on record" in shown
    assert "they add up to what all reached" in shown
    form = json.loads(shell("explain", run, "--credit", "--json").out)["credit"]
    record = read_record(store, run)
    began = record.story.started
    assert began is not None
    credit = credit_of(record, mechanism_from(began.mechanism, began.mechanism_settings))
    assert form == json.loads(json.dumps(credit_form(credit)))
    assert credit.whole[0] == 1
    assert credit.agents[0] == "small"
    sampled = credit_of(record, mechanism_from(began.mechanism, began.mechanism_settings), most_exact=2)
    assert sampled.tasks[0].orders == 200
    print_credit(sampled)
    assert "200 drawn orders, with their standard error" in capsys.readouterr().out


def test_a_topology_and_a_question_are_told(store: Store, run: str, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = TopologyChosen(
        task="flow", decision="d", topology="hybrid", by="rule", reason="wide and deep", features={"width": 3}
    )
    question = Question(id="q", about="step", task="gate", reason="go [red]on[/]?\x1b[2J")
    asked = Asked(task="gate", question=question, digest="ab" * 32, granted=True)
    events: tuple[Event, ...] = (chosen, asked)
    for number, event in enumerate(events):
        one = Recorded(seq=number + 1, run=run, at_us=0, hash="", event=event)
        print_decision(Told(store, told([event]), one))
    shown = capsys.readouterr().out
    assert "topology of flow: hybrid (rule): wide and deep" in shown
    assert "width 3" in shown
    assert "go [red]on[/]?<U+001B>[2J" in shown
    assert "answer: yes" in shown


@pytest.mark.parametrize("kind", ["posted", "screened", "bid", "scored"])
def test_what_was_erased_is_left_out_and_the_rest_is_told(shell: Shell, project: Path, run: str, kind: str) -> None:
    store = SQLStore.open(project / "memory" / "agora.db", clock=SystemClock(), embedder=lambda: None)
    gone = [one.seq for one in events_of(store, run) if one.event is not None and one.event.kind == kind]
    store.erase(gone[0])
    anyio.run(store.close)
    for more in ((), ("--credit",), ("--credit", "--json"), (str(gone[0]),)):
        shown = shell("explain", run, *more)
        assert (shown.code, shown.err) == (0, ""), more
    assert "its body was erased" in shell("explain", run, str(gone[0])).out
