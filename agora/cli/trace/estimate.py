"""`agora trace estimate`: what other policies would have come to on what is on record, or why that cannot be said."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from agora.cli.options import Json, Ledger, Project

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agora.cli.session import Session
    from agora.protocols import Policy, Store
    from agora.traces.off_policy.answers import Answer
    from agora.traces.off_policy.estimators import Estimate, Method, Weighting
    from agora.values import JsonValue

ABOUT = (
    "The decision is who is asked first for a task; success and dollars are those of that call and its attempt. "
    "Mechanism, explorations by lot, bids and work are held as they were; a policy learns from what was done in truth."
)
"""What an estimate is about."""

Policies = Annotated[
    str, typer.Option("--policy", "--policies", metavar="NAME,...|all", help="Other policies, by name.")
]
Since = Annotated[
    str | None, typer.Option("--since", metavar="WHEN", help='Only runs that began since: "2026-11-01" (UTC), "7d".')
]
Runs = Annotated[str | None, typer.Option("--runs", metavar="RUN,...", help="Only these runs.")]
Way = Annotated[str, typer.Option("--method", help="ips, snips, dm or dr: what the table shows.")]
Clip = Annotated[float | None, typer.Option("--clip", help="The most that one decision's weight counts.")]
Switch = Annotated[float | None, typer.Option("--switch", help="Above this weight the model's word is taken (dr).")]
Seed = Annotated[int, typer.Option("--seed", help="Seed of the folds and the bootstrap.")]


def estimate(
    policy: Policies = "all",
    since: Since = None,
    runs: Runs = None,
    method: Way = "dr",
    clip: Clip = None,
    switch: Switch = None,
    seed: Seed = 0,
    json: Json = False,
    project: Project = None,
    ledger: Ledger = None,
) -> None:
    """Estimate what other policies would have passed and spent, from the chances on record.

    Off-policy: no call is made. Where the record does not support an estimate, there is a reason in its place.
    """
    import anyio

    from agora.cli.session import open_session
    from agora.errors import UnknownNameError
    from agora.traces.off_policy.estimators import METHODS, Weighting, checked

    chosen: Method | None = next((one for one in METHODS if one == method), None)
    if chosen is None:
        raise UnknownNameError("method", method, METHODS)
    weighting = Weighting(clip=clip, switch=switch)
    checked(weighting)
    session = open_session(project=project, ledger=ledger)
    policies = _policies(session, policy)
    anyio.run(
        partial(_estimate, session, policies, since, runs, chosen=chosen, weighting=weighting, seed=seed, json=json)
    )


async def _estimate(
    session: Session,
    policies: Mapping[str, Policy],
    since: str | None,
    refs: str | None,
    *,
    chosen: Method,
    weighting: Weighting,
    seed: int,
    json: bool,
) -> None:
    from agora.cli.forms import print_form
    from agora.cli.paint import err, safe
    from agora.cli.session import opened_store
    from agora.traces.counterfactuals.policies import unlearned
    from agora.traces.off_policy.answers import answers
    from agora.traces.off_policy.logged import decisions_of

    since_us = _moment(since)
    async with opened_store(session) as store:
        wanted = None if refs is None else _found(store, refs)

        def looked_at(run: str, began_us: int) -> bool:
            return (wanted is None or run in wanted) and began_us >= since_us

        decisions = decisions_of(store, policies, chosen=looked_at)
        lost = [why for one in policies.values() if (why := unlearned(store, one, up_to=sys.maxsize))]
    told = answers(decisions, policies, seed=seed, weighting=weighting)
    if json:
        forms: list[JsonValue] = [_form(one) for one in told]
        content: dict[str, JsonValue] = {"about": ABOUT, "seed": seed, "policies": forms, "not_learned": [*lost]}
        print_form("agora.trace.estimate/1", {**content, "clip": weighting.clip, "switch": weighting.switch})
        return
    _print(told, chosen)
    for why in lost:
        err().print(f"[unknown]{safe(why)}[/]")


def _policies(session: Session, names: str) -> dict[str, Policy]:
    from agora import registry
    from agora.cli.definitions import load_policy
    from agora.errors import ConfigError

    wanted = [name.strip() for name in names.split(",") if name.strip()]
    if wanted == ["all"]:
        wanted = [name for name in registry.names("policies") if name != "everyone"]  # that is sale by another name
    if not wanted:
        raise ConfigError("--policy", 'names none: write one, several with commas, or "all"')
    return {name: load_policy(name, project=session.project) for name in wanted}


def _found(store: Store, refs: str) -> frozenset[str]:
    from agora.errors import ConfigError

    runs = frozenset(store.find_run(ref.strip()) for ref in refs.split(",") if ref.strip())
    if not runs:
        raise ConfigError("--runs", 'names none: write ids, with commas, or "last"')
    return runs


def _moment(since: str | None) -> int:
    """Microseconds since the epoch."""
    if since is None:
        return 0
    from agora.cli.report import selection

    return selection(since=since, last=None, skill=None).since_us or 0


def _print(told: Sequence[Answer], method: Method) -> None:
    from agora.cli.paint import grid, out, safe

    table = grid("policy", "decisions>", "supported>", "worth (ESS)>", "passed [95 %]>", "$ a first call [95 %]>")
    for one in told:
        support = one.support
        known = ("-", "-") if support is None else (f"{1 - support.unsupported:.0%}", f"{support.ess:.0f}")
        figures = ("[quiet]refused[/]", "") if one.refused else (_share(one.passed[method]), _usd(one, method))
        table.add_row(safe(one.policy), str(one.decisions), *known, *figures)
    out().print(table)
    for one in told:
        if one.refused:
            out().print(f"[unknown]{safe(one.policy)}[/] is not estimated: {safe(one.refused, limit=300)}")
        elif one.thin and one.support is not None:
            what = f"rests on few decisions, with weights up to {one.support.largest:.0f}"
            out().print(f"[unknown]{safe(one.policy)}[/] {what}: its interval may be too narrow")
    logged = told[0]
    if logged.undecided:
        out().print(f"[quiet]{logged.undecided} decisions have no grounded outcome, and are left out[/]")
    for why, count in max((one.left_out for one in told), key=lambda one: sum(one.values())).items():
        out().print(f"[quiet]{count} decisions are left out: {safe(why, limit=300)}[/]")
    out().print(f"[quiet]{ABOUT}[/]")


def _share(one: Estimate) -> str:
    return f"{one.value:.3f} [quiet]\\[{one.normal[0]:.3f}, {one.normal[1]:.3f}][/]"


def _usd(one: Answer, method: Method) -> str:
    if method not in one.usd:
        return "[quiet]not known: some choices had no chance[/]"
    found = one.usd[method]
    return f"{found.value:.5f} [quiet]\\[{found.normal[0]:.5f}, {found.normal[1]:.5f}][/]"


def _form(one: Answer) -> dict[str, JsonValue]:
    support = one.support
    return {
        "policy": one.policy,
        "decisions": one.decisions,
        "undecided": one.undecided,
        "left_out": dict(one.left_out),
        "supported": None if support is None else 1 - support.unsupported,
        "ess": None if support is None else support.ess,
        "mean_weight": None if support is None else support.mean_weight,
        "largest_weight": None if support is None else support.largest,
        "refused": one.refused or None,
        "thin": one.thin,
        "passed": {method: _figures(found) for method, found in one.passed.items()},
        "usd": {method: _figures(found) for method, found in one.usd.items()},
    }


def _figures(found: Estimate) -> dict[str, JsonValue]:
    return {"value": found.value, "normal_95": list(found.normal), "bootstrap_95": list(found.bootstrap)}
