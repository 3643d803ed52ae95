"""Changing one table of a TOML file and nothing else of it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.cli.toml_edits import edited, set_values
from agora.errors import ConfigError

FILE = """\
# My auction.   Mine!
mechanism = 'sale'   # the rule

[weights]  # what counts
cost    = 0.5   # dear
# the plan's own
entropy = 5e-1

[other]
list = [1,
  2] # both
"""


def test_comments_order_and_spaces_stay() -> None:
    changed = edited(FILE, "weights", {"cost": 0.25, "entropy": 0.75})
    assert changed == FILE.replace("0.5 ", "0.25 ").replace("5e-1", "0.75")


def test_a_new_key_and_a_new_table_are_added() -> None:
    assert tomllib.loads(edited(FILE, "weights", {"jury": 0.5}))["weights"] == {
        "cost": 0.5,
        "entropy": 0.5,
        "jury": 0.5,
    }
    bare = 'mechanism = "sale"\n[deep.table]\nx = 1\n'
    assert tomllib.loads(edited(bare, "weights", {"cost": 1.0})) == {
        "mechanism": "sale",
        "deep": {"table": {"x": 1}},
        "weights": {"cost": 1.0},
    }


@pytest.mark.parametrize("text", ["weights = { cost = 0.5 }  # in a line\n", "weights.cost = 0.5\nx = 1\n"])
def test_other_ways_to_write_a_table_are_changed_too(text: str) -> None:
    changed = edited(text, "weights", {"cost": 0.25})
    assert tomllib.loads(changed) == {**tomllib.loads(text), "weights": {"cost": 0.25}}
    assert ("# in a line" in changed) == ("# in a line" in text)


@given(
    weights=st.dictionaries(
        st.sampled_from(["cost", "entropy", "jury"]), st.floats(min_value=0, max_value=1), min_size=1
    )
)
def test_whatever_is_written_is_read_again(weights: dict[str, float]) -> None:
    before = tomllib.loads(FILE)
    assert tomllib.loads(edited(FILE, "weights", weights)) == {**before, "weights": {**before["weights"], **weights}}


def test_what_is_no_table_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "sale.toml"
    file.write_text("weights = 7\n")
    with pytest.raises(ConfigError, match=r"was left as it is.*write by hand under \[weights\]: cost = 0.5"):
        set_values(file, "weights", {"cost": 0.5})
    assert file.read_text() == "weights = 7\n"


def test_line_ends_mode_and_link_stay(tmp_path: Path) -> None:
    real = tmp_path / "real.toml"
    real.write_bytes(b"[weights]\r\ncost = 0.5 # dear\r\n")
    real.chmod(0o640)
    (tmp_path / "link.toml").symlink_to(real)
    set_values(tmp_path / "link.toml", "weights", {"cost": 0.25})
    assert (tmp_path / "link.toml").is_symlink()
    assert real.read_bytes() == b"[weights]\r\ncost = 0.25 # dear\r\n"
    assert real.stat().st_mode & 0o777 == 0o640
    assert not list(tmp_path.glob(".real.toml.*"))
