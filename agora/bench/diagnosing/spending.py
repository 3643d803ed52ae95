"""What a log tells without anything being compared: who took how much, what came to nothing, what was tried again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Final

from agora.bench.diagnosing.attempts import Attempt, Log
from agora.bench.diagnosing.figures import Spender, Spending

_MOST_FAILURES: Final = 12
_LONGEST: Final = 80


def spending_of(log: Log) -> Spending:
    """The sums of a log, model by model."""
    mine: dict[str, list[Attempt]] = {}
    for one in log.attempts:
        mine.setdefault(one.model, []).append(one)
    total = _sum(one.usd for one in log.attempts)
    spenders = [_spender(model, tries, total) for model, tries in mine.items()]
    return Spending(
        unit=log.unit,
        count=len(log.attempts),
        usd=total,
        listed=log.listed,
        models=tuple(sorted(spenders, key=lambda one: (-(one.usd or 0.0), -one.count, one.model))),
        failures=_failures(log.attempts),
        counts=dict(log.counts),
    )


def _spender(model: str, tries: Sequence[Attempt], total: float | None) -> Spender:
    usd = _sum(one.usd for one in tries)
    failed = [one for one in tries if one.failed]
    seconds = [one.seconds for one in tries if one.seconds is not None]
    scores = [one.score for one in tries if one.score is not None]
    return Spender(
        model=model,
        count=len(tries),
        usd=usd,
        share=usd / total if usd is not None and total else None,
        unpriced=sum(one.usd is None for one in tries),
        input_tokens=_whole(one.input_tokens for one in tries),
        output_tokens=_whole(one.output_tokens for one in tries),
        median_s=median(seconds) if seconds else None,
        failed=len(failed),
        failed_usd=_sum(one.usd for one in failed),
        retries=sum(one.retries for one in tries),
        scored=len(scores),
        score=sum(scores) / len(scores) if scores else None,
    )


def _failures(attempts: Iterable[Attempt]) -> dict[str, int]:
    counted = Counter(one.failed[:_LONGEST] for one in attempts if one.failed)
    most = sorted(counted.items(), key=lambda found: (-found[1], found[0]))
    made = dict(most[:_MOST_FAILURES])
    if rest := sum(n for _, n in most[_MOST_FAILURES:]):
        made["other reasons"] = made.get("other reasons", 0) + rest
    return made


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _whole(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
