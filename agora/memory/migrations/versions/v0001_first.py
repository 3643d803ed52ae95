"""The first schema: the ledger, the bodies, and the tables derived from them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import SchemaItem

revision = "0001"
down_revision = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create all tables."""
    _create_record()
    _create_market()
    _create_knowledge()


def _create_record() -> None:
    op.create_table(
        "ledger",
        _big("seq", key=True),
        _int("v"),
        _text("run"),
        _text("kind"),
        _big("at_us"),
        _text("body"),
        _text("prev"),
        _text("hash"),
    )
    op.create_index("ledger_by_run", "ledger", ["run", "seq"])
    op.create_table("bodies", _big("seq", key=True), _text("hash"), _bytes("salt"), _bytes("body"))
    op.create_table(
        "runs",
        _text("id", key=True),
        _big("seq"),
        _big("started_us"),
        _big("done_us", null=True),
        _text("mechanism"),
        _text("policy"),
        *_spent(),
    )
    op.create_index("ix_runs_seq", "runs", ["seq"])
    op.create_table("agents", _text("operator", key=True), _text("name", key=True), _big("seq"))
    op.create_table(
        "card_versions",
        _text("operator", key=True),
        _text("name", key=True),
        _text("card_hash", key=True),
        _big("seq"),
        _text("card"),
    )
    op.create_table(
        "tasks",
        _text("run", key=True),
        _text("task", key=True),
        _big("seq"),
        _text("goal"),
        _text("skill"),
        _text("verdict", null=True),
        _text("agent"),
        _int("attempts"),
        *_spent(),
    )


def _create_market() -> None:
    op.create_table(
        "auctions",
        _big("seq", key=True),
        _text("run"),
        _text("task"),
        _text("mechanism"),
        _int("bids"),
        _text("winner", null=True),
        _text("runner_up", null=True),
        _text("payment", null=True),
        _text("unit", null=True),
    )
    op.create_table(
        "bids",
        _big("seq", key=True),
        _text("run"),
        _text("task"),
        _text("agent"),
        _text("price"),
        _text("unit"),
        _float("entropy", null=True),
        _big("length_tokens"),
        _big("projected_tokens"),
        _text("content_hash"),
    )
    op.create_table(
        "judgements",
        _big("seq", key=True),
        _text("run"),
        _text("task"),
        _text("judge"),
        _text("agent"),
        _float("score"),
        _text("reason"),
    )
    op.create_table(
        "awards",
        _big("seq", key=True),
        _text("run"),
        _text("task"),
        _text("agent"),
        _int("attempt"),
        _text("payment"),
        _text("unit"),
        _text("reason"),
    )
    op.create_table(
        "attempts",
        _big("seq", key=True),
        _text("run"),
        _text("task"),
        _text("agent"),
        _int("attempt"),
        _text("error"),
        *_spent(),
    )
    op.create_table(
        "calls",
        _big("seq", key=True),
        _text("run"),
        _text("task"),
        _text("kind"),
        _text("agent"),
        _text("name"),
        _text("call"),
        _bool("ok"),
        _bool("overrun"),
        *_spent(),
    )
    op.create_index("calls_by_run", "calls", ["run"])
    op.create_table(
        "outcomes",
        _big("seq", key=True),
        _text("run"),
        _text("task"),
        _text("agent"),
        _int("attempt"),
        _text("verdict"),
        _text("verifier"),
        _bool("grounded"),
        _float("seconds"),
    )
    op.create_table(
        "reservations",
        _text("run", key=True),
        _text("task", key=True),
        _text("call", key=True),
        _big("seq"),
        _text("agent"),
        _text("model"),
        _text("usd"),
        _big("tokens"),
    )


def _create_knowledge() -> None:
    op.create_table(
        "snapshots",
        _text("learner", key=True),
        _big("version", key=True),
        _text("name", key=True),
        _big("seq"),
        _text("dtype"),
        _text("shape"),
        _bytes("data"),
    )
    op.create_table(
        "memory_entries",
        _big("seq", key=True),
        _text("run"),
        _text("task"),
        _text("goal"),
        _text("agent"),
        _text("plan"),
        _bool("won"),
        _bool("passed"),
        _bool("grounded"),
        _bytes("embedding", null=True),
        _text("embedding_model", null=True),
    )
    op.create_table(
        "records",
        _text("operator", key=True),
        _text("agent", key=True),
        _text("skill", key=True),
        _bool("grounded", key=True),
        _big("seq"),
        _big("tried"),
        _big("passed"),
        _big("promised_steps"),
        _big("delivered_steps"),
        _big("promised_tokens"),
        _big("delivered_tokens"),
        _text("usd"),
        _float("seconds"),
    )


def _spent() -> tuple[SchemaItem, ...]:
    return (_text("usd"), _big("input_tokens"), _big("output_tokens"), _big("steps"), _float("seconds"))


def _text(name: str, *, key: bool = False, null: bool = False) -> SchemaItem:
    return sa.Column(name, sa.String(), primary_key=key, nullable=null)


def _big(name: str, *, key: bool = False, null: bool = False) -> SchemaItem:
    return sa.Column(name, _BIG, primary_key=key, nullable=null, autoincrement=False)


def _int(name: str, *, key: bool = False, null: bool = False) -> SchemaItem:
    return sa.Column(name, sa.Integer(), primary_key=key, nullable=null)


def _bool(name: str, *, key: bool = False, null: bool = False) -> SchemaItem:
    return sa.Column(name, sa.Boolean(), primary_key=key, nullable=null)


def _float(name: str, *, key: bool = False, null: bool = False) -> SchemaItem:
    return sa.Column(name, sa.Float(), primary_key=key, nullable=null)


def _bytes(name: str, *, key: bool = False, null: bool = False) -> SchemaItem:
    return sa.Column(name, sa.LargeBinary(), primary_key=key, nullable=null)
