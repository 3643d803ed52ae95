"""The ledger by kind of event: whoever learns from a few kinds need not read all of it."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the index."""
    op.create_index("ledger_by_kind", "ledger", ["kind", "seq"])
