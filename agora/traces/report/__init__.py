"""One run as a page for a browser: what was asked, what each auction decided and why, what was done, what it cost.

    page.py        the whole page; `report`
    summary.py     what came of each task, the money, who took part
    timeline.py    who worked when
    flow.py        the workflow's graph, its topology, what each node cost
    task.py        one task: who was asked, how it was routed, its auctions and attempts
    auction.py     one call for bids: the scores as a picture, the bids side by side, the jury, second plans
    attempt.py     one attempt: promised and delivered, tool calls, diff, verdict
    learned.py     what was learned from it
    checking.py    the ledger's state, and how a reader checks it

Everything is a pure function of the run's entries; texts are escaped by the kit (`agora.traces.pages`).
"""

from __future__ import annotations

from agora.traces.report.checking import UNCHECKED, Checked
from agora.traces.report.page import report

__all__ = ["UNCHECKED", "Checked", "report"]
