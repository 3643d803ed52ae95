"""What a table and a page take from a report: points by what they were set for, protocols by their kind, figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from agora.bench.routing.cascades import CASCADE
from agora.bench.routing.results import Entry, Point, Report, Span
from agora.bench.routing.rounding import told_apart
from agora.bench.routing.units import FULL, TABLE

STREAMS: Final = ("cold", "warm")
_KINDS: Final = ("baseline", "policy", "bound")
_OVER: Final = 1.1


class Section(NamedTuple):
    """Protocols that are shown together."""

    kind: str
    """"frontier": points by money; "stream": regret; "figures": what the protocol itself measures."""
    title: str
    """In words."""
    protocols: tuple[str, ...]
    """As in the entries; of a frontier one."""


def sections(report: Report) -> tuple[Section, ...]:
    """All protocols of a report, grouped, in their order."""
    there = tuple(dict.fromkeys(entry.protocol for entry in report.entries))
    made: list[Section] = []
    if FULL in there:
        made.append(Section("frontier", "Full information, without a check", (FULL,)))
    made += [Section("frontier", title_of(name), (name,)) for name in there if name.startswith("check")]
    if streams := tuple(name for name in there if name in STREAMS):
        made.append(Section("stream", "Bandit feedback: only the chosen one's outcome is seen", streams))
    if drifts := tuple(name for name in there if name.startswith("drift")):
        made.append(Section("stream", "Drift: the world changes on the way", drifts))
    shown = {name for section in made for name in section.protocols}
    return (*made, *(Section("figures", title_of(name), (name,)) for name in there if name not in shown))


def sized(report: Report) -> str:
    """How much was measured on, in words."""
    queries, models = ("y" if report.queries == 1 else "ies"), ("" if report.models == 1 else "s")
    return f"{report.queries:,} quer{queries}, {report.models} model{models}"


def title_of(protocol: str) -> str:
    """A protocol in words.

    >>> title_of("check .9"), title_of("arrivals")
    ('With a check that is right 9 times of 10', 'Arrivals')
    """
    if protocol.startswith("check"):
        share = _number(protocol.removeprefix("check").strip())
        if share is None:
            return "With a check"
        return "With a perfect check" if share >= 1 else f"With a check that is right {share * 10:g} times of 10"
    return protocol[:1].upper() + protocol[1:]


def reference(protocol: str) -> str:
    """Whom gains of a protocol are reckoned against, at the same money."""
    return CASCADE if protocol.startswith("check") else TABLE


def rows(report: Report, protocol: str) -> tuple[Entry, ...]:
    """The entries of a protocol: baselines, then policies with the better ones first, then bounds.

    Better is a higher mean score over the money targets, or less regret; equals stay in the report's order.
    """
    found = [entry for entry in report.entries if entry.protocol == protocol]
    made: list[Entry] = []
    for kind in _KINDS:
        of_kind = [entry for entry in found if entry.kind == kind]
        made += sorted(of_kind, key=lambda entry: -worth(entry, report)) if kind == "policy" else of_kind
    return (*made, *(entry for entry in found if entry.kind not in _KINDS))


def worth(entry: Entry, report: Report) -> float:
    """What entries of one protocol are ordered by; higher is better, -inf without figures."""
    if entry.regret is not None:
        return -entry.regret.value
    scores = [point.score for point in at_money(entry, report) if point is not None]
    if not scores and (first := quality_first(entry)) is not None:
        scores = [first.score]
    return sum(scores) / len(scores) if scores else float("-inf")


def amounts(report: Report, protocol: str) -> tuple[float, ...]:
    """Dollars a query that policies are compared at under a protocol: of a part of the queries it may be others."""
    of_it = [entry for entry in report.entries if entry.protocol == protocol]
    return tuple(sorted({point.money_usd for entry in of_it for point in entry.points if point.money_usd is not None}))


def at_money(entry: Entry, report: Report) -> tuple[Point | None, ...]:
    """The point that was set for each amount of its protocol, in their order; None: there is none."""
    found = {point.money_usd: point for point in entry.points}
    return tuple(found.get(most) for most in amounts(report, entry.protocol))


def frontier(entry: Entry) -> tuple[Point, ...]:
    """The points of the fixed grid of dials, by their dollars."""
    found = [point for point in entry.points if point.money_usd is None]
    return tuple(sorted(found, key=lambda point: (spent(point), point.score)))


def quality_first(entry: Entry) -> Point | None:
    """The point at the lowest dial, where dollars count least; None: there are no points."""
    return min(entry.points, key=lambda point: (point.money_usd is not None, point.dial), default=None)


def over(point: Point, money: float) -> bool:
    """Whether it spent over a tenth more than what its dial was set for on the fitting part."""
    return spent(point) > _OVER * money


def spent(point: Point) -> float:
    """Dollars a query, to order by: 0 where none are recorded."""
    return point.usd or 0.0


def standing(gain: Span | None) -> str:
    """Whether a difference is above 0 ("+") or below ("-") with its whole interval; empty: it cannot be told."""
    if gain is None or gain.low <= 0 <= gain.high:
        return ""
    return "+" if gain.low > 0 else "-"


def money_text(usd: float) -> str:
    """Dollars with up to three digits that say something, never as a power of ten.

    >>> money_text(0.00034), money_text(0.0016), money_text(0.734), money_text(12.3456), money_text(0)
    ('$.00034', '$.0016', '$.734', '$12.3', '$0')
    """
    return f"${plain(usd)}"


def money_texts(usd: Sequence[float]) -> list[str]:
    """Several amounts, with more digits where two of them would read alike.

    >>> money_texts([0.001, 0.00123, 0.0012345])
    ['$.001', '$.00123', '$.001234']
    """
    return told_apart(usd, lambda one, digits: f"${plain(one, digits)}", first=3)


def plain(value: float, digits: int = 3) -> str:
    """A figure with up to so many digits that say something, without a leading zero.

    >>> plain(0.8784), plain(-0.02), plain(1234.5), plain(0.00001)
    ('.878', '-.02', '1234', '.00001')
    """
    if value == 0:
        return "0"
    power = int(f"{abs(value):.{digits - 1}e}".partition("e")[2])
    text = f"{value:.{max(0, digits - 1 - power)}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace("-0.", "-.") if text.startswith("-0.") else text.removeprefix("0") if text[:2] == "0." else text


def share(value: float) -> str:
    """A score or share of 1 with three digits.

    >>> share(0.8784), share(1.0), share(-0.0312)
    ('.878', '1.000', '-.031')
    """
    text = f"{value:.3f}"
    return text.replace("-0.", "-.") if text.startswith("-0.") else text.removeprefix("0") if text[:2] == "0." else text


def within(span: Span) -> str:
    """A share with its interval, in words."""
    return f"{share(span.value)} ({share(span.low)} to {share(span.high)})"


def bounded(report: Report) -> tuple[str, ...]:
    """What choosing one of each query's answers comes to at the most, in words; empty: it is not known."""
    if report.ceiling is None:
        return ()
    if report.solvable is None:
        return (f"no choice of one answer exceeds {within(report.ceiling)}",)
    best = f"an oracle, each query's best answer, scores {within(report.ceiling)}"
    return f"some model solves {within(report.solvable)} of the queries", best


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
