"""Signing on the command line: where the key and the checkpoints are, and what is said of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from agora.abilities import Archive
from agora.cli.paint import err, out, safe
from agora.cli.session import Session
from agora.memory.location import data_folder, shown
from agora.protocols import Store
from agora.settings import environment

if TYPE_CHECKING:
    from agora.traces.trust.checkpoints import Checkpoints
    from agora.traces.trust.publishing import Publisher


def key_file(session: Session) -> Path:
    """Where the signing key is, or will be."""
    from agora.traces.trust.keys import FILE

    stated = session.settings.signing_key
    return Path(stated).expanduser().absolute() if stated else _data() / FILE


def kept() -> Checkpoints:
    """The files of checkpoints."""
    from agora.traces.trust.checkpoints import FOLDER, Checkpoints

    return Checkpoints(_data() / FOLDER)


def place_of(session: Session) -> str:
    """What a ledger's place is called: its database, without a password."""
    return shown(session.database)


def publisher_of(session: Session, store: Store | Archive, *, anew: bool = False) -> Publisher | None:
    """What signs and publishes the ledger at the end of a run; None: that is switched off, or cannot be.

    Args:
        session: With the settings.
        store: With the ledger.
        anew: Set aside what was signed here before.
    """
    from agora.traces.trust.publishing import Publisher

    settings = session.settings
    if settings.checkpoint == "off" or not isinstance(store, Archive):
        return None
    return Publisher(
        store,
        key=key_file(session),
        kept=kept(),
        place=place_of(session),
        where=settings.checkpoint,
        project=session.project,
        command=settings.checkpoint_command,
        anew=anew,
    )


def tell(publisher: Publisher | None, *, quiet: bool = False) -> None:
    """Say what was signed, in one line, and what could not be done.

    Args:
        publisher: After the run.
        quiet: Only what could not be done; a program reads standard output.
    """
    if publisher is None:
        return
    if publisher.signed is not None and not quiet:
        _, size, root = publisher.signed.note.text.splitlines()[:3]
        out().print(f"[quiet]ledger {size} entries · root {safe(root)} · signed[/]")
    for warning in publisher.warnings:
        warn(warning)


def warn(what: str) -> None:
    """Say on standard error what could not be done."""
    err().print(f"warning: {safe(what)}")


def _data() -> Path:
    return data_folder(env=environment(), home=Path.home())
