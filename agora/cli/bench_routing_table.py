"""What a bench of routers came to, as tables for a terminal; also readable at 80 columns, and piped."""

from __future__ import annotations

from agora.bench.routing.results import Entry, Report
from agora.bench.routing.shown import bounded, rows, sections, sized
from agora.cli.bench_routing_columns import columns_of, notes, remarks_on
from agora.cli.columns import laid
from agora.cli.paint import inset, out, remarks, safe

_NAME, _NAMED = 24, 4


def print_report(report: Report) -> None:
    """Print every protocol's table, what was odd, and the conclusion last."""
    console = out()
    about = "; ".join((f"{sized(report)}, features {safe(report.features)}", *bounded(report)))
    console.print(f"[head]{safe(report.source)}[/]: {about}")
    for odd in report.oddities:
        console.print(inset(f"[quiet]{safe(odd)}[/]"))
    for section in sections(report):
        console.print(f"\n[head]{safe(section.title)}[/]")
        found = rows(report, section.protocols[0])
        made = laid([_name(entry) for entry in found], columns_of(report, section, found))
        console.print(made.table)
        if made.left_out:
            some, more = made.left_out[:_NAMED], len(made.left_out) - _NAMED
            missing = safe(", ".join(some)) + (f" and {more} more" if more > 0 else "")
            console.print(inset(f"[quiet]no room here for {missing}: --json and --out have all[/]"))
    console.print()
    console.print(remarks([(safe(what), safe(about)) for what, about in remarks_on(report)]))
    _print_notes(report)
    if report.conclusion:
        console.print(f"\n{safe(report.conclusion)}")


def _print_notes(report: Report) -> None:
    if told := notes(report):
        out().print("\n[head]Notes[/]")
        out().print(remarks([(safe(policy, limit=_NAME), safe(note)) for policy, note in told]))


def _name(entry: Entry) -> str:
    name = safe(entry.policy, limit=_NAME)
    return name if entry.kind == "policy" else f"[quiet]{name}[/]"
