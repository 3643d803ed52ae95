"""`agora memory`: what the market remembers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agora.cli.options import Json, Ledger, Project

if TYPE_CHECKING:
    from agora.cli.session import Session
    from agora.memory.moving import Moved
    from agora.memory.rebuilding import Rebuilt
    from agora.records import MemoryEntry
    from agora.values import JsonValue

memory_app = typer.Typer(help="Show, search, move or derive again what is remembered.")


@memory_app.callback(invoke_without_command=True)
def memory(context: typer.Context, json: Json = False, project: Project = None, ledger: Ledger = None) -> None:
    """Show where the memory is and what it holds."""
    if context.invoked_subcommand is not None:
        return
    import anyio

    from agora.cli.session import open_session

    anyio.run(partial(_memory, open_session(project=project, ledger=ledger), json=json))


@memory_app.command()
def search(
    text: Annotated[str, typer.Argument(help="Words of a goal.")],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many.")] = 8,
    json: Json = False,
    project: Project = None,
    ledger: Ledger = None,
) -> None:
    """Find remembered bids of tasks that are like a text: by words, and with the extra by meaning."""
    import anyio

    from agora.cli.session import open_session

    anyio.run(partial(_search, open_session(project=project, ledger=ledger), text, limit=limit, json=json))


@memory_app.command()
def move(
    url: Annotated[str, typer.Argument(help="postgresql://USER@HOST/NAME, or the path of an SQLite file.")],
    json: Json = False,
    project: Project = None,
) -> None:
    """Carry the whole memory into an empty database, and prove that it is the same."""
    from agora.ambient import SystemClock
    from agora.cli.forms import print_form
    from agora.cli.session import open_session
    from agora.memory.location import shown
    from agora.memory.moving import move

    session = open_session(project=project)
    target = url if "://" in url else str(Path(url).expanduser().absolute())
    moved = move(session.database, target, clock=SystemClock(), progress=_progress)
    places = {"source": shown(session.database), "target": shown(target)}
    if json:
        print_form("agora.memory.move/1", {**places, "carried": moved.carried, **moved.proof._asdict()})
        return
    _print_moved(moved, **places)


@memory_app.command()
def rebuild(json: Json = False, project: Project = None) -> None:
    """Make everything that is derived again from the ledger, and say whether it stood there as the ledger says."""
    from agora.ambient import SystemClock
    from agora.cli.forms import Form, print_form
    from agora.cli.session import open_session
    from agora.memory.location import shown
    from agora.memory.rebuilding import rebuild
    from agora.traces.replay.relearning import relearned

    session = open_session(project=project)
    done = rebuild(session.database, clock=SystemClock(), learn=relearned)
    place = shown(session.database)
    if json:
        rows: list[JsonValue] = [{**table._asdict(), "equal": table.equal} for table in done.tables]
        form: Form = {"database": place, "entries": done.entries, "head": done.head, "equal": done.equal}
        print_form("agora.memory.rebuild/1", {**form, "tables": rows})
        return
    _print_rebuilt(done, place)


@memory_app.command("clear-cache")
def clear_cache(project: Project = None) -> None:
    """Forget the replies that `agora run --cache` keeps; the memory itself stays."""
    from agora.cli.caching import forget_replies
    from agora.cli.paint import out
    from agora.cli.session import open_session

    out().print(f"{forget_replies(open_session(project=project))} replies forgotten")


async def _memory(session: Session, *, json: bool) -> None:
    from agora.cli.forms import Form, print_form
    from agora.cli.paint import out, safe
    from agora.cli.records import print_records, record_forms
    from agora.cli.session import opened_store
    from agora.memory.embeddings import loaded
    from agora.memory.location import shown

    async with opened_store(session) as store:
        records, found = store.records(), store.runs(limit=10_000)
    place = shown(session.database) if session.ledger is None else str(session.ledger)
    trouble = loaded().trouble if session.ledger is None else "an exported ledger has no embeddings"
    if json:
        recall = "words" if trouble else "words and meaning"
        form: Form = {"database": place, "runs": len(found), "recall": recall}
        form |= {"recall_trouble": trouble or None}
        print_form("agora.memory/1", {**form, "records": list(record_forms(records))})
        return
    tasks = sum(info.tasks for info in found)
    out().print(f"{safe(place)}: {len(found)} runs, {tasks} tasks\n")
    print_records(records)
    out().print('[quiet]remembered bids: agora memory search "words of a goal"[/]')
    out().print(f"[quiet]they are found by {f'words only: {safe(trouble)}' if trouble else 'words and by meaning'}[/]")


async def _search(session: Session, text: str, *, limit: int, json: bool) -> None:
    from agora.cli.forms import print_form
    from agora.cli.session import opened_store

    async with opened_store(session) as store:
        found = store.recall(text, limit=limit)
    if json:
        rows = [dict(entry._asdict()) for entry in found]
        print_form("agora.memory.search/1", {"query": text, "entries": list(rows)})
        return
    _print_entries(found, text)


def _progress(carried: int, total: int) -> None:
    from agora.cli.paint import err

    if carried < total:
        err().print(f"[quiet]{carried} of {total} entries[/]")


def _print_moved(moved: Moved, *, source: str, target: str) -> None:
    from agora.cli.paint import out, safe

    proof = moved.proof
    erased = proof.entries - proof.bodies
    out().print(f"{moved.carried} entries carried over")
    out().print(f"[quiet]from[/] {safe(source)}\n[quiet]to[/]   {safe(target)}\n")
    out().print("[passed]both hold the same, read from the first entry to the last:[/]")
    out().print(f"head   {proof.head} [quiet](entry {proof.entries})[/]")
    out().print(f"bodies {proof.bodies_hash} [quiet]({proof.bodies} bodies, {erased} erased)[/]\n")
    out().print(
        "[quiet]use it: set AGORA_DB_URL, or db_url in agora.toml, to the new place; the old one is as it was[/]"
    )


def _print_rebuilt(done: Rebuilt, place: str) -> None:
    from agora.cli.paint import grid, out, safe

    table = grid("derived again", "rows>", "before")
    for one in done.tables:
        differed = f"[unknown]{one.wrong} rows were otherwise, {one.lacking} were not there[/]"
        table.add_row(safe(one.name, limit=60), str(one.rows), "[passed]equal[/]" if one.equal else differed)
    out().print(table)
    out().print(f"\n[quiet]from[/] {done.entries} entries [quiet]of[/] {safe(place)}\n[quiet]head[/] {done.head}")
    said = "[passed]all stood there as the ledger says[/]" if done.equal else "what was otherwise is mended"
    out().print(said)


def _print_entries(found: Sequence[MemoryEntry], text: str) -> None:
    from agora.cli.paint import grid, out, safe

    if not found:
        out().print(f"nothing is remembered about {safe(repr(text))}")
        return
    table = grid("agent", "won", "verdict", "run", "goal", "plan")
    for entry in found:
        verdict = ("[passed]passed[/]" if entry.passed else "[failed]failed[/]") if entry.won else "[quiet]-[/]"
        goal, plan = safe(entry.goal, limit=36), safe(entry.plan, limit=28)
        table.add_row(
            f"[name]{safe(entry.agent)}[/]", "yes" if entry.won else "no", verdict, safe(entry.run), goal, plan
        )
    out().print(table)
