"""What a report comes to, in one plain sentence made from its figures.

It says who reaches the best single model's score for how much of its money, whether anybody is surely better than the
lookup table by tag, and what an oracle scores. A policy that was picked among several by what was measured is said to
be so: its own interval does not count that.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from agora.bench.routing.cascades import CASCADE
from agora.bench.routing.results import Entry, Point, Report
from agora.bench.routing.shown import (
    amounts,
    at_money,
    bounded,
    frontier,
    money_text,
    quality_first,
    share,
    sized,
    spent,
    title_of,
    worth,
)
from agora.bench.routing.standing import ORACLE, SINGLE, STANDING
from agora.bench.routing.units import CHECKS, FULL

HEADLINE: Final = "check .9"
"""A check that errs: what is concluded of checks is concluded of this one."""


class _Held(NamedTuple):
    entry: Entry
    point: Point


def concluded(report: Report) -> str:
    """One sentence; what the report has no figures for is left out."""
    full = [entry for entry in report.entries if entry.protocol == FULL]
    policies = _compared(full)
    single = next((point for entry in full if entry.policy == SINGLE and (point := quality_first(entry))), None)
    where = f"On {report.source} ({sized(report)})"
    if single is None or not policies:
        return _streamed(report, where)
    checked = [entry for entry in report.entries if entry.protocol == HEADLINE]
    parts = [
        _against_single(policies, single, report) if report.money else _by_score(policies, single, report),
        _surely(policies, report, "the lookup table by tag"),
        _with_check(_compared(checked), report),
        _bounded(full, report),
    ]
    return f"{where} {'; '.join(part for part in parts if part)}."


def _compared(entries: list[Entry]) -> list[Entry]:
    """The policies that have figures; where none has, the learners among the baselines."""
    found = [entry for entry in entries if entry.kind == "policy" and entry.points]
    return found or [entry for entry in entries if entry.kind == "baseline" and entry.policy not in STANDING]


def _against_single(policies: list[Entry], single: Point, report: Report) -> str:
    """Who reaches its score for the least money, else who comes nearest for less; at dials set on the fitting part."""
    held = [_Held(entry, point) for entry in policies for point in at_money(entry, report) if point is not None]
    paid = spent(single)
    reach = [one for one in held if one.point.score >= single.score and spent(one.point) < paid]
    best = f"the best single model's {share(single.score)} at {money_text(paid)} a query"
    if reach:
        first = min(reach, key=lambda one: (spent(one.point), -one.point.score))
        less = 1 - spent(first.point) / paid
        by = f"{first.entry.policy} scores {share(first.point.score)} at {money_text(spent(first.point))}"
        return f"{by}, {less:.0%} less than {best}{_among(policies)}"
    cheaper = [one for one in held if spent(one.point) < paid]
    if not cheaper:
        return f"no policy spends less than {best}"
    first = max(cheaper, key=lambda one: (one.point.score, -spent(one.point)))
    by = f"{first.entry.policy} with {share(first.point.score)} at {money_text(spent(first.point))}"
    return f"nobody reaches {best} for less; the nearest is {by}{_among(policies)}"


def _by_score(policies: list[Entry], single: Point, report: Report) -> str:
    first = max(policies, key=lambda entry: worth(entry, report))
    point = quality_first(first)
    if point is None:
        return ""
    than = "more" if point.score > single.score else "no more"
    why = "no dollars are recorded" if single.usd is None else "there are no amounts of money to compare at"
    against = f"{than} than the best single model's {share(single.score)}, and {why}"
    return f"{first.policy} scores {share(point.score)}, {against}{_among(policies)}"


def _surely(policies: list[Entry], report: Report, whom: str) -> str:
    """At how many amounts somebody is surely better; by the policy that is so most often."""
    gains = {
        entry.policy: [point.gain for point in at_money(entry, report) if point and point.gain] for entry in policies
    }
    if not any(gains.values()):
        return ""
    money = len(amounts(report, policies[0].protocol))

    def sure(entry: Entry) -> int:
        return sum(gain.low > 0 for gain in gains[entry.policy])

    first = max(policies, key=lambda entry: (sure(entry), worth(entry, report)))
    if not (count := sure(first)):
        return f"at none of {money} amounts of money is a policy surely better than {whom}"
    most = max(gains[first.policy], key=lambda gain: gain.value)
    points = f"up to {100 * most.value:.1f} points ({100 * most.low:.1f} to {100 * most.high:.1f})"
    return f"{first.policy} is surely better than {whom} at {count} of {money} amounts of money, by {points}"


def _with_check(policies: list[Entry], report: Report) -> str:
    told = _surely(policies, report, f"the {CASCADE}") if policies else ""
    return f"{title_of(HEADLINE).replace('With', 'with')}, {told}" if told else ""


def _bounded(full: list[Entry], report: Report) -> str:
    oracle = next((entry for entry in full if entry.policy == ORACLE), None)
    point = frontier(oracle)[:1] if oracle is not None else ()
    parts = [f"an oracle scores {share(point[0].score)}"] if point and report.solvable is None else []
    told = ", and ".join((*parts, *bounded(report)))
    checked = any(entry.protocol in CHECKS for entry in report.entries)
    return f"without a check, {told}" if told and checked else told


def _streamed(report: Report, where: str) -> str:
    """Without full information: who has the least regret."""
    found = _compared([entry for entry in report.entries if entry.regret is not None])
    if not found:
        return f"{where} nothing was measured that policies can be compared by."
    first = min(found, key=lambda entry: entry.regret.value if entry.regret is not None else 0.0)
    assert first.regret is not None
    low, high = first.regret.low, first.regret.high
    told = f"{first.policy} has the least regret ({first.protocol}): {first.regret.value:.1f} ({low:.1f} to {high:.1f})"
    return f"{where} {told} over {report.seeds} shuffles{_among(found)}."


def _among(found: list[Entry]) -> str:
    n = len({entry.policy for entry in found})
    aside = ", baselines not counted" if all(entry.kind == "policy" for entry in found) else ""
    return f" (picked among {n} policies by this figure{aside})" if n > 1 else ""
