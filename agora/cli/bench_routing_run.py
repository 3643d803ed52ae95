"""How `agora bench routing` runs: what is asked for, the plan, what was finished before, the files that are left."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, cast

from agora.bench.routing import made
from agora.bench.routing.concluding import concluded
from agora.bench.routing.kept import Kept
from agora.bench.routing.matrix import Recorded
from agora.bench.routing.reading import read
from agora.bench.routing.results import FORM, Entry, Report
from agora.bench.routing.running import Plan, planned, run_plan
from agora.bench.routing.units import Unit
from agora.bench.routing.vectors import FEATURES
from agora.cli.advancing import advancing
from agora.cli.bench_routing import SMALL
from agora.cli.forms import Form
from agora.cli.interrupts import INTERRUPTED
from agora.cli.paint import err, out, safe, waiting
from agora.errors import AgoraError, ConfigError, UnknownNameError
from agora.traces.files import write_file
from agora.values import JsonValue

JSON, PAGE = "report.json", "report.html"


class Given(NamedTuple):
    """What the command line says."""

    data: str
    """A folder, or "small"."""
    policies: tuple[str, ...]
    """Names; "all" among them: every one."""
    options: Mapping[str, Mapping[str, JsonValue]]
    """Policy -> its options."""
    tags: tuple[str, ...]
    """Of the queries that are taken; empty: all."""
    seeds: int
    """Shuffles."""
    protocols: tuple[str, ...]
    """Names, "all" or the first word of several."""
    features: str
    """Their name."""
    money: tuple[float, ...] | None
    """Dollars a query; None: from the data."""
    dial: float | None
    """Lambda; None: from the data."""
    arrivals: Path | None
    """A trace."""
    workers: int | None
    """Processes; None: one a core."""
    out: Path | None
    """Where everything is kept; None: nowhere."""


class InterruptedBenchError(AgoraError):
    """Somebody ended a bench before it was done.

    Args:
        out: Where finished parts are kept; None: nowhere.
    """

    exit_code = INTERRUPTED

    def __init__(self, out: Path | None) -> None:
        nowhere = "nothing was kept: with --out FOLDER finished parts are, and the same command goes on"
        super().__init__(f"interrupted: {nowhere if out is None else f'the same command goes on with what {out} has'}")


def bench(given: Given) -> Report:
    """Measure, keep what is finished, and write the report where there is a folder for it.

    Raises:
        UsageError: Something cannot be used; nothing was measured.
        InterruptedBenchError: Somebody ended it.
    """
    try:
        return _measured(given)
    except KeyboardInterrupt:
        raise InterruptedBenchError(given.out) from None


def _measured(given: Given) -> Report:
    plan = _planned(given)
    kept = None if given.out is None else Kept(given.out.expanduser(), plan)
    have = {} if kept is None else dict(kept.found())
    total, done = len(plan.units), len(have)
    if kept is not None and (have or kept.torn):
        torn = f"; {kept.torn} that cannot be used are made again" if kept.torn else ""
        err().print(f"[quiet]{done} of {total} parts were finished before{torn}[/]")
    workers = given.workers or max(1, min(os.cpu_count() or 1, total - done))
    with advancing() as advance:

        def told(unit: Unit, entry: Entry) -> None:
            nonlocal done
            done += 1
            if kept is not None and not entry.failed:
                kept.keep(unit, entry)
            advance.to(plan.matrix.name, done, total, now=f"{unit.policy}, {unit.protocol}")

        advance.to(plan.matrix.name, done, total)
        report = run_plan(plan, workers=workers, have=have, done=told)
    report = report.model_copy(update={"conclusion": concluded(report)})
    if given.out is not None:
        _write(given.out.expanduser(), report, command=_command(given))
    return report


def form_of(report: Report) -> Form:
    """A report as a JSON object, without its form's name."""
    return cast("Form", report.model_dump(mode="json", exclude={"form"}))


def print_whereabouts(given: Given) -> None:
    """Say where the report stands, or how to keep it."""
    if given.out is None:
        out().print("[quiet]kept nowhere: --out FOLDER keeps the report as JSON and as a page, and goes on later[/]")
        return
    there = [name for name in (PAGE, JSON) if (given.out.expanduser() / name).exists()]
    out().print(f"[quiet]in {safe(str(given.out))}: {', '.join(there)}[/]")


def failures(report: Report) -> bool:
    """Say on standard error which parts an error ended; whether there are any."""
    failed = [entry for entry in report.entries if entry.failed]
    if failed:
        which = ", ".join(f"{safe(entry.policy)} ({entry.protocol})" for entry in failed)
        err().print(f"{len(failed)} of {len(report.entries)} parts failed: {which}; their notes say why")
    return bool(failed)


def words(text: str, where: str) -> tuple[str, ...]:
    """Names between commas.

    Raises:
        ConfigError: There is none.
    """
    found = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not found:
        raise ConfigError(where, "names nothing: write one name or several with commas, or all")
    return found


def options(texts: Sequence[str]) -> dict[str, dict[str, JsonValue]]:
    """Options of policies: what JSON reads as a value is one, all else is a text.

    >>> options(["knn.k=20", "knn.prior=1.5", "static.arm=big"])
    {'knn': {'k': 20, 'prior': 1.5}, 'static': {'arm': 'big'}}

    Raises:
        ConfigError: One is not of the form POLICY.NAME=VALUE.
    """
    made: dict[str, dict[str, JsonValue]] = {}
    for text in texts:
        left, equals, value = text.partition("=")
        policy, dot, name = left.strip().rpartition(".")
        if not (equals and dot and policy and name):
            raise ConfigError("--option", f"{text!r} is not of the form POLICY.NAME=VALUE: write it as knn.k=20")
        try:
            read = cast("JsonValue", json.loads(value))
        except ValueError:
            read = value
        made.setdefault(policy, {})[name] = read
    return made


def numbers(text: str, where: str) -> tuple[float, ...]:
    """Dollars between commas.

    Raises:
        ConfigError: One is not above 0.
    """
    made: list[float] = []
    for word in words(text, where):
        try:
            value = float(word.removeprefix("$"))
        except ValueError:
            value = math.nan
        if not (value > 0 and math.isfinite(value)):
            raise ConfigError(where, f"{word!r} is no amount above 0: write dollars a query, as 0.001,0.0016")
        made.append(value)
    return tuple(made)


def _planned(given: Given) -> Plan:
    if given.features not in FEATURES:
        raise UnknownNameError("features", given.features, FEATURES)
    with waiting(f"reading {safe(given.data)}"):
        recorded = _recorded(given.data)
        return planned(
            recorded,
            policies=() if "all" in given.policies else given.policies,
            seeds=given.seeds,
            protocols=given.protocols,
            features=given.features,
            money=given.money,
            dial=given.dial,
            options=given.options,
            tags=given.tags,
            trace=() if given.arrivals is None else _trace(given.arrivals),
        )


def _recorded(data: str) -> Recorded:
    path = Path(data).expanduser()
    if data == SMALL and not path.exists():
        return made.recorded(trials=made.TRIALS)
    if not path.exists():
        what = "is not there: name a folder of recorded outcomes, or get one with `agora bench fetch routerbench`"
        raise ConfigError("--data", f"{data!r} {what}")
    return read(path)


def _trace(path: Path) -> tuple[float, ...]:
    """Seconds of arrivals, ascending, from the first."""
    path = path.expanduser()
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        rows = csv.DictReader(io.StringIO(raw.decode("utf-8", "replace"), newline=""))
        found = sorted(float(row["t_s"] or "nan") for row in rows)
    except (OSError, EOFError, KeyError, ValueError, csv.Error) as error:
        why = "no column t_s" if isinstance(error, KeyError) else error
        raise ConfigError("--arrivals", f"{str(path)!r} is no trace of arrivals: {why}") from None
    if not found or not all(map(math.isfinite, found)):
        raise ConfigError("--arrivals", f"{str(path)!r} has no arrivals, or one without its seconds in t_s")
    return tuple(at - found[0] for at in found)


def _write(folder: Path, report: Report, *, command: str) -> None:
    """The report as JSON, and as a page where pages can be made."""
    from agora.cli.bench_routing_page import page_of

    whole = {"schema": FORM, **form_of(report)}
    write_file(folder / JSON, [(json.dumps(whole, ensure_ascii=True, indent=1) + "\n").encode()])
    try:
        page = page_of(report, command=command)
    except ConfigError as missing:  # the extra `report`: hours of measuring are not lost for it
        err().print(f"no page: {safe(str(missing))}")
        return
    write_file(folder / PAGE, [page.encode()])


def _command(given: Given) -> str:
    """The command that makes the same report."""
    parts = ["agora", "bench", "routing", "--data", given.data, "--policy", ",".join(given.policies)]
    parts += ["--seeds", str(given.seeds), "--protocol", ",".join(given.protocols), "--features", given.features]
    if given.money is not None:
        parts += ["--money", ",".join(repr(amount) for amount in given.money)]
    if given.dial is not None:
        parts += ["--lambda", repr(given.dial)]
    if given.arrivals is not None:
        parts += ["--arrivals", str(given.arrivals)]
    if given.tags:
        parts += ["--task", ",".join(given.tags)]
    for policy, values in given.options.items():
        for name, value in values.items():
            parts += ["--option", f"{policy}.{name}={json.dumps(value)}"]
    return shlex.join(parts)
