"""`agora trace replay --strict`: every decision of a run made again from the ledger alone, without a call."""

from __future__ import annotations

import json as json_
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agora.cli.session import Session
    from agora.traces.replay.compare import Field
    from agora.traces.replay.found import Replayed
    from agora.values import JsonValue

_SHOWN = 20
"""So many rows of one kind are listed; JSON has all."""
_CHARS = 160


async def run(session: Session, ref: str, *, json: bool) -> int:
    """Replay a run and show what came of it.

    Args:
        session: With the ledger.
        ref: The run: an id, the beginning of one, or "last".
        json: Whether one JSON object is printed.

    Returns:
        The exit code: 13 where something is not what comes out now, 14 where a body is missing, else 0.

    Raises:
        UnknownNameError: No such run.
        LedgerError: The ledger cannot be read.
    """
    from agora.cli.forms import print_form
    from agora.cli.session import opened_store
    from agora.errors import Exit
    from agora.traces.replay.replaying import replay

    async with opened_store(session) as store:
        found = replay(store, store.find_run(ref))
    if json:
        print_form("agora.trace.replay/1", _form(found))
    else:
        _print(found)
    if found.diverged is not None:
        return Exit.DIVERGED
    return Exit.INCOMPLETE if found.lacking else Exit.PASSED


def _print(found: Replayed) -> None:
    from agora.cli.paint import grid, out, safe

    console = out()
    console.print(f"[head]run {safe(found.run)}[/] [quiet]{found.events} events, replayed without a call[/]")
    if found.decisions:
        table = grid("decision", "made again, the same>")
        for kind, count in found.decisions.items():
            table.add_row(safe(kind), str(count))
        console.print(table)
    for lack in found.lacking[:_SHOWN]:
        about = f" of {safe(lack.task)}" if lack.task else ""
        console.print(f"[unknown]not made again[/] event {lack.seq}, {safe(lack.kind)}{about}: {safe(lack.why)}")
    _more(len(found.lacking))
    for drift in found.drifts[:_SHOWN]:
        for field in drift.fields[:1]:
            said = f"{field.path} was {_said(field.then)}, is {_said(field.now)}"
            console.print(f"[quiet]last digits[/] event {drift.seq}, {safe(drift.kind)}: {safe(said)}")
    _more(len(found.drifts))
    for note in found.notes:
        console.print(f"[quiet]note: {safe(note)}[/]")
    if found.diverged is None:
        what = f"{found.made_again} decisions made again, all as they are on record"
        lacking = f"; {len(found.lacking)} could not be made again" if found.lacking else ""
        console.print(f"{'[unknown]incomplete[/]' if found.lacking else '[passed]replayed[/]'}: {what}{lacking}")
        return
    gone = found.diverged
    about = f" of {safe(gone.task)}" if gone.task else ""
    console.print(
        f"[failed]diverged[/] at event {gone.seq}, {safe(gone.kind)}{about}, after {found.made_again} decisions"
    )
    if gone.why:
        console.print(f"  {safe(gone.why)}")
    print_fields(gone.fields, then="on record", now="made again")


def print_fields(fields: Iterable[Field], *, then: str, now: str) -> None:
    """Field by field, in two columns under their names."""
    from agora.cli.paint import grid, out, safe

    rows = list(fields)
    if not rows:
        return
    table = grid("field", then, now)
    for field in rows[:_SHOWN]:
        table.add_row(safe(field.path), safe(_said(field.then), limit=_CHARS), safe(_said(field.now), limit=_CHARS))
    out().print(table)
    _more(len(rows))


def field_forms(fields: Iterable[Field]) -> list[JsonValue]:
    """Fields as JSON."""
    return [{"field": field.path, "then": field.then, "now": field.now} for field in fields]


def _more(count: int) -> None:
    from agora.cli.paint import out

    if count > _SHOWN:
        out().print(f"[quiet]and {count - _SHOWN} more: --json has all[/]")


def _said(value: JsonValue) -> str:
    return value if isinstance(value, str) else json_.dumps(value, ensure_ascii=False)


def _form(found: Replayed) -> dict[str, JsonValue]:
    gone = found.diverged
    return {
        "run": found.run,
        "events": found.events,
        "verdict": "diverged" if gone else "incomplete" if found.lacking else "replayed",
        "made_again": found.made_again,
        "decisions": dict(found.decisions),
        "lacking": [{"seq": one.seq, "kind": one.kind, "task": one.task, "why": one.why} for one in found.lacking],
        "drifts": [
            {"seq": one.seq, "kind": one.kind, "task": one.task, "fields": field_forms(one.fields)}
            for one in found.drifts
        ],
        "diverged": None
        if gone is None
        else {
            "seq": gone.seq,
            "kind": gone.kind,
            "task": gone.task,
            "why": gone.why,
            "fields": field_forms(gone.fields),
        },
        "notes": [*found.notes],
    }
