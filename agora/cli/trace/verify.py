"""`agora trace verify`: whether the ledger is what was recorded."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agora.cli.options import Json, Ledger, Project

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agora.cli.session import Session

Key = Annotated[
    str | None,
    typer.Option(
        "--key", metavar="KEY|FILE", help="The public key, as `agora trace key` prints it.", show_default="your own"
    ),
]


def verify(
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="Say of this run, too, whether its bodies are there.")
    ] = None,
    key: Key = None,
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option("--checkpoint", metavar="FILE", help="Checkpoints that were kept elsewhere; repeatable."),
    ] = None,
    json: Json = False,
    project: Project = None,
    ledger: Ledger = None,
) -> None:
    """Check the whole ledger: every entry, every body, the tree, and every checkpoint that is known of it.

    Ends with 0 where all holds, 10 where something was changed, 11 where the end was cut, 12 where no checkpoint is
    signed by the key, 13 where it is another history than was signed, 14 where a part is not there.
    """
    import anyio

    from agora.cli.session import open_session

    session = open_session(project=project, ledger=ledger)
    raise typer.Exit(anyio.run(partial(_verify, session, run, key, tuple(checkpoint or ()), json=json)))


async def _verify(session: Session, ref: str | None, key: str | None, files: Sequence[Path], *, json: bool) -> int:
    from agora.cli.trace.verified import Subject, form_of, of_database, of_file, print_checked

    if session.ledger is not None:
        subject: Subject = of_file(session, session.ledger, ref, key, files)
    else:
        subject = await of_database(session, ref, key, files)
    if json:
        from agora.cli.forms import print_form

        print_form("agora.trace.verify/1", form_of(subject))
    else:
        print_checked(subject)
    return int(subject.checked.exit)
