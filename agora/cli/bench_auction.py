"""`agora bench auction`: the auction against every simpler choice, in simulation."""

from __future__ import annotations

from typing import Annotated

import typer

from agora.cli.options import Json


def auction(
    seeds: Annotated[int, typer.Option("--seeds", min=2, help="How many seeds; intervals are over them.")] = 20,
    json: Json = False,
) -> None:
    """Compare the auction with every simpler choice, in a simulation with stated parameters.

    A simulation: its agents are numbers. What it can show is where an auction would pay, and where it would not.
    """
