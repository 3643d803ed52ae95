"""The tables of shared memory: the ledger, the bodies, and what is derived from them in the same transaction.

Rows are made from events that pydantic has already validated; a table class validates nothing. Money is text (exact
decimal digits), times are microseconds since the epoch, durations are seconds. `seq` is the position on the ledger of
the event that a row comes from. Nothing here is particular to one database.
"""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import Index
from sqlmodel import Field

from agora.memory.columns import BIG, Spent, Table, big, place


class LedgerRow(Table, table=True):
    """One envelope and its hash; append-only."""

    __tablename__: ClassVar[Any] = "ledger"
    __table_args__ = (Index("ledger_by_run", "run", "seq"), Index("ledger_by_kind", "kind", "seq"))
    seq: int = place()
    v: int
    run: str
    kind: str
    at_us: int = big()
    body: str
    """Salted hash of the body: the key into what `bodies` must hold."""
    prev: str
    hash: str


class BodyRow(Table, table=True):
    """The content store: a body and its salt; may be erased, never changed."""

    __tablename__: ClassVar[Any] = "bodies"
    seq: int = place()
    hash: str
    """Equals the ledger's `body`."""
    salt: bytes
    body: bytes


class TreeRow(Table, table=True):
    """A complete subtree of the Merkle tree over the ledger; of the levels 8, 16, 24 only (`agora.ledger.tree`)."""

    __tablename__: ClassVar[Any] = "tree"
    level: int = Field(primary_key=True)
    number: int = Field(primary_key=True, sa_type=BIG, sa_column_kwargs={"autoincrement": False})  # pyright: ignore[reportArgumentType] -- SQLModel's stub wants a class, SQLAlchemy takes an instance
    """From 0; it is over the entries from number * 2**level + 1 on."""
    hash: bytes


class RunRow(Spent, table=True):
    """One run; the totals are there once it is done."""

    __tablename__: ClassVar[Any] = "runs"
    id: str = Field(primary_key=True)
    seq: int = Field(sa_type=BIG, index=True)  # pyright: ignore[reportArgumentType] -- as above
    started_us: int = big()
    done_us: int | None = Field(default=None, sa_type=BIG)  # pyright: ignore[reportArgumentType] -- as above
    mechanism: str
    policy: str


class AgentRow(Table, table=True):
    """One agent of one operator; renaming makes another agent of the same operator."""

    __tablename__: ClassVar[Any] = "agents"
    operator: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    seq: int = big()


class CardRow(Table, table=True):
    """One version of an agent's card."""

    __tablename__: ClassVar[Any] = "card_versions"
    operator: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    card_hash: str = Field(primary_key=True)
    """SHA-256 of `card`."""
    seq: int = big()
    card: str
    """The profile as JSON."""


class TaskRow(Spent, table=True):
    """One task of one run."""

    __tablename__: ClassVar[Any] = "tasks"
    run: str = Field(primary_key=True)
    task: str = Field(primary_key=True)
    seq: int = big()
    goal: str
    skill: str
    verdict: str | None = None
    """None until it is done."""
    agent: str = ""
    attempts: int = 0


class AuctionRow(Table, table=True):
    """One opening of bids."""

    __tablename__: ClassVar[Any] = "auctions"
    seq: int = place()
    run: str
    task: str
    auction: int = big()
    """Which call for bids of the task's, from 0."""
    round: int = big()
    """0 for the first bids, 1 with the refined ones."""
    mechanism: str
    bids: int
    winner: str | None = None
    runner_up: str | None = None
    payment: str | None = None
    unit: str | None = None


class BidRow(Table, table=True):
    """One bid, without its plan (which stands in the body)."""

    __tablename__: ClassVar[Any] = "bids"
    seq: int = place()
    run: str
    task: str
    auction: int = big()
    """Of which call for bids."""
    round: int = big()
    """0 for the first, 1 for a refined one."""
    agent: str
    price: str
    unit: str
    entropy: float | None = None
    length_tokens: int = big()
    projected_tokens: int = big()
    content_hash: str


class JudgementRow(Table, table=True):
    """One mark of one judge for one bid; a judge's marks of a round are one event."""

    __tablename__: ClassVar[Any] = "judgements"
    seq: int = place()
    agent: str = Field(primary_key=True)
    """Whose bid."""
    run: str
    task: str
    auction: int = big()
    """Of which call for bids."""
    round: int = big()
    """0 for the first bids, 1 for the refined ones."""
    judge: str
    mark: int
    """0 to 5, as it was given."""


class AwardRow(Table, table=True):
    """One award, for one attempt."""

    __tablename__: ClassVar[Any] = "awards"
    seq: int = place()
    run: str
    task: str
    auction: int = big()
    """Of which call for bids."""
    agent: str
    attempt: int
    payment: str
    unit: str
    reason: str


class AttemptRow(Spent, table=True):
    """One attempt that ended."""

    __tablename__: ClassVar[Any] = "attempts"
    seq: int = place()
    run: str
    task: str
    agent: str
    attempt: int
    error: str = ""


class CallRow(Spent, table=True):
    """One call of a model or a tool that ended."""

    __tablename__: ClassVar[Any] = "calls"
    __table_args__ = (Index("calls_by_run", "run"),)
    seq: int = place()
    run: str
    task: str
    kind: str
    """model or tool."""
    agent: str
    name: str
    """The model that answered, or the tool."""
    call: str
    ok: bool
    overrun: bool = False


class OutcomeRow(Table, table=True):
    """What a verifier found."""

    __tablename__: ClassVar[Any] = "outcomes"
    seq: int = place()
    run: str
    task: str
    agent: str
    attempt: int
    verdict: str
    verifier: str
    grounded: bool
    seconds: float = 0.0


class ReservationRow(Table, table=True):
    """The worst case of a call whose end is not yet recorded."""

    __tablename__: ClassVar[Any] = "reservations"
    run: str = Field(primary_key=True)
    task: str = Field(primary_key=True)
    call: str = Field(primary_key=True)
    seq: int = big()
    agent: str
    model: str
    usd: str
    tokens: int = big()


class SnapshotRow(Table, table=True):
    """One named part of what a learner knows: an array, or a text of JSON (dtype "json", no shape)."""

    __tablename__: ClassVar[Any] = "snapshots"
    learner: str = Field(primary_key=True)
    version: int = Field(primary_key=True, sa_type=BIG, sa_column_kwargs={"autoincrement": False})  # pyright: ignore[reportArgumentType] -- as above
    name: str = Field(primary_key=True)
    seq: int = big()
    """The last event that the state has learned from."""
    dtype: str
    """As numpy writes it, with its byte order: "<f8"."""
    shape: str
    """Comma-separated lengths."""
    data: bytes
    """The elements in C order."""


class LeaseRow(Table, table=True):
    """Who may write a run; no event makes it, so that no rebuild touches it."""

    __tablename__: ClassVar[Any] = "leases"
    run: str = Field(primary_key=True)
    token: int = big()
    """Grows with every new holder and never goes back: the fencing token."""
    holder: str
    """Host, process id and when the process started."""
    until_us: int = big()
    """When it runs out, microseconds since the epoch; 0 where it was given back."""


class MemoryRow(Table, table=True):
    """One remembered bid of a verified task."""

    __tablename__: ClassVar[Any] = "memory_entries"
    seq: int = place()
    run: str
    task: str
    auction: int = big()
    """Of which call for bids."""
    goal: str
    agent: str
    plan: str
    won: bool
    passed: bool
    grounded: bool
    embedding: bytes | None = None
    """Little-endian 32-bit floats, where an embedding model is at hand."""
    embedding_model: str | None = None


class RecordRow(Table, table=True):
    """Promised against delivered, summed up; grounded and judged outcomes are kept apart."""

    __tablename__: ClassVar[Any] = "records"
    operator: str = Field(primary_key=True)
    agent: str = Field(primary_key=True)
    skill: str = Field(primary_key=True)
    grounded: bool = Field(primary_key=True)
    seq: int = big()
    """The last event that was added."""
    tried: int = big()
    passed: int = big()
    promised_steps: int = big()
    delivered_steps: int = big()
    promised_tokens: int = big()
    delivered_tokens: int = big()
    usd: str = "0"
    seconds: float = 0.0
    recent_tried: float = 0.0
    recent_passed: float = 0.0
    promised_usd: str = "0"
    delivered_usd: str = "0"
    promised_seconds: float = 0.0
    delivered_seconds: float = 0.0
    squared_error: float = 0.0
    confidence: str = ""
    """Ten bins as JSON, [tried, passed, sum of stated] each; empty where nothing was stated."""
    bids: int = big()
    malformed_bids: int = big()
    tool_calls: int = big()
    tool_calls_ok: int = big()
    judged_passed: int = big()
    judged_passed_right: int = big()
    judged_failed: int = big()
    judged_failed_right: int = big()
    entropies: str = ""
    """Of the latest plans, as JSON; empty where there are none."""
    bidding_usd: str = "0"
    bidding_seconds: float = 0.0
    surprisals: str = ""
    """Of the latest plans, as JSON; empty where there are none."""


METADATA = Table.metadata
"""All tables together."""
