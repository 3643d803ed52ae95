"""`agora trace report`: one run as a page for a browser, in one file that asks for nothing."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agora.cli.options import Ledger, Project
from agora.cli.show import Run

if TYPE_CHECKING:
    from agora.cli.session import Session


def report(
    run: Run = "last",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to.", show_default="report-RUN.html")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    project: Project = None,
    ledger: Ledger = None,
) -> None:
    """Write a run as one HTML page: every auction, bid, tool call, diff, verdict and dollar, to read offline.

    The page is one file. No script is needed to read it, nothing is fetched, and what models wrote is shown as text.
    """
    import anyio

    from agora.cli.session import open_session

    session = open_session(project=project, ledger=ledger)
    anyio.run(partial(_report, session, run, output, force=force))


async def _report(session: Session, ref: str, output: Path | None, *, force: bool) -> None:
    from agora.cli.paint import out, safe
    from agora.cli.session import opened_store
    from agora.traces.files import write_file
    from agora.traces.report import report as made

    async with opened_store(session) as store:
        run = store.find_run(ref)
        path = _free(Path(f"report-{run}.html") if output is None else output, force=force)
        text = made(run, list(store.events(run)))
    write_file(path, [text.encode()])
    out().print(
        f"run {safe(run)} stands in {safe(str(path))} ({len(text.encode()) / 1000:,.0f} kB): open it in a browser"
    )


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
