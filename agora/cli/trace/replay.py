"""`agora trace replay`: the decisions of a run made again, as they were, under other rules, or from a step on."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from agora.cli.options import Json, Ledger, Project
from agora.cli.show import Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agora.cli.session import Session

Strict = Annotated[
    bool, typer.Option("--strict", help="Make every decision again from the ledger alone, and compare (the default).")
]
With = Annotated[
    list[str] | None,
    typer.Option(
        "--with", metavar="NAME=VALUE", help="Decide again under another rule: mechanism=second_score, weights.cost=.4."
    ),
]
From = Annotated[
    int | None, typer.Option("--from", metavar="EVENT", help="Go on live from this position, with --change.")
]
Change = Annotated[
    list[str] | None, typer.Option("--change", metavar="NAME=VALUE", help="What is otherwise from there on.")
]


def replay(
    run: Run = "last",
    strict: Strict = False,
    with_: With = None,
    from_: From = None,
    change: Change = None,
    json: Json = False,
    project: Project = None,
    ledger: Ledger = None,
) -> None:
    """Make the decisions of a run again: as they were, --with other rules, or live --from a step on."""
    import anyio

    from agora.cli.session import open_session

    session = open_session(project=project, ledger=ledger)
    code = anyio.run(partial(_replay, session, run, strict, with_ or [], from_, change or [], json=json))
    if code:
        raise typer.Exit(code)


async def _replay(
    session: Session,
    ref: str,
    strict: bool,
    others: Sequence[str],
    at: int | None,
    changes: Sequence[str],
    *,
    json: bool,
) -> int:
    from agora.cli.given import inputs_of
    from agora.errors import ConfigError

    if sum((strict, bool(others), at is not None)) > 1:
        raise ConfigError("--strict, --with, --from", "only one of them can be meant: replay once for each")
    if changes and at is None:
        raise ConfigError("--change", "needs --from: say at which event the run goes on otherwise")
    if others:
        from agora.cli.trace import replay_with

        return await replay_with.run(session, ref, inputs_of(others, flag="--with"), json=json)
    if at is not None:
        from agora.cli.trace import fork

        return await fork.run(session, ref, at, inputs_of(changes, flag="--change"), json=json)
    from agora.cli.trace import replay_strict

    return await replay_strict.run(session, ref, json=json)
