"""The whole bench: every policy under every protocol, on several processes, each unit by itself."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context, parent_process
from threading import Thread
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from agora.bench.routing.embedding import embedded
from agora.bench.routing.folds import folds
from agora.bench.routing.matrix import Recorded
from agora.bench.routing.results import Entry, Report
from agora.bench.routing.slices import dense
from agora.bench.routing.stage import Setting, Stage, dial_of, money_of
from agora.bench.routing.standing import bounds_of
from agora.bench.routing.units import FULL, TABLE, Bench, Unit, kind_of, maker, protocols_of, routers, units_of
from agora.bench.routing.vectors import FEATURES, Features
from agora.errors import AgoraError, ConfigError, UnknownNameError
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix

ALWAYS: Final = (TABLE, "knn")
"""Policies that stand beside every result."""
_MOST_TOLD: Final = 500
"""Characters of an error."""
_THREADS: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class Plan(NamedTuple):
    """All that a bench will do."""

    matrix: Recorded
    """Without holes."""
    setting: Setting
    """What all units share."""
    units: tuple[Unit, ...]
    """In the order of the report."""
    options: Mapping[str, Mapping[str, JsonValue]]
    """Policy -> its options."""
    embedded: Matrix | None
    """Vectors of the texts by a model, where the features are of one."""


def planned(
    recorded: Recorded,
    *,
    policies: Sequence[str] = (),
    seeds: int = 20,
    protocols: Sequence[str] = (FULL, "cold"),
    features: Features = "svd",
    money: Sequence[float] | None = None,
    dial: float | None = None,
    trace: Sequence[float] = (),
    options: Mapping[str, Mapping[str, JsonValue]] | None = None,
    tags: Sequence[str] = (),
) -> Plan:
    """What is to be measured, checked before anything is.

    Args:
        recorded: As `reading.read` gives it; holes are taken out here.
        policies: By name; empty: all that a router is behind.
        seeds: Shuffles of the streams, >= 1.
        protocols: Of `units.protocols_of`, one that the data cannot give is left out with a word.
        features: How texts become vectors.
        money: Dollars a query to compare at; None: six steps up to the best model's price.
        dial: Lambda of regret, in score a dollar; None: half of what makes the cheapest and the best model equals.
        trace: Seconds at which queries arrive; empty: drawn.
        options: Policy -> its options.
        tags: Only queries with one of these; empty: all.

    Raises:
        UsageError: A policy, a protocol, features or an option is not known, or the data cannot be used.
    """
    told = dict(options or {})
    if features not in FEATURES:
        raise UnknownNameError("features", features, FEATURES)
    if seeds < 1:
        raise ConfigError("seeds", f"{seeds} is not at least 1")
    matrix = dense(_of_tags(recorded, tags))
    if not folds(matrix.ids, matrix.texts):
        raise ConfigError(matrix.name, f"{len(matrix.ids)} queries are too few to part in five folds: record more")
    wanted = tuple(dict.fromkeys((*ALWAYS, *(policies or routers()))))
    for name in wanted:
        maker(name, told.get(name, {}))
    given, said = protocols_of(matrix, protocols)
    setting = Setting(
        money=tuple(sorted(set(money))) if money is not None else money_of(matrix),
        said=money is not None,
        dial=dial if dial is not None else dial_of(matrix),
        seeds=seeds,
        features=features,
        trace=tuple(trace),
    )
    matrix = matrix._replace(oddities=(*matrix.oddities, *said))
    priced = bool(np.isfinite(matrix.costs).all())
    units = tuple(unit for protocol in given for unit in units_of(protocol, wanted, priced=priced))
    return Plan(matrix, setting, units, told, embedded(matrix.texts) if features == "minilm" else None)


def run_plan(
    plan: Plan,
    *,
    workers: int = 1,
    have: Mapping[Unit, Entry] | None = None,
    done: Callable[[Unit, Entry], None] = lambda unit, entry: None,
) -> Report:
    """Measure what is planned; the same figures, times excepted, whatever `workers` and `have` are.

    Args:
        plan: From `planned`.
        workers: Processes; 1: this one.
        have: Units that were measured before, under the same plan.
        done: Is told of each unit when it is measured.

    An error that ends a unit is told in its entry (`failed`), and the others go on.

    Raises:
        AgoraError: A process was killed from outside.
    """
    measured = dict(have or {})
    left = [unit for unit in plan.units if unit not in measured]
    for unit, entry in _several(plan, left, workers) if workers > 1 else _here(plan, left):
        measured[unit] = entry
        done(unit, entry)
    matrix, setting = plan.matrix, plan.setting
    ceiling, solvable = bounds_of(matrix)
    return Report(
        source=matrix.name,
        queries=len(matrix.ids),
        models=len(matrix.models),
        seeds=setting.seeds,
        dial=setting.dial,
        money=setting.money,
        features=setting.features,
        entries=tuple(measured[unit] for unit in plan.units),
        ceiling=ceiling,
        solvable=solvable,
        oddities=matrix.oddities,
    )


def run_bench(
    recorded: Recorded,
    *,
    policies: Sequence[str] = (),
    seeds: int = 20,
    protocols: Sequence[str] = (FULL, "cold"),
    features: Features = "svd",
    money: Sequence[float] | None = None,
    dial: float | None = None,
    trace: Sequence[float] = (),
    options: Mapping[str, Mapping[str, JsonValue]] | None = None,
    workers: int = 1,
) -> Report:
    """Plan and measure in one go: the arguments of `planned` and of `run_plan`."""
    plan = planned(
        recorded,
        policies=policies,
        seeds=seeds,
        protocols=protocols,
        features=features,
        money=money,
        dial=dial,
        trace=trace,
        options=options,
    )
    return run_plan(plan, workers=workers)


def _of_tags(recorded: Recorded, tags: Sequence[str]) -> Recorded:
    for tag in tags:
        if tag not in recorded.tags:
            raise UnknownNameError("tag", tag, set(recorded.tags))
    return recorded.part([n for n, tag in enumerate(recorded.tags) if tag in tags]) if tags else recorded


def _here(plan: Plan, units: Sequence[Unit]) -> Iterator[tuple[Unit, Entry]]:
    bench = _bench(plan)
    for unit in units:
        yield unit, _measured(bench, unit)


def _several(plan: Plan, units: Sequence[Unit], workers: int) -> Iterator[tuple[Unit, Entry]]:
    """In processes that are started anew: a fork of a program with threads (progress bars) may hang."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))  # they are as many as the cores already
    try:
        with ProcessPoolExecutor(workers, get_context("spawn"), _begin, (plan,)) as pool, _ended(pool):
            with _deaf():
                waiting = {pool.submit(_one, unit): unit for unit in units}
            for future in as_completed(waiting):
                yield waiting[future], future.result()
    except BrokenProcessPool:
        raise AgoraError(
            "a process of the bench was killed, maybe since memory ran out: take fewer --workers; "
            "with --out the same command goes on where it was"
        ) from None
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _ended(pool: ProcessPoolExecutor) -> Generator[None]:
    """Whoever leaves before the end (an error, Ctrl-C) ends the processes, and waits for nothing."""
    before = {child.pid for child in active_children()}
    try:
        yield
    except BaseException:
        for child in active_children():
            if child.pid not in before:
                child.terminate()
        pool.shutdown(cancel_futures=True)
        raise


@contextlib.contextmanager
def _deaf() -> Generator[None]:
    """Processes that are started here do not hear Ctrl-C, which a terminal sends to all: it is the first one's."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_mine: list[Bench] = []
"""What a process of the pool works at."""


def _begin(plan: Plan) -> None:
    Thread(target=_follow, daemon=True).start()
    _mine[:] = [_bench(plan)]


def _follow() -> None:
    """End when the first process ends, also by kill -9: else its pool would wait for work for ever."""
    if (first := parent_process()) is not None:
        first.join()
        os._exit(1)


def _one(unit: Unit) -> Entry:
    return _measured(_mine[0], unit)


def _measured(bench: Bench, unit: Unit) -> Entry:
    try:
        return bench.entry(unit)
    except Exception as error:  # a router may be anybody's code: the others are measured all the same
        told = f"{type(error).__name__}: {error}"[:_MOST_TOLD].encode("utf-8", "replace").decode()
        note = f"failed, and is measured again next time: {told}"
        return Entry(policy=unit.policy, kind=kind_of(unit.policy), protocol=unit.protocol, note=note, failed=True)


def _bench(plan: Plan) -> Bench:
    return Bench(Stage(plan.matrix, plan.setting, embedded=plan.embedded), plan.options)
