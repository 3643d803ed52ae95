"""Recorded outcomes from a folder in the tidy form; what is odd is handled with a count, and never in silence.

    FOLDER/outcomes.csv[.gz]   query_id, model, score; trial, cost_usd, latency_s and others where they are known
    FOLDER/queries.jsonl[.gz]  query_id; task, domain, prompt, prompt_chars, meta.contest_date where they are known
    FOLDER/responses.jsonl[.gz]  query_id, model, response
    FOLDER/models.csv or FOLDER/../models.csv  source, model, price_in_usd_per_mtok, price_out_usd_per_mtok

Only the first one is needed. An empty cell is unknown, and never zero; no cell of a table holds a line break.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple, cast

import numpy as np

from agora.bench.routing.lines import found_file, header_of, objects, records
from agora.bench.routing.matrix import Recorded
from agora.bench.routing.oddities import Oddities
from agora.errors import ConfigError

OUTCOMES: Final = "outcomes.csv"
_NEEDED: Final = ("query_id", "model", "score")
_USED: Final = (*_NEEDED, "trial", "cost_usd", "latency_s")
_KNOWN: Final = (*_USED, "input_tokens", "output_tokens", "n_calls")
_CHECKED: Final = ("code", "software")
"""Domains of tasks that bring a check: tests can be run."""
_MOST_CHARACTERS: Final = 10**12
_REPOSITORY: Final = "/"
"""Such a domain is a repository's name (owner/name): its tests can be run."""


class _Row(NamedTuple):
    score: float
    cost: float
    latency_s: float


class _Asked(NamedTuple):
    """What is known of a query besides its outcomes."""

    text: str = ""
    task: str = ""
    domain: str = ""
    size: int = 0
    date: str = ""


def sources(path: Path) -> tuple[Path, ...]:
    """The folders of that form at a path: itself, or those in it, sorted.

    Raises:
        ConfigError: There is none.
    """
    if found_file(path, OUTCOMES):
        return (path,)
    found = tuple(sorted(one for one in path.iterdir() if found_file(one, OUTCOMES))) if path.is_dir() else ()
    if not found:
        raise ConfigError(str(path), f"no {OUTCOMES} or {OUTCOMES}.gz here: name a folder of recorded outcomes")
    return found


def read(folder: Path) -> Recorded:
    """All that is recorded there, holes included (`slices.dense` takes them out).

    Args:
        folder: With `outcomes.csv`, or one that holds exactly one such folder.

    Raises:
        ConfigError: Nothing there can be used.
    """
    found = sources(folder)
    if len(found) != 1:
        several = ", ".join(one.name for one in found)
        raise ConfigError(str(folder), f"holds several sources ({several}): name one of them")
    (folder,) = found
    odd = Oddities()
    rows = _outcomes(cast("Path", found_file(folder, OUTCOMES)), odd)
    ids, models = (tuple(sorted({key[n] for key in rows})) for n in (0, 1))
    scores, costs, latency_s = _matrices(rows, ids, models, odd)
    asked = _queries(folder, set(ids), odd)
    known = [asked.get(one, _Asked()) for one in ids]
    one_task = len({one.task for one in known}) == 1
    if len(models) == 1:
        odd.say("one model only: there is nothing to choose")
    if not np.isfinite(costs).any():
        odd.say("no dollars are recorded: compared by score alone")
    dates = tuple(one.date for one in known)
    checkable = tuple(one.domain in _CHECKED or _REPOSITORY in one.domain for one in known)
    return Recorded(
        name=folder.resolve().name,
        ids=ids,
        models=models,
        scores=scores,
        costs=costs,
        texts=tuple(one.text for one in known),
        tags=tuple((one.domain or one.task) if one_task else one.task for one in known),
        sizes=tuple(one.size for one in known),
        list_prices=_prices(folder, models, odd),
        latency_s=latency_s if np.isfinite(latency_s).any() else None,
        answers=_answers(folder, ids, models, odd),
        dates=dates if all(dates) else (),
        checkable=checkable if any(checkable) else (),
        trials=max(map(len, rows.values())),
        oddities=odd.told(),
    )


def _outcomes(path: Path, odd: Oddities) -> dict[tuple[str, str], list[_Row]]:
    rows: dict[tuple[str, str], list[_Row]] = {}
    trials: dict[tuple[str, str, str], _Row] = {}
    lines = records(path, odd)
    header = header_of(path, next(lines, (0, list[str]()))[1])
    if not header:
        raise ConfigError(str(path), "is empty: get it anew")
    if missing := [name for name in _NEEDED if name not in header]:
        raise ConfigError(str(path), f"no column {missing[0]!r}: the first line names query_id, model, score")
    if unknown := sorted(set(header) - set(_KNOWN)):
        odd.say(f"unknown columns of {path.name} left alone: {', '.join(map(repr, unknown))}")
    for number, cells in lines:
        if len(cells) < len(header) or any(cells[len(header) :]):  # empty ones at its end tell nothing
            odd.count("lines of outcomes that cannot be read", f"line {number}: {len(cells)} cells of {len(header)}")
            continue
        cell = dict(zip(header, cells, strict=False))
        row = _row(cell, number, odd)
        if row is None:
            continue
        key, trial = (cell["query_id"], cell["model"]), cell.get("trial", "")
        before = trials.setdefault((*key, trial), row)
        if before is not row:
            if str(before) == str(row):
                odd.count("duplicate rows of outcomes, used once", f"line {number}")
                continue
            odd.count("rows that contradict another one, averaged as trials", f"line {number}")
        rows.setdefault(key, []).append(row)
    if not rows:
        raise ConfigError(str(path), f"no row can be used{odd.because()}")
    return rows


def _row(cell: Mapping[str, str], number: int, odd: Oddities) -> _Row | None:
    if not cell["query_id"] or not cell["model"]:
        odd.count("rows without a query or a model, left out", f"line {number}")
        return None
    try:
        score, cost, latency_s = (_number(cell.get(name, "")) for name in ("score", "cost_usd", "latency_s"))
    except ValueError:
        odd.count("lines of outcomes that cannot be read", f"line {number}: not a number")
        return None
    if math.isnan(score):
        odd.count("rows without a score, taken as holes", f"line {number}")
        return None
    if not 0.0 <= score <= 1.0:
        odd.count("rows with a score outside 0..1, left out", f"line {number}: {score:g}")
        return None
    if cost < 0 or latency_s < 0:
        odd.count("negative dollars or seconds, taken as unknown", f"line {number}")
        cost, latency_s = (math.nan if value < 0 else value for value in (cost, latency_s))
    return _Row(score, cost, latency_s)


def _number(cell: str) -> float:
    if not cell.strip():
        return math.nan
    value = float(cell)
    if not math.isfinite(value):
        raise ValueError
    return value


def _matrices(
    rows: Mapping[tuple[str, str], list[_Row]], ids: tuple[str, ...], models: tuple[str, ...], odd: Oddities
) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.float64]], ...]:
    place, column = ({name: at for at, name in enumerate(names)} for names in (ids, models))
    made = tuple(np.full((len(ids), len(models)), np.nan) for _ in range(3))
    for (query, model), outcomes in rows.items():
        for matrix, values in zip(made, zip(*outcomes, strict=True), strict=True):
            known = [value for value in values if value == value]
            if known:
                matrix[place[query], column[model]] = math.fsum(known) / len(known)
    holes = len(ids) * len(models) - len(rows)
    if holes:
        odd.say(f"{holes} of {len(ids) * len(models)} cells have no outcome")
    unpriced = int((np.isfinite(made[0]) & ~np.isfinite(made[1])).sum())
    if unpriced and np.isfinite(made[1]).any():
        odd.say(f"{unpriced} outcomes have no dollars")
    most = max(map(len, rows.values()))
    if most > 1:
        odd.say(f"up to {most} trials of a query at a model, averaged")
    return made


def _queries(folder: Path, wanted: set[str], odd: Oddities) -> dict[str, _Asked]:
    asked: dict[str, _Asked] = {}
    path = found_file(folder, "queries.jsonl")
    if path is None:
        odd.say("no queries.jsonl: nothing is known of the queries but their ids")
        return asked
    for number, one in objects(path, odd):
        query = one.get("query_id")
        if not isinstance(query, str) or query not in wanted:
            odd.count("queries without an outcome, left out", f"line {number}")
            continue
        if query in asked:
            odd.count("queries that stand twice, the first one used", f"line {number}")
            continue
        asked[query] = _asked(one, number, odd)
    if len(asked) < len(wanted):
        odd.say(f"{len(wanted) - len(asked)} queries with outcomes are not in {path.name}: their text is unknown")
    elif not any(one.text for one in asked.values()):
        odd.say("no prompts are recorded: texts tell nothing")
    return asked


def _asked(one: Mapping[str, object], number: int, odd: Oddities) -> _Asked:
    meta, text, size = one.get("meta"), _text(one, "prompt"), one.get("prompt_chars")
    long = len(text)
    if type(size) is int and 0 <= size <= _MOST_CHARACTERS:
        long = size
    elif size is not None:
        odd.count("prompt_chars that are no number of characters, counted on the prompt", f"line {number}")
    date = _text(cast("Mapping[str, object]", meta), "contest_date") if isinstance(meta, dict) else ""
    return _Asked(text, _text(one, "task"), _text(one, "domain"), long, date)


def _text(one: Mapping[str, object], name: str) -> str:
    value = one.get(name)
    return value if isinstance(value, str) else ""


def _answers(
    folder: Path, ids: tuple[str, ...], models: tuple[str, ...], odd: Oddities
) -> np.ndarray[tuple[int, int], np.dtype[np.object_]] | None:
    path = found_file(folder, "responses.jsonl")
    if path is None:
        return None
    place, column = ({name: at for at, name in enumerate(names)} for names in (ids, models))
    made = np.full((len(ids), len(models)), None, dtype=np.object_)
    for number, one in objects(path, odd):
        query, model, answer = (_text(one, name) for name in ("query_id", "model", "response"))
        if query in place and model in column and isinstance(one.get("response"), str):
            made[place[query], column[model]] = answer
        else:
            odd.count("responses to no outcome, left out", f"line {number}")
    return made


def _prices(folder: Path, models: tuple[str, ...], odd: Oddities) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    made = np.full((len(models), 2), np.nan)
    path = found_file(folder, "models.csv") or found_file(folder.resolve().parent, "models.csv")
    if path is None:
        return made
    column = {name: at for at, name in enumerate(models)}
    header: list[str] = []
    for number, cells in records(path, odd):
        if not header:
            header = header_of(path, cells)
            continue
        one = dict(zip(header, cells, strict=False))
        if one.get("source", folder.resolve().name) != folder.resolve().name or one.get("model") not in column:
            continue
        try:
            names = ("price_in_usd_per_mtok", "price_out_usd_per_mtok")
            made[column[one["model"]]] = [_number(one.get(name, "")) for name in names]
        except ValueError:
            odd.count("lines of models.csv that cannot be read", f"line {number}")
    return made
