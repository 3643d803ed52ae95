"""Leases: who may write a run."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "leases",
        sa.Column("run", sa.String(), primary_key=True, nullable=False),
        sa.Column("token", _BIG, nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("until_us", _BIG, nullable=False),
    )
