"""How `agora bench live` runs: what can be refused for free, the ways one after another, the figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from agora.ambient import fresh_seed
from agora.bench.comparing import share_of_budget
from agora.bench.live import Lab, compare
from agora.bench.ways import Way, together
from agora.cli.definitions import load_tasks
from agora.cli.measured import Measured, named, print_measured, print_measured_form
from agora.cli.paint import err, safe, usd, waiting
from agora.cli.pool import Pool, join_pool
from agora.cli.running import housed, notes_of, rules_of
from agora.cli.session import Session, opened_store
from agora.errors import ConfigError
from agora.posting import as_task, unique_ids
from agora.tasks import Task


async def measure(session: Session, *, tasks: Path, only: str | None, repeat: int, yes: bool, as_json: bool) -> None:
    """Have the tasks done in every way, and print what came of it.

    Args:
        session: The project and its settings; the budget is for all of it.
        tasks: A task's file, or a folder of them.
        only: Agents by name or file, comma-separated; None: the whole pool.
        repeat: How often.
        yes: Commands outside a sandbox may be run unasked.
        as_json: Print one JSON object instead.

    Raises:
        UsageError: Something cannot be used or compared; nothing was spent.
    """
    settings = session.settings
    if settings.bare and not yes:
        raise ConfigError("--bare", "lets agents run commands as you, many times and unasked: add --yes if they may")
    listed, sandbox = housed(_comparable(tasks), bare=settings.bare)
    pool = join_pool(session, only=only)
    pool.need_some()
    mechanism, policy = rules_of(session)
    share = share_of_budget(settings.budget_usd, repeat * ways_of(len(pool.agents)))
    _affordable(pool, session)
    seed = fresh_seed() if settings.seed is None else settings.seed
    async with opened_store(session) as store:
        lab = Lab(
            tasks=listed,
            budget_usd=share,
            seed=seed,
            store=store,
            sandbox=sandbox,
            secrets=session.secrets,
            bid_deadline_s=settings.bid_deadline_s,
            notes=notes_of(pool, bare=settings.bare),
        )
        found: list[Sequence[Way]] = []
        for number in range(repeat):
            again = replace(lab, seed=seed + number)
            with waiting(_announced(pool, listed, session, repeat=repeat, place=number)):
                found.append(
                    await compare(
                        again,
                        pool.agents,
                        mechanism=mechanism,
                        policy=policy,
                        attempts=settings.attempts,
                        done=_said,
                    )
                )
    ways = [together(repetitions) for repetitions in zip(*found, strict=True)]
    measured = Measured(
        ways=ways,
        budget_usd=settings.budget_usd,
        share_usd=share,
        seed=seed,
        repeat=repeat,
        tasks=len(listed),
        database=session.database,
    )
    (print_measured_form if as_json else print_measured)(measured)


def ways_of(agents: int) -> int:
    """How many ways there are: each agent alone, random, the auction, and its spend on one agent."""
    return agents + 3


def _comparable(path: Path) -> list[Task]:
    """The tasks, refused where nothing would say whether they passed."""
    if not path.expanduser().exists():
        raise ConfigError("--tasks", f"{str(path)!r} is not there: name a task's file, or a folder of them")
    tasks = [as_task(task) for task in load_tasks(path.expanduser())]
    unique_ids(tasks)
    if unchecked := [task.id for task in tasks if task.verify is None]:
        what = f"nothing checks {named(unchecked)}, so they cannot be compared: give each a [verify], or leave them out"
        raise ConfigError("--tasks", what)
    return tasks


def _affordable(pool: Pool, session: Session) -> None:
    """Refuse a budget of nothing where somebody charges dollars."""
    cards = [agent.profile for agent in pool.agents]
    unpriced = [card.name for card in cards if card.price is None]
    if unpriced:
        what = f"nobody knows what {named(unpriced)} charges: state `price` in its definition, or leave it out"
        raise ConfigError("--agents", what)
    charging = [
        card.name
        for card in cards
        if card.price is not None
        and card.price.unit == "usd"
        and any((card.price.input_per_mtok, card.price.output_per_mtok, card.price.per_task))
    ]
    if charging and not session.settings.budget_usd:
        what = f"0 pays for nothing, and {named(charging)} charge dollars: state a budget, or leave them out"
        raise ConfigError("--budget", what)


def _announced(pool: Pool, tasks: Sequence[Task], session: Session, *, repeat: int, place: int) -> str:
    count, which = ways_of(len(pool.agents)), f", repetition {place + 1} of {repeat}" if repeat > 1 else ""
    return f"{len(tasks)} tasks in {count} ways{which}, for {usd(session.settings.budget_usd)} in all at most"


def _said(way: Way) -> None:
    err().print(f"[quiet]{safe(way.name)}: {way.error or f'{way.passed} of {len(way.rows)} passed'}[/]")
