"""Records: asked against taken, stated confidence and judges' marks against outcomes, how sure plans were.

Bids, auctions and marks by their round; the table of marks was empty in all earlier versions and is made anew.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TEXTS = {"promised_usd": "0", "delivered_usd": "0", "confidence": "", "entropies": "", "surprisals": ""}
_FLOATS = ("recent_tried", "recent_passed", "promised_seconds", "delivered_seconds", "squared_error")
_COUNTS = (
    *("bids", "malformed_bids", "tool_calls", "tool_calls_ok"),
    *("judged_passed", "judged_passed_right", "judged_failed", "judged_failed_right"),
)


def upgrade() -> None:
    """Add the columns; what old events say of them is filled in when all revisions are applied."""
    for name, default in _TEXTS.items():
        op.add_column("records", sa.Column(name, sa.String(), nullable=False, server_default=default))
    for name in _FLOATS:
        op.add_column("records", sa.Column(name, sa.Float(), nullable=False, server_default="0"))
    for name in _COUNTS:
        op.add_column("records", sa.Column(name, _BIG, nullable=False, server_default="0"))
    for table in ("auctions", "bids"):
        op.add_column(table, sa.Column("round", _BIG, nullable=False, server_default="0"))
    op.drop_table("judgements")
    op.create_table(
        "judgements",
        sa.Column("seq", _BIG, primary_key=True, autoincrement=False),
        sa.Column("agent", sa.String(), primary_key=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("run", "task", "judge")),
        sa.Column("round", _BIG, nullable=False),
        sa.Column("mark", sa.Integer(), nullable=False),
    )
