"""What the tables say of an auctioned task, and that saying it twice changes nothing."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from agora.bids import Amount, Award, Bid, Clearing, Plan, Price, Profile, Score
from agora.events import (
    Awarded,
    BidPlaced,
    Called,
    Done,
    Event,
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
from agora.memory.dialects import connect, writer
from agora.memory.projections import Place, Projection, Statements
from agora.memory.tables import METADATA
from agora.messages import Message, Reply, Request, ToolCall
from agora.tasks import Limits, Outcome, Task, Usage, Verdict, Work
from agora.testing.lessons import judge_update, memory_update, record_update
from memory.helpers_store import open_store, raw

USAGE = Usage(usd=Decimal("0.000000000001"), input_tokens=10, output_tokens=5, steps=1, seconds=0.25)
PRICE = Amount(value=Decimal("0.123456789012"))
PLAN = Plan(text="read, change, test", steps=3)


def intent(call: str) -> Reserved:
    request = Request(messages=(Message(role="user", content="go"),))
    return Reserved(
        task="t1", call=call, agent="scout", model="scripted", request=request, usd=Decimal("0.5"), tokens=100
    )


def answer(call: str) -> Called:
    reply = Reply(text="done", finish="stop", usage=USAGE, model="scripted")
    return Called(task="t1", call=call, agent="scout", reply=reply, usage=USAGE)


def auctioned() -> list[Event]:
    profile = Profile(name="scout", operator="acme", kind="llm", price=Price())
    bid = Bid(agent="scout", plan=PLAN, length_tokens=5, projected_tokens=90, price=PRICE, content_hash="ab")
    score = Score(agent="scout", total=0.5, terms={"cost": 0.5}, price=PRICE)
    return [
        Started(seed=7, agents=(profile,), limits=Limits(), mechanism="sale", policy="everyone"),
        Posted(task="t1", spec=Task(id="t1", goal="fix it", skill="python")),
        BidPlaced(task="t1", bid=bid),
        Judged(task="t1", judge="scout", marks={"other": 1, "scout": 4}),
        Judged(task="t1", judge="other", dropped="unreadable twice"),
        Scored(task="t1", clearing=Clearing(mechanism="sale", ranking=(score,), payment=PRICE), seed=7),
        Awarded(task="t1", award=Award(agent="scout", attempt=1, plan=PLAN, payment=PRICE, reason="alone")),
        intent("scout/perform/1"),
        answer("scout/perform/1"),
        ToolUsed(task="t1", agent="scout", call=ToolCall(id="c1", name="read", arguments="{}"), result="text"),
        intent("scout/perform/2"),
        Performed(task="t1", agent="scout", attempt=1, work=Work(output="done"), usage=USAGE),
        Verified(task="t1", agent="scout", attempt=1, outcome=Outcome(verdict=Verdict.PASSED, verifier="tests")),
        record_update(),
        judge_update((4, 1)),
        memory_update(),
        TaskDone(task="t1", verdict=Verdict.PASSED, agent="scout", attempts=1, usage=USAGE),
        Done(verdicts={"t1": Verdict.PASSED}, usage=USAGE),
    ]


def counts(path: Path) -> dict[str, int]:
    with raw(path) as connection:
        names = [
            str(row[0])
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if not str(row[0]).startswith(("memory_words", "alembic"))
        ]
        return {name: int(connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]) for name in names}


EXPECTED = {
    "ledger": 18,
    "bodies": 18,
    "tree": 0,
    "runs": 1,
    "agents": 1,
    "card_versions": 1,
    "tasks": 1,
    "auctions": 1,
    "bids": 1,
    "awards": 1,
    "attempts": 1,
    "calls": 2,
    "outcomes": 1,
    "reservations": 1,
    "memory_entries": 1,
    "records": 1,
    "judgements": 2,
    "snapshots": 0,
    "leases": 0,
}


async def test_an_auctioned_task_has_its_rows_whether_recorded_at_once_or_one_by_one(tmp_path: Path) -> None:
    for name, step in (("once.db", 18), ("single.db", 1)):
        store = open_store(tmp_path / name)
        events = auctioned()
        for start in range(0, len(events), step):
            await store.record("r1", *events[start : start + step])
        assert counts(tmp_path / name) == EXPECTED
        await store.close()
    with raw(tmp_path / "once.db") as once, raw(tmp_path / "single.db") as single:
        for table in set(EXPECTED) - {"ledger", "bodies"}:
            query = f"SELECT * FROM {table}"
            assert once.execute(query).fetchall() == single.execute(query).fetchall(), table


async def test_money_is_kept_to_the_last_digit(tmp_path: Path) -> None:
    store = open_store(tmp_path / "agora.db")
    await store.record("r1", *auctioned())
    with raw(tmp_path / "agora.db") as connection:
        assert connection.execute("SELECT price, typeof(price) FROM bids").fetchone() == ("0.123456789012", "text")
        assert connection.execute("SELECT usd, typeof(usd) FROM tasks").fetchone() == ("1E-12", "text")
    await store.close()


async def test_every_mark_of_a_jury_has_its_row_and_a_refined_round_is_told_apart(tmp_path: Path) -> None:
    store = open_store(tmp_path / "agora.db")
    second = [
        event.model_copy(update={"auction": 2, "round": 1})
        for event in auctioned()
        if isinstance(event, (Judged, Scored))
    ]
    await store.record("r1", *auctioned(), *second)
    with raw(tmp_path / "agora.db") as connection:
        marks = connection.execute("SELECT judge, agent, auction, round, mark FROM judgements ORDER BY seq, agent")
        given = marks.fetchall()
        opened = connection.execute("SELECT auction, round FROM auctions ORDER BY seq").fetchall()
        of_one = [connection.execute(f"SELECT auction FROM {table}").fetchall() for table in ("bids", "awards")]
    places, each = [(0, 0), (2, 1)], [("other", 1), ("scout", 4)]
    assert given == [("scout", agent, *place, mark) for place in places for agent, mark in each]
    assert (opened, of_one) == (places, [[(0,)], [(0,)]])
    await store.close()


async def test_a_call_whose_fate_is_unknown_stays_reserved(tmp_path: Path) -> None:
    store = open_store(tmp_path / "agora.db")
    await store.record("r1", *auctioned())
    with raw(tmp_path / "agora.db") as connection:
        found = connection.execute("SELECT call, usd FROM reservations").fetchall()
    assert found == [("scout/perform/2", "0.5")]
    await store.record("r1", answer("scout/perform/2"))
    assert counts(tmp_path / "agora.db")["reservations"] == 0
    await store.close()


async def test_equal_call_ids_of_two_tasks_are_two_reservations(tmp_path: Path) -> None:
    store = open_store(tmp_path / "agora.db")
    await store.record("r1", intent("a/1"), intent("a/1").model_copy(update={"task": "t2"}))
    assert counts(tmp_path / "agora.db")["reservations"] == 2
    await store.close()


async def test_projecting_the_same_events_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "agora.db"
    store = open_store(path)
    await store.record("r1", *auctioned())
    await store.close()
    with raw(path) as connection:
        before = list(connection.iterdump())
    engine = connect(path)
    with writer(engine) as writing, writing.begin():
        project_again(writing)
    engine.dispose()
    with raw(path) as connection:
        assert list(connection.iterdump()) == before


def project_again(connection: Connection) -> None:
    projection = Projection(Statements(connection.dialect))
    for seq, event in enumerate(auctioned(), start=1):
        projection.add(Place(seq, "r1", 1_700_000_000_000_000), event)
    projection.write(connection)


async def test_a_new_card_is_a_new_version_of_the_same_agent(tmp_path: Path) -> None:
    store = open_store(tmp_path / "agora.db")
    for skill in ("python", "python", "search"):
        profile = Profile(name="scout", operator="acme", kind="llm", skills=frozenset({skill}))
        await store.record(
            f"r-{skill}", Started(seed=1, agents=(profile,), limits=Limits(), mechanism="sale", policy="everyone")
        )
    found = counts(tmp_path / "agora.db")
    assert (found["agents"], found["card_versions"]) == (1, 2)
    await store.close()


def test_tables_and_statements_are_a_url_away_from_postgresql() -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy leaves it untyped
    statements = Statements(dialect)
    assert "ON CONFLICT (run, task, call) DO UPDATE" in str(statements.reserve)
    ledger = str(CreateTable(METADATA.tables["ledger"]).compile(dialect=dialect))
    assert "seq BIGINT NOT NULL" in ledger
    assert "at_us BIGINT NOT NULL" in ledger
