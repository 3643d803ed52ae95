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

    async with opened_store(session) as store:
        run = store.find_run(ref)
        rows = [(one.seq, one.at_us, one.event.kind if one.event else "erased", one.event) for one in store.events(run)]
    tasks = ["" if event is None else event.task for _, _, _, event in rows]
    if json:
        forms: list[JsonValue] = [
            {"seq": seq, "at_us": at_us, "kind": kind, "task": task}
            for (seq, at_us, kind, _), task in zip(rows, tasks, strict=True)
        ]
        print_form("agora.trace.events/1", {"run": run, "events": forms})
        return
    table = grid("event>", "s>", "kind", "task")
    for (seq, at_us, kind, _), task in zip(rows, tasks, strict=True):
        table.add_row(str(seq), f"{(at_us - rows[0][1]) / 1e6:.3f}", safe(kind), safe(task))
    out().print(table)
