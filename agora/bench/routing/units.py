"""The units of a bench: one policy under one protocol each, none of which needs another one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

import numpy as np

from agora.bench.routing.bandit import streamed
from agora.bench.routing.entries import of_frontier, of_streams
from agora.bench.routing.full import Frontier, frontier
from agora.bench.routing.matrix import Recorded
from agora.bench.routing.measures import Measured
from agora.bench.routing.results import Entry
from agora.bench.routing.stage import Maker, Stage
from agora.bench.routing.standing import BOUNDS, STANDING, standing
from agora.bench.routing.worlds import STREAMS
from agora.coordinator.routers.seam import Router
from agora.errors import ConfigError, UnknownNameError
from agora.registry import find, names
from agora.values import JsonValue

FULL: Final = "full"
TABLE: Final = "tag_table"
"""What gains are reckoned against."""
BASELINES: Final = frozenset({"knn", TABLE, "random", "static", "round_robin"})
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


class Bench:
    """Measures units; owned by one process.

    Args:
        stage: On what.
        options: Policy -> its options.
    """

    def __init__(self, stage: Stage, options: Mapping[str, Mapping[str, JsonValue]]) -> None:
        self._stage, self._options = stage, options
        self._table: tuple[Measured, ...] | None = None

    def entry(self, unit: Unit) -> Entry:
        """What one unit comes to."""
        name, protocol = unit
        if name in STANDING:
            kind = "bound" if name in BOUNDS else "baseline"
            return of_frontier(name, kind, standing(name, self._stage), self._stage, beside=self._beside(name))
        kind = "baseline" if name in BASELINES else "policy"
        make = self._maker(name)
        if protocol == FULL:
            found = frontier(make, self._stage)
            return of_frontier(name, kind, found, self._stage, beside=self._beside(name))
        if protocol in STREAMS:
            runs = [streamed(make, self._stage, protocol, seed) for seed in range(self._stage.setting.seeds)]
            return of_streams(name, kind, protocol, runs, self._stage)
        raise UnknownNameError("protocol", protocol, PROTOCOLS)

    def _beside(self, name: str) -> tuple[Measured, ...]:
        """The frontier of the lookup table by tag; of itself none."""
        if name == TABLE:
            return ()
        if self._table is None:
            found = frontier(self._maker(TABLE), self._stage)
            self._table = _everything(found)
        return self._table

    def _maker(self, name: str) -> Maker:
        return maker(name, self._options.get(name, {}))


PROTOCOLS: Final = (FULL, *STREAMS)
"""All of them, in the order of a report."""


def protocols_of(matrix: Recorded, wanted: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those that are wanted and that the data can give, in the order of a report; and why others are left out.

    Args:
        matrix: What is recorded.
        wanted: Of `PROTOCOLS`; "all", or "drift" for all that begin so.

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
    if "drift price" in chosen and not np.isfinite(matrix.costs).all():
        chosen.discard("drift price")
        said.append("no dollars are recorded: no drift by price")
    return tuple(one for one in PROTOCOLS if one in chosen), tuple(said)


def _everything(found: Frontier) -> tuple[Measured, ...]:
    return (*found.grid, *found.targets)
