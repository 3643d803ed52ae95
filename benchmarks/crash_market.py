"""The starter market in a place of its own: begun, gone on with, inspected. For killing it (crashes.py)."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import anyio
from pydantic import BaseModel
from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from agora.ambient import SystemClock
from agora.bids import Price
from agora.cli.definitions import load_mechanism, load_policy, load_tasks
from agora.errors import LeaseError, UnknownNameError
from agora.events import Called, Event, Resumed, TaskDone, ToolUsed
from agora.market import Market
from agora.memory.dialects import connect
from agora.memory.sql_store import LEASE_S, SQLStore
from agora.questions import Answer, Question
from agora.results import Report
from agora.sandbox import best_sandbox
from agora.tasks import Task
from agora.testing import RuleModel, audit
from benchmarks.variants import starter_agents
from starter.test_starter_market import small_model

ROOT = Path(__file__).parents[1]
SEED = 7
_TABLES = {
    "reservations": "SELECT count(*) FROM reservations",
    "leases": "SELECT count(*) FROM leases WHERE until_us > 0 AND run IN (SELECT run FROM ledger)",
}
"""What must be empty. A process that dies before its run's first event leaves the lease of a run that is nowhere."""


class Found(BaseModel):
    """What is there afterwards."""

    faults: list[str] = []
    """What does not add up."""
    verdicts: dict[str, str] = {}
    """Task -> verdict and agent."""
    tree: dict[str, str] = {}
    """The user's folder: path -> mode and content."""
    unknown: int = 0
    """Calls of unknown fate."""
    events: int = 0
    """Entries of the ledger."""
    bought: dict[str, int] = {}
    """Task, agent and what it was -> how often it was had: replies of models, results of tools and commands."""
    died: int = 0
    """Processes that were killed, or stopped, before their end."""


class Place(NamedTuple):
    """Where one run lives: all that it may leave behind is below it."""

    folder: Path
    database: str
    parallel: int = 1
    """Tasks at once."""
    lease_s: float = LEASE_S
    """How long a run stays held without renewal."""

    @property
    def repo(self) -> Path:
        """The user's folder."""
        return self.folder / "repo"

    @property
    def temp(self) -> Path:
        """What the run takes for the machine's temporary folder."""
        return self.folder / "tmp"


def made(folder: Path, *, database: str = "", parallel: int = 1, lease_s: float = LEASE_S) -> Place:
    """A fresh place, with the checklist's repository; without a URL, its database is a file there."""
    shutil.copytree(ROOT / "checklist" / "repo", folder / "repo")
    (folder / "tmp").mkdir()
    (folder / "tmp").chmod(0o777)
    folder.chmod(0o755)
    return Place(folder, database or str(folder / "agora.db"), parallel, lease_s)


def _tasks(place: Place) -> list[Task]:
    tasks = load_tasks(ROOT / "checklist")
    return [task.model_copy(update={"workspace": str(place.repo)}) for task in tasks]


async def _yes(question: Question) -> Answer:
    return Answer(True, asked=False)


async def _in_market(place: Place, use: Callable[[Market], Awaitable[Report]]) -> None:
    tempfile.tempdir = str(place.temp)
    store = SQLStore.open(place.database, clock=SystemClock(), lease_s=place.lease_s)
    try:
        market = Market(
            starter_agents(RuleModel("local/scripted", small_model, price=Price(unit="s"))),
            mechanism=load_mechanism("sale", project=ROOT),
            # what tasks at once teach one another hangs on which ends first: whom the next is asked of would, too
            policy=load_policy("sale" if place.parallel > 1 else "linucb+sale", project=ROOT),
            sandbox=best_sandbox(),
            store=store,
            approve=_yes,
            seed=SEED,
        )
        await use(market)
    finally:
        await store.close()


def begin(place: Place) -> None:
    """The whole checklist, in this process."""

    async def use(market: Market) -> Report:
        return await market.run_all(_tasks(place), parallel=place.parallel)

    anyio.run(_in_market, place, use)


def go_on(place: Place, *, patience_s: float = 0.0) -> None:
    """Resume what was cut off; what never began is begun.

    Args:
        place: Where.
        patience_s: How long a run that somebody else holds is waited for.
    """
    ends_s = time.monotonic() + patience_s

    async def use(market: Market) -> Report:
        while True:
            try:
                return await market.resume("last")
            except UnknownNameError:
                return await market.run_all(_tasks(place), parallel=place.parallel)
            except LeaseError:
                if time.monotonic() > ends_s:
                    raise
                await anyio.sleep(0.05)

    anyio.run(_in_market, place, use)


def inspect(place: Place, *, runs: int = 1) -> Found:
    """What the ledger, the database and the folder say afterwards."""
    store = SQLStore.open(place.database, clock=SystemClock())
    known = store.runs()
    faults = [f"there are {len(known)} runs"] if len(known) != runs else []
    events: list[Event] = []
    for run in known:
        events = [item.event for item in store.events(run.id) if item.event is not None]
        faults += audit(events)
    if (bad := store.check()) is not None:
        faults.append(f"the chain breaks at {bad}")
    count = sum(1 for _ in store.events())
    anyio.run(store.close)
    faults += _left_in_tables(place)
    faults += [f"left behind: {path.relative_to(place.folder)}" for path in _left_on_disk(place)]
    return Found(
        faults=faults,
        verdicts={done.task: f"{done.verdict} {done.agent}" for done in events if isinstance(done, TaskDone)},
        unknown=sum(len(event.unknown) for event in events if isinstance(event, Resumed)),
        events=count,
        bought=bought(events),
        tree=_tree(place.repo),
    )


def bought(events: Iterable[Event]) -> dict[str, int]:
    """What was had and is on record: whoever asks again for what has a reply shows here, whatever the call's id."""
    had: Counter[str] = Counter()
    for event in events:
        if isinstance(event, Called) and event.reply is not None:
            had[f"{event.task}/{event.agent}/reply"] += 1
        elif isinstance(event, ToolUsed) and not event.unknown:
            had[f"{event.task}/{event.agent}/{event.call.name}"] += 1
    return dict(sorted(had.items()))


def _left_in_tables(place: Place) -> Iterator[str]:
    engine = connect(place.database)
    with engine.connect() as connection:
        for table, count in _TABLES.items():
            if left := connection.execute(text(count)).scalar_one():
                yield f"{left} {table} left"
    engine.dispose()


def _left_on_disk(place: Place) -> list[Path]:
    return [*place.temp.iterdir(), *place.repo.rglob(".agora*")]


def _tree(root: Path) -> dict[str, str]:
    files = sorted(path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(root)): f"{path.stat().st_mode:o} {path.read_bytes().hex()}" for path in files}
