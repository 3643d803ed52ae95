"""mini-swe-agent's trajectories (`*.traj.json`, trajectory_format mini-swe-agent-1 and later), with their evaluations.

A trajectory says who did which instance at what cost and how it ended; whether the patch resolves the instance is in
what SWE-bench's harness writes: a summary with `resolved_ids`, or a `report.json` for each instance. Those that stand
in the same folder tree are read too: a summary counts for the trajectories below its folder, and where those are of
several models, for the one that its file name begins with; a `report.json` for the trajectory beside it, or the one of
the model that its folder's parent is named after ("/" written as "__").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple, cast

from agora.bench.diagnosing.attempts import Attempt, Log
from agora.bench.diagnosing.objects import Object, inner, lines, number, read_object, text, whole
from agora.bench.routing.oddities import Oddities

ENDING: Final = ".traj.json"
_DONE: Final = frozenset({"submitted", "completed"})
_FAILED_IDS: Final = ("unresolved_ids", "empty_patch_ids", "error_ids")
_MISSING: Final = (
    "whether a patch resolves its instance: put the evaluation's summary (with resolved_ids) or its report.json files "
    "into the folder"
)


class _Run(NamedTuple):
    path: Path
    instance: str
    model: str
    said: bool | None
    """What the trajectory itself says, where somebody wrote it in."""
    calls: int
    attempt: Attempt


def is_trajectory(one: Object) -> bool:
    """Whether an object is such a trajectory.

    >>> is_trajectory({"trajectory_format": "mini-swe-agent-1.1", "info": {}})
    True
    """
    return text(one, "trajectory_format").startswith("mini-swe-agent")


def read_mini_swe(paths: Iterable[Path], name: str, *, evaluations: Iterable[Path] = ()) -> Log:
    """The runs in some files.

    Args:
        paths: Files of one trajectory each.
        name: What to call them.
        evaluations: Other JSON files of the same folder: those that are evaluations are used.

    Raises:
        ConfigError: One cannot be read.
    """
    odd = Oddities()
    runs: list[_Run] = []
    for path in paths:
        one = read_object("".join(lines(path)))
        if one is None or not is_trajectory(one):
            odd.count("files that are no mini-swe-agent trajectories, left out", path.name)
            continue
        runs.append(_run(path, one, odd))
    resolved = _resolved(runs, evaluations)
    attempts = [
        run.attempt._replace(score=None if (found := resolved.get(run.path, run.said)) is None else float(found))
        for run in runs
    ]
    unknown = sum(one.score is None for one in attempts)
    if unknown and unknown < len(attempts):
        odd.say(f"{unknown} of {len(attempts)} runs have no evaluation: whether they resolved anything is not known")
    return Log(
        name=name,
        reader="mini-swe-agent trajectories",
        unit="runs",
        attempts=attempts,
        counts={"model calls": sum(run.calls for run in runs)},
        missing=() if unknown < len(attempts) else (_MISSING,),
        oddities=odd.told(),
    )


def _run(path: Path, one: Object, odd: Oddities) -> _Run:
    info = inner(one, "info")
    stats = inner(info, "model_stats")
    model = text(inner(info, "config", "model"), "model_name")
    if not model:
        model = "(no model named)"
        odd.count("trajectories that name no model", path.name)
    instance = text(one, "instance_id") or text(info, "instance_id") or path.name.removesuffix(ENDING)
    calls = whole(stats, "api_calls") or 0
    usd = number(stats, "instance_cost")
    if usd == 0 and calls:
        usd = None
        odd.count("runs with calls and 0 dollars (their cost was not tracked), taken as unknown", path.name)
    read, wrote = _tokens(one)
    ending = text(info, "exit_status")
    said = info.get("resolved")
    return _Run(
        path=path,
        instance=instance,
        model=model,
        said=said if isinstance(said, bool) else None,
        calls=calls,
        attempt=Attempt(
            model=model,
            query=instance,
            usd=usd,
            input_tokens=read,
            output_tokens=wrote,
            failed="" if ending.lower() in _DONE else ending or "stopped before its end",
            tag=instance.partition("__")[0] if "__" in instance else "",
        ),
    )


def _tokens(one: Object) -> tuple[int | None, int | None]:
    """What its replies say that they took; None where none says it."""
    held = one.get("messages")
    messages = cast("list[object]", held) if isinstance(held, list) else []
    used = [
        usage
        for message in messages
        if isinstance(message, dict) and (usage := inner(cast("Object", message), "extra", "response", "usage"))
    ]
    if not used:
        return None, None
    return sum(whole(usage, "prompt_tokens", "input_tokens") or 0 for usage in used), sum(
        whole(usage, "completion_tokens", "output_tokens") or 0 for usage in used
    )


def _resolved(runs: Iterable[_Run], evaluations: Iterable[Path]) -> dict[Path, bool]:
    """Trajectory -> whether an evaluation says that it resolved its instance."""
    made: dict[Path, bool] = {}
    mine = list(runs)
    for path in evaluations:
        one = read_object("".join(lines(path)))
        if one is None:
            continue
        if isinstance(one.get("resolved_ids"), list):
            for run in _below(path, mine):
                if (found := _in_summary(one, run.instance)) is not None:
                    made[run.path] = found
        elif path.name == "report.json":
            for run in mine:
                found = _in_report(one, run, path)
                if found is not None:
                    made[run.path] = found
    return made


def _below(path: Path, runs: Iterable[_Run]) -> list[_Run]:
    under = [run for run in runs if run.path.is_relative_to(path.parent)]
    if len({run.model for run in under}) < 2:
        return under
    return [run for run in under if path.name.startswith(f"{run.model.replace('/', '__')}.")]


def _in_summary(one: Object, instance: str) -> bool | None:
    if instance in _ids(one, "resolved_ids"):
        return True
    return False if any(instance in _ids(one, name) for name in _FAILED_IDS) else None


def _ids(one: Object, name: str) -> list[object]:
    held = one.get(name)
    return cast("list[object]", held) if isinstance(held, list) else []


def _in_report(one: Mapping[str, object], run: _Run, path: Path) -> bool | None:
    beside = path.parent == run.path.parent
    if not beside and path.parent.parent.name != run.model.replace("/", "__"):
        return None
    found = inner(one, run.instance).get("resolved")
    return found if isinstance(found, bool) else None
