"""What a log says of who did what, whoever wrote it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from agora.bench.routing.matrix import Recorded
from agora.bench.routing.oddities import Oddities


class Attempt(NamedTuple):
    """One model (or agent) at one piece of work; None: not recorded, which is never zero."""

    model: str
    """Who."""
    query: str = ""
    """What it was asked, the same for the same work; empty: not recorded, or not comparable with others' (as a second
    try after somebody failed: those are the hard ones)."""
    score: float | None = None
    """How well, in [0, 1]."""
    usd: float | None = None
    """Dollars."""
    input_tokens: int | None = None
    """Tokens read, those from a provider's cache included."""
    output_tokens: int | None = None
    """Tokens written."""
    seconds: float | None = None
    """How long it took."""
    retries: int = 0
    """Tries besides the one that counts."""
    failed: str = ""
    """Why nothing came of it; empty: something did, right or wrong."""
    tag: str = ""
    """What its owner calls this kind of work."""


class Log(NamedTuple):
    """All of a log."""

    name: str
    """Of the file or folder."""
    reader: str
    """Which form it has, in words."""
    unit: str
    """What an attempt is there: calls, runs, attempts."""
    attempts: Sequence[Attempt]
    """In the log's order."""
    counts: Mapping[str, int] = {}
    """What else it counts, in words -> how many."""
    missing: tuple[str, ...] = ()
    """What this kind of log never says, and what would."""
    listed: bool = False
    """Whether its dollars are list prices times tokens."""
    oddities: tuple[str, ...] = ()
    """What was handled while reading, with counts."""


def compared(log: Log) -> Recorded | None:
    """The queries that two models or more were given and scored on; None: there are none.

    Repeated tries of a query at a model are averaged. A score without dollars leaves a hole in the dollars.
    """
    found: dict[str, dict[str, list[Attempt]]] = {}
    for one in log.attempts:
        if one.query and one.score is not None:
            found.setdefault(one.query, {}).setdefault(one.model, []).append(one)
    shared = {query: by_model for query, by_model in found.items() if len(by_model) > 1}
    if not shared:
        return None
    odd = Oddities()
    if len(shared) < len(found):
        odd.say(f"{len(found) - len(shared)} of {len(found)} scored queries were given to one model only: not compared")
    ids, models = sorted(shared), sorted({model for by_model in shared.values() for model in by_model})
    scores, costs = (np.full((len(ids), len(models)), np.nan) for _ in range(2))
    for at, query in enumerate(ids):
        for model, tries in shared[query].items():
            column = models.index(model)
            scores[at, column] = _mean([one.score for one in tries])
            costs[at, column] = _mean([one.usd for one in tries])
    if not np.nansum(costs):
        odd.say("nothing took a dollar: compared by score alone")
        costs[:] = np.nan
    return Recorded(
        name=log.name,
        ids=tuple(ids),
        models=tuple(models),
        scores=scores,
        costs=costs,
        texts=("",) * len(ids),
        tags=tuple(_tag(shared[query]) for query in ids),
        sizes=(0,) * len(ids),
        list_prices=np.full((len(models), 2), np.nan),
        oddities=odd.told(),
    )


def _tag(by_model: Mapping[str, Sequence[Attempt]]) -> str:
    return min((one.tag for tries in by_model.values() for one in tries if one.tag), default="")


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else float("nan")
