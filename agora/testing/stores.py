"""What every `Store` must do, as one check that a new store can be held against."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import anyio

from agora.errors import AgoraError, LeaseError, LedgerError, UnknownNameError
from agora.events import BidRefused, Called, Done, Event, Learned, Posted, Started, TaskDone
from agora.protocols import Store
from agora.tasks import Limits, Task, Usage, Verdict
from agora.testing.lessons import bids_update, judge_update, memory_update, record_update

__all__ = ["check_shared_store", "check_store", "one_run"]


async def check_store(open_store: Callable[[], Store]) -> None:
    """Hold a store against the seam: order, notes, cleaning, all or nothing, runs, holding, records, recall.

    Args:
        open_store: Makes a new, empty store at each call; its clock may stand still.

    Raises:
        AssertionError: The store does not do what the message says.
    """
    for check in (
        _keeps_order,
        _cleans,
        _is_all_or_nothing,
        _serves_many,
        _knows_runs,
        _holds,
        _sums_records,
        _remembers_judges_and_entropies,
        _recalls,
        _offers_no_ungrounded_win,
        _recalls_for_the_trusted,
        _closes,
    ):
        store = open_store()
        try:
            await check(store)
        finally:
            await store.close()


async def check_shared_store(open_two: Callable[[], tuple[Store, Store]]) -> None:
    """Hold two stores on one database against the seam: one chain, one holder of a run.

    Args:
        open_two: Makes a new, empty database at each call, and opens it twice.

    Raises:
        AssertionError: The stores do not do what the message says.
    """
    for check in (_share_one_chain, _hold_in_turns):
        one, other = open_two()
        try:
            await check(one, other)
        finally:
            await one.close()
            await other.close()


def one_run(*, goal: str = "make it work", verdict: Verdict = Verdict.PASSED) -> tuple[Event, ...]:
    """The events of a run with one task, "t1", that took a dollar and a half."""
    usage = Usage(usd=Decimal("1.5"), input_tokens=10, output_tokens=5, steps=2, seconds=0.25)
    return (
        Started(seed=7, agents=(), limits=Limits(), mechanism="sale", policy="everyone"),
        Posted(task="t1", spec=Task(id="t1", goal=goal)),
        TaskDone(task="t1", verdict=verdict, agent="scout", attempts=1, usage=usage),
        Done(verdicts={"t1": verdict}, usage=usage),
    )


def _posted(number: int, *, goal: str = "a goal") -> Posted:
    return Posted(task=f"t{number}", spec=Task(id=f"t{number}", goal=goal))


async def _keeps_order(store: Store) -> None:
    store.note("r1", _posted(1))
    await store.record("r2", _posted(2), _posted(3))
    store.note("r1", _posted(4))
    await store.record("r1", _posted(5))
    entries = list(store.events())
    assert [entry.seq for entry in entries] == [1, 2, 3, 4, 5], "positions run from 1 without gaps"
    assert [entry.event for entry in entries] == [_posted(number) for number in range(1, 6)], "in the order handed in"
    assert [entry.seq for entry in store.events("r1")] == [1, 4, 5], "one run's events are its own"
    assert [entry.seq for entry in store.events(after=3)] == [4, 5], "`after` is a position"
    assert [entry.seq for entry in store.events("r1", after=1)] == [4, 5], "`after` and a run go together"
    hashes = {entry.hash for entry in entries}
    assert len(hashes) == 5, "every entry has a hash of its own"
    assert all(len(digest) == 64 for digest in hashes), "hashes are SHA-256"


async def _cleans(store: Store) -> None:
    dirty = BidRefused(task="t1", agent="scout", reason="a\ud800b\0c")
    await store.record("r1", dirty, _posted(2, goal="use AKIAABCDEFGHIJKLMNOP here"))
    first, second = (entry.event for entry in store.events())
    assert first == dirty.model_copy(update={"reason": "a\ufffdb\ufffdc"}), (
        "lone surrogates and NUL are replaced by U+FFFD"
    )
    assert second == _posted(2, goal="use [redacted] here"), "what has the shape of a key is not recorded"


async def _is_all_or_nothing(store: Store) -> None:
    bad = Learned(what="other", key="k", update={"x": 1 << 5000})
    refused = False
    try:
        await store.record("r1", _posted(1), bad)
    except LedgerError:
        refused = True
    assert refused, "an event that has no canonical form is refused"
    await store.record("r1", _posted(2))
    assert [entry.event for entry in store.events()] == [_posted(2)], "nothing of a refused record is kept"


async def _serves_many(store: Store) -> None:
    async def recorder(run: str) -> None:
        for number in range(5):
            store.note(run, _posted(2 * number))
            await store.record(run, _posted(2 * number + 1))

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(recorder, f"r{number}")
    assert [entry.seq for entry in store.events()] == list(range(1, 201)), "nothing is lost or doubled"
    for number in range(20):
        found = [entry.event for entry in store.events(f"r{number}")]
        assert found == [_posted(index) for index in range(10)], "each run's events keep their order"


async def _knows_runs(store: Store) -> None:
    assert list(store.runs()) == [], "a new store has no runs"
    await store.record("aa11", *one_run(goal="first"))
    await store.record("aa22", *one_run(goal="second", verdict=Verdict.FAILED)[:3])
    second, first = store.runs()
    assert (first.id, first.done, first.tasks, first.passed, first.goal) == ("aa11", True, 1, 1, "first"), "summed up"
    assert (first.usage.usd, first.usage.tokens) == (Decimal("1.5"), 15), "a done run has its totals"
    assert (second.id, second.done, second.tasks, second.passed) == ("aa22", False, 1, 0), "newest first"
    spent = Usage(usd=Decimal("0.25"), input_tokens=3)
    await store.record("aa22", Called(task="t1", call="c", agent="scout", usage=spent))
    assert store.runs()[0].usage == spent, "a run that is not done shows what its calls took so far"
    assert len(store.runs(limit=1)) == 1, "`limit` is kept"
    assert store.find_run("aa11") == "aa11", "a run is found by its id"
    assert store.find_run("aa2") == "aa22", "and by a unique prefix"
    assert store.find_run("last") == "aa22", 'and by "last"'
    for ref in ("aa", "zz", ""):
        assert _refuses(store, ref), f"{ref!r} means no single run"


def _refuses(store: Store, ref: str) -> bool:
    try:
        store.find_run(ref)
    except UnknownNameError:
        return True
    return False


async def _holds(store: Store) -> None:
    async with store.hold("r1"):
        await store.record("r1", _posted(1))
        assert await _held(store, "r1"), "a run that is held cannot be held a second time"
        assert store.holder("r1"), "whoever holds a run is named"
        async with store.hold("r2"):
            await store.record("r2", _posted(2))
        store.note("r1", _posted(3))
    assert [entry.event for entry in store.events("r1")] == [_posted(1), _posted(3)], "what was noted is kept"
    try:
        async with store.hold("r1"):
            raise LookupError("in the block")
    except LookupError:
        pass
    assert not store.holder("r1"), "nobody holds a run that was given back"
    async with store.hold("r1"):
        await store.record("r1", _posted(4))
    assert len(list(store.events())) == 4, "a run can be held again once it was given back"


async def _share_one_chain(one: Store, other: Store) -> None:
    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon((one, other)[number % 2].record, f"r{number % 2}", _posted(number))
    entries = list(one.events())
    assert [entry.seq for entry in entries] == list(range(1, 21)), "two stores number one ledger"
    assert [entry.hash for entry in other.events()] == [entry.hash for entry in entries], "and read the same"


async def _hold_in_turns(one: Store, other: Store) -> None:
    async with one.hold("r1"):
        assert await _held(other, "r1"), "a run that another store holds cannot be held"
        assert other.holder("r1") == one.holder("r1") != "", "all stores name one holder"
        await one.record("r1", _posted(1))
    async with other.hold("r1"):
        await other.record("r1", _posted(2))
        assert await _is_refused(one, "r1"), "a store that held a run writes it no more while another holds it"
    assert [entry.event for entry in one.events("r1")] == [_posted(1), _posted(2)], "nothing refused is kept"


async def _is_refused(store: Store, run: str) -> bool:
    try:
        await store.record(run, _posted(3))
    except LeaseError as refused:
        return refused.run == run
    return False


async def _held(store: Store, run: str) -> bool:
    try:
        async with store.hold(run):
            return False
    except LeaseError as refused:
        return refused.run == run and bool(refused.holder)


async def _sums_records(store: Store) -> None:
    await store.record("r1", record_update(), record_update(passed=0))
    await store.record("r2", record_update(), record_update(agent="other"), record_update(grounded=False))
    other, scout = store.records()
    assert (other.agent, other.tried) == ("other", 1), "sorted by operator, agent and skill"
    assert (scout.tried, scout.passed) == (3, 2), "grounded attempts are counted, judged ones are kept apart"
    assert (scout.promised_steps, scout.delivered_steps) == (9, 12), "steps add up"
    assert (scout.promised_tokens, scout.delivered_tokens) == (300, 270), "tokens add up"
    assert (Decimal(scout.usd), scout.seconds) == (Decimal("0.3"), 4.5), "money adds up exactly"
    assert (Decimal(scout.promised_usd), Decimal(scout.delivered_usd)) == (Decimal("0.21"), Decimal("0.3")), "as asked"
    assert (scout.promised_seconds, scout.delivered_seconds) == (0, 0), "nobody asked seconds"
    assert scout.confidence[7] == (3, 2, 2.25), "stated confidence is counted in its bin, with what came true"
    assert abs(scout.squared_error - 0.6875) < 1e-12, "and its squared error adds up"
    assert (scout.tool_calls, scout.tool_calls_ok) == (15, 12), "calls of tools add up"
    await store.record("r3", record_update(passed=0, whole=False), bids_update(malformed=("scout",)), bids_update())
    other, scout = store.records()
    assert (scout.tried, scout.confidence[7].tried) == (4, 3), "an event without the newer fields is still counted"
    assert Decimal(scout.delivered_usd) == Decimal("0.3"), "and is not held against a price that nobody wrote down"
    assert [(one.bids, one.malformed_bids) for one in (other, scout)] == [(2, 0), (2, 1)], "bids are counted"
    recent = (0.98**3 + 0.98, 0.98**3 + 0.98**2 + 0.98 + 1)
    assert abs(scout.recent_passed - recent[0]) < 1e-9, "older attempts count for less"
    assert abs(scout.recent_tried - recent[1]) < 1e-9, "whether they passed or not"


async def _remembers_judges_and_entropies(store: Store) -> None:
    await store.record("r1", judge_update((5, 1), (3, 1), (2, 1), (0, 0), (3, 0)), judge_update((5, 0), grounded=False))
    await store.record("r2", judge_update((2, 0), (4, 1)), judge_update((1, 1), judge="other"), judge_update())
    other, scout = store.records()
    assert (scout.tried, scout.bids) == (0, 0), "who only judged has a record, and nothing else on it"
    assert (scout.judged_passed, scout.judged_passed_right) == (4, 3), "a mark of 3 or more says: it will pass"
    assert (scout.judged_failed, scout.judged_failed_right) == (3, 2), "a mark below 3 says: it will not"
    assert (other.judged_passed, other.judged_passed_right, other.judged_failed) == (1, 0, 0), "each judge by itself"
    figures = [number / 64 for number in range(60)]
    await store.record("r3", bids_update(), *(bids_update(entropy=figure) for figure in figures[:30]))
    await store.record("r3", *(bids_update(entropy=figure, surprisal_nats=9 * figure) for figure in figures[30:]))
    await store.record("r3", bids_update(entropy=1.0, grounded=False))
    other, scout = store.records()
    assert scout.entropies == tuple(figures[10:]), "the latest 50 entropies are kept, in order, of grounded tasks"
    assert scout.surprisals == tuple(9 * figure for figure in figures[30:]), "and the surprisals where they are known"
    assert (other.entropies, other.surprisals, other.bids) == ((), (), 61), "what was not measured is not made up"


async def _recalls(store: Store) -> None:
    await store.record("r1", memory_update(task="t1", goal="Fix the C++ parser"))
    await store.record("r1", memory_update(task="t2", goal="write a letter"))
    await store.record("r1", memory_update(task="t3", goal="fix the parser", grounded=False))
    for text in ('what is "parser', "C++", "PARSER?", "parser' OR 1=1 --"):
        assert [entry.task for entry in store.recall(text)] == ["t1"], f"{text!r} finds what shares a word, grounded"
    found = store.recall("fix the parser or write a letter")
    assert {entry.task for entry in found} == {"t1", "t2"}, "any shared word counts"
    assert len(store.recall("the parser a letter", limit=1)) == 1, "`limit` is kept"
    assert list(store.recall("")) == list(store.recall("?! -")) == [], "no words, no memories"
    entry = store.recall("letter")[0]
    assert (entry.agent, entry.plan, entry.won, entry.passed) == ("scout", "read, change, test", True, True), "whole"
    await store.record("r2", memory_update(task="t4", goal="paint a house", won=True, passed=False, auction=2))
    entry = store.recall("house")[0]
    assert (entry.run, entry.auction, entry.won, entry.passed) == ("r2", 2, True, False), "of which call for bids, too"


async def _offers_no_ungrounded_win(store: Store) -> None:
    outcomes = {"win": (True, True), "failure": (True, False), "loser": (False, False)}
    for task, (won, passed) in outcomes.items():
        grounded = memory_update(task=task, won=won, passed=passed)
        judged = memory_update(task=f"judged-{task}", won=True, passed=True, grounded=False)
        await store.record("r1", _posted_as(task), _posted_as(f"judged-{task}"), judged, grounded, judged)
    for trust in (None, frozenset[str]()):
        found = store.recall("fix the parser", limit=99, trust=trust)
        offered = {entry.task: (entry.won, entry.passed) for entry in found}
        assert offered == outcomes, "what only a model judged is not offered; what failed or lost is no win"


def _posted_as(task: str) -> Posted:
    return Posted(task=task, spec=Task(id=task, goal="fix the parser"))


async def _recalls_for_the_trusted(store: Store) -> None:
    for task, labels in (("t1", frozenset[str]()), ("t2", frozenset({"private"}))):
        spec = Task(id=task, goal="fix the parser", labels=labels)
        await store.record("r1", Posted(task=task, spec=spec), memory_update(task=task))
    await store.record("r1", memory_update(task="t3"))
    for trust, tasks in (
        (frozenset[str](), {"t1"}),
        (frozenset({"private"}), {"t1", "t2"}),
        (None, {"t1", "t2", "t3"}),
    ):
        found = {entry.task for entry in store.recall("fix the parser", trust=trust)}
        assert found == tasks, f"trust {trust} is offered memories of tasks with such labels only, if it is stated"


async def _closes(store: Store) -> None:
    store.note("r1", _posted(1))
    await store.close()
    await store.close()
    try:
        await store.record("r1", _posted(2))
    except AgoraError:
        return
    raise AssertionError("a closed store refuses events")
