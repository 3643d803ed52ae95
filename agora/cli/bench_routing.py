"""`agora bench routing`: routers on recorded outcomes, with everything beside them that they have to beat."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agora.cli.options import Json

SMALL = "small"
"""The generated set."""


def routing(
    data: Annotated[
        str,
        typer.Option("--data", metavar="PATH|small", help="A folder of recorded outcomes, or the generated set."),
    ] = SMALL,
    policy: Annotated[
        str, typer.Option("--policy", metavar="NAMES", help="Policies, comma-separated; all: every one that routes.")
    ] = "all",
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option", metavar="POLICY.NAME=VALUE", help="An option of a policy; may be given several times."
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option("--task", metavar="TAGS", help="Only queries with one of these tags.", show_default="all"),
    ] = None,
    seeds: Annotated[
        int, typer.Option("--seeds", min=1, help="Shuffles of each stream; intervals are over them.")
    ] = 20,
    protocol: Annotated[
        str,
        typer.Option(
            "--protocol",
            metavar="NAMES",
            help="Comma-separated: full, cold, warm, drift, ...; all: what data give.",
        ),
    ] = "all",
    features: Annotated[
        str, typer.Option("--features", metavar="words|svd|minilm", help="How a query's text becomes a vector.")
    ] = "svd",
    money: Annotated[
        str | None,
        typer.Option(
            "--money",
            metavar="USD,USD",
            help="Dollars a query at which policies are compared.",
            show_default="six steps up to the best single model's",
        ),
    ] = None,
    dial: Annotated[
        float | None,
        typer.Option(
            "--lambda",
            metavar="SCORE",
            min=0,
            help="What a dollar is worth in score, for regret.",
            show_default="from the data, and stated",
        ),
    ] = None,
    arrivals: Annotated[
        Path | None,
        typer.Option(
            "--arrivals", metavar="FILE", help="A trace of arrivals: CSV with a column t_s.", show_default="drawn"
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes.", show_default="one a core")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FOLDER", help="Keep finished parts, report.json, report.html; goes on."),
    ] = None,
    json: Json = False,
) -> None:
    """Compare routing policies on recorded outcomes of real models: score, dollars, regret, and what bounds them.

    Nothing is called and nothing is spent: the outcomes are on record. What a policy is measured on it was not fitted
    on, and its dial is set on the fitting part. A bench that was cut off goes on with the same command and --out. Where
    an error ends a part, the others are measured all the same, and the exit code is 1.
    """
    from agora.cli.bench_routing_run import Given, bench, failures, numbers, options, words

    given = Given(
        data=data,
        policies=words(policy, "--policy"),
        options=options(option or ()),
        tags=() if task is None else words(task, "--task"),
        seeds=seeds,
        protocols=words(protocol, "--protocol"),
        features=features,
        money=None if money is None else numbers(money, "--money"),
        dial=dial,
        arrivals=arrivals,
        workers=workers,
        out=out,
    )
    report = bench(given)
    if json:
        from agora.bench.routing.results import FORM
        from agora.cli.bench_routing_run import form_of
        from agora.cli.forms import print_form

        print_form(FORM, form_of(report))
    else:
        from agora.cli.bench_routing_run import print_whereabouts
        from agora.cli.bench_routing_table import print_report

        print_report(report)
        print_whereabouts(given)
    if failures(report):
        raise typer.Exit(1)
