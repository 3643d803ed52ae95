"""The tables of docs/what-routing-buys.md, from what `agora bench routing --out FOLDER` kept.

    python benchmarks/routing_tables.py FOLDER PROTOCOL [POLICY,POLICY]

PROTOCOL: full, "check 1", "check .9", "check .8" give score @ dollars at each amount of money, with + or - where the
difference to the table by tag (under a check: to the fixed cascade) is sure; cold and warm give regret.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def row(entry: Mapping[str, Any]) -> str:
    """One policy."""
    if entry["regret"] is not None:
        cells = [_half(entry["regret"]), _half(entry["regret_best_single"])]
    else:
        cells = [_point(point) for point in entry["points"] if point["setting"].startswith("at most")]
        cells = cells or [_point(entry["points"][0])] if entry["points"] else []
    return f"| {entry['policy']} | {' | '.join(cells)} |"


def _point(point: Mapping[str, Any]) -> str:
    gain = point["gain"] or {"low": 0.0, "high": 0.0}
    mark = "+" if gain["low"] > 0 else "-" if gain["high"] < 0 else ""
    return f"{_short(point['score'])}{mark} @ {point['usd']:.2g}"


def _half(span: Mapping[str, float]) -> str:
    return f"{span['value']:.1f} ±{(span['high'] - span['low']) / 2:.1f}"


def _short(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")


def main(folder: str, protocol: str, policies: str = "") -> None:
    """Print it."""
    report = json.loads((Path(folder) / "report.json").read_text())
    wanted = policies.split(",") if policies else []
    print(f"{report['source']}: {report['queries']} queries, {report['models']} models, lambda {report['dial']:g}")
    for entry in report["entries"]:
        if entry["protocol"] == protocol and (not wanted or entry["policy"] in wanted):
            print(row(entry))


if __name__ == "__main__":
    main(*sys.argv[1:])
