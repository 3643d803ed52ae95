"""`agora diagnose`: whether there is anything to gain from choosing between models."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agora.cli.options import Json, Project

if TYPE_CHECKING:
    from agora.bench.diagnosing.attempts import Log
    from agora.bench.diagnosing.claude_code import Rates
    from agora.bench.diagnosing.figures import Diagnosis
    from agora.bench.diagnosing.reading import Form
    from agora.cli.session import Session


def diagnose(
    path: Annotated[
        Path | None,
        typer.Argument(metavar="[PATH]", help="Recorded outcomes or a log: a file or a folder.", show_default="ledger"),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--form",
            metavar="FORM",
            help="What it is: outcomes, litellm, mini-swe-agent, claude-code, agora.",
            show_default="by what stands in it",
        ),
    ] = None,
    json: Json = False,
    project: Project = None,
) -> None:
    """Say whether choosing between models would gain anything, and how.

    Reads recorded outcomes (a folder with outcomes.csv; "small": a generated set), LiteLLM spend logs, mini-swe-agent
    trajectories, Claude Code session files, an exported ledger; without PATH the project's own ledger. Nothing is
    called, sent or changed.
    """
    from agora.cli.forms import print_form
    from agora.cli.paint import waiting

    with waiting("reading"):
        found = _diagnosed(path, form, project)
    if json:
        from agora.bench.diagnosing.figures import FORM

        print_form(FORM, found.model_dump(mode="json"))
        return
    from agora.cli.diagnosed import print_diagnosis

    print_diagnosis(found)


def _diagnosed(path: Path | None, form: str | None, project: Path | None) -> Diagnosis:
    from agora.bench.diagnosing.diagnosis import diagnose_log, diagnose_outcomes
    from agora.bench.diagnosing.reading import form_of, read_log
    from agora.bench.routing.made import NAME, recorded

    stated = _stated(form)
    if path is None:
        if stated not in (None, "agora"):
            from agora.errors import UsageError

            raise UsageError(f"--form {stated}: name the file or folder as well")
        return diagnose_log(_ledger(None, project))
    path = path.expanduser()
    if str(path) == NAME and not path.exists():
        return diagnose_outcomes(recorded())
    which = stated or form_of(path)
    if which == "agora":
        return diagnose_log(_ledger(path, project))
    if which == "outcomes":
        from agora.bench.routing.reading import read

        return diagnose_outcomes(read(path if path.is_dir() else path.parent))
    return diagnose_log(read_log(path, which, prices=_rates))


def _stated(form: str | None) -> Form | None:
    from agora.bench.diagnosing.reading import FORMS
    from agora.errors import UnknownNameError

    for one in FORMS:
        if form == one:
            return one
    if form is not None:
        raise UnknownNameError("form", form, FORMS)
    return None


def _rates(model: str) -> Rates | None:
    """List prices, also for the cache."""
    from agora.bench.diagnosing.claude_code import Rates
    from agora.models.cache_prices import listed_rates

    found = listed_rates(model)
    return Rates(*found) if found is not None else None


def _ledger(path: Path | None, project: Path | None) -> Log:
    """The project's ledger, that of a project's folder, or an exported one."""
    import anyio

    from agora.cli.session import open_session

    if path is not None and path.is_dir():
        project, path = path, None
    session = open_session(project=project, ledger=path)
    name = path.name if path is not None else f"ledger of {session.root.name}"
    return anyio.run(partial(_read, session, name))


async def _read(session: Session, name: str) -> Log:
    from agora.bench.diagnosing.agora_ledger import KINDS, read_ledger
    from agora.cli.session import opened_store

    async with opened_store(session) as store:
        return read_ledger(store.events(kinds=KINDS), name)
