"""What the tables of shared memory are made of."""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, MetaData
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

BIG = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits; on SQLite the spelling that makes a primary key the row's own number."""


def place() -> int:
    """A position on the ledger as the primary key."""
    key: int = Field(primary_key=True, sa_type=BIG, sa_column_kwargs={"autoincrement": False})  # pyright: ignore[reportArgumentType] -- SQLModel's stub wants a class, SQLAlchemy takes an instance
    return key


def big(default: int = 0) -> int:
    """A number of 64 bits."""
    column: int = Field(default=default, sa_type=BIG)  # pyright: ignore[reportArgumentType] -- as above
    return column


class Table(SQLModel, registry=registry()):
    """What all tables have in common; a program's own tables of SQLModel do not mix with these."""

    metadata = MetaData()


class Spent(Table):
    """What something took."""

    usd: str = "0"
    input_tokens: int = big()
    output_tokens: int = big()
    steps: int = big()
    seconds: float = 0.0
