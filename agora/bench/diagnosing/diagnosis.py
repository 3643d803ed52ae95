"""From what was read to what is said."""

from __future__ import annotations

from agora.bench.diagnosing.attempts import Log, compared
from agora.bench.diagnosing.figures import Diagnosis
from agora.bench.diagnosing.pool import pool_of
from agora.bench.diagnosing.sharing import shared
from agora.bench.diagnosing.spending import spending_of
from agora.bench.diagnosing.words import conclusion_of
from agora.bench.routing.matrix import Recorded
from agora.bench.routing.slices import dense


def diagnose_outcomes(recorded: Recorded) -> Diagnosis:
    """Of recorded outcomes.

    Raises:
        ConfigError: No model answered any query.
    """
    part = dense(shared(recorded))
    pool = pool_of(part)
    missing = [] if pool.best_usd is not None else ["dollars: record cost_usd, and it can be said who is worth theirs"]
    if len(set(part.tags)) < 2:
        missing.append("what kind of task a query is: record task, and a table by task can be tried")
    return Diagnosis(
        source=part.name,
        reader="recorded outcomes",
        pool=pool,
        missing=tuple(missing),
        oddities=part.oddities,
        conclusion=conclusion_of(pool, None),
    )


def diagnose_log(log: Log) -> Diagnosis:
    """Of a log: what it tells by itself, and what it comes to where models did the same work."""
    spending, matrix = spending_of(log), compared(log)
    if matrix is None:
        return Diagnosis(
            source=log.name,
            reader=log.reader,
            spending=spending,
            missing=log.missing,
            oddities=log.oddities,
            conclusion=conclusion_of(None, spending),
        )
    of_pool = diagnose_outcomes(matrix)
    return of_pool.model_copy(
        update={"reader": log.reader, "spending": spending, "oddities": (*log.oddities, *of_pool.oddities)}
    )
