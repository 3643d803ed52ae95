"""The shapes of `Learned` events that shared memory keeps: a line on a record, a task's bids, marks, a remembered bid.

Whoever emits them states grounded (tests, match, schema, a person) or judged (a model); the two are kept apart. How a
record is added up stands here once, for all stores. What older versions did not put on the ledger has a default.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeAlias

from pydantic import Field, ValidationError

from agora.errors import LedgerError
from agora.events import Learned
from agora.protocols import Store
from agora.records import (
    LEAST_YES,
    NOTHING_STATED,
    RECENT_DECAY,
    RECENT_PLANS,
    AgentRecord,
    ConfidenceBin,
    confidence_bin,
)
from agora.values import Value


class RecordUpdate(Value):
    """`Learned(what="record")`: one settled attempt, to be added to the agent's record."""

    operator: str
    """Who is behind the agent."""
    agent: str
    """The agent's name."""
    skill: str
    """The task's skill; may be empty."""
    grounded: bool
    """Whether the verifier was grounded."""
    passed: int = Field(ge=0, le=1)
    """1 where the attempt passed."""
    promised_steps: int = Field(ge=0)
    """From the plan."""
    delivered_steps: int = Field(ge=0)
    """What it took."""
    promised_tokens: int = Field(ge=0)
    """From the plan, or projected."""
    delivered_tokens: int = Field(ge=0)
    """What it took."""
    usd: Decimal = Field(ge=0)
    """US dollars that it took."""
    seconds: float = Field(ge=0)
    """Seconds that it took."""
    promised_usd: Decimal | None = Field(default=None, ge=0)
    """US dollars that the bid asked; None: it asked seconds, or nobody wrote it down."""
    promised_seconds: float | None = Field(default=None, ge=0)
    """Seconds that the bid asked; None: it asked dollars, or nobody wrote it down."""
    stated: float | None = Field(default=None, ge=0, le=1)
    """Stated chance to pass, as the agent gave it."""
    attempt: int = Field(default=1, ge=1)
    """Which of the task's attempts it was."""
    tool_calls: int = Field(default=0, ge=0)
    """Calls of tools."""
    tool_calls_ok: int = Field(default=0, ge=0)
    """Those that ran without an error."""


class Bidder(Value):
    """Who was asked for a bid and gave one."""

    operator: str
    """Who is behind the agent."""
    agent: str
    """The agent's name."""
    malformed: bool = False
    """Whether what it gave was no plan, or did not fit the schema of one."""
    gave: bool = True
    """False: it gave nothing, though asking it, or its marks, may have cost something."""
    entropy: float | None = Field(default=None, ge=0, le=1)
    """Mean token entropy of its plan by the top-k form; None: not measured so."""
    surprisal_nats: float | None = Field(default=None, ge=0)
    """Mean surprisal of its plan in nats, the sampled form; None: not measured so."""
    usd: Decimal = Field(default=Decimal(0), ge=0)
    """US dollars that its bid took, its marks and its second plan included."""
    seconds: float = Field(default=0.0, ge=0)
    """Seconds that they took."""


class BidsUpdate(Value):
    """`Learned(what="bids")`: who bid for a task whose outcome is known, and whose bids did not fit."""

    skill: str
    """The task's skill; may be empty."""
    grounded: bool
    """Whether the verifier was grounded."""
    bidders: tuple[Bidder, ...]
    """In order of name."""


class MarkedBid(Value):
    """What a judge gave a bid, and what came of it."""

    mark: int = Field(ge=0, le=5)
    """As it was given, before any weighing."""
    passed: int = Field(ge=0, le=1)
    """1 where the bid's work passed."""


class JudgeUpdate(Value):
    """`Learned(what="judge")`: a judge's marks for those bids of a task whose work was verified."""

    operator: str
    """Who is behind the judge."""
    agent: str
    """The judge's name."""
    skill: str
    """The task's skill; may be empty."""
    grounded: bool
    """Whether the verifier was grounded."""
    bids: tuple[MarkedBid, ...]
    """In any order."""


class MemoryUpdate(Value):
    """`Learned(what="memory")`: one bid of a verified task."""

    goal: str
    """The task, in words."""
    agent: str
    """Who bid."""
    auction: int = Field(default=0, ge=0)
    """In which of the task's calls for bids."""
    plan: str
    """What it promised."""
    won: bool
    """Whether it got the award."""
    passed: bool
    """Whether the work passed."""
    grounded: bool
    """Whether the verifier was grounded."""


RecordChange: TypeAlias = RecordUpdate | BidsUpdate | JudgeUpdate
"""What changes records."""
Update: TypeAlias = RecordChange | MemoryUpdate

_KINDS: Mapping[str, type[Update]] = {
    "record": RecordUpdate,
    "bids": BidsUpdate,
    "judge": JudgeUpdate,
    "memory": MemoryUpdate,
}


def read_update(event: Learned) -> Update | None:
    """The update as a value; None for learners that shared memory does not know.

    Raises:
        LedgerError: The update lacks a field or has one of another type.
    """
    kind = _KINDS.get(event.what)
    try:
        return kind.model_validate(dict(event.update)) if kind else None
    except ValidationError as problem:
        raise LedgerError(f"Learned({event.what!r}, key={event.key!r}) is malformed: {problem}") from problem


class RecordKey(NamedTuple):
    """Which record a figure belongs to."""

    operator: str
    agent: str
    skill: str
    grounded: bool


def keys_of(update: Update | None) -> tuple[RecordKey, ...]:
    """The records that an update changes, each once."""
    if isinstance(update, (RecordUpdate, JudgeUpdate)):
        return (RecordKey(update.operator, update.agent, update.skill, update.grounded),)
    if isinstance(update, BidsUpdate):
        keys = (RecordKey(one.operator, one.agent, update.skill, update.grounded) for one in update.bidders)
        return tuple(dict.fromkeys(keys))
    return ()


def fresh(key: RecordKey) -> AgentRecord:
    """A record on which nothing stands."""
    return AgentRecord(key.operator, key.agent, key.skill, 0, 0, 0, 0, 0, 0, "0", 0.0)


def added(record: AgentRecord, update: Update | None) -> AgentRecord:
    """The record with an update that concerns it."""
    if isinstance(update, BidsUpdate):
        mine = [one for one in update.bidders if (one.operator, one.agent) == (record.operator, record.agent)]
        return record._replace(
            bids=record.bids + sum(one.gave for one in mine),
            malformed_bids=record.malformed_bids + sum(one.malformed for one in mine),
            entropies=_latest(record.entropies, (one.entropy for one in mine)),
            surprisals=_latest(record.surprisals, (one.surprisal_nats for one in mine)),
            bidding_usd=str(Decimal(record.bidding_usd) + sum((one.usd for one in mine), Decimal(0))),
            bidding_seconds=record.bidding_seconds + sum(one.seconds for one in mine),
        )
    if isinstance(update, JudgeUpdate):
        return _with_marks(record, update.bids)
    return _added(record, update) if isinstance(update, RecordUpdate) else record


def _latest(before: tuple[float, ...], new: Iterable[float | None]) -> tuple[float, ...]:
    return (*before, *(figure for figure in new if figure is not None))[-RECENT_PLANS:]


def _with_marks(record: AgentRecord, bids: Sequence[MarkedBid]) -> AgentRecord:
    passed = [bid.mark >= LEAST_YES for bid in bids if bid.passed]
    failed = [bid.mark < LEAST_YES for bid in bids if not bid.passed]
    return record._replace(
        judged_passed=record.judged_passed + len(passed),
        judged_passed_right=record.judged_passed_right + sum(passed),
        judged_failed=record.judged_failed + len(failed),
        judged_failed_right=record.judged_failed_right + sum(failed),
    )


def _added(old: AgentRecord, update: RecordUpdate) -> AgentRecord:
    new = old._replace(
        tried=old.tried + 1,
        passed=old.passed + update.passed,
        promised_steps=old.promised_steps + update.promised_steps,
        delivered_steps=old.delivered_steps + update.delivered_steps,
        promised_tokens=old.promised_tokens + update.promised_tokens,
        delivered_tokens=old.delivered_tokens + update.delivered_tokens,
        usd=str(Decimal(old.usd) + update.usd),
        seconds=old.seconds + update.seconds,
        recent_tried=old.recent_tried * RECENT_DECAY + 1.0,
        recent_passed=old.recent_passed * RECENT_DECAY + update.passed,
        tool_calls=old.tool_calls + update.tool_calls,
        tool_calls_ok=old.tool_calls_ok + update.tool_calls_ok,
    )
    if update.promised_usd is not None:
        new = new._replace(
            promised_usd=str(Decimal(old.promised_usd) + update.promised_usd),
            delivered_usd=str(Decimal(old.delivered_usd) + update.usd),
        )
    if update.promised_seconds is not None:
        new = new._replace(
            promised_seconds=old.promised_seconds + update.promised_seconds,
            delivered_seconds=old.delivered_seconds + update.seconds,
        )
    return new if update.stated is None else _with_stated(new, update.stated, update.passed)


def _with_stated(record: AgentRecord, stated: float, passed: int) -> AgentRecord:
    place = confidence_bin(stated)
    old = record.confidence[place]
    new = ConfidenceBin(old.tried + 1, old.passed + passed, old.stated + stated)
    bins = (*record.confidence[:place], new, *record.confidence[place + 1 :])
    return record._replace(confidence=bins, squared_error=record.squared_error + (stated - passed) ** 2)


def last_of(records: Iterable[AgentRecord]) -> int:
    """The position on the ledger of the last event that stands on any of them; 0: none does."""
    return max((record.seq for record in records), default=0)


def of_skill(records: Iterable[AgentRecord], skill: str) -> tuple[AgentRecord, ...]:
    """Those of one skill, in their order."""
    return tuple(record for record in records if record.skill == skill)


class Rows:
    """Records as they grow, event by event: the same sums as any store keeps."""

    def __init__(self) -> None:
        self._rows: dict[RecordKey, AgentRecord] = {}

    def take(self, seq: int, event: Learned) -> None:
        """Add an event."""
        update = read_update(event)
        for key in keys_of(update):
            self._rows[key] = added(self._rows.get(key) or fresh(key), update)._replace(seq=seq)

    def grounded(self) -> tuple[AgentRecord, ...]:
        """Those of grounded outcomes, by operator, agent and skill."""
        return tuple(self._rows[key] for key in sorted(self._rows) if key.grounded)


def records_at(store: Store, seq: int | None) -> tuple[AgentRecord, ...]:
    """The records as they were at a position of the ledger, of grounded outcomes: from its events alone.

    Raises:
        LedgerError: An event is malformed.
    """
    rows = Rows()
    for recorded in store.events(kinds=frozenset({"learned"})):
        if seq is not None and recorded.seq > seq:
            break
        if isinstance(recorded.event, Learned):
            rows.take(recorded.seq, recorded.event)
    return rows.grounded()


def packed(record: AgentRecord) -> dict[str, str | int | float]:
    """A record as columns hold it: what has several figures is JSON, and empty where there are none."""
    bins = "" if record.confidence == NOTHING_STATED else _json(record.confidence)
    lists = {name: _json(getattr(record, name)) if getattr(record, name) else "" for name in _LISTS}
    return {**record._asdict(), "confidence": bins, **lists}


def unpacked(cells: Mapping[str, Any]) -> AgentRecord:
    """The record that columns hold."""
    held = AgentRecord(**{name: cells[name] for name in AgentRecord._fields})
    bins = tuple(ConfidenceBin(*one) for one in json.loads(cells["confidence"] or "[]"))
    entropies, surprisals = (tuple(json.loads(cells[name] or "[]")) for name in _LISTS)
    return held._replace(confidence=bins or NOTHING_STATED, entropies=entropies, surprisals=surprisals)


_LISTS: Final = ("entropies", "surprisals")


def _json(figures: Sequence[object]) -> str:
    return json.dumps(figures, separators=(",", ":"), allow_nan=False)
