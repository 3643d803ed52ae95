"""Names lead to things, late, and a wrong name says which is near."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from agora.auctions import SALE
from agora.errors import ConfigError, UnknownNameError
from agora.protocols import Tool
from agora.registry import BUILT_IN, Group, find, load_object, names
from agora.tasks import Check
from agora.verifiers import build_verifier


@pytest.mark.parametrize(("group", "name"), [(group, name) for group in BUILT_IN for name in BUILT_IN[group]])
def test_every_built_in_name_leads_to_something(group: Group, name: str) -> None:
    found = find(group, name)
    assert callable(found) or isinstance(found, Tool)


def test_the_three_mechanisms_are_there() -> None:
    assert set(names("mechanisms")) >= {"sale", "posted", "random"}
    assert find("mechanisms", "sale") is SALE


def test_an_unknown_name_offers_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="no mechanism named 'sael'; did you mean 'sale'"):
        find("mechanisms", "sael")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("json", 'write "module:object"'),
        ("no_such_module_at_all:x", "cannot be imported"),
        ("json:no_such_object", "has no 'no_such_object'"),
    ],
)
def test_a_path_that_leads_nowhere_says_where_it_stops(path: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_object(path, where="agents/x.toml")


@pytest.fixture
def plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed distribution with two verifiers, one of which cannot be imported."""
    about = tmp_path / "plug-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: plug\nVersion: 1\n")
    (about / "entry_points.txt").write_text(
        "[agora.verifiers]\nplugged = plug_of_a_test:make\nbroken = no_such_module_at_all:make\n"
    )
    (tmp_path / "plug_of_a_test.py").write_text(
        "from agora.verifiers.match import ExactOptions, ExactVerifier\n"
        "def make(options):\n    return ExactVerifier(ExactOptions.model_validate(options))\n"
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])


@pytest.mark.usefixtures("plug_in")
def test_a_verifier_of_somebody_elses_is_found_by_its_entry_point() -> None:
    assert "plugged" in names("verifiers")
    assert build_verifier(Check(kind="plugged", options={"answer": "42"})).name == "exact"
    with pytest.raises(UnknownNameError, match="did you mean 'plugged'"):
        build_verifier(Check(kind="pluged"))
    with pytest.raises(ConfigError, match="verifier 'broken': module 'no_such_module_at_all' cannot be imported"):
        build_verifier(Check(kind="broken"))


def test_the_registry_imports_nothing_until_asked() -> None:
    code = "import agora.registry, sys; print('agora.auctions' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "False\n"
