"""`agora trace report`: one run as a page for a browser, in one file that asks for nothing."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from agora.cli.options import Ledger, Project
from agora.cli.show import Run

if TYPE_CHECKING:
    from agora.cli.session import Session
    from agora.traces.report import Checked

MOST_CHECKED: Final = 20_000
"""A ledger of more entries than these is verified only where that is asked for: it takes longer than the page."""


def report(
    run: Run = "last",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to.", show_default="report-RUN.html")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    check: Annotated[
        bool | None,
        typer.Option(
            "--check/--no-check",
            help="Verify the whole ledger, and say on the page what came of it.",
            show_default=f"up to {MOST_CHECKED:,} entries",
        ),
    ] = None,
    project: Project = None,
    ledger: Ledger = None,
) -> None:
    """Write a run as one HTML page: every auction, bid, tool call, diff, verdict and dollar, to read offline.

    The page is one file. No script is needed to read it, nothing is fetched, and what models wrote is shown as text.
    """
    import anyio

    from agora.cli.session import open_session

    session = open_session(project=project, ledger=ledger)
    anyio.run(partial(_report, session, run, output, force=force, check=check))


async def _report(session: Session, ref: str, output: Path | None, *, force: bool, check: bool | None) -> None:
    from agora.abilities import Rooted
    from agora.cli.paint import out, safe
    from agora.cli.session import opened_store
    from agora.forks import events_of
    from agora.traces.files import write_file
    from agora.traces.report import UNCHECKED
    from agora.traces.report import report as made

    async with opened_store(session) as store:
        run = store.find_run(ref)
        path = _free(Path(f"report-{run}.html") if output is None else output, force=force)
        entries = list(events_of(store, run))
        few = not isinstance(store, Rooted) or store.size() <= MOST_CHECKED
    checked = await _checked(session, ref) if (few if check is None else check) else UNCHECKED
    text = made(run, entries, checked=checked)
    write_file(path, [text.encode()])
    out().print(
        f"run {safe(run)} stands in {safe(str(path))} ({len(text.encode()) / 1000:,.0f} kB): open it in a browser"
    )


async def _checked(session: Session, ref: str) -> Checked:
    """What `agora trace verify` finds."""
    from base64 import b64encode

    from agora.cli.trace.verified import of_database, of_file
    from agora.errors import Exit
    from agora.traces.report import Checked

    if session.ledger is not None:
        subject = of_file(session, session.ledger, ref, None, ())
    else:
        subject = await of_database(session, ref, None, ())
    found = subject.checked
    says = [finding.what for finding in found.findings[:3]]
    if not says:
        says.append(f"{found.entries} entries follow one from another, and are the ledger that was signed")
    word = "holds" if found.exit is Exit.PASSED else found.exit.name.lower()
    return Checked(word, "; ".join(says), found.entries, b64encode(found.root).decode())


def _free(path: Path, *, force: bool) -> Path:
    """The path, if the page can be written there.

    Raises:
        UsageError: Something is there already, or there is no such folder.
    """
    from agora.errors import UsageError

    if path.is_dir():
        raise UsageError(f"{str(path)!r} is a folder: name a file, as {str(path / 'report.html')!r}")
    if path.exists() and not force:
        raise UsageError(f"{str(path)!r} is there already: name another file with -o, or say --force")
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {str(path.parent)!r} to write to")
    return path
