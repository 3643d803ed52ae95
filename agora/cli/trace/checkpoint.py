"""`agora trace checkpoint`: sign the ledger now, and put that where checkpoints are kept."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from agora.cli.options import Project

if TYPE_CHECKING:
    from agora.cli.session import Session


def checkpoint(
    anew: Annotated[
        bool, typer.Option("--anew", help="You restored or began this ledger yourself: set aside what was signed.")
    ] = False,
    project: Project = None,
) -> None:
    """Sign the ledger as it is now, publish that as at the end of a run, and print it: to be kept elsewhere."""
    import anyio

    from agora.cli.session import open_session

    anyio.run(partial(_checkpoint, open_session(project=project), anew=anew))


async def _checkpoint(session: Session, *, anew: bool) -> None:
    from dataclasses import replace

    from agora.cli.paint import err, safe
    from agora.cli.session import opened_store
    from agora.cli.signing import publisher_of, warn
    from agora.errors import LedgerError

    if session.settings.checkpoint == "off":  # it is asked for by name
        session = replace(session, settings=session.settings.model_copy(update={"checkpoint": "file"}))
    async with opened_store(session) as store:
        publisher = publisher_of(session, store, anew=anew)
        if publisher is None:
            raise LedgerError("this store cannot be signed: use the project's memory")
        signed = await publisher.publish()
    sys.stdout.write(str(signed.note))
    for place in publisher.places:
        err().print(f"[quiet]in {safe(place)}[/]")
    for warning in publisher.warnings:
        warn(warning)
