"""`agora trace diff`: where two runs part, by what was decided and received."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agora.cli.options import Json, Project

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agora.records import Recorded
    from agora.traces.replay.diffing import Parting, Side
    from agora.values import JsonValue

One = Annotated[str, typer.Argument(metavar="A", help='A run: an id, the beginning of one, or "last".')]
Other = Annotated[str, typer.Argument(metavar="B", help="The run that it is compared with.")]
Ledgers = Annotated[
    list[Path] | None,
    typer.Option("--ledger", metavar="FILE", help="Read exported ledgers: one for both runs, or one for each."),
]


def diff(one: One, other: Other, ledger: Ledgers = None, json: Json = False, project: Project = None) -> None:
    """Find the first thing that two runs decided or received otherwise; ids, times and costs aside."""
    import anyio

    code = anyio.run(partial(_diff, one, other, ledger or [], json=json, project=project))
    if code:
        raise typer.Exit(code)


async def _diff(one: str, other: str, files: Sequence[Path], *, json: bool, project: Path | None) -> int:
    from agora.cli.forms import print_form
    from agora.errors import ConfigError, Exit
    from agora.traces.replay.diffing import parting

    if len(files) > 2:
        raise ConfigError("--ledger", f"{len(files)} files for two runs: give one for both, or one for each")
    first, a = await _events(one, files[0] if files else None, project)
    second, b = await _events(other, files[-1] if files else None, project)
    found = parting(first, second)
    if json:
        print_form("agora.trace.diff/1", {"a": a, "b": b, "equal": found is None, "parting": _form(found)})
    else:
        _print(a, b, found, erased=sum(row.event is None for row in (*first, *second)))
    return Exit.PASSED if found is None else Exit.DIVERGED


async def _events(ref: str, file: Path | None, project: Path | None) -> tuple[list[Recorded], str]:
    from agora.cli.session import open_session, opened_store
    from agora.forks import events_of

    async with opened_store(open_session(project=project, ledger=file)) as store:
        run = store.find_run(ref)
        return list(events_of(store, run)), run


def _print(a: str, b: str, found: Parting | None, *, erased: int) -> None:
    from agora.cli.paint import out, safe
    from agora.cli.trace.replay_strict import print_fields

    console = out()
    if erased:
        console.print(f"[quiet]note: the bodies of {erased} events were erased, and are not compared[/]")
    if found is None:
        console.print(f"[passed]equal[/]: {safe(a)} and {safe(b)} decided and received the same")
        return
    about = f"in task {safe(found.task)}" if found.task else "in what the whole run is about"
    console.print(f"[failed]diverged[/] {about}: {_at(a, found.one)}; {_at(b, found.other)}")
    print_fields(found.fields, then=safe(a), now=safe(b))


def _at(run: str, side: Side | None) -> str:
    from agora.cli.paint import safe

    return f"{safe(run)} has nothing more" if side is None else f"{safe(run)} event {side.seq}, {safe(side.kind)}"


def _form(found: Parting | None) -> JsonValue:
    from agora.cli.trace.replay_strict import field_forms

    if found is None:
        return None
    sides: list[JsonValue] = [side and {"seq": side.seq, "kind": side.kind} for side in (found.one, found.other)]
    return {"task": found.task, "a": sides[0], "b": sides[1], "fields": field_forms(found.fields)}
