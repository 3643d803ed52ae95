"""The page of a bench of routers: the same report as in the JSON, drawn with the page kit (the extra `report`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from agora.bench.routing.results import Entry, Report, Span
from agora.bench.routing.shown import (
    Section,
    amounts,
    at_money,
    money_texts,
    plain,
    quality_first,
    reference,
    rows,
    sections,
    spent,
    within,
)
from agora.bench.routing.standing import SINGLE
from agora.cli.bench_routing_columns import columns_of, notes, remarks_on
from agora.traces.pages.frame import Section as PageSection
from agora.traces.pages.frame import page
from agora.traces.pages.parts import Column, anchor, command, facts, fold, heading, joined, listed, paragraph, table
from agora.traces.pages.plots import Bar, Line, Told, bars, lines

if TYPE_CHECKING:
    from markupsafe import Markup

_KNN: Final = "knn"
_POLICIES, _BANDS, _MOST_BARS = 4, 4, 20
_PER: Final = 1000
"""Dollars are drawn for so many queries."""


def page_of(report: Report, *, command: str) -> str:
    """The page, whole.

    Args:
        report: All that it shows.
        command: What makes the same report.

    Raises:
        ConfigError: The extra `report` is not installed.
    """
    made = [_section(report, section, at) for at, section in enumerate(sections(report))]
    return page(
        title=f"Routers on {report.source}",
        lead=joined(paragraph(report.conclusion), _facts(report)),
        sections=[*made, PageSection("how", "How it was measured", _how(report, command))],
    )


def _facts(report: Report) -> Markup:
    told = [("Queries", f"{report.queries:,}"), ("Models", str(report.models))]
    if report.ceiling is not None:
        first = "No choice of one answer exceeds" if report.solvable is None else "The best answer to each scores"
        told.append((first, within(report.ceiling)))
    if report.solvable is not None:
        told.append(("Queries that some model solves", within(report.solvable)))
    told += [("Features", report.features), ("Shuffles of each stream", str(report.seeds))]
    if report.money:
        told.append(("A dollar is worth, in regret", f"{plain(report.dial)} of score"))
    return facts(told)


def _section(report: Report, section: Section, at: int) -> PageSection:
    found = rows(report, section.protocols[0])
    pictures = _PICTURES[section.kind](report, section, found, at)
    columns = columns_of(report, section, found)
    heads: list[Column | str] = ["policy", *(Column(column.head, right=True) for column in columns)]
    cells = [[entry.policy, *(column.cells[row].strip() for column in columns)] for row, entry in enumerate(found)]
    body = joined(*pictures, table(section.title, heads, cells, quiet_caption=True))
    return PageSection(anchor("part", at), section.title, body)


def _drawn(found: Sequence[Entry], against: str) -> list[Entry]:
    """Few enough to be told apart: whom gains are reckoned against, the best policies, what else stands beside."""
    named = {entry.policy: entry for entry in found}
    policies = [entry for entry in found if entry.kind == "policy" and entry.points][:_POLICIES]
    return [
        *([named[against]] if against in named else []),
        *policies,
        *(named[name] for name in (_KNN, SINGLE) if name in named),
    ]


def _frontiers(report: Report, section: Section, found: Sequence[Entry], at: int) -> list[Markup]:
    if not amounts(report, section.protocols[0]):
        return []
    against = reference(section.protocols[0])
    drawn = _drawn(found, against)
    told = Told(
        anchor("frontier", at),
        "Score for money",
        "Each policy with its dial set for each amount of money on the fitting part, and where dollars count least, on "
        f"queries that it was not fitted on: further up and to the left is better. Drawn are {against}, the policies "
        "with the best mean over the amounts, kNN and the best single model.",
    )
    curves = [curve for entry in drawn if (curve := _curve(entry, report)).xs]
    made = [lines(told, curves, x="$ for 1000 queries", y="score", powers=True)]
    gained = [line for entry in drawn[:_BANDS] if (line := _gains(entry, report, against)) is not None]
    if len(gained) > 1:
        told = Told(
            anchor("gain", at),
            f"Gain over {against}",
            f"Score above that of {against} at the same money, with 95 % intervals of a bootstrap over queries: where "
            "a band holds 0 it cannot be said who is better. The others stand in the table.",
        )
        made.append(lines(told, gained, x="$ for 1000 queries", y="points", powers=True))
    return made


def _curve(entry: Entry, report: Report) -> Line:
    found = [point for point in (*at_money(entry, report), quality_first(entry)) if point is not None and point.usd]
    points = sorted({(_PER * spent(point), point.score) for point in found})
    return Line(entry.policy, [usd for usd, _ in points], [score for _, score in points])


def _gains(entry: Entry, report: Report, against: str) -> Line | None:
    money = amounts(report, entry.protocol)
    if (
        entry.policy == against
    ):  # 0, by what it is: drawn to be seen, and so that colours are those of the other picture
        return Line(entry.policy, [_PER * most for most in money], [0.0] * len(money))
    spans = [
        (_PER * most, point.gain)
        for most, point in zip(money, at_money(entry, report), strict=True)
        if point is not None and point.gain is not None
    ]
    if not spans:
        return None
    values, low, high = ([100 * getattr(gain, end) for _, gain in spans] for end in ("value", "low", "high"))
    return Line(entry.policy, [usd for usd, _ in spans], values, low, high)


def _regrets(report: Report, section: Section, found: Sequence[Entry], at: int) -> list[Markup]:
    """A picture for each protocol, those after the first folded."""
    made: list[Markup] = []
    for number, protocol in enumerate(section.protocols):
        known = [entry for entry in report.entries if entry.protocol == protocol and entry.regret is not None]
        if known:
            picture = _regret_of(report, protocol, sorted(known, key=_regret), anchor("regret", at, number))
            made.append(fold(f"Cumulative regret ({protocol})", picture) if number else picture)
    return made


def _regret_of(report: Report, protocol: str, known: Sequence[Entry], id: str) -> Markup:
    least = known[:_MOST_BARS]
    more = f" {len(known) - len(least)} more, with more regret, stand in the table." if len(known) > len(least) else ""
    told = Told(
        id,
        f"Cumulative regret ({protocol})",
        f"What is lost against the best model of each query, over {report.seeds} shuffles: less is better. The marks "
        f"are the upper ends of the 95 % intervals.{more}",
    )
    drawn = [Bar(entry.policy, {"regret": _regret(entry)}, _high(entry.regret)) for entry in least]
    return bars(told, drawn, axis="regret, in score", mark="upper end")


def _high(span: Span | None) -> float | None:
    return None if span is None else span.high


def _regret(entry: Entry) -> float:
    return entry.regret.value if entry.regret is not None else float("inf")


def _nothing(report: Report, section: Section, found: Sequence[Entry], at: int) -> list[Markup]:
    return []


_PICTURES = {"frontier": _frontiers, "stream": _regrets, "figures": _nothing}


def _how(report: Report, made_by: str) -> Markup:
    words = [
        "No model was called: what each would have answered and cost is on record.",
        "Queries are in five folds by a hash of their id; a policy is fitted on four and measured on the fifth, and "
        "what an amount of money sets its dial to is found on the fitting part alone.",
        "Differences are paired, query by query; intervals are those of a bootstrap, of 95 %. They do not count that "
        "the best of several policies was picked by what was measured.",
    ]
    parts = [paragraph(text) for text in words]
    parts += [heading("What the columns are"), facts(remarks_on(report))]
    if report.money:
        amounts = ", ".join(money_texts(report.money))
        parts.append(paragraph(f"Policies are compared at {amounts} a query."))
    if report.oddities:
        parts += [heading("What was odd in the data"), listed(report.oddities)]
    if told := notes(report):
        parts += [heading("Notes"), facts(told)]
    return joined(*parts, heading("The command"), command(made_by))
