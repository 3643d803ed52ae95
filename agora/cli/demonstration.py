"""How the demo runs: a copy of the checklist, the market over it, the alternatives, the totals."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from agora.ambient import fresh_seed
from agora.bench.live import Lab
from agora.bench.ways import Way, way_of
from agora.cli.baselines import always_dearest, best_of_n
from agora.cli.definitions import load_mechanism, load_policy, load_tasks
from agora.cli.endings import print_reasons
from agora.cli.forms import Form, print_form, run_form, way_form
from agora.cli.joining import grouped
from agora.cli.paint import grid, number, out, remarks, safe, usd, waiting
from agora.cli.pool import Pool, join_pool
from agora.cli.project import starter
from agora.cli.rows import LEGEND, table_of
from agora.cli.running import housed, notes_of
from agora.cli.session import Session, opened_store
from agora.cli.signing import publisher_of, tell
from agora.cli.view import View, view_of
from agora.market import Market
from agora.memory.location import shown
from agora.posting import as_task
from agora.protocols import Sandbox, Store
from agora.results import Report
from agora.settings import load_settings
from agora.tasks import Task
from agora.traces.told.wording import rate
from agora.values import JsonValue

CHECKLIST = "checklist"
"""The folder of the checks, in a project."""

_SECONDS = "inside models, tools and commands; a call equal to one of the market's is taken from its record"

_RUNS = 3
"""The market and its two alternatives share the budget evenly."""


async def demonstrate(session: Session, as_json: bool) -> None:
    """Run the checklist and print what came of it.

    Args:
        session: The project and its settings; outside of a project the starter project takes part.
        as_json: Print one JSON object instead.
    """
    home = session if session.project else _at_starter(session)
    source = home.root / CHECKLIST
    source = source if source.is_dir() else starter() / CHECKLIST
    pool = join_pool(home)
    pool.need_some()
    if not as_json:
        _print_pool(pool)
    with _copied(source) as folder:
        tasks, sandbox = housed([as_task(task) for task in load_tasks(folder)], bare=home.settings.bare)
        async with opened_store(session) as store:
            report, view, figures = await _measured(home, pool, tasks, store, sandbox, quiet=as_json)
            if (signs := publisher_of(session, store)) is not None:
                await signs(report.run)
    if as_json:
        measured: list[JsonValue] = [way_form(one) for one in figures]
        market: Form = run_form(report.run, view.story)
        print_form("agora.demo/2", {"market": market, "runs": measured, "database": shown(session.database)})
    else:
        _print_totals(session, report, figures)
    tell(signs, quiet=as_json)


def _at_starter(session: Session) -> Session:
    """The same session with the starter project's agents and settings; the memory stays where it is."""
    root = starter()
    stated = {"seed": session.settings.seed, "db_url": session.database, "bare": session.settings.bare}
    settings = load_settings(flags=stated, project=root)
    return replace(session, project=root, settings=settings)


@contextmanager
def _copied(source: Path) -> Generator[Path]:
    """A private copy of the checklist; nothing is ever written to the original."""
    with tempfile.TemporaryDirectory(prefix="agora-demo-") as base:
        folder = Path(base) / CHECKLIST
        shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
        yield folder


async def _measured(
    home: Session,
    pool: Pool,
    tasks: Sequence[Task],
    store: Store,
    sandbox: Sandbox | None,
    *,
    quiet: bool,
) -> tuple[Report, View, list[Way]]:
    """The market, then its two alternatives; the market's table is printed in between."""
    settings = home.settings
    seed = fresh_seed() if settings.seed is None else settings.seed
    share = settings.budget_usd / _RUNS
    view = view_of(tasks, budget_usd=share)
    market = Market(
        pool.agents,
        budget_usd=share,
        mechanism=load_mechanism(settings.mechanism, project=home.project),
        policy=load_policy(settings.policy, project=home.project),
        store=store,
        sandbox=sandbox,
        bid_deadline_s=settings.bid_deadline_s,
        attempts=settings.attempts,
        seed=seed,
        secrets=home.secrets,
    )
    notes = {"demo": "the starter checklist", **notes_of(pool, bare=settings.bare)}
    with view.shown():
        report = await market.run_all(tasks, notes=notes, watch=view.watch)
    if not quiet:
        _print_market(view)
    lab = Lab(tasks=tasks, budget_usd=share, seed=seed, store=store, sandbox=sandbox, secrets=home.secrets)
    lab.know(report.run)
    with waiting("now the dearest agent alone, and best of n on the same budget"):
        alone = await always_dearest(pool.agents, view.story, lab)
        sampled = await best_of_n(pool.agents, report.usage.output_tokens, lab)
    return report, view, [way_of(report, "the market", how="the run above, bids included"), alone, sampled]


def _print_pool(pool: Pool) -> None:
    table = grid("joined", "kind", "skills", "charges")
    for agent in pool.agents:
        card = agent.profile
        skills = ", ".join(sorted(card.skills)) or "any"
        kind = f"{card.kind}, {safe(card.model, limit=32)}" if card.model else card.kind
        table.add_row(f"[name]{safe(card.name)}[/]", kind, safe(skills, limit=32), rate(card.price))
    out().print(table)
    if pool.absent:
        out().print(remarks(("absent", safe(line)) for line in grouped(pool.absent)))
    out().print()


def _print_market(view: View) -> None:
    console = out()
    stories = list(view.story.tasks.values())
    console.print(table_of(stories))
    console.print(f"[quiet]{LEGEND}[/]\n")
    print_reasons(stories)


def _print_totals(session: Session, report: Report, figures: Sequence[Way]) -> None:
    console = out()
    dollars = any(one.spent.usd for one in figures)
    table = grid("", "passed>", *(["cost>"] if dollars else []), "tokens written>", "seconds>", "run")
    for one in figures:
        if one.error:
            table.add_row(safe(one.name), f"[quiet]not measured: {safe(one.error)}[/]")
            continue
        cost = [usd(one.spent.usd)] if dollars else []
        row = (*cost, str(one.spent.output_tokens), number(one.spent.seconds), *one.runs)
        table.add_row(safe(one.name), f"{one.passed} of {len(one.rows) + len(one.short)}", *row)
    console.print(table)
    how = [(safe(one.name), safe(one.how)) for one in figures if one.how]
    console.print()
    console.print(remarks([*how, ("seconds", _SECONDS)]))
    console.print(f"\nthe market's own overhead: {_overhead(report)}")
    console.print(f"trace {safe(shown(session.database))}, run {report.run}")
    console.print(f"next: [name]agora explain {report.run}[/]")


def _overhead(report: Report) -> str:
    """The bids' share of what the market took."""
    bids, whole = report.overhead, report.usage
    parts = [
        f"{100 * part / total:.0f} % of the {what}"
        for part, total, what in (
            (float(bids.usd), float(whole.usd), "dollars"),
            (bids.output_tokens, whole.output_tokens, "tokens written"),
            (bids.seconds, whole.seconds, "seconds"),
        )
        if total
    ]
    return f"bids took {', '.join(parts)}" if parts else "nothing was spent"
