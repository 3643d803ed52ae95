"""From events to rows of the derived tables, in the ledger's own transaction.

A batch is folded in memory first, so a task that is posted and done in one batch is one INSERT; rows go out by
SQLAlchemy Core in one statement per table. Writing the same events again changes nothing: rows carry the event's `seq`.
Bodies are not repeated here; a plan or a reply stands in `bodies` only.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias, cast

from sqlalchemy import ColumnElement, Connection, Dialect, Select, Table, bindparam, delete, select, update
from sqlalchemy.sql.dml import Delete, Insert, Update

from agora.bids import Profile
from agora.events import (
    Awarded,
    BidPlaced,
    Called,
    Done,
    Event,
    Joined,
    Judged,
    Learned,
    Performed,
    Posted,
    Reserved,
    Scored,
    Started,
    TaskDone,
    ToolUsed,
    Verified,
)
from agora.memory.columns import BIG
from agora.memory.dialects import Cell, Prepared, insert_once, upsert
from agora.memory.learned import (
    MemoryUpdate,
    RecordChange,
    RecordKey,
    added,
    fresh,
    keys_of,
    packed,
    read_update,
    unpacked,
)
from agora.memory.tables import METADATA
from agora.records import AgentRecord
from agora.tasks import Usage

Row: TypeAlias = dict[str, Cell]

_T: Final = METADATA.tables
_MOST = 2**63 - 1


class Place(NamedTuple):
    """Where an event stands on the ledger."""

    seq: int
    run: str
    at_us: int


class Statements:
    """The statements of one dialect, compiled once."""

    def __init__(self, dialect: Dialect) -> None:
        def prepared(statement: Insert | Update | Delete | Select[Any]) -> Prepared:
            return Prepared(statement, dialect)

        self.once: Mapping[str, Prepared] = {name: prepared(insert_once(table, dialect)) for name, table in _T.items()}
        self.reserve = prepared(upsert(_T["reservations"], dialect))
        self.record = prepared(upsert(_T["records"], dialect))
        self.find_record = prepared(_keyed_select(_T["records"]))
        self.release = prepared(_keyed_delete(_T["reservations"]))
        self.task_done = prepared(_keyed_update(_T["tasks"], "verdict", "agent", "attempts", *_spent(Usage())))
        self.run_done = prepared(_keyed_update(_T["runs"], "done_us", *_spent(Usage())))


class Projection:
    """The rows of one batch of events.

    Args:
        statements: Of the connection's dialect.
    """

    def __init__(self, statements: Statements) -> None:
        self._statements = statements
        self._rows: defaultdict[str, list[Row]] = defaultdict(list)
        self._tasks: dict[tuple[str, str], Row] = {}
        self._tasks_done: list[Row] = []
        self._runs_done: list[Row] = []
        self._reserved: dict[tuple[str, str, str], Row] = {}
        self._released: list[Row] = []
        self._records: list[tuple[int, RecordChange]] = []

    def add(self, place: Place, event: Event) -> None:
        """Fold one event in; cleaned and redacted already."""
        if rule := _RULES.get(event.kind):
            rule(self, place, event)

    def write(self, connection: Connection) -> None:
        """Write all rows, in the caller's transaction."""
        for table, rows in self._rows.items():
            self._statements.once[table].run(connection, rows)
        for statement, rows in (
            (self._statements.once["tasks"], list(self._tasks.values())),
            (self._statements.task_done, self._tasks_done),
            (self._statements.run_done, self._runs_done),
            (self._statements.reserve, list(self._reserved.values())),
            (self._statements.release, self._released),
        ):
            statement.run(connection, rows)
        if self._records:
            self._write_records(connection)

    def started(self, place: Place, event: Started) -> None:
        """A run, and the cards of its pool."""
        run: Row = {
            "id": place.run,
            "seq": place.seq,
            "started_us": place.at_us,
            "done_us": None,
            "mechanism": event.mechanism,
            "policy": event.policy,
        }
        self._rows["runs"].append(run | _spent(Usage()))
        for profile in event.agents:
            self._card(place, profile)

    def joined(self, place: Place, event: Joined) -> None:
        """The card of one more."""
        self._card(place, event.profile)

    def posted(self, place: Place, event: Posted) -> None:
        """A task without a verdict."""
        task = event.task or event.spec.id
        row: Row = {"run": place.run, "task": task, "seq": place.seq, "goal": event.spec.goal}
        row |= {"skill": event.spec.skill, "verdict": None, "agent": "", "attempts": 0}
        self._tasks.setdefault((place.run, task), row | _spent(Usage()))

    def task_done(self, place: Place, event: TaskDone) -> None:
        """The verdict and the spend of a task."""
        done: Row = {"verdict": event.verdict.value, "agent": event.agent, "attempts": _big(event.attempts)}
        done |= _spent(event.usage)
        if row := self._tasks.get((place.run, event.task)):
            row |= done
        self._tasks_done.append(done | {"key_run": place.run, "key_task": event.task, "before": place.seq})

    def done(self, place: Place, event: Done) -> None:
        """The totals of a run."""
        row: Row = {"key_id": place.run, "done_us": place.at_us, "before": place.seq}
        self._runs_done.append(row | _spent(event.usage))

    def scored(self, place: Place, event: Scored) -> None:
        """An auction."""
        clearing = event.clearing
        row: Row = {"mechanism": clearing.mechanism, "bids": len(clearing.ranking), "winner": clearing.winner}
        row |= {"runner_up": clearing.runner_up, "round": _big(event.round)}
        row |= {"auction": _big(event.auction)}
        row |= {"payment": str(clearing.payment.value), "unit": clearing.payment.unit} if clearing.payment else _UNPAID
        self._add("auctions", place, event, row)

    def bid(self, place: Place, event: BidPlaced) -> None:
        """A bid."""
        bid = event.bid
        row: Row = {"agent": bid.agent, "price": str(bid.price.value), "unit": bid.price.unit, "entropy": bid.entropy}
        row |= {"length_tokens": _big(bid.length_tokens), "projected_tokens": _big(bid.projected_tokens)}
        row |= {"content_hash": bid.content_hash, "auction": _big(event.auction), "round": _big(bid.round)}
        self._add("bids", place, event, row)

    def judged(self, place: Place, event: Judged) -> None:
        """A judge's marks, one row a bid; none of a judge that was dropped."""
        for agent, mark in event.marks.items():
            row: Row = {"judge": event.judge, "agent": agent, "mark": mark}
            row |= {"auction": _big(event.auction), "round": _big(event.round)}
            self._add("judgements", place, event, row)

    def awarded(self, place: Place, event: Awarded) -> None:
        """An award."""
        award = event.award
        row: Row = {"agent": award.agent, "attempt": _big(award.attempt), "reason": award.reason}
        row |= {"auction": _big(event.auction), "payment": str(award.payment.value), "unit": award.payment.unit}
        self._add("awards", place, event, row)

    def reserved(self, place: Place, event: Reserved) -> None:
        """An open reservation."""
        row: Row = {"run": place.run, "task": event.task, "call": event.call, "seq": place.seq, "agent": event.agent}
        row |= {"model": event.model, "usd": str(event.usd), "tokens": _big(event.tokens)}
        self._reserved[place.run, event.task, event.call] = row

    def called(self, place: Place, event: Called) -> None:
        """A model call that ended, and its reservation gone."""
        key = (place.run, event.task, event.call)
        self._reserved.pop(key, None)
        self._released.append({"key_run": key[0], "key_task": key[1], "key_call": key[2], "before": place.seq})
        row: Row = {"kind": "model", "agent": event.agent, "name": event.reply.model if event.reply else ""}
        row |= {"call": event.call, "ok": event.reply is not None, "overrun": event.overrun}
        self._add("calls", place, event, row | _spent(event.usage))

    def tool(self, place: Place, event: ToolUsed) -> None:
        """A tool call that ended."""
        row: Row = {"kind": "tool", "agent": event.agent, "name": event.call.name, "call": event.call.id}
        self._add("calls", place, event, row | {"ok": event.ok, "overrun": event.overrun} | _spent(event.usage))

    def performed(self, place: Place, event: Performed) -> None:
        """An attempt that ended."""
        row: Row = {"agent": event.agent, "attempt": _big(event.attempt), "error": event.error}
        self._add("attempts", place, event, row | _spent(event.usage))

    def verified(self, place: Place, event: Verified) -> None:
        """An outcome."""
        outcome = event.outcome
        row: Row = {"agent": event.agent, "attempt": _big(event.attempt), "verdict": outcome.verdict.value}
        row |= {"verifier": outcome.verifier, "grounded": outcome.grounded, "seconds": outcome.seconds}
        self._add("outcomes", place, event, row)

    def learned(self, place: Place, event: Learned) -> None:
        """A remembered bid, or a line on the records of agents."""
        change = read_update(event)
        if isinstance(change, MemoryUpdate):
            row: Row = {**change.model_dump(), "embedding": None, "embedding_model": None}
            self._rows["memory_entries"].append(row | {"seq": place.seq, "run": place.run, "task": event.key})
        elif change is not None:
            self._records.append((place.seq, change))

    def _card(self, place: Place, profile: Profile) -> None:
        card = _card_text(profile)
        who: Row = {"operator": profile.operator, "name": profile.name, "seq": place.seq}
        self._rows["agents"].append(who)
        self._rows["card_versions"].append(who | {"card_hash": hashlib.sha256(card.encode()).hexdigest(), "card": card})

    def _add(self, table: str, place: Place, event: Event, row: Row) -> None:
        row["seq"], row["run"], row["task"] = place.seq, place.run, event.task
        self._rows[table].append(row)

    def _write_records(self, connection: Connection) -> None:
        # Money is text, so sums are made here and not in SQL; the ledger's lock is held.
        sums: dict[RecordKey, tuple[int, AgentRecord]] = {}
        for seq, change in self._records:
            for key in keys_of(change):
                last, record = sums.get(key) or self._record(connection, key)
                sums[key] = (seq, added(record, change)) if seq > last else (last, record)
        rows = [_record_row(key, last, record) for key, (last, record) in sums.items()]
        self._statements.record.run(connection, rows)

    def _record(self, connection: Connection, key: RecordKey) -> tuple[int, AgentRecord]:
        """The record as it stands, and the last event that was added to it."""
        where: Row = {f"key_{name}": part for name, part in key._asdict().items()}
        for cells in self._statements.find_record.rows(connection, where):
            found = dict(zip(_T["records"].c.keys(), cells, strict=True))
            return int(found["seq"]), unpacked(found)
        return 0, fresh(key)


_UNPAID: Final[Row] = {"payment": None, "unit": None}

_RULES: Final[Mapping[str, Callable[..., None]]] = {
    "started": Projection.started,
    "joined": Projection.joined,
    "posted": Projection.posted,
    "bid": Projection.bid,
    "judged": Projection.judged,
    "scored": Projection.scored,
    "awarded": Projection.awarded,
    "reserved": Projection.reserved,
    "called": Projection.called,
    "tool": Projection.tool,
    "performed": Projection.performed,
    "verified": Projection.verified,
    "learned": Projection.learned,
    "task_done": Projection.task_done,
    "done": Projection.done,
}


def clear(connection: Connection) -> None:
    """Empty every derived table, to be made again from the ledger."""
    for name, table in _T.items():
        if name not in ("ledger", "bodies", "leases"):
            connection.execute(delete(table))


def _big(number: int) -> int:
    # A provider may report any number; the body keeps it, a 64-bit column cannot.
    return number if number <= _MOST else _MOST


def _card_text(profile: Profile) -> str:
    """A card as JSON: one text for one card, in whatever order this process keeps sets."""
    fields = profile.model_dump(mode="json")
    sets = {name: sorted(cast("frozenset[str]", value)) for name, value in profile if isinstance(value, frozenset)}
    return json.dumps(fields | sets, ensure_ascii=False, separators=(",", ":"))


def _spent(usage: Usage) -> Row:
    return {
        "usd": str(usage.usd),
        "input_tokens": _big(usage.input_tokens),
        "output_tokens": _big(usage.output_tokens),
        "steps": _big(usage.steps),
        "seconds": usage.seconds,
    }


def _record_row(key: RecordKey, seq: int, record: AgentRecord) -> Row:
    row: Row = {name: _big(cell) if isinstance(cell, int) else cell for name, cell in packed(record).items()}
    return row | {"grounded": key.grounded, "seq": seq}


def _keyed_update(table: Table, *names: str) -> Update:
    return update(table).where(*_of_key(table), _earlier(table)).values({name: bindparam(name) for name in names})


def _keyed_select(table: Table) -> Select[Any]:
    return select(table).where(*_of_key(table))


def _keyed_delete(table: Table) -> Delete:
    return delete(table).where(*_of_key(table), _earlier(table))


def _of_key(table: Table) -> list[ColumnElement[bool]]:
    return [column == bindparam(f"key_{column.name}") for column in table.primary_key]


def _earlier(table: Table) -> ColumnElement[bool]:
    # In one batch all rows are inserted before any is changed: what comes later on the ledger must not be.
    return table.c.seq < bindparam("before", type_=BIG)
