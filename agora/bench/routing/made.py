"""A small generated set of outcomes, in the same form as recorded ones: for tests, and to try a bench on.

    logit P(m solves q) = 2 (ability_m + better_at_m[topic_q] - difficulty_q),   difficulty_q ~ Normal(level[topic], 1)

The difficulty is shared by all models, so that their failures go together, as those of real models do; a query's words
come from its topic, and hard ones have longer texts with more hard words. Item response theory with one slope for
all (Rasch, 1960). The same arguments give the same rows on every machine with the same numpy.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from agora.bench.routing.made_world import COMMON, HARD, MODELS, TOPICS, MadeModel, Topic
from agora.bench.routing.matrix import Recorded

if TYPE_CHECKING:
    import numpy as np

NAME: Final = "small"
"""What the set is called where it stands for a folder."""
QUERIES: Final = 300
"""How many it has unless told otherwise."""
TRIALS: Final = 3
"""How often each model answered each query in the set that is shown and written as files."""
Cell = str | float | int | None

_FIRST_DAY: Final = date(2026, 1, 1)
_DAYS: Final = 360
_SLOPE: Final = 2.0
_COLUMNS: Final = ("query_id", "model", "trial", "score", "cost_usd", "input_tokens", "output_tokens", "latency_s")
_MODEL_COLUMNS: Final = ("source", "model", "price_in_usd_per_mtok", "price_out_usd_per_mtok", "params_b", "note")


class Rows(NamedTuple):
    """All of a set, row by row, as its files have it."""

    name: str
    """The source."""
    queries: tuple[Mapping[str, object], ...]
    """One object a query."""
    outcomes: tuple[Mapping[str, Cell], ...]
    """One a query, model and trial."""
    models: tuple[Mapping[str, Cell], ...]
    """One a model."""


class _Asked(NamedTuple):
    id: str
    topic: str
    difficulty: float
    prompt: str
    day: date


def rows(
    *,
    queries: int = QUERIES,
    seed: int = 0,
    trials: int = 1,
    models: Mapping[str, MadeModel] = MODELS,
    name: str = NAME,
) -> Rows:
    """Draw a set.

    Args:
        queries: How many, at least 1.
        seed: What all chance follows from. A query's text does not depend on how many trials or models there are.
        trials: How often each model answered each query.
        models: By name.
        name: The source's.
    """
    import numpy as np

    asked = _asked(np.random.default_rng([seed, 0]), queries)
    outcomes = tuple(
        row
        for at, (model, made) in enumerate(models.items())
        for row in _outcomes(np.random.default_rng([seed, 1, at]), asked, model, made, trials=trials)
    )
    return Rows(
        name,
        tuple(_query(one, name) for one in asked),
        tuple(sorted(outcomes, key=lambda row: (str(row["query_id"]), str(row["model"]), int(row["trial"] or 0)))),
        tuple(_model(name, model, made) for model, made in models.items()),
    )


def recorded(*, queries: int = QUERIES, seed: int = 0, trials: int = 1) -> Recorded:
    """The same as a matrix, without files."""
    import numpy as np

    drawn = rows(queries=queries, seed=seed, trials=trials)
    ids, models = [str(one["query_id"]) for one in drawn.queries], sorted(str(one["model"]) for one in drawn.models)
    place, column = {id: at for at, id in enumerate(ids)}, {model: at for at, model in enumerate(models)}
    scores, costs, latency = (np.zeros((len(ids), len(models))) for _ in range(3))
    for row in drawn.outcomes:
        at = place[str(row["query_id"])], column[str(row["model"])]
        scores[at] += float(row["score"] or 0) / trials
        costs[at] += float(row["cost_usd"] or 0) / trials
        latency[at] += float(row["latency_s"] or 0) / trials
    return Recorded(
        name=drawn.name,
        ids=tuple(ids),
        models=tuple(models),
        scores=scores,
        costs=costs,
        texts=tuple(str(one["prompt"]) for one in drawn.queries),
        tags=tuple(str(one["task"]) for one in drawn.queries),
        sizes=tuple(len(str(one["prompt"])) for one in drawn.queries),
        list_prices=np.array([[MODELS[model].price_in, MODELS[model].price_out] for model in models]),
        latency_s=latency,
        dates=tuple(_day(at, queries).isoformat() for at in range(queries)),
        checkable=tuple(one["domain"] == "code" for one in drawn.queries),
        trials=trials,
    )


def write(drawn: Rows, folder: Path) -> Path:
    """Write a set in the tidy form: FOLDER/models.csv, FOLDER/NAME/queries.jsonl.gz, FOLDER/NAME/outcomes.csv.gz.

    The same set gives the same bytes. What a folder of that form has besides is left as it is, but its models.csv.

    Returns:
        FOLDER/NAME.
    """
    source = folder / drawn.name
    source.mkdir(parents=True, exist_ok=True)
    write_jsonl(source / "queries.jsonl.gz", drawn.queries)
    write_csv(source / "outcomes.csv.gz", _COLUMNS, drawn.outcomes)
    (folder / "models.csv").write_text(_as_csv(_MODEL_COLUMNS, drawn.models), encoding="utf-8")
    return source


def write_jsonl(path: Path, objects: Iterable[Mapping[str, object]]) -> None:
    """One JSON object a line, packed; the same objects give the same bytes."""
    lines = (json.dumps(one, ensure_ascii=False, sort_keys=True) + "\n" for one in objects)
    path.write_bytes(gzip.compress("".join(lines).encode(), mtime=0))


def write_csv(path: Path, columns: Sequence[str], lines: Iterable[Mapping[str, Cell]]) -> None:
    """A table with a head, packed; a cell that is None stays empty; the same lines give the same bytes."""
    path.write_bytes(gzip.compress(_as_csv(columns, lines).encode(), mtime=0))


def _as_csv(columns: Sequence[str], lines: Iterable[Mapping[str, Cell]]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns)
    table.writerows([["" if (cell := line.get(column)) is None else cell for column in columns] for line in lines])
    return text.getvalue()


def _asked(chance: np.random.Generator, n: int) -> list[_Asked]:
    names, made = list(TOPICS), list[_Asked]()
    for at in range(n):
        topic = names[int(chance.integers(len(names)))]
        difficulty = TOPICS[topic].level + float(chance.normal())
        made.append(_Asked(f"made/{at:05}", topic, difficulty, _prompt(chance, TOPICS[topic], difficulty), _day(at, n)))
    return made


def _day(at: int, n: int) -> date:
    return _FIRST_DAY + timedelta(days=at * _DAYS // n)


def _prompt(chance: np.random.Generator, topic: Topic, difficulty: float) -> str:
    """Two words of three are the topic's own; the harder, the longer, and the more of the rest are hard words."""
    length = max(8, 16 + round(5 * difficulty + 3 * float(chance.normal())))
    hard = 1 / (1 + math.exp(1.0 - difficulty))
    lots = chance.random((length, 3)).tolist()
    words = [_word(topic, hard, *lot) for lot in lots]
    return " ".join(words).capitalize() + "."


def _word(topic: Topic, hard: float, kind: float, whether: float, which: float) -> str:
    among = topic.words if kind < 2 / 3 else HARD if whether < hard else COMMON
    return among[int(which * len(among))]


def _outcomes(
    chance: np.random.Generator, asked: Sequence[_Asked], name: str, model: MadeModel, *, trials: int
) -> Iterable[dict[str, Cell]]:
    for one in asked:
        above = model.ability + model.better_at.get(one.topic, 0.0) - one.difficulty
        right = 1 / (1 + math.exp(-_SLOPE * above))
        for trial in range(trials):
            written = max(8, round(model.tokens * math.exp(0.3 * float(chance.normal()) + 0.25 * one.difficulty)))
            read = 20 + len(one.prompt) // 4
            usd = (read * model.price_in + written * model.price_out) / 1e6
            yield {
                "query_id": one.id,
                "model": name,
                "trial": trial,
                "score": int(float(chance.random()) < right),
                "cost_usd": float(f"{usd:.6g}"),
                "input_tokens": read,
                "output_tokens": written,
                "latency_s": float(f"{0.2 + written / 90:.4g}"),
            }


def _query(one: _Asked, source: str) -> dict[str, object]:
    topic = TOPICS[one.topic]
    return {
        "query_id": one.id,
        "source": source,
        "task": topic.task,
        "domain": topic.domain,
        "prompt": one.prompt,
        "prompt_chars": len(one.prompt),
        "meta": {"contest_date": one.day.isoformat()},
    }


def _model(source: str, name: str, model: MadeModel) -> dict[str, Cell]:
    return {
        "source": source,
        "model": name,
        "price_in_usd_per_mtok": model.price_in,
        "price_out_usd_per_mtok": model.price_out,
        "params_b": None,
        "note": "generated",
    }
