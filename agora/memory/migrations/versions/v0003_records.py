"""Records: asked against taken, stated confidence and judges' marks against outcomes, how sure plans were.

Auctions, bids, marks and awards by their call for bids and round; the table of marks was empty until now: made anew.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TEXTS = {
    **{"promised_usd": "0", "delivered_usd": "0", "bidding_usd": "0"},
    **{"confidence": "", "entropies": "", "surprisals": ""},
}
_FLOATS = (
    *("recent_tried", "recent_passed", "promised_seconds", "delivered_seconds", "squared_error"),
    "bidding_seconds",
)
_COUNTS = (
    *("bids", "malformed_bids", "tool_calls", "tool_calls_ok"),
    *("judged_passed", "judged_passed_right", "judged_failed", "judged_failed_right"),
)
_OF_AUCTIONS = (
    *(("auctions", "auction"), ("auctions", "round"), ("bids", "auction"), ("bids", "round")),
    *(("awards", "auction"), ("memory_entries", "auction")),
)


def upgrade() -> None:
    """Add the columns; what old events say of them is filled in when all revisions are applied."""
    for name, default in _TEXTS.items():
        op.add_column("records", sa.Column(name, sa.String(), nullable=False, server_default=default))
    for name in _FLOATS:
        op.add_column("records", sa.Column(name, sa.Float(), nullable=False, server_default="0"))
    for name in _COUNTS:
        op.add_column("records", sa.Column(name, _BIG, nullable=False, server_default="0"))
    for table, name in _OF_AUCTIONS:
        op.add_column(table, sa.Column(name, _BIG, nullable=False, server_default="0"))
    op.drop_table("judgements")
    op.create_table(
        "judgements",
        sa.Column("seq", _BIG, primary_key=True, autoincrement=False),
        sa.Column("agent", sa.String(), primary_key=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("run", "task", "judge")),
        sa.Column("auction", _BIG, nullable=False),
        sa.Column("round", _BIG, nullable=False),
        sa.Column("mark", sa.Integer(), nullable=False),
    )
