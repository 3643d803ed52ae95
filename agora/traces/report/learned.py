"""What a run taught the market, on a page: the updates as they stand on the ledger."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from agora.events import Credited, Learned
from agora.records import Recorded
from agora.traces.pages.excerpts import Excerpts
from agora.traces.pages.parts import Column, fold, joined, paragraph, state, table

if TYPE_CHECKING:
    from markupsafe import Markup

MOST_ROWS: Final = 300
"""Of more updates than these the others are counted."""


def learned(entries: Sequence[Recorded], excerpts: Excerpts) -> Markup:
    """What the policy was credited with, and what the market's records were told."""
    credits = [(one.seq, one.event) for one in entries if isinstance(one.event, Credited)]
    updates = [(one.seq, one.event) for one in entries if isinstance(one.event, Learned)]
    bodies: list[Markup] = []
    if credits:
        made = [_credit(seq, credit) for seq, credit in credits[:MOST_ROWS]]
        columns: list[Column | str] = [
            Column("event", right=True),
            "decision",
            "agent",
            "came to",
            Column("cost", right=True),
            Column("auction", right=True),
        ]
        bodies.append(table(f"What the policy learned; shares of what might be spent{_more(credits)}", columns, made))
    if updates:
        rows = [
            [str(seq), update.task, update.what, update.key, excerpts.line(_update(update), limit=400)]
            for seq, update in updates[:MOST_ROWS]
        ]
        columns = [Column("event", right=True), "task", "what", "of", "update"]
        shown = table(f"The updates, as they stand on the ledger{_more(updates)}", columns, rows)
        bodies.append(fold(f"What the records learned ({len(updates)} updates)", shown))
    return joined(*bodies) if bodies else paragraph("Nothing was learned: no verified outcome, or a measurement.")


def _credit(seq: int, credit: Credited) -> list[Markup | str]:
    came: Markup | str = credit.failure or "answered"
    if credit.passed is not None:
        came = state("passed" if credit.passed else "failed")
    return [str(seq), credit.decision, credit.agent, came, f"{credit.cost_share:.4g}", f"{credit.overhead_share:.4g}"]


def _more(rows: Sequence[object]) -> str:
    return f"; {len(rows) - MOST_ROWS:,} more are not shown" if len(rows) > MOST_ROWS else ""


def _update(update: Learned) -> str:
    return json.dumps(dict(update.update), ensure_ascii=False, sort_keys=True)
