"""`agora trace otel`: a run that is on record, as OpenTelemetry spans."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from agora.cli.options import Ledger, Project
from agora.cli.show import Run

if TYPE_CHECKING:
    from agora.cli.session import Session


def otel(run: Run = "last", project: Project = None, ledger: Ledger = None) -> None:
    """Send the spans of a recorded run to where the process's OpenTelemetry SDK sends them, at the recorded times."""
    import anyio

    from agora.cli.session import open_session

    anyio.run(partial(_otel, open_session(project=project, ledger=ledger), run))


async def _otel(session: Session, ref: str) -> None:
    from agora.cli.paint import err, safe
    from agora.cli.session import opened_store
    from agora.cli.telemetry import HOW, set_up
    from agora.errors import ConfigError

    if not set_up():
        raise ConfigError("OpenTelemetry", f"no SDK is set up in this process, so that spans would go nowhere: {HOW}")
    from agora.traces.telemetry import tell

    async with opened_store(session) as store:
        run = store.find_run(ref)
        told = tell(store.events(run))
    err().print(f"run {safe(run)}: {told} events told as spans")
