"""What a bench of routers came to, as columns of figures: the same for a terminal's tables and for a page's."""

from __future__ import annotations

from collections.abc import Sequence

from agora.bench.routing.results import Entry, Point, Report, Span
from agora.bench.routing.shown import (
    Section,
    amounts,
    at_money,
    money_texts,
    over,
    plain,
    quality_first,
    reference,
    sections,
    share,
    standing,
)
from agora.cli.columns import Column

_STYLES = {"+": "passed", "-": "failed"}
_NONE = "-"


def columns_of(report: Report, section: Section, found: Sequence[Entry]) -> list[Column]:
    """All columns of a section's table in which there is something.

    Args:
        report: All of it.
        section: One of its sections.
        found: The entries of its first protocol, in the order of the rows.
    """
    columns = _COLUMNS[section.kind](report, section, found)
    return [column for column in columns if any(cell != _NONE for cell in column.cells)]


def _frontier(report: Report, section: Section, found: Sequence[Entry]) -> list[Column]:
    firsts = [quality_first(entry) for entry in found]
    made = _scores(firsts)
    money = amounts(report, section.protocols[0])
    for at, (most, head) in enumerate(zip(money, money_texts(money), strict=True)):
        points = [at_money(entry, report)[at] for entry in found]
        middle = at in (0, len(money) // 2, len(money) - 1)
        made.append(_at(points, most, head=head, rank=1 if middle else 3))
    if money:
        made.append(Column("area", [_share(entry.area) for entry in found], rank=2))
    if section.protocols[0].startswith("check"):
        made.append(Column("calls", [f"{first.calls:.2f}" if first else _NONE for first in firsts], rank=2))
    return [
        *made,
        Column("gap", [_share(entry.gap_captured) for entry in found], rank=4),
        Column("us", [_time(entry.us_a_decision) for entry in found], rank=5),
        Column("dearest", [_share(first.dearest_share if first else None) for first in firsts], rank=6),
        Column("$/solved", [_dollars(first.usd_per_solved if first else None) for first in firsts], rank=7),
        Column("fit s", [_NONE if entry.fit_s is None else f"{entry.fit_s:.2f}" for entry in found], rank=8),
        *_measured(found, first_rank=9),
    ]


def _stream(report: Report, section: Section, found: Sequence[Entry]) -> list[Column]:
    there = {(entry.policy, entry.protocol): entry for entry in report.entries}
    made: list[Column] = []
    for protocol in section.protocols:
        of_it = [there.get((entry.policy, protocol)) for entry in found]
        cells = [_reach(entry.regret if entry else None) for entry in of_it]
        made.append(Column(protocol.removeprefix("drift "), cells))
    firsts = [quality_first(entry) for entry in found]
    return [
        *made,
        Column("less single's", [_reach(entry.regret_best_single) for entry in found], rank=3),
        *_scores(firsts, rank=2),
        Column("us", [_time(entry.us_a_decision) for entry in found], rank=1),
        Column("learn us", [_time(entry.us_to_learn) for entry in found], rank=4),
        Column("dearest", [_share(first.dearest_share if first else None) for first in firsts], rank=5),
        *_measured(found, first_rank=6),
    ]


def _figures(report: Report, section: Section, found: Sequence[Entry]) -> list[Column]:
    scored = any(entry.points for entry in found)
    made = _scores([quality_first(entry) for entry in found]) if scored else []
    return [*made, *_measured(found, first_rank=0)]


def _measured(found: Sequence[Entry], *, first_rank: int) -> list[Column]:
    """What a protocol measures besides: shares with three digits, other figures with three that say something."""
    made: list[Column] = []
    for rank, name in enumerate(dict.fromkeys(name for entry in found for name in entry.figures)):
        values = [entry.figures.get(name) for entry in found]
        form = share if all(value is None or -1 <= value <= 1 for value in values) else plain
        cells = [_NONE if value is None else form(value) for value in values]
        made.append(Column(name, cells, rank=first_rank + rank))
    return made


_COLUMNS = {"frontier": _frontier, "stream": _stream, "figures": _figures}


def remarks_on(report: Report) -> list[tuple[str, str]]:
    """What the columns are, those of kinds that are there."""
    there, told = sections(report), list[tuple[str, str]]()
    kinds = {section.kind for section in there}
    if "frontier" in kinds:
        told.append(("score, $/query", "where dollars count least, on queries that it was not fitted on"))
    if "frontier" in kinds and report.money:
        first = money_texts(report.money)[0]
        of_whom = dict.fromkeys(reference(section.protocols[0]) for section in there if section.kind == "frontier")
        against = " (with a check: than the ".join(of_whom) + (")" if len(of_whom) > 1 else "")
        told += [
            (f"{first} ...", "score with the dial set on the fitting part for so many dollars a query"),
            ("!", "it spent over a tenth more than that"),
            ("+ and -", f"surely better or worse than {against} at the same money (95 %)"),
            ("area", "between its frontier and the hull of single models, of the box that spans them"),
        ]
    if "frontier" in kinds:
        told += [
            ("gap", "(score - best single) / (oracle - best single), at its dearest"),
            ("dearest", "share that went to the dearest model"),
        ]
    if "stream" in kinds:
        worth = f"score - {plain(report.dial)} x dollars" if report.money else "score"
        told += [
            ("regret", f"cumulative, of reward = {worth}, against the best model of each query; lower is better"),
            ("±", f"half of a 95 % interval over {report.seeds} shuffles"),
            ("less single's", "the same against the best single model, in the first column's protocol"),
        ]
    return [*told, ("us, learn us, fit s", "median microseconds of a choice and of learning, seconds of fitting")]


def notes(report: Report) -> list[tuple[str, str]]:
    """Who is remarked on, and how; a remark on all of a protocol is made once, on the protocol."""
    told: dict[tuple[str, str], None] = {}
    for protocol in dict.fromkeys(entry.protocol for entry in report.entries):
        noted = [entry for entry in report.entries if entry.protocol == protocol and entry.note]
        for entry in noted:
            alike = sum(other.note == entry.note for other in noted)
            told[protocol if alike > 1 else entry.policy, entry.note] = None
    return list(told)


def _scores(points: Sequence[Point | None], *, rank: int = 0) -> list[Column]:
    made = [Column("score", [_share(point.score if point else None) for point in points], rank=rank)]
    if any(point is not None and point.usd is not None for point in points):
        made.append(Column("$/query", [_dollars(point.usd if point else None) for point in points], rank=rank))
    return made


def _at(points: Sequence[Point | None], money: float, *, head: str, rank: int) -> Column:
    """Scores with their signs, each in a place of its own, so that figures stand below each other."""
    signs = [(standing(point.gain), "!" if over(point, money) else "") if point else ("", "") for point in points]
    widths = [max(len(sign[at]) for sign in signs) for at in (0, 1)]
    cells = [
        (share(point.score) if point else _NONE) + sure.ljust(widths[0]) + spent.ljust(widths[1])
        for point, (sure, spent) in zip(points, signs, strict=True)
    ]
    return Column(head, cells, rank, [_STYLES.get(sure, "") for sure, _ in signs])


def _share(value: float | None) -> str:
    return _NONE if value is None else share(value)


def _dollars(value: float | None) -> str:
    return _NONE if value is None else plain(value)


def _time(us: float | None) -> str:
    return _NONE if us is None else f"{us:,.0f}"


def _reach(span: Span | None) -> str:
    """A figure with half of its interval."""
    return _NONE if span is None else f"{span.value:.1f} ±{(span.high - span.low) / 2:.1f}"
