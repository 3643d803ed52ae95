"""`agora trace erase`: take what stands in events out of the memory for good."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from agora.cli.options import Project

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agora.cli.session import Session

_MOST = 1_000_000
_SHOWN = 20


def erase(
    events: Annotated[
        list[str], typer.Argument(metavar="EVENT...", help="Positions, as `agora trace events` lists them: 7 12-40.")
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    project: Project = None,
) -> None:
    """Erase the bodies of events: gone from the database's files, with the texts made from them.

    Their envelopes stay, so that the chain, the tree and all proofs stand. What needs the bodies (a replay, an
    explanation) says that they are missing. Other events may repeat their words, as a prompt repeats a goal.
    """
    import anyio

    from agora.cli.session import open_session

    anyio.run(partial(_erase, open_session(project=project), positions(events), yes=yes))


def positions(words: Sequence[str]) -> tuple[int, ...]:
    """The positions that words stand for, each once, in order.

    >>> positions(("7", "12-14"))
    (7, 12, 13, 14)

    Raises:
        ConfigError: A word is no position and no range.
    """
    from agora.errors import ConfigError

    found: set[int] = set()
    for word in words:
        matched = re.fullmatch(r"([1-9]\d{0,15})(?:-([1-9]\d{0,15}))?", word)
        first, last = (int(matched[1]), int(matched[2] or matched[1])) if matched else (1, 0)
        if not first <= last < first + _MOST:
            raise ConfigError("EVENT", f"{word!r} is neither a position nor a range of them: write 7 or 12-40")
        found.update(range(first, last + 1))
    return tuple(sorted(found))


async def _erase(session: Session, seqs: Sequence[int], *, yes: bool) -> None:
    from agora.cli.asking import can_ask
    from agora.cli.paint import err, out, safe
    from agora.cli.session import opened_store
    from agora.errors import ApprovalRefusedError, ConfigError, UnknownNameError
    from agora.memory.sql_store import SQLStore

    async with opened_store(session) as store:
        if not isinstance(store, SQLStore):
            raise ConfigError("--ledger", "an exported ledger is only read: erase in the project's memory")
        if seqs[-1] > (size := store.size()):
            raise UnknownNameError("event", str(seqs[-1]), [f"1 to {size}"])
        wanted = frozenset(seqs)
        there = [one for one in store.stored(after=seqs[0] - 1) if one.entry.envelope.seq in wanted]
        kinds = [one.entry.envelope for one in there if one.body is not None]
        for envelope in kinds[:_SHOWN]:
            err().print(f"event {envelope.seq}: {safe(envelope.kind)} of run {safe(envelope.run)}")
        if len(kinds) > _SHOWN:
            err().print(f"and {len(kinds) - _SHOWN} more")
        if not yes:
            if not can_ask():
                raise ApprovalRefusedError("nobody can be asked whether to erase: add --yes")
            if not typer.confirm("Erase what stands in them, for good?", err=True):
                raise ApprovalRefusedError("nothing was erased")
        store.erase(*seqs)
    out().print(f"{len(kinds)} erased; {len(seqs) - len(kinds)} had no body any more")
    out().print("[quiet]copies elsewhere are not touched: backups, exports, kept replies (agora memory clear-cache)[/]")
