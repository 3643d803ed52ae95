"""Golden runs: recorded once, replayed strictly and made again under several PYTHONHASHSEED values."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agora import registry
from traces.golden_runs import GOLDEN, policies, recorders

ROOT = Path(__file__).parents[2]


def test_every_policy_and_every_mechanism_has_its_golden_run() -> None:
    there = {file.name.removesuffix(".jsonl.xz") for file in GOLDEN.iterdir()}
    assert there == {name for name, _ in recorders()}
    assert len(there) == len(policies()) + len(registry.BUILT_IN["mechanisms"]) + 7
    assert sum(file.stat().st_size for file in GOLDEN.iterdir()) < 450_000


@pytest.mark.parametrize("seed", ["0", "1", "random"])
def test_golden_runs_come_out_the_same_without_a_call(seed: str) -> None:
    environ = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    ran = subprocess.run(
        [sys.executable, "-m", "traces.golden_replayed"], env=environ, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    said = json.loads(ran.stdout)
    assert len(said) == 25
    for name, found in said.items():
        assert found["replayed"], name
        for made_again in found["replayed"].values():
            assert isinstance(made_again, int), f"{name}: {made_again}"
            assert made_again >= 10, name
        assert found["parts"] == [], f"{name}: made again, the run is another one"
