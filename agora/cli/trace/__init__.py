"""`agora trace`: what the ledger of a run says, and whether it is to be believed; one file a command."""

from __future__ import annotations

import typer

from agora.cli.trace.checkpoint import checkpoint
from agora.cli.trace.diff import diff
from agora.cli.trace.erase import erase
from agora.cli.trace.estimate import estimate
from agora.cli.trace.events import events
from agora.cli.trace.export import export
from agora.cli.trace.import_ import import_
from agora.cli.trace.key import key
from agora.cli.trace.otel import otel
from agora.cli.trace.prove import prove
from agora.cli.trace.replay import replay
from agora.cli.trace.report import report
from agora.cli.trace.verify import verify

trace_app = typer.Typer(help="List, verify, prove, replay, compare, export and report what is on record.")

trace_app.command()(checkpoint)
trace_app.command()(diff)
trace_app.command()(erase)
trace_app.command()(estimate)
trace_app.command()(events)
trace_app.command()(export)
trace_app.command("import")(import_)
trace_app.command()(key)
trace_app.command()(otel)
trace_app.command()(prove)
trace_app.command()(replay)
trace_app.command()(report)
trace_app.command()(verify)
