"""RouterBench's wide tables in the tidy form (Hu et al., 2024, arXiv 2403.12031).

    sample_id, prompt, eval_name, MODEL..., MODEL|model_response..., MODEL|total_cost..., oracle_model_to_route_to

Prompts and responses stand there as Python lists of one text. The few-shot examples in front of a multiple-choice
question are left out, since they tell other questions' answers; `prompt_chars` still counts them, as the cost does.
A query that stands in several rows is joined from them.
"""

from __future__ import annotations

import ast
import csv
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple, cast

from agora.bench.routing.made import Cell, write_csv, write_jsonl
from agora.errors import ConfigError

NAME: Final = "routerbench"
"""What the folder is called."""
_NEEDED: Final = ("sample_id", "prompt", "eval_name")
_RESPONSE, _COST = "|model_response", "|total_cost"
_EXAMPLE: Final = re.compile(r"Answer:\s*[A-Z]\s*\n\n")
_DOMAINS: Final = {
    "mbpp": "code",
    "arc_challenge": "science",
    "winogrande": "commonsense",
    "grade_school_math": "maths",
}
_LONGEST_PROMPT: Final = 4_000
_LONGEST_RESPONSE: Final = 2_000
_LONGEST_CELL: Final = 1 << 24


class Tidy(NamedTuple):
    """The set in the tidy form."""

    queries: tuple[Mapping[str, object], ...]
    """One object a query, by id."""
    outcomes: tuple[Mapping[str, Cell], ...]
    """One a query and model."""
    responses: tuple[Mapping[str, object], ...]
    """One object a query and model, where a response is recorded."""
    models: tuple[str, ...]
    """Sorted."""
    oddities: tuple[str, ...]
    """What was handled, with counts."""


def tidied(tables: Mapping[str, str]) -> Tidy:
    """The queries of some tables together.

    Args:
        tables: File name -> its text.

    Raises:
        ConfigError: One is not of that form.
    """
    queries: dict[str, Mapping[str, object]] = {}
    outcomes: dict[tuple[str, str], Mapping[str, Cell]] = {}
    responses: dict[tuple[str, str], Mapping[str, object]] = {}
    odd = dict.fromkeys(("joined from several rows", "rows without an id left out", "scores left out, not in 0..1"), 0)
    for name, text in tables.items():
        header, rows = _rows(name, text)
        models = _models(name, header)
        for row in rows:
            if not row["sample_id"].strip():
                odd["rows without an id left out"] += 1
                continue
            id = f"rb/{row['sample_id'].strip()}"
            odd["joined from several rows"] += id in queries
            queries.setdefault(id, _query(id, row))
            for model in models:
                if (id, model) in outcomes or not row[model].strip():
                    continue
                score = _number(row[model])
                if score is None or not 0 <= score <= 1:
                    odd["scores left out, not in 0..1"] += 1
                    continue
                cost = _number(row.get(model + _COST, ""))
                outcomes[id, model] = {"query_id": id, "model": model, "score": score, "cost_usd": cost}
                if answer := _text(row.get(model + _RESPONSE, "")):
                    responses[id, model] = {"query_id": id, "model": model, "response": answer[:_LONGEST_RESPONSE]}
    return Tidy(
        tuple(queries[id] for id in sorted(queries)),
        tuple(outcomes[key] for key in sorted(outcomes)),
        tuple(responses[key] for key in sorted(responses)),
        tuple(sorted({model for _, model in outcomes})),
        tuple(f"{count} {what}" for what, count in odd.items() if count),
    )


def write_tidy(tidy: Tidy, folder: Path) -> None:
    """Write queries, outcomes and responses into a folder that is there."""
    write_jsonl(folder / "queries.jsonl.gz", tidy.queries)
    write_csv(folder / "outcomes.csv.gz", ("query_id", "model", "score", "cost_usd"), tidy.outcomes)
    write_jsonl(folder / "responses.jsonl.gz", tidy.responses)


def _rows(name: str, text: str) -> tuple[Sequence[str], list[dict[str, str]]]:
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_CELL))
    reader = csv.DictReader(io.StringIO(text, newline=""), restval="", strict=True)
    try:
        header = [*(reader.fieldnames or ())]
        if missing := [column for column in _NEEDED if column not in header]:
            what = f"no column {missing[0]!r}: it is not a table of RouterBench, or came as a page that says so"
            raise ConfigError(name, what)
        return header, list(cast("Iterable[dict[str, str]]", reader))
    except csv.Error as problem:
        raise ConfigError(name, f"line {reader.line_num} cannot be read ({problem}): get the file again") from None


def _models(name: str, header: Sequence[str]) -> list[str]:
    models = [column.removesuffix(_COST) for column in header if column.endswith(_COST)]
    models = [model for model in models if model in header]
    if not models:
        raise ConfigError(name, f"no column MODEL and MODEL{_COST}: it is not a table of RouterBench")
    return models


def _query(id: str, row: Mapping[str, str]) -> dict[str, object]:
    whole = _text(row["prompt"])
    asked = whole[max((found.end() for found in _EXAMPLE.finditer(whole)), default=0) :]
    task = row["eval_name"].strip().replace("-", "_")
    return {
        "query_id": id,
        "source": NAME,
        "task": task,
        "domain": _DOMAINS.get(task, ""),
        "prompt": _cut(asked, _LONGEST_PROMPT),
        "prompt_chars": len(whole),
    }


def _text(cell: str) -> str:
    """What a cell says: a list's texts, or itself."""
    if not cell.startswith("["):
        return cell
    try:
        value = cast("object", ast.literal_eval(cell))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return cell
    if not isinstance(value, list):
        return cell
    return "\n".join(str(one) for one in cast("list[object]", value))


def _cut(text: str, longest: int) -> str:
    """Head and tail of a long text."""
    return text if len(text) <= longest else f"{text[: longest // 2]}{text[-(longest - longest // 2) :]}"


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
