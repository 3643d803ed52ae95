"""`agora bench auction`: the auction against every simpler choice, in simulation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agora.cli.options import Json

if TYPE_CHECKING:
    from agora.bench.simulation.reporting import Measured, Part


def auction(
    seeds: Annotated[int, typer.Option("--seeds", help="How many draws of everything; intervals are over them.")] = 20,
    tasks: Annotated[int, typer.Option("--tasks", help="How many a seed.")] = 300,
    signal: Annotated[
        float | None,
        typer.Option("--signal", help="How far marks tell of outcomes, 0 to 1; 0: noise.", show_default="0.3, assumed"),
    ] = None,
    points: Annotated[int, typer.Option("--points", help="Strengths of the signal that are swept, 0 to 1.")] = 11,
    only: Annotated[
        str | None,
        typer.Option(
            "--only", help="Parts, comma-separated: arms, loop, sweep, assumptions, learning.", show_default="all"
        ),
    ] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write every figure to this file too, for plots.")] = None,
    json: Json = False,
) -> None:
    """Compare the auction with every simpler choice, in a simulation with stated parameters.

    A simulation: its agents are numbers, its rules are the market's own. It shows what an auction's worth hangs on, and
    nothing about any model. The same figures each time; nothing is spent, read or remembered.
    """
    import time
    from functools import partial

    import anyio

    from agora.bench.simulation.reporting import form_of, measure_all
    from agora.cli.forms import print_form
    from agora.cli.paint import waiting

    parts = _parts(only)
    began_s = time.monotonic()
    with waiting(f"simulating {seeds} seeds of {tasks} tasks"):
        measured = anyio.run(partial(measure_all, seeds=seeds, tasks=tasks, signal=signal, points=points, parts=parts))
    seconds = time.monotonic() - began_s
    if csv is not None:
        _write(csv, measured)
    if json:
        print_form("agora.bench.auction/1", {**form_of(measured), "seconds": round(seconds, 1)})
        return
    from agora.cli.simulated import print_measured

    print_measured(measured, seconds=seconds)


def _parts(only: str | None) -> tuple[Part, ...]:
    from agora.bench.simulation.reporting import Part
    from agora.errors import ConfigError

    if only is None:
        return tuple(Part)
    wanted = [name.strip() for name in only.split(",")]
    if unknown := [name for name in wanted if name not in tuple(Part)]:
        raise ConfigError("--only", f"there is no part {unknown[0]!r}; there are: {', '.join(Part)}")
    return tuple(Part(name) for name in dict.fromkeys(wanted))


def _write(path: Path, measured: Measured) -> None:
    import csv

    from agora.bench.simulation.reporting import table_of
    from agora.errors import ConfigError

    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(table_of(measured))
    except OSError as error:
        raise ConfigError("--csv", f"{str(path)!r} cannot be written: {error.strerror or error}") from None
