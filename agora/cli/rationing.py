"""A budget that is a rate: what a run that begins now may cost, from the runs on record."""

from __future__ import annotations

from dataclasses import replace

from agora.cli.paint import err, usd
from agora.cli.session import Session
from agora.protocols import Clock, Store
from agora.workflows.hourly import MOST_RUNS, hourly_usd


def rationed(session: Session, store: Store, *, clock: Clock, quiet: bool) -> Session:
    """The session with its budget lowered to what the rate allows now; without a rate, as it is.

    Args:
        session: With `usd_per_hour` in its settings, or not.
        store: With the runs on record.
        clock: Time.
        quiet: Whether nothing is said of it.
    """
    rate = session.settings.usd_per_hour
    if rate is None:
        return session
    allowed = hourly_usd(store.runs(limit=MOST_RUNS), usd_per_hour=rate, now_us=clock.now_us())
    if allowed >= session.settings.budget_usd:
        return session
    if not quiet:
        err().print(f"[quiet]at {usd(rate)} an hour, this run may cost {usd(allowed)}[/]")
    return replace(session, settings=session.settings.model_copy(update={"budget_usd": allowed}))
