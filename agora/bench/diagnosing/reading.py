"""What a path holds: recorded outcomes, or a log of one of the forms that people have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Final, Literal

from agora.bench.diagnosing.attempts import Log
from agora.bench.diagnosing.claude_code import Prices, is_event, read_claude_code
from agora.bench.diagnosing.litellm_rows import is_row, read_litellm
from agora.bench.diagnosing.mini_swe import ENDING, is_trajectory, read_mini_swe
from agora.bench.diagnosing.objects import Object, lines, objects, read_object
from agora.bench.routing.oddities import Oddities
from agora.bench.routing.reading import OUTCOMES
from agora.errors import ConfigError

Form = Literal["outcomes", "litellm", "mini-swe-agent", "claude-code", "agora"]
FORMS: Final[tuple[Form, ...]] = ("outcomes", "litellm", "mini-swe-agent", "claude-code", "agora")
"""All of them; "agora" is read from a store, not here."""
_HEADER: Final = "agora.ledger"
_LOOKED_AT: Final = 40
_ENDINGS: Final = (".json", ".jsonl", ".csv", ".ndjson")


def form_of(path: Path) -> Form:
    """Which form a file or folder has, by what stands in it.

    Raises:
        ConfigError: It is not there, it cannot be read, or none of the forms is in it.
    """
    try:
        return _form_of(path)
    except OSError as problem:
        raise ConfigError(str(path), f"cannot be read ({problem.strerror}): check who may read it") from None


def _form_of(path: Path) -> Form:
    if not path.exists():
        raise ConfigError(str(path), "is not there: name a file or a folder")
    if path.is_file():
        found = _form_of_file(path)
        if found is None:
            raise ConfigError(str(path), _none_of_them())
        return found
    if _holds_outcomes(path):
        return "outcomes"
    if (path / "agora.toml").is_file():
        return "agora"
    for file in _files(path):
        if file.name.endswith(ENDING):
            return "mini-swe-agent"
    for file in _files(path):
        form = _form_of_file(file)
        if form is not None and form != "outcomes":
            return form
    raise ConfigError(str(path), _none_of_them())


def read_log(path: Path, form: Form, *, prices: Prices | None = None) -> Log:
    """A log of one of the forms but "outcomes" and "agora".

    Args:
        path: A file, or a folder with such files in it, at whatever depth.
        form: Which.
        prices: List prices, for logs without dollars.

    Raises:
        ConfigError: Nothing of that form is there.
    """
    files = _files(path) if path.is_dir() else [path]
    name = path.resolve().name
    if form == "mini-swe-agent":
        runs = [file for file in files if file.name.endswith(ENDING)] or files
        others = [file for file in files if file not in set(runs) and file.suffix == ".json"]
        log = read_mini_swe(runs, name, evaluations=others)
    elif form == "claude-code":
        log = read_claude_code(_of(files, "claude-code"), name, prices=prices)
    else:
        log = read_litellm(_of(files, "litellm"), name)
    if not log.attempts:
        why = f": {'; '.join(log.oddities)}" if log.oddities else ""
        raise ConfigError(str(path), f"no {log.unit} in it that can be read{why}")
    return log


def _of(files: Sequence[Path], form: Form) -> list[Path]:
    """Those of a form; one file alone is taken as it was named."""
    return list(files) if len(files) == 1 else [file for file in files if _form_of_file(file) == form]


def _files(folder: Path) -> list[Path]:
    """What may be a log in a folder, at whatever depth, sorted; nothing that begins with a dot below it."""
    return sorted(
        file
        for file in folder.rglob("*")
        if file.name.removesuffix(".gz").endswith(_ENDINGS)
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
        and file.is_file()
    )


def _holds_outcomes(folder: Path) -> bool:
    names = (OUTCOMES, f"{OUTCOMES}.gz")
    return any((folder / name).is_file() for name in names) or any(
        (inside / name).is_file() for inside in sorted(folder.iterdir()) if inside.is_dir() for name in names
    )


def _form_of_file(path: Path) -> Form | None:
    if path.name in (OUTCOMES, f"{OUTCOMES}.gz"):
        return "outcomes"
    if path.name.endswith(ENDING):
        return "mini-swe-agent"
    first = read_object(next(lines(path), ""))
    if first is not None and _HEADER in first:
        return "agora"
    for one in islice(objects(path, Oddities()), _LOOKED_AT):
        for form, fits in _FITS:
            if fits(one):
                return form
    return None


def _none_of_them() -> str:
    return (
        f"nothing that is known: a folder with {OUTCOMES}, a LiteLLM spend log (JSON, JSON lines or CSV), "
        "mini-swe-agent's *.traj.json, Claude Code's session files, an Agora project or an exported ledger"
    )


_FITS: Final[tuple[tuple[Form, Callable[[Object], bool]], ...]] = (
    ("litellm", is_row),
    ("mini-swe-agent", is_trajectory),
    ("claude-code", is_event),
)
