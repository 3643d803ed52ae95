"""All that is derived is derived again, row for row, whatever happened before, and by halves never."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import anyio
import pytest

from agora.abilities import Learning
from agora.bids import Amount, Award, Bid, Clearing, Plan, Price, Profile, Score
from agora.errors import ChangedError, LeaseError
from agora.events import (
    Awarded,
    BidPlaced,
    BidRefused,
    Called,
    Done,
    Event,
    Joined,
    Judged,
    Performed,
    Posted,
    Reserved,
    Scored,
    Started,
    TaskDone,
    ToolUsed,
    Verified,
)
from agora.learning import knowing
from agora.memory.ledger_file import LedgerFile
from agora.memory.rebuilding import rebuild
from agora.memory.sql_store import SQLStore
from agora.memory.taking_in import take_in
from agora.messages import Message, Reply, Request, ToolCall
from agora.tasks import Limits, Outcome, Task, Usage, Verdict
from agora.testing.clocks import FakeClock, SeededChance
from agora.testing.lessons import bids_update, judge_update, memory_update, record_update
from agora.testing.stores import one_run
from agora.traces.exporting import Export, selected
from agora.traces.files import write_file
from memory.helpers_store import open_store, raw
from memory.places import Places, contents, is_sqlite

T = TypeVar("T")
SPENT = Usage(usd=Decimal("0.125"), input_tokens=3, output_tokens=2, steps=1, seconds=0.5)


class Lots:
    """Draws, one after another."""

    def __init__(self, seed: int) -> None:
        self._chance, self._drawn = SeededChance(seed), 0

    def part(self) -> float:
        self._drawn += 1
        return self._chance.uniform(str(self._drawn))

    def whole(self, least: int, most: int) -> int:
        return least + int(self.part() * (most - least + 1))

    def choice(self, items: Sequence[T]) -> T:
        return items[self.whole(0, len(items) - 1)]


def profile(number: int) -> Profile:
    return Profile(
        name=f"agent{number}",
        operator=f"operator{number % 3}",
        kind="llm",
        skills=frozenset({"sums", "words", "lists", f"s{number}"}),
        price=Price(output_per_mtok=Decimal(number)),
    )


def bid(agent: str, chance: Lots) -> Bid:
    return Bid(
        agent=agent,
        plan=Plan(text=chance.choice(("look", "think \ufffd", "\u202eguess", "<script>"))),
        length_tokens=3,
        projected_tokens=chance.choice((5, 2**70)),
        price=Amount(value=Decimal(chance.whole(0, 9))),
        content_hash="0" * 64,
        entropy=chance.choice((None, chance.part())),
    )


def some_event(chance: Lots) -> Event:
    """Any event that something is derived from."""
    task, agent, call = f"t{chance.whole(0, 4)}", f"agent{chance.whole(0, 4)}", f"c{chance.whole(0, 9)}"
    attempt, verdict, dollars = chance.whole(1, 3), chance.choice(list(Verdict)), Amount(value=Decimal(1))
    score = Score(agent=agent, total=0.5, terms={"cost": 0.5}, price=dollars)
    reply = Reply(text="a", finish="stop", usage=SPENT, model="m")
    request = Request(messages=(Message(role="user", content="hi"),))
    makers: Sequence[Callable[[], Event]] = (
        lambda: Posted(task=task, spec=Task(id=task, goal=f"goal {chance.part()}")),
        lambda: BidPlaced(task=task, bid=bid(agent, chance)),
        lambda: BidRefused(task=task, agent=agent, reason="no"),
        lambda: Judged(task=task, judge=agent, marks={"agent1": chance.whole(0, 5), "agent2": 1}),
        lambda: Scored(task=task, clearing=Clearing(mechanism="sale", ranking=(score,), payment=dollars), seed=1),
        lambda: Awarded(
            task=task,
            award=Award(agent=agent, attempt=attempt, plan=Plan(text="p"), payment=dollars, reason="least"),
        ),
        lambda: Reserved(task=task, call=call, agent=agent, model="m", request=request, usd=Decimal(1), tokens=9),
        lambda: Called(task=task, call=call, agent=agent, reply=chance.choice((None, reply)), usage=SPENT),
        lambda: ToolUsed(task=task, agent=agent, call=ToolCall(id=call, name="n", arguments="{}"), result="r"),
        lambda: Performed(task=task, agent=agent, attempt=attempt, usage=SPENT),
        lambda: Verified(task=task, agent=agent, attempt=attempt, outcome=Outcome(verdict=verdict, verifier="v")),
        lambda: TaskDone(task=task, verdict=verdict, agent=agent, usage=SPENT),
        lambda: Joined(profile=profile(chance.whole(0, 9))),
        lambda: Done(verdicts={task: verdict}, usage=SPENT),
        lambda: record_update(agent=agent, passed=chance.whole(0, 1), grounded=chance.part() < 0.7),
        lambda: memory_update(agent=agent, goal=f"fix the parser {chance.whole(0, 3)}"),
        lambda: bids_update(entropy=chance.part()),
        lambda: judge_update((chance.whole(0, 5), chance.whole(0, 1))),
    )
    return chance.choice(makers)()


def began(chance: Lots) -> Started:
    agents = tuple(profile(number) for number in range(chance.whole(0, 4)))
    return Started(seed=1, agents=agents, limits=Limits(), mechanism="sale", policy="everyone")


class Life:
    """A memory to which anything that can happen does happen, by lot."""

    def __init__(self, place: str, folder: Path, chance: Lots) -> None:
        self.place, self._folder, self._chance = place, folder, chance
        self.store = open_store(place)
        self._runs = 0

    async def step(self) -> None:
        lot = self._chance.part()
        if lot < 0.05:
            self._runs += 1
            await self.store.record(f"r{self._runs}", began(self._chance))
        elif lot < 0.90:
            events = [some_event(self._chance) for _ in range(self._chance.whole(1, 3))]
            await self.store.record(f"r{self._chance.whole(0, self._runs)}", *events)
        elif lot < 0.94:
            self.store.note(f"r{self._runs}", some_event(self._chance))
        elif lot < 0.96 and (last := self.store.size()):
            self.store.erase(*{self._chance.whole(1, last) for _ in range(3)})
        elif lot < 0.98:
            self.store.keep_learned("linucb+sale {}", self.store.size(), "not what it says")
        else:
            await self.store.close()
            self.store = open_store(self.place)


def derived(place: str) -> dict[str, Sequence[object]]:
    found = contents(place)
    names = found.keys() - {"alembic_version", "leases", "snapshots", "ledger", "bodies"}
    return {name: found[name] for name in names}


async def test_after_a_thousand_random_operations_every_row_is_derived_again_as_it_stood(
    places: Places, tmp_path: Path
) -> None:
    place = places.new()
    life = Life(place, tmp_path, Lots(6))
    for _ in range(1000 if is_sqlite(place) else 150):
        await life.step()
    await life.store.close()
    before = derived(place)
    assert sum(map(len, before.values())) > 60
    done = rebuild(place, clock=FakeClock())
    assert [table.name for table in done.tables if not table.equal and "snapshots" not in table.name] == []
    assert derived(place) == before
    assert {table.name: table.rows for table in done.tables if "snap" not in table.name} == {
        name: len(rows) for name, rows in before.items()
    }


async def test_an_import_leaves_what_a_rebuild_makes(places: Places, tmp_path: Path) -> None:
    life = Life(places.new(), tmp_path, Lots(7))
    for _ in range(120):
        await life.step()
    file, target = tmp_path / "all.jsonl", places.new()
    write_file(file, Export(life.store, selected(life.store, life.store, None)).lines())
    await life.store.close()
    take_in(LedgerFile.open(file), target)
    before = derived(target)
    assert rebuild(target, clock=FakeClock()).equal
    assert derived(target) == before == derived(life.place)


async def test_a_rebuild_says_what_stood_there_otherwise_and_mends_it(places: Places) -> None:
    place = places.new()
    store = open_store(place)
    await store.record("r1", began(Lots(1)), *one_run()[1:], record_update(), memory_update())
    await store.close()
    with raw(place) as connection:
        connection.execute("UPDATE tasks SET verdict = 'failed'")
        connection.execute("DELETE FROM records")
        connection.execute("INSERT INTO agents VALUES ('evil', 'evil', 9)")
    done = rebuild(place, clock=FakeClock())
    changed = {table.name: (table.wrong, table.lacking) for table in done.tables if not table.equal}
    assert changed == {"tasks": (1, 1), "records": (0, 1), "agents": (1, 0)}
    assert rebuild(place, clock=FakeClock()).equal


async def test_what_policies_know_is_learned_again_by_the_policies_themselves(place: str) -> None:
    from agora.coordinator.policies import linucb_sale
    from agora.traces.replay.relearning import relearned

    store = open_store(place)
    await store.record("r1", *one_run())
    policy, seq = knowing(linucb_sale(), store)
    assert isinstance(policy, Learning)
    key = f"{policy.name} {policy.settings}"
    store.keep_learned(key, seq or 1, policy.saved())
    store.keep_learned("gone {}", 2, "state of a plug-in that is not here")
    await store.close()
    done = {table.name: table for table in rebuild(place, clock=FakeClock(), learn=relearned).tables}
    assert done[f"snapshots: {key}"].equal
    assert (done["snapshots: gone {}"].rows, done["snapshots: gone {}"].wrong) == (0, 1)
    with raw(place) as connection:
        mark = "?" if is_sqlite(place) else "%s"
        connection.execute(f"UPDATE snapshots SET data = {mark}", (b"lies",))
    done = {table.name: table for table in rebuild(place, clock=FakeClock(), learn=relearned).tables}
    assert (done[f"snapshots: {key}"].wrong, done[f"snapshots: {key}"].lacking) == (1, 1)
    assert rebuild(place, clock=FakeClock(), learn=relearned).equal


async def test_nothing_is_derived_from_a_ledger_that_was_changed(tmp_path: Path) -> None:
    place = str(tmp_path / "agora.db")
    store = open_store(place)
    await store.record("r1", *one_run())
    await store.close()
    with raw(place) as connection:
        for name, *_ in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE bodies SET body = replace(body, 'make', 'fake') WHERE seq = 2")
    before = derived(place)
    with pytest.raises(ChangedError, match="entry 2 of the ledger or its body was changed"):
        rebuild(place, clock=FakeClock())
    assert derived(place) == before


async def test_nothing_is_derived_while_a_run_is_being_written(places: Places) -> None:
    place = places.new()
    store = open_store(place)
    async with store.hold("r1"):
        await store.record("r1", *one_run())
        with pytest.raises(LeaseError):
            rebuild(place, clock=FakeClock())
    await store.close()


KILLED = """
import sys
from agora.failpoints import Failpoint, arm
from agora.memory.rebuilding import rebuild
from agora.testing.clocks import FakeClock
arm(Failpoint(sys.argv[2], 1))
rebuild(sys.argv[1], clock=FakeClock(), learn=lambda name, events: "learned anew")
"""


@pytest.mark.parametrize("where", ["rebuild.cleared", "rebuild.remade", "rebuild.learned"])
async def test_a_kill_in_the_middle_leaves_everything_as_it_was(places: Places, where: str) -> None:
    place = places.new()
    store: SQLStore = open_store(place)
    for run in ("r1", "r2"):
        await store.record(run, *one_run(), record_update(), memory_update())
    store.keep_learned("everyone", 3, "state")
    await store.close()
    before = contents(place)
    killed = await anyio.run_process([sys.executable, "-c", KILLED, place, where], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert contents(place) == before
    assert all(table.equal for table in rebuild(place, clock=FakeClock()).tables if "snap" not in table.name)
