"""One plain sentence: whether there is anything to gain from choosing between models, and how."""

from __future__ import annotations

from typing import Final

from agora.bench.diagnosing.figures import Pool, Spending, Way
from agora.bench.diagnosing.ways import ERRING, LADDER, LEAST

NOTHING: Final = 0.01
"""A gap in score that is not worth a router."""
_WORTH_USD: Final = 0.1
_MUCH: Final = 0.03


def conclusion_of(pool: Pool | None, spending: Spending | None) -> str:
    """What it comes to.

    Args:
        pool: Where models were compared.
        spending: Where there is a log.
    """
    if pool is not None:
        return _of_pool(pool)
    if spending is None or not spending.count:
        return "Nothing can be said: nothing is recorded."
    return _of_spending(spending)


def percent(share: float) -> str:
    """A share of 1 in percent, with one digit.

    >>> percent(0.1234), percent(-0.5)
    ('12.3 %', '-50.0 %')
    """
    return f"{100 * share:.1f} %"


def _of_pool(pool: Pool) -> str:
    if len(pool.models) < 2:
        return f"There is nothing to choose: only {pool.best_single} is on record."
    if pool.queries < LEAST:
        return f"Too little is on record: {pool.queries} queries on which models can be compared say nothing for sure."
    cheaper = _oracle_saving(pool)
    saves = cheaper is not None and cheaper >= _WORTH_USD
    if pool.gap.low < NOTHING and not saves:
        return (
            f"There is next to nothing to gain: {pool.best_single} alone scores {percent(pool.best_score)}, "
            f"and no choice among these models more than {percent(pool.oracle_score)}."
        )
    most = f"{pool.best_single} alone scores {percent(pool.best_score)}, the best choice for each query in hindsight "
    most += percent(pool.oracle_score)
    if saves and cheaper is not None:
        most += f" at {percent(cheaper)} fewer dollars"
    return f"There is something to gain: {most}; {_how(pool.ways)}."


def _oracle_saving(pool: Pool) -> float | None:
    if not pool.best_usd or pool.oracle_usd is None:
        return None
    return 1.0 - pool.oracle_usd / pool.best_usd


def _how(ways: tuple[Way, ...]) -> str:
    """What of it simple ways got on other queries, in one half of a sentence."""
    gaining = {way.name: way for way in ways if _gains(way)}
    ladder, erring = gaining.pop(LADDER, None), gaining.pop(ERRING, None)
    table = next(iter(gaining.values()), None)
    said = [f"a table by task alone already {_got(table)}"] if table else []
    if erring:
        said.append(f"where a check that is right 9 times in 10 follows, asking cheap models first {_got(erring)}")
    elif ladder:
        said.append(f"where a check that never errs follows, asking cheap models first {_got(ladder)}")
    if not said:
        return (
            "neither a table by task nor asking cheap models first surely gets any of it, so that it takes a router "
            "that reads the query: measure them with `agora bench routing`"
        )
    if not table:
        said.append(
            "without a check it takes a router that reads the query, since a table by task does not surely get any of "
            "it: measure them with `agora bench routing`"
        )
    return ", and ".join(said)


def _gains(way: Way) -> bool:
    """Surely better; or surely cheaper, less than a point worse, and surely not much worse."""
    if way.gain.low > 0:
        return True
    cheaper = way.saving is not None and way.saving.low >= _WORTH_USD
    return cheaper and way.gain.value > -NOTHING and way.gain.low > -_MUCH


def _got(way: Way) -> str:
    points = 100 * way.gain.value
    span = f"{100 * way.gain.low:+.1f} to {100 * way.gain.high:+.1f}"
    what = f"scores {abs(points):.1f} points {'more' if points >= 0 else 'less'} ({span})"
    if way.saving is None:
        return what
    return f"costs {percent(abs(way.saving.value))} {'less' if way.saving.value >= 0 else 'more'} and {what}"


def _of_spending(spending: Spending) -> str:
    failed = sum(one.failed for one in spending.models)
    lost = [one.failed_usd for one in spending.models if one.failed_usd]
    nothing = f"{failed} of {spending.count} {spending.unit} came to nothing"
    if lost:
        nothing += f" and took ${sum(lost):.4g}"
    whom = ""
    first = spending.models[0]
    if spending.usd and first.share is not None:
        listed = " at list prices" if spending.listed else ""
        whom = f"{first.model} took {percent(first.share)} of ${spending.usd:.4g}{listed}, "
    why = (
        "only one model is in it"
        if len(spending.models) < 2
        else "it does not say how well different models did the same work"
    )
    unsaid = "Whether another choice of models would gain anything cannot be said from this log"
    return f"{unsaid}, since {why}; {whom}{nothing}."
