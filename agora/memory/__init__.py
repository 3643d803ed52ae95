"""Shared memory: the ledger's stores, what is derived from it, and where it lives.

`SQLStore` is loaded when it is first asked for, since it brings SQLAlchemy along.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agora.memory.in_memory import MemoryStore
from agora.memory.location import database_url, project_folder
from agora.memory.null_store import NullStore

if TYPE_CHECKING:
    from agora.memory.sql_store import SQLStore

__all__ = ["MemoryStore", "NullStore", "SQLStore", "database_url", "project_folder"]


def __getattr__(name: str) -> type[SQLStore]:
    if name == "SQLStore":
        from agora.memory.sql_store import SQLStore

        return SQLStore
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
