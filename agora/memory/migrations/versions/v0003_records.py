"""Records: what was asked against what it took, stated confidence against outcomes, bids and calls that did not fit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TEXTS = {"promised_usd": "0", "delivered_usd": "0", "confidence": ""}
_FLOATS = ("recent_tried", "recent_passed", "promised_seconds", "delivered_seconds", "squared_error")
_COUNTS = ("bids", "malformed_bids", "tool_calls", "tool_calls_ok")


def upgrade() -> None:
    """Add the columns; what old events say of them is filled in when all revisions are applied."""
    for name, default in _TEXTS.items():
        op.add_column("records", sa.Column(name, sa.String(), nullable=False, server_default=default))
    for name in _FLOATS:
        op.add_column("records", sa.Column(name, sa.Float(), nullable=False, server_default="0"))
    for name in _COUNTS:
        op.add_column("records", sa.Column(name, _BIG, nullable=False, server_default="0"))
