"""The units of a bench: one policy under one protocol each, none of which needs another one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
from pydantic import BaseModel

from agora.bench.routing.arrivals import served
from agora.bench.routing.bandit import streamed
from agora.bench.routing.budgets import share_of, spent
from agora.bench.routing.cascades import CASCADE, CHAINED, RETRIES, chained
from agora.bench.routing.checked import checking
from agora.bench.routing.entries import (
    ONE_TRIAL,
    closed,
    of_arrivals,
    of_budget,
    of_check,
    of_checked_oracle,
    of_frontier,
    of_streams,
)
from agora.bench.routing.folds import folds
from agora.bench.routing.full import Frontier, frontier
from agora.bench.routing.hindsight import KNOWN, chosen
from agora.bench.routing.matrix import Recorded
from agora.bench.routing.measures import Measured
from agora.bench.routing.results import Entry
from agora.bench.routing.stage import Maker, Stage
from agora.bench.routing.standing import BOUNDS, CHEAPEST, ORACLE, RANDOM, STANDING, standing
from agora.bench.routing.worlds import STREAMS, WARM
from agora.coordinator.routers.seam import Router
from agora.errors import ConfigError, UnknownNameError
from agora.registry import find, names
from agora.values import JsonValue

FULL: Final = "full"
BUDGET: Final = "budget"
ARRIVALS: Final = "arrivals"
CHECKS: Final[Mapping[str, float]] = MappingProxyType({"check 1": 1.0, "check .9": 0.9, "check .8": 0.8})
"""How often the check is right."""
PROTOCOLS: Final = (FULL, *STREAMS, BUDGET, ARRIVALS, *CHECKS)
"""All of them, in the order of a report."""
_PRICED: Final = frozenset({"drift price", BUDGET})
_CHANGED: Final = frozenset({"drift death", "drift join"})
TABLE: Final = "tag_table"
"""What gains are reckoned against."""
BASELINES: Final = frozenset({"knn", TABLE, "random", "static", "round_robin", *STANDING, *CHAINED})
"""Policies that stand beside the others."""


class Unit(NamedTuple):
    """What is measured in one go, and kept in one file."""

    policy: str
    """By its name, or one of `STANDING`."""
    protocol: str
    """As in `Entry`."""


def routers() -> tuple[str, ...]:
    """Names of all policies that a router is behind, sorted."""
    return tuple(name for name in names("policies") if hasattr(find("policies", name), "router"))


def maker(policy: str, options: Mapping[str, JsonValue]) -> Maker:
    """Makes the bare router of a policy.

    Raises:
        UnknownNameError: Nothing has that name.
        ConfigError: It is no router, or its options do not fit.
    """
    found = find("policies", policy)
    make: Callable[..., Router] | None = getattr(found, "router", None)
    if make is None:
        raise UnknownNameError("router", policy, routers())
    try:
        make(**options)
    except ValueError as problem:
        raise ConfigError(f"policy {policy!r}", str(problem)) from None
    return partial(make, **options)


def kind_of(policy: str) -> str:
    """Baseline, bound or policy, as in `Entry`."""
    return "bound" if policy in BOUNDS else "baseline" if policy in BASELINES else "policy"


def known_options(policy: str) -> frozenset[str]:
    """What can be set at a policy."""
    form: type[BaseModel] | None = getattr(find("policies", policy), "Options", None)
    return frozenset(form.model_fields) if form is not None else frozenset()


class Bench:
    """Measures units; owned by one process.

    Args:
        stage: On what.
        options: Policy -> its options.
    """

    def __init__(self, stage: Stage, options: Mapping[str, Mapping[str, JsonValue]]) -> None:
        self._stage, self._options = stage, options
        self._besides: dict[str, tuple[Measured, ...]] = {}

    def entry(self, unit: Unit) -> Entry:
        """What one unit comes to."""
        name, protocol = unit
        kind = kind_of(name)
        if protocol == FULL:
            found = self._full(name)
            return of_frontier(name, kind, found, self._stage, beside=self._beside(FULL, name))
        if protocol in CHECKS:
            return self._checked(name, kind, protocol)
        entry = self._streamed(name, kind, protocol)
        note = "; ".join(part for part in (KNOWN.get(name, ""), entry.note) if part)
        return entry.model_copy(update={"note": note})

    def _streamed(self, name: str, kind: str, protocol: str) -> Entry:
        """Over the streams of all seeds."""
        stage, seeds = self._stage, range(self._stage.setting.seeds)
        makers = [self._maker_of(name, protocol, seed) for seed in seeds]
        if protocol == BUDGET:
            paid = [spent(make, stage, seed) for seed, make in zip(seeds, makers, strict=True)]
            return of_budget(name, kind, protocol, paid)
        if protocol == ARRIVALS:
            came = [served(make, stage, seed) for seed, make in zip(seeds, makers, strict=True)]
            return of_arrivals(name, kind, protocol, came, stage)
        runs = [streamed(make, stage, protocol, seed) for seed, make in zip(seeds, makers, strict=True)]
        return of_streams(name, kind, protocol, runs, stage)

    def _maker_of(self, name: str, protocol: str, seed: int) -> Maker:
        """Makes who meets one stream."""
        share = share_of(self._stage) if protocol == BUDGET else None
        if name in KNOWN:
            stream = protocol if protocol in STREAMS else WARM
            return maker("static", {"arm": chosen(name, self._stage, stream, seed, share=share)})
        if share is None or name in STANDING:
            return self._maker(name)
        return self._maker(name, pace="dual", pace_share=share, pace_tasks=self._stage.steps)

    @cached_property
    def _where_checked(self) -> Stage:
        """The part of the matrix whose tasks bring a check, with money of its own where nobody said."""
        return self._stage.where_checked()

    def _full(self, name: str) -> Frontier:
        return standing(name, self._stage) if name in STANDING else frontier(self._maker(name), self._stage)

    def _checked(self, name: str, kind: str, protocol: str) -> Entry:
        stage = self._where_checked
        if name == RETRIES and stage.recorded.trials == 1:
            return Entry(policy=name, kind=kind, protocol=protocol, note=ONE_TRIAL)
        found = self._with_check(name, protocol)
        beside = self._beside(protocol, name)
        entry = of_frontier(name, kind, found, stage, beside=beside, protocol=protocol)
        note = of_checked_oracle(stage) if name == ORACLE else of_check(stage)
        return entry.model_copy(update={"note": note, "figures": closed(found, beside, stage)})

    def _with_check(self, name: str, protocol: str) -> Frontier:
        stage, right = self._where_checked, CHECKS[protocol]
        if name in STANDING:
            return standing(name, stage)
        if name in CHAINED:
            return chained(name, stage, right=right)
        return frontier(self._maker(name, right=right), stage, ask=checking(right))

    def _beside(self, protocol: str, name: str) -> tuple[Measured, ...]:
        """The frontier that gains are reckoned against; of itself none."""
        other = CASCADE if protocol in CHECKS else TABLE
        if name == other:
            return ()
        if protocol not in self._besides:
            found = self._with_check(other, protocol) if protocol in CHECKS else self._full(other)
            self._besides[protocol] = (*found.grid, *found.targets)
        return self._besides[protocol]

    def _maker(self, name: str, **more: JsonValue) -> Maker:
        """With what the protocol says, as far as the policy can be told and nobody told it otherwise."""
        own = self._options.get(name, {})
        return maker(name, {**{key: value for key, value in more.items() if key in known_options(name)}, **own})


def units_of(protocol: str, policies: Sequence[str], *, priced: bool = True) -> tuple[Unit, ...]:
    """What is measured under a protocol, what always stands beside it first, nobody twice.

    Args:
        protocol: One of `PROTOCOLS`.
        policies: By name.
        priced: Whether dollars are recorded: without them nobody is the cheapest.
    """
    beside = {FULL: STANDING}.get(protocol, (*STANDING, *CHAINED) if protocol in CHECKS else (*KNOWN, RANDOM))
    there = (name for name in (*beside, *policies) if priced or name != CHEAPEST)
    return tuple(Unit(name, protocol) for name in dict.fromkeys(there))


def protocols_of(matrix: Recorded, wanted: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those that are wanted and that the data can give, in the order of a report; and why others are left out.

    Args:
        matrix: What is recorded.
        wanted: Of `PROTOCOLS`; "all", or "drift" or "check" for all that begin so.

    Raises:
        UnknownNameError: One is none.
    """
    chosen: set[str] = set()
    for name in wanted:
        found = [one for one in PROTOCOLS if name in ("all", one) or one.startswith(f"{name} ")]
        if not found:
            raise UnknownNameError("protocol", name, PROTOCOLS)
        chosen.update(found)
    said: list[str] = []
    if "drift dates" in chosen and not matrix.dates:
        chosen.discard("drift dates")
        said.append("no dates of queries are recorded: no drift by date")
    if not np.isfinite(matrix.costs).all() and chosen & _PRICED:
        chosen -= _PRICED
        said.append("no dollars are recorded: no drift by price, and no shared budget")
    elif chosen & _PRICED and not _worth_money(matrix):
        chosen -= _PRICED
        said.append("the best model costs nothing: no drift by price, and no shared budget")
    if not any(matrix.checkable) and chosen & set(CHECKS):
        chosen -= set(CHECKS)
        said.append("no task here brings a check: nothing is asked in turn")
    checked = matrix.part([at for at, is_it in enumerate(matrix.checkable) if is_it])
    if chosen & set(CHECKS) and not folds(checked.ids, checked.texts):
        chosen -= set(CHECKS)
        said.append(f"{len(checked.ids)} tasks bring a check, too few to part in five folds: nothing is asked in turn")
    if len(matrix.models) == 1 and chosen & _CHANGED:
        chosen -= _CHANGED
        said.append("one model only: there is no other when it dies or joins")
    return tuple(one for one in PROTOCOLS if one in chosen), tuple(said)


def _worth_money(matrix: Recorded) -> bool:
    """Whether a share of what the best single model takes is any money."""
    best = int(np.argmax(matrix.scores.mean(axis=0)))
    return bool(matrix.costs[:, best].mean() > 0.0)
