"""Subtrees of the Merkle tree over the ledger; those of an older ledger are made with the other derived tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "tree",
        sa.Column("level", sa.Integer(), primary_key=True, autoincrement=False, nullable=False),
        sa.Column("number", _BIG, primary_key=True, autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
    )
