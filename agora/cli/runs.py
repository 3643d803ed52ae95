"""`agora runs`: what ran, newest first."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from agora.cli.options import Json, Project

if TYPE_CHECKING:
    from agora.cli.session import Session


def runs(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many.")] = 20,
    json: Json = False,
    project: Project = None,
) -> None:
    """List the latest runs."""
    import anyio

    from agora.cli.session import open_session

    anyio.run(partial(_runs, open_session(project=project), limit=limit, json=json))


async def _runs(session: Session, *, limit: int, json: bool) -> None:
    from agora.cli.forms import print_form, usage_form
    from agora.cli.paint import ago, grid, number, out, safe, usd
    from agora.cli.session import opened_store

    async with opened_store(session) as store:
        found = store.runs(limit=limit)
    if json:
        rows = [{**info._asdict(), "usage": usage_form(info.usage)} for info in found]
        print_form("agora.runs/1", {"runs": list(rows)})
        return
    if not found:
        out().print("no runs yet: start one with `agora run` or `agora demo`")
        return
    table = grid("run", "when", "passed>", "cost>", "tokens>", "seconds>", "goal")
    for info in found:
        goal = safe(info.goal, limit=34) + ("" if info.done else " [unknown](not finished)[/]")
        passed = f"{info.passed}/{info.tasks}"
        cost, seconds = usd(info.usage.usd), number(info.usage.seconds)
        table.add_row(f"[name]{info.id}[/]", ago(info.started_us), passed, cost, str(info.usage.tokens), seconds, goal)
    out().print(table)
