"""`agora bench live`: the auction against every simpler choice, on one's own agents and tasks, within a budget."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from agora.cli.options import Agents, Bare, Json, Project, Seed


def live(
    tasks: Annotated[Path, typer.Option("--tasks", help="A task's file, or a folder of them; each with a verifier.")],
    agents: Agents = None,
    budget: Annotated[
        str | None,
        typer.Option("--budget", metavar="USD", help="For all of it together.", show_default="the project's"),
    ] = None,
    seed: Seed = None,
    repeat: Annotated[int, typer.Option("--repeat", min=1, help="How often all of it is done.")] = 1,
    bare: Bare = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="With --bare: let agents run commands as you, unasked.")
    ] = False,
    json: Json = False,
    project: Project = None,
) -> None:
    """Compare the auction with simpler choices, on your own agents and tasks.

    The auction, each agent alone, one agent drawn for each task, and the auction's spend on one agent: each as runs of
    its own on the ledger, with an even share of the budget that is fixed beforehand. Nothing is learned from them, and
    no file of yours is changed.
    """
    import anyio

    from agora.cli.measuring import measure
    from agora.cli.session import open_session
    from agora.posting import as_usd

    flags: dict[str, object] = {"seed": seed, "bare": bare or None}
    if budget is not None:
        flags["budget_usd"] = as_usd(budget, where="--budget")
    session = open_session(project=project, flags=flags)
    anyio.run(partial(measure, session, tasks=tasks, only=agents, repeat=repeat, yes=yes, as_json=json))
