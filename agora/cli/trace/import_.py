"""`agora trace import`: an exported ledger, taken into a project's memory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agora.cli.options import Json, Project

if TYPE_CHECKING:
    from agora.cli.session import Session
    from agora.memory.ledger_file import LedgerFile


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `agora trace export` wrote.")],
    json: Json = False,
    project: Project = None,
) -> None:
    """Take an exported ledger into the project's memory, if that is empty or holds the same history.

    Every entry and body is checked, from the first one on, and all of them are written or none. What was erased here
    stays erased.
    """
    from agora.cli.forms import print_form
    from agora.cli.paint import out, safe
    from agora.cli.session import open_session
    from agora.memory.location import shown
    from agora.memory.taking_in import take_in

    session = open_session(project=project, ledger=file)
    source = session.ledger_file
    if source is None:
        return
    _make_room(session)
    done = take_in(source, session.database)
    notes = _keep_checkpoints(source)
    place = shown(session.database)
    if json:
        print_form("agora.trace.import/1", {"file": str(file), "database": place, "notes": notes, **done._asdict()})
        return
    out().print(f"{done.carried} of {done.entries} entries taken in, {done.bodies} with their bodies")
    out().print(f"[quiet]into[/] {safe(place)}\n[quiet]head[/] {done.head}")
    if notes:
        out().print(f"[quiet]{notes} checkpoints of it are kept here now[/]")


def _make_room(session: Session) -> None:
    if "://" not in session.database:
        Path(session.database).parent.mkdir(parents=True, exist_ok=True)


def _keep_checkpoints(source: LedgerFile) -> int:
    """Put what the file has of signed notes beside those that are known; how many were new."""
    from agora.cli.signing import kept
    from agora.ledger.checkpoint import origin_of
    from agora.ledger.notes import notes_in
    from agora.traces.exporting import known_notes

    first = next(source.stored(), None)
    if first is None:
        return 0
    origin, files = origin_of(first.entry.hash), kept()
    theirs = known_notes("\n".join(source.header.checkpoints), origin=origin, last=source.last)
    known = known_notes(files.text(origin), origin=origin, last=source.last)
    new = [note for note in theirs if note not in known]
    for one in notes_in("\n".join(new)):
        if one.note is not None:
            files.append(origin, one.note)
    return len(new)
