"""`agora ui`: the pages of the ledger, live in a browser on this machine."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from agora.cli.options import Ledger, Project

if TYPE_CHECKING:
    from agora.cli.session import Session

EXTRA = "pip install 'agora-market[ui]'"
"""What installs what it needs."""


def ui(
    port: Annotated[
        int | None,
        typer.Option("--port", min=1, max=65_535, help="Where to listen.", show_default="8517, or any that is free"),
    ] = None,
    open_: Annotated[bool, typer.Option("--open/--no-open", help="Open it in a browser.")] = True,
    project: Project = None,
    ledger: Ledger = None,
) -> None:
    """Show runs in a browser, live while they go on: on this machine only, and only to look at.

    The address that is printed holds a token: whoever has it sees what is on record. Ctrl-C ends it.
    """
    import anyio

    from agora.cli.session import open_session

    _hold_the_extra()
    anyio.run(partial(_ui, open_session(project=project, ledger=ledger), port=port, open_=open_))


def _hold_the_extra() -> None:
    """Say what is missing, before anything is opened.

    Raises:
        ConfigError: The extra is not installed.
    """
    from importlib.util import find_spec

    from agora.errors import ConfigError

    missing = [name for name in ("starlette", "uvicorn", "jinja2", "lets_plot") if find_spec(name) is None]
    if missing:
        raise ConfigError("agora ui", f"needs an extra ({', '.join(missing)} missing): {EXTRA}")


async def _ui(session: Session, *, port: int | None, open_: bool) -> None:
    from agora.cli.paint import err, out
    from agora.cli.session import opened_store
    from agora.ui.serving import bound, serve

    listening = bound(port)

    def ready(address: str) -> None:
        out().print(address, markup=False, highlight=False, soft_wrap=True)
        out().file.flush()
        err().print("[quiet]the address is for you alone: it holds a token; Ctrl-C ends it[/]")
        if open_ and _has_a_screen():
            import webbrowser

            webbrowser.open(address)

    async with opened_store(session) as store:
        await serve(store, listening, ready=ready)
    err().print("[quiet]ended[/]")


def _has_a_screen() -> bool:
    """Whether a browser would have a window: one that draws on the terminal would be in the way."""
    import sys

    from agora.settings import environment

    environ = environment()
    return sys.platform == "darwin" or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))
