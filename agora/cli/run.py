"""`agora run`: have a task done, or a folder of tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agora import registry
from agora.cli.options import Agents, Approve, Bare, Cache, Format, Json, Project, Seed, Stream, Yes

_POLICIES = f"{len(registry.BUILT_IN['policies'])} built in (docs/routers.md)"


def run(
    what: Annotated[
        str, typer.Argument(metavar="GOAL|TASK.toml|FOLDER|FLOW.toml|FLOW.py:NAME", help="What is to be done.")
    ],
    workspace: Annotated[Path | None, typer.Option("--workspace", "-w", help="The folder that it is about.")] = None,
    verify: Annotated[str | None, typer.Option("--verify", help='Passes when the work is right: "pytest -q".')] = None,
    skill: Annotated[str | None, typer.Option("--skill", help="Ask only agents that have it.")] = None,
    given: Annotated[
        list[str] | None, typer.Option("--input", "-i", metavar="NAME=VALUE", help="What a workflow is given.")
    ] = None,
    pattern: Annotated[
        str | None, typer.Option("--pattern", metavar="NAME", help='In which known way several do it: "debate".')
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option("--option", metavar="NAME=VALUE", help="An option of the pattern: rounds=2.")
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Let an agent split the goal; shown before it runs.")] = False,
    edit: Annotated[bool, typer.Option("--edit", help="The same, and the plan opens in $EDITOR first.")] = False,
    topology: Annotated[
        str | None, typer.Option("--topology", metavar="NAME", help='Of a workflow: "auto", "hybrid", "learned", ...')
    ] = None,
    budget: Annotated[str | None, typer.Option("--budget", help="US dollars for the whole run.")] = None,
    agents: Agents = None,
    mechanism: Annotated[str | None, typer.Option("--mechanism", help="The auction's rule.")] = None,
    policy: Annotated[
        str | None,
        typer.Option("--policy", metavar="NAME", help=f"Who is asked: a file of policies/ or one of {_POLICIES}."),
    ] = None,
    seed: Seed = None,
    parallel: Annotated[int | None, typer.Option("--parallel", help="Tasks worked on at once.")] = None,
    attempts: Annotated[int | None, typer.Option("--attempts", help="Awards that one task gets at most.")] = None,
    approve: Approve = None,
    yes: Yes = False,
    bare: Bare = False,
    cache: Cache = False,
    stream: Stream = False,
    json: Json = False,
    output_format: Annotated[
        Format, typer.Option("--output-format", help="How results are written to standard output.")
    ] = Format.TEXT,
    project: Project = None,
) -> None:
    """Have a task or a workflow done: auctioned, worked on, verified.

    A diff is shown and asked for before it is written to the workspace. With nobody there to ask, the question waits:
    `agora approve` answers it, and `agora resume` goes on. The exit code says what came of it.
    """
    from agora.cli.given import inputs_of, options_of
    from agora.cli.order import Order
    from agora.cli.running import execute

    flags: dict[str, object] = {
        "budget_usd": budget,
        "mechanism": mechanism,
        "policy": policy,
        "seed": seed,
        "parallel": parallel,
        "attempts": attempts,
        "approve": "yes" if yes else approve,
        "bare": bare or None,
        "cache": cache or None,
        "stream": stream or None,
    }
    order = Order(
        what=what,
        inputs=inputs_of(given or ()),
        pattern=pattern,
        options=options_of(option or ()),
        plan=plan,
        edit=edit,
        topology=topology,
        workspace=workspace,
        verify=verify,
        skill=skill,
        only=agents,
        flags=flags,
        format=Format.JSON if json else output_format,
        project=project,
    )
    raise typer.Exit(execute(order))
