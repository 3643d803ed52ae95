"""What is read from the tables; each function is one short query, so that no reader holds the database for long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import CompoundSelect, Connection, Row, RowMapping, Select, func, select, union_all

from agora.memory.learned import unpacked
from agora.memory.tables import METADATA
from agora.records import AgentRecord, Entry, Envelope, RunInfo, Stored
from agora.tasks import Usage, Verdict

_T: Final = METADATA.tables
_LEDGER: Final = _T["ledger"]
_BODIES: Final = _T["bodies"]
_RUNS: Final = _T["runs"]
_TASKS: Final = _T["tasks"]
_CALLS: Final = _T["calls"]
_SPENT: Final = ("usd", "input_tokens", "output_tokens", "steps", "seconds")
_PAGE: Final = 500
_PAGE_BYTES: Final = 32 * 1024 * 1024
_ENTRIES: Final = select(
    *(_LEDGER.c[name] for name in (*Envelope._fields, "hash")),
    _BODIES.c.salt,
    _BODIES.c.body.label("content"),
).select_from(_LEDGER.outerjoin(_BODIES, _BODIES.c.seq == _LEDGER.c.seq))


def page(
    connection: Connection, run: str | None, *, after: int, kinds: frozenset[str] | None = None
) -> Sequence[Stored]:
    """The next entries of the ledger (of one run, of some kinds) after a position, as many as fit; empty at the end."""
    query = query_of(run, after=after, kinds=kinds)
    found: list[Stored] = []
    size = 0
    with connection.execute(query) as rows:
        for row in rows:
            found.append(one := _stored(tuple(row)))
            size += len(one.body or b"")
            if size > _PAGE_BYTES:
                break
    return found


def query_of(run: str | None, *, after: int, kinds: frozenset[str] | None = None) -> Select[Any]:
    """What asks for a page; see `page`."""
    query = _ENTRIES.where(_LEDGER.c.seq > after).order_by(_LEDGER.c.seq).limit(_PAGE)
    if run is not None:
        query = query.where(_LEDGER.c.run == run)
    if kinds is not None and (run is not None or len(kinds) < 2):
        query = query.where(_LEDGER.c.kind.in_(sorted(kinds)))
    elif kinds is not None:
        query = query.where(_LEDGER.c.seq.in_(_next_of(kinds, after)))
    return query


def _next_of(kinds: frozenset[str], after: int) -> CompoundSelect[tuple[int]]:
    """The next positions of each kind, from the index alone: otherwise all that is left would be sorted for a page."""
    each = (
        select(_LEDGER.c.seq)
        .where(_LEDGER.c.kind == kind, _LEDGER.c.seq > after)
        .order_by(_LEDGER.c.seq)
        .limit(_PAGE)
        .subquery()
        for kind in sorted(kinds)
    )
    return union_all(*(select(one.c.seq) for one in each))


def runs(connection: Connection, *, limit: int) -> Sequence[RunInfo]:
    """The latest runs, newest first."""
    rows = connection.execute(select(_RUNS).order_by(_RUNS.c.seq.desc()).limit(max(limit, 0))).all()
    return tuple(_run_info(connection, row) for row in rows)


def run_ids(connection: Connection) -> Iterator[str]:
    """All runs, newest first."""
    for row in connection.execute(select(_RUNS.c.id).order_by(_RUNS.c.seq.desc())):
        yield str(row[0])


def records(connection: Connection, *, grounded: bool = True) -> Sequence[AgentRecord]:
    """Promised against delivered, by operator, agent and skill."""
    table = _T["records"]
    found = map(record_of, connection.execute(select(table).where(table.c.grounded == grounded)).mappings())
    # Sorted here: databases sort texts by rules of their own.
    return tuple(sorted(found, key=lambda record: (record.operator, record.agent, record.skill)))


def record_of(row: RowMapping) -> AgentRecord:
    """The record that a row of the table holds."""
    return unpacked({str(name): cell for name, cell in row.items()})


def envelope_of(row: Sequence[Any]) -> Envelope:
    """The envelope that a row begins with.

    Somebody may have changed it on SQLite, which takes any value for any column: that must be found out, not fail. So
    what is of another type becomes a number or a text that was never recorded.
    """
    v, seq, run, kind, at_us, body, prev = row[:7]
    if not (type(v) is type(at_us) is int and type(run) is type(kind) is type(body) is type(prev) is str):
        v, at_us = (cell if isinstance(cell, int) else -1 for cell in (v, at_us))
        run, kind, body, prev = map(_text, (run, kind, body, prev))
    return Envelope(v, seq, run, kind, at_us, body, prev)


def _stored(row: Sequence[Any]) -> Stored:
    hashed, salt, body = row[7:]
    return Stored(Entry(envelope_of(row), _text(hashed)), _bytes(salt), _bytes(body))


def _text(cell: object) -> str:
    return cell if isinstance(cell, str) else repr(cell)


def _bytes(cell: bytes | str | None) -> bytes | None:
    return cell.encode("utf-8", "surrogatepass") if isinstance(cell, str) else cell


def _run_info(connection: Connection, row: Row[Any]) -> RunInfo:
    mine = _TASKS.c.run == row.id
    tasks = int(connection.execute(select(func.count()).select_from(_TASKS).where(mine)).scalar_one())
    passed = connection.execute(
        select(func.count()).select_from(_TASKS).where(mine, _TASKS.c.verdict == Verdict.PASSED.value)
    ).scalar_one()
    goal = connection.execute(select(_TASKS.c.goal).where(mine).order_by(_TASKS.c.seq).limit(1)).scalar()
    done = row.done_us is not None
    spent = (
        [row]
        if done
        else connection.execute(select(*(_CALLS.c[name] for name in _SPENT)).where(_CALLS.c.run == row.id))
    )
    return RunInfo(
        id=row.id,
        started_us=row.started_us,
        done=done,
        tasks=tasks,
        passed=int(passed),
        goal=str(goal or ""),
        usage=_sum(spent),
    )


def _sum(rows: Iterable[Row[Any]]) -> Usage:
    usd, read, written, steps, seconds = Decimal(0), 0, 0, 0, 0.0
    for row in rows:
        usd += Decimal(row.usd)
        read, written, steps = read + row.input_tokens, written + row.output_tokens, steps + row.steps
        seconds += row.seconds
    return Usage(usd=usd, input_tokens=read, output_tokens=written, steps=steps, seconds=seconds)
