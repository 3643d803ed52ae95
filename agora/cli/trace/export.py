"""`agora trace export`: a run, or all of the ledger, as JSON lines that anyone can check."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agora.cli.options import Ledger, Project
from agora.cli.show import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agora.abilities import Archive
    from agora.cli.session import Session


def export(
    run: Run = "last",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to.", show_default="standard output")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="The whole ledger, with every run's bodies.")] = False,
    knowledge: Annotated[
        bool, typer.Option(help="With what policies had learned from other runs; without it, some cannot be replayed.")
    ] = True,
    project: Project = None,
    ledger: Ledger = None,
) -> None:
    """Write a run as JSON lines: all envelopes up to its end, and the bodies that it takes to check and replay it.

    What was erased stays out. A file is written beside its place first, so that it is there wholly or not at all.
    """
    import anyio

    from agora.cli.session import open_session

    session = open_session(project=project, ledger=ledger)
    anyio.run(partial(_export, session, None if everything else run, output, knowledge=knowledge))


async def _export(session: Session, ref: str | None, output: Path | None, *, knowledge: bool) -> None:
    from agora.cli.paint import err, safe
    from agora.cli.session import archive_of, opened_store
    from agora.traces.exporting import Export, selected
    from agora.traces.files import write_file

    async with opened_store(session) as store:
        archive = archive_of(store)
        run = None if ref is None else store.find_run(ref)
        chosen = selected(store, archive, run, knowledge=knowledge)
        made = Export(archive, chosen, published=_published(session, archive, chosen.last))
        if output is None:
            _to_standard_output(made.lines())
            return
        write_file(output, made.lines())
    counts = made.counts
    what = "the whole ledger" if run is None else f"run {safe(run)}"
    err().print(f"{what}: {counts.entries} entries, {counts.bodies} with their bodies, in {safe(str(output))}")
    err().print(f"[quiet]check it: agora trace verify --ledger {safe(str(output))}[/]")


def _published(session: Session, archive: Archive, last: int) -> Callable[[str], str]:
    """What was signed of a ledger, and what is signed now: it up to the last entry that is exported.

    A file that is exported has what its own header says.
    """
    from agora.cli.signing import kept, key_file, place_of, warn
    from agora.errors import AgoraError
    from agora.traces.trust.publishing import note_at

    if session.ledger_file is not None:
        own = session.ledger_file.header.checkpoints
        return lambda origin: "\n".join((*own, kept().text(origin)))
    if session.settings.checkpoint == "off" or not last:
        return lambda origin: kept().text(origin)
    try:
        note = str(note_at(archive, last, key=key_file(session), kept=kept(), place=place_of(session)))
    except AgoraError as problem:
        warn(f"what is exported was not signed: {problem}")
        note = ""
    return lambda origin: f"{kept().text(origin)}\n{note}"


def _to_standard_output(lines: Iterator[bytes]) -> None:
    for line in lines:  # as it is: what was masked in it would no longer hash
        sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()
