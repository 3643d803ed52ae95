"""Figures over many runs: from a ledger to what `agora report` shows.

One pass over the ledger, without holding it: 1,000,000 events are read page by page. A fold that has been made goes on
where it ended, so that a page that is open costs only what is new.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeVar

from agora.auctions.agreement import agreement
from agora.intervals import rate_of
from agora.protocols import Store
from agora.traces.many.facts import PARTS, Who
from agora.traces.many.figures import (
    AgentFigures,
    AwardsWindow,
    Figures,
    JudgeFigures,
    Kept,
    Overhead,
    ScopeFigures,
    Selected,
    Spending,
    Window,
)
from agora.traces.many.fold import KINDS, ManyFold
from agora.traces.many.pools import cheapest_of, pools_of
from agora.traces.many.tallies import AgentTally, AwardWindow, JudgeTally, Promised, Scope, TaskWindow
from agora.traces.many.words import Unit

T = TypeVar("T")

TARGET: Final = 0.9
"""The share that the cheapest pool must pass, where nothing else is said."""
_STARTED: Final = frozenset({"started"})
_UNITS: Final = ("steps", "tokens", "usd", "s")


class Many:
    """The figures over many runs, kept up with a ledger that grows.

    Args:
        store: With the ledger.
        selected: Of which runs and tasks.
        target: The share that the cheapest pool must pass, in (0, 1).
    """

    def __init__(self, store: Store, selected: Selected = Selected(), *, target: float = TARGET) -> None:  # noqa: B008 - frozen
        self._store, self._selected, self._target = store, selected, target
        self._fold: ManyFold | None = None
        self._known: Figures | None = None

    @property
    def seq(self) -> int:
        """Position of the last entry that was read."""
        return self._fold.seq if self._fold is not None else 0

    def figures(self) -> Figures:
        """The figures as of now; only what was recorded since the last time is read.

        Raises:
            LedgerError: The ledger cannot be read.
        """
        fold = self._fold
        if fold is None or self._selected.last is not None:
            fold = self._fold = self._fresh()
            self._known = None
        before = fold.seq
        for entry in self._store.events(after=fold.seq, kinds=KINDS):
            fold.take(entry)
        if self._known is None or fold.seq != before:
            self._known = figures_from(fold, self._selected, target=self._target)
        return self._known

    def _fresh(self) -> ManyFold:
        """A fold that begins where the first run that it is of does."""
        selected = self._selected
        fold = ManyFold(skill=selected.skill, since_us=selected.since_us or 0)
        if selected.last is None and selected.since_us is None:
            return fold
        began = {
            entry.run: entry.seq
            for entry in self._store.events(kinds=_STARTED)
            if entry.at_us >= (selected.since_us or 0)
        }
        latest = list(began)[-selected.last :] if selected.last is not None else list(began)
        if selected.last is not None:
            fold.only = frozenset(latest)
        fold.seq = began[latest[0]] - 1 if latest else fold.seq
        return fold


def figures_from(fold: ManyFold, selected: Selected, *, target: float = TARGET) -> Figures:
    """What the counts say.

    Args:
        fold: The counts.
        selected: What they are of.
        target: The share that the cheapest pool must pass, in (0, 1).
    """
    labels = _labels(fold.total)
    classes = sorted(fold.classes.items(), key=lambda named: (-named[1].tasks, named[0]))
    return Figures(
        selected=selected,
        target=target,
        runs=fold.runs,
        ended=fold.ended,
        aside=fold.aside,
        open_tasks=fold.open_tasks,
        partial=fold.partial,
        erased=fold.erased,
        first_us=fold.first_us,
        last_us=fold.last_us,
        seq=fold.seq,
        total=_scope(None, fold.total, labels, target=None),
        classes=tuple(_scope(skill, scope, labels, target=target) for skill, scope in classes),
    )


def _scope(skill: str | None, scope: Scope, labels: Mapping[Who, str], *, target: float | None) -> ScopeFigures:
    unit: Unit = "usd" if scope.usd else "s"
    pools, sure = pools_of(scope, labels, unit=unit) if target is not None else ((), 0.95)
    return ScopeFigures(
        skill=skill,
        tasks=scope.tasks,
        grounded=rate_of(scope.grounded.passed, scope.grounded.n),
        judged=rate_of(scope.judged.passed, scope.judged.n),
        unknown=scope.unknown,
        untried=scope.untried,
        usd=scope.usd,
        tokens=scope.tokens,
        seconds=scope.seconds,
        unit=unit,
        agents=tuple(_agent(labels[who], tally) for who, tally in _by_label(scope.agents, labels)),
        pools=pools,
        sure=sure,
        cheapest=cheapest_of(pools, target=target, sure=sure, unit=unit) if target is not None else None,
        windows=tuple(_window(window) for window in scope.windows.shown()),
        awards=tuple(_awards(window, labels) for window in scope.awards.shown()),
        overhead=_overhead(scope, unit),
        spending=tuple(_spending(scope, unit)),
        judges=tuple(_judge(labels[who], tally) for who, tally in _by_label(scope.judges, labels)),
    )


def _agent(label: str, tally: AgentTally) -> AgentFigures:
    return AgentFigures(
        agent=label,
        attempts=tally.attempts,
        tasks=tally.usd.n,
        grounded=rate_of(tally.grounded.passed, tally.grounded.n),
        judged=rate_of(tally.judged.passed, tally.judged.n),
        unknown=tally.unknown,
        usd=tally.usd.mean(),
        seconds=tally.seconds.mean(),
        total_usd=tally.total_usd,
        promises=tuple(_kept(unit, tally.promises[unit]) for unit in _UNITS if unit in tally.promises),
    )


def _kept(unit: str, told: Promised) -> Kept:
    kept = rate_of(told.kept.passed, told.kept.n)
    return Kept.model_validate({"unit": unit, "promised": told.promised, "delivered": told.delivered, "kept": kept})


def _window(window: TaskWindow) -> Window:
    part, whole = (float(window.overhead_usd), float(window.usd)) if window.usd else (window.overhead_s, window.seconds)
    return Window(
        first_us=window.first_us,
        last_us=window.last_us,
        tasks=window.units,
        grounded=rate_of(window.grounded.passed, window.grounded.n),
        judged=rate_of(window.judged.passed, window.judged.n),
        usd=window.cost.usd.mean(),
        seconds=window.cost.seconds.mean(),
        overhead=_share(part, whole),
    )


def _awards(window: AwardWindow, labels: Mapping[Who, str]) -> AwardsWindow:
    to = {labels[who]: count for who, count in _by_label(window.to, labels)}
    return AwardsWindow(first_us=window.first_us, last_us=window.last_us, awards=window.units, to=to)


def _overhead(scope: Scope, unit: Unit) -> Overhead:
    took = scope.overhead
    part, whole = (float(took.usd), float(scope.usd)) if unit == "usd" else (took.seconds, scope.seconds)
    return Overhead(usd=took.usd, tokens=took.tokens, seconds=took.seconds, share=_share(part, whole))


def _spending(scope: Scope, unit: Unit) -> Iterable[Spending]:
    for part in PARTS:
        if (took := scope.parts.get(part)) is not None:
            mine, whole = (float(took.usd), float(scope.usd)) if unit == "usd" else (took.seconds, scope.seconds)
            yield Spending(part=part, usd=took.usd, tokens=took.tokens, seconds=took.seconds, share=_share(mine, whole))


def _judge(label: str, tally: JudgeTally) -> JudgeFigures:
    return JudgeFigures(
        judge=label,
        passed=rate_of(tally.passed_right, tally.passed),
        failed=rate_of(tally.failed_right, tally.failed),
        agreement=agreement(
            passed=tally.passed,
            passed_right=tally.passed_right,
            failed=tally.failed,
            failed_right=tally.failed_right,
        ),
    )


def _share(part: float, whole: float) -> float | None:
    return min(1.0, part / whole) if whole else None


def _labels(total: Scope) -> dict[Who, str]:
    """Everyone's label: the name, and who is behind it where several are behind one name."""
    everyone = {*total.agents, *total.judges}
    for window in total.awards.shown():
        everyone.update(window.to)
    operators: dict[str, set[str]] = {}
    for who in everyone:
        operators.setdefault(who.name, set()).add(who.operator)
    return {who: who.name if len(operators[who.name]) == 1 else f"{who.name} ({who.operator})" for who in everyone}


def _by_label(found: Mapping[Who, T], labels: Mapping[Who, str]) -> list[tuple[Who, T]]:
    return sorted(found.items(), key=lambda item: labels[item[0]])
