"""`agora bench`: what an auction costs and brings, and what a router does, measured."""

from __future__ import annotations

import typer

from agora.cli.bench_auction import auction
from agora.cli.bench_fetch import fetch
from agora.cli.bench_live import live
from agora.cli.bench_routing import routing

bench_app = typer.Typer(
    help="Measure what an auction or a router costs and brings, against every simpler choice.", no_args_is_help=True
)
bench_app.command()(auction)
bench_app.command()(live)
bench_app.command()(routing)
bench_app.command()(fetch)
