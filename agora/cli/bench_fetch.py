"""`agora bench fetch`: outcomes to measure routers on, as files."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from agora.cli.options import Json


class Which(StrEnum):
    """What can be got."""

    ROUTERBENCH = "routerbench"
    SMALL = "small"


def fetch(
    which: Annotated[
        Which,
        typer.Argument(help="routerbench: the public set, over your network; small: the generated one, as files."),
    ],
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Where its folder is made.")] = Path("outcomes"),
    origin: Annotated[
        str | None,
        typer.Option("--from", metavar="URL|FOLDER", help="Where its tables are got from.", show_default="GitHub"),
    ] = None,
    json: Json = False,
) -> None:
    """Get recorded outcomes in the form that `agora bench routing --data` reads.

    RouterBench (Hu et al., 2024): eleven models on three tasks, with dollars. It is got from a public repository over
    your own network, converted, and kept on this machine; its licence is its authors' (MIT).
    """
    from agora.bench.routing.fetching import ORIGIN, fetch_routerbench, write_small
    from agora.cli.advancing import advancing
    from agora.errors import ConfigError

    if which is Which.SMALL:
        if origin is not None:
            raise ConfigError("--from", "the set 'small' is made here, not got from anywhere: leave --from out")
        found = write_small(to)
    else:
        with advancing(bytes=True) as advance:
            found = fetch_routerbench(to, origin=origin or ORIGIN, told=advance.to)
    if json:
        from agora.cli.forms import Form, print_form

        counts: Form = {"queries": found.queries, "models": found.models, "outcomes": found.outcomes}
        print_form("agora.bench.fetch/1", {"folder": str(found.folder), **counts, "oddities": [*found.oddities]})
        return
    import shlex

    from agora.cli.paint import inset, out, safe

    where = safe(str(found.folder))
    out().print(f"{found.outcomes:,} outcomes of {found.queries:,} queries at {found.models} models stand in {where}")
    for odd in found.oddities:
        out().print(inset(safe(odd)))
    out().print(f"next: agora bench routing --data {safe(shlex.quote(str(found.folder)))}", soft_wrap=True)
