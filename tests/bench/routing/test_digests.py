"""What the figures of a unit hang on: every field of the data, and every file of code that they run through."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from agora.bench.routing import made
from agora.bench.routing.digests import code_digest, matrix_digest, modules_of
from agora.bench.routing.matrix import Recorded

MATRIX = made.recorded(queries=20, trials=2)
ONES = np.ones(MATRIX.scores.shape)
CHANGED = {
    "name": MATRIX._replace(name="else"),
    "ids": MATRIX._replace(ids=("else", *MATRIX.ids[1:])),
    "models": MATRIX._replace(models=("else", *MATRIX.models[1:])),
    "scores": MATRIX._replace(scores=ONES),
    "costs": MATRIX._replace(costs=ONES),
    "texts": MATRIX._replace(texts=("else", *MATRIX.texts[1:])),
    "tags": MATRIX._replace(tags=("else", *MATRIX.tags[1:])),
    "sizes": MATRIX._replace(sizes=(1_000_000, *MATRIX.sizes[1:])),
    "list_prices": MATRIX._replace(list_prices=np.ones(MATRIX.list_prices.shape)),
    "latency_s": MATRIX._replace(latency_s=2.0 * ONES),
    "answers": MATRIX._replace(answers=np.full(ONES.shape, "else", dtype=np.object_)),
    "dates": MATRIX._replace(dates=("else", *MATRIX.dates[1:])),
    "checkable": MATRIX._replace(checkable=(not MATRIX.checkable[0], *MATRIX.checkable[1:])),
    "trials": MATRIX._replace(trials=9),
    "oddities": MATRIX._replace(oddities=("else",)),
}
SAID = ("name", "oddities")


@pytest.mark.parametrize("field", Recorded._fields)
def test_every_field_but_what_is_only_said_of_the_data_is_in_their_digest(field: str) -> None:
    assert (matrix_digest(CHANGED[field]) == matrix_digest(MATRIX)) == (field in SAID)


def test_the_code_of_a_policy_is_told_apart_and_those_that_stand_beside_share_the_benchs() -> None:
    assert len({code_digest(name) for name in ("tag_table", "knn", "uniroute")}) == 3
    assert code_digest("best single") == code_digest("oracle") == code_digest("tag_table")


def test_every_module_that_a_bench_imports_is_in_the_digest_of_the_code() -> None:
    code = (
        "import sys; from agora.bench.routing import units; units.maker('agora', {}); "
        "print(*(name for name in sys.modules if name.partition('.')[0] == 'agora'))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert len(loaded) > 40
    assert set(loaded) <= {name for name, _ in modules_of("agora")}


def test_the_package_of_a_router_of_somebody_elses_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    about, package = tmp_path / "told-1.dist-info", tmp_path / "told_of_a_test"
    about.mkdir()
    package.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: told\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[agora.policies]\ntold = told_of_a_test.router:policy\n")
    files = {
        "__init__": "",
        "router": (
            "from agora.coordinator.policies.routed import RouterOptions, routed\n"
            "from agora.coordinator.routers.static import Static, StaticOptions\n"
            "from .beside import NOTHING\nfrom told_of_a_test import named\n"
            "class Told(Static):\n    pass\n"
            'policy = routed("told", StaticOptions, Told)\n'
        ),
        "beside": "NOTHING = 0\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from . import typed\n",
        "named": "def later():\n    from . import late\n",
        "late": "",
        "typed": "",
        "nobodys": "",
    }
    for name, text in files.items():
        (package / f"{name}.py").write_text(text)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    found = {name.rpartition(".")[2] for name, _ in modules_of("told") if name.startswith("told_of_a_test")}
    assert found == {"told_of_a_test", "router", "beside", "named", "late"}
