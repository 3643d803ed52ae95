"""A diagnosis in the terminal: the sentence first, then what it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agora.bench.diagnosing.words import percent
from agora.cli.paint import grid, narrow, out, remarks, safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agora.bench.diagnosing.figures import Between, Diagnosis, ModelFigures, Pair, Pool, Spender, Spending, Way

_MOST_MODELS: Final = 15
_MOST_PAIRS: Final = 3
_MOST_STEPS: Final = 6
_NAME: Final = 40


def print_diagnosis(found: Diagnosis) -> None:
    """Print all of it; long lists are cut, with a line that says so."""
    console = out()
    console.print(f"[head]{safe(found.conclusion)}[/]")
    console.print(f"\n[quiet]{safe(found.source)}: {safe(found.reader)}[/]")
    if found.spending is not None:
        _print_spending(found.spending)
    if found.pool is not None:
        _print_pool(found.pool)
    for what, lines in (("cannot be said from it", found.missing), ("while reading", found.oddities)):
        if lines:
            console.print()
            console.print(remarks((what if at == 0 else "", safe(line)) for at, line in enumerate(lines)))


def _print_pool(pool: Pool) -> None:
    console = out()
    console.print(f"\n[head]To gain on {pool.queries} queries[/]")
    table = grid("", "score>", "95 %>", "$ a query>")
    table.add_row(
        f"best single: [name]{safe(pool.best_single, limit=_NAME)}[/]", _share(pool.best_score), "", _usd(pool.best_usd)
    )
    for way in pool.ways:
        table.add_row(safe(way.name), _share(way.score), _gained(way), _usd(way.usd))
    table.add_row("best choice for each query (oracle)", _share(pool.oracle_score), "", _usd(pool.oracle_usd))
    ceiling = pool.ceiling
    table.add_row("solvable by any of them (1 - beta)", _share(ceiling.solvable.value), _span(ceiling.solvable), "")
    console.print(table)
    console.print(remarks(_about(pool)))
    _print_models(pool.models)


def _about(pool: Pool) -> Iterator[tuple[str, str]]:
    ceiling = pool.ceiling
    yield (
        "beta",
        f"{ceiling.nobody} of {ceiling.queries} queries are solved by none, {_share(ceiling.beta.value)} % "
        f"({_span(ceiling.beta)}); {_small(ceiling.independent)} % if their failures were independent",
    )
    if pool.ways:
        yield "ways", "on queries that they were not set up on; in brackets points above the best single, paired"
    if pool.correlation is not None:
        yield "errors", f"failures of two models correlate by {pool.correlation:.2f} on average; {_pairs(pool.pairs)}"
    if len(pool.models) > 1 and pool.enough:
        yield "enough", _steps(pool)


def _pairs(pairs: Sequence[Pair]) -> str:
    known = [pair for pair in pairs if pair.correlation is not None]

    def told(pair: Pair) -> str:
        return f"{safe(pair.first, limit=_NAME)} and {safe(pair.second, limit=_NAME)} {pair.correlation:.2f}"

    least, most = known[:_MOST_PAIRS], known[-1:]
    said = f"least: {'; '.join(map(told, least))}"
    return f"{said}; most: {told(most[0])}" if len(known) > len(least) else said


def _steps(pool: Pool) -> str:
    shown = [f"{safe(step.model, limit=_NAME)} {_share(step.solvable)} %" for step in pool.enough[:_MOST_STEPS]]
    more = len(pool.enough) - len(shown)
    return "solvable by " + ", with ".join(shown) + (f", and {more} more add the rest" if more > 0 else ": all that is")


def _print_models(models: Sequence[ModelFigures]) -> None:
    console = out()
    console.print()
    priced = any(one.usd is not None for one in models)
    columns = ["model", "score>", "$ a query>", "alone>", "rescues>", "worth its money"]
    table = grid(*(columns if priced else [*columns[:2], *columns[3:5]]))
    for one in models[:_MOST_MODELS]:
        cells = [
            f"[name]{safe(one.model, limit=_NAME)}[/]",
            _share(one.score),
            _usd(one.usd),
            str(one.alone),
            str(one.rescues),
        ]
        table.add_row(*([*cells, _worth(one)] if priced else [*cells[:2], *cells[3:]]))
    console.print(table)
    if (more := len(models) - _MOST_MODELS) > 0:
        console.print(f"[quiet]and {more} more with lower scores: --json has them all[/]")
    meant = [
        ("alone", "queries that it solves and nobody else does"),
        ("rescues", "queries that it solves and the best single model does not"),
    ]
    if priced:
        meant.append(("worth", "on the hull of single models: nobody, and no mix of two, scores more for as little"))
    console.print(remarks(meant))


def _worth(one: ModelFigures) -> str:
    if one.worth:
        return "yes"
    return "no: " + " with ".join(f"[name]{safe(name, limit=_NAME if not narrow() else 20)}[/]" for name in one.instead)


def _print_spending(spending: Spending) -> None:
    console = out()
    listed = " (list prices: the log has none)" if spending.listed else ""
    total = f", ${spending.usd:.4g}{listed}" if spending.usd is not None else ", dollars not recorded"
    console.print(f"\n[head]{spending.count} {spending.unit}{total}[/]")
    table = grid(
        "model", f"{spending.unit}>", "$>", "share>", "tokens in>", "out>", "s>", "failed>", "retries>", "score>"
    )
    for one in spending.models[:_MOST_MODELS]:
        table.add_row(*_spent(one))
    console.print(table)
    if (more := len(spending.models) - _MOST_MODELS) > 0:
        console.print(f"[quiet]and {more} more: --json has them all[/]")
    if spending.failures:
        why = ", ".join(f"{safe(reason)} ({n})" for reason, n in spending.failures.items())
        console.print(remarks([("failed", why)]))
    console.print(remarks((safe(what), str(n)) for what, n in spending.counts.items()))


def _spent(one: Spender) -> Iterator[str]:
    yield f"[name]{safe(one.model, limit=_NAME)}[/]"
    yield str(one.count)
    yield _usd(one.usd)
    yield "" if one.share is None else f"{100 * one.share:.1f} %"
    yield "" if one.input_tokens is None else str(one.input_tokens)
    yield "" if one.output_tokens is None else str(one.output_tokens)
    yield "" if one.median_s is None else f"{one.median_s:.1f}"
    yield f"{one.failed}" + (f" (${one.failed_usd:.2g})" if one.failed_usd else "")
    yield str(one.retries)
    yield "" if one.score is None else f"{percent(one.score)} of {one.scored}"


def _share(value: float) -> str:
    return f"{100 * value:.1f}"


def _small(value: float) -> str:
    return _share(value) if value >= 0.01 else f"{100 * value:.1g}"


def _usd(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _span(between: Between) -> str:
    return f"{100 * between.low:.1f} to {100 * between.high:.1f}"


def _gained(way: Way) -> str:
    return f"({100 * way.gain.low:+.1f} to {100 * way.gain.high:+.1f})"
