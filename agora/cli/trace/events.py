"""`agora trace events`: the ledger of a run, an event a line, with the positions that other commands go by."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from agora.cli.options import Json, Ledger, Project
from agora.cli.show import Run

if TYPE_CHECKING:
    from agora.cli.session import Session
    from agora.values import JsonValue


def events(run: Run = "last", json: Json = False, project: Project = None, ledger: Ledger = None) -> None:
    """List the events of a run: position, time, kind, task."""
    import anyio

    from agora.cli.session import open_session

    anyio.run(partial(_events, open_session(project=project, ledger=ledger), run, json=json))


async def _events(session: Session, ref: str, *, json: bool) -> None:
    from agora.cli.forms import print_form
    from agora.cli.paint import grid, out, safe
    from agora.cli.session import opened_store
    from agora.forks import events_of

    async with opened_store(session) as store:
        run = store.find_run(ref)
        found = list(events_of(store, run))
    rows = [(one, one.event.kind if one.event else "erased", one.event.task if one.event else "") for one in found]
    if json:
        forms: list[JsonValue] = [
            {"seq": one.seq, "at_us": one.at_us, "kind": kind, "task": task, "run": one.run} for one, kind, task in rows
        ]
        print_form("agora.trace.events/1", {"run": run, "events": forms})
        return
    table = grid("event>", "s>", "kind", "task")
    for one, kind, task in rows:
        of = "" if one.run == run else f" [quiet](run {safe(one.run)})[/]"  # a fork stands on these
        table.add_row(str(one.seq), f"{(one.at_us - found[0].at_us) / 1e6:.3f}", safe(kind) + of, safe(task))
    out().print(table)
