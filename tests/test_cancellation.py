"""A run that is cancelled at any wait of any of its tasks has finished its bookings, and is gone on with."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from agora.ambient import SeededChance
from benchmarks.cancellations import Cut, How, all_cuts, battery, one

SEED = 20261122
HOWS: tuple[How, ...] = ("scope", "deadline", "native")


def ways() -> list[tuple[How, bool]]:
    return [(how, waking) for how in HOWS for waking in (False, True)]


def drawn(cuts: list[Cut], count: int) -> list[Cut]:
    chance = SeededChance(SEED)
    return [cuts[chance.integer(f"cut {number}") % len(cuts)] for number in range(count)]


@pytest.fixture
def base() -> Iterator[Path]:
    """A folder that sandboxed commands, which run as somebody else, can look into."""
    folder = Path(tempfile.mkdtemp(prefix="cancellations-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.timeout(900)
def test_a_cancel_at_every_wait_leaves_closed_books_and_a_run_that_is_gone_on_with(base: Path) -> None:
    waits = one(base / "counted", Cut(0)).waits
    assert waits > 150
    assert battery(base, all_cuts(waits, [("scope", False)]), disk=True, sandboxed=False) == []


@pytest.mark.timeout(600)
def test_the_same_in_every_way_to_cancel_where_the_ledger_is_in_memory(base: Path) -> None:
    waits = one(base / "counted", Cut(0), disk=False).waits
    assert waits > 30
    assert battery(base, all_cuts(waits, ways()), disk=False, sandboxed=False) == []


@pytest.mark.timeout(600)
def test_deadlines_and_a_cancel_by_the_event_loop_itself_do_the_same_on_disk(base: Path) -> None:
    waits = one(base / "counted", Cut(0)).waits
    cuts = drawn(all_cuts(waits, [way for way in ways() if way != ("scope", False)]), 24)
    assert battery(base, cuts, disk=True, sandboxed=False) == []


@pytest.mark.timeout(600)
def test_a_cancel_while_commands_run_in_the_sandbox_leaves_no_process_and_no_copy(base: Path) -> None:
    waits = one(base / "counted", Cut(0), sandboxed=True).waits
    cuts = drawn(all_cuts(waits, ways()), 12)
    assert battery(base, cuts, disk=True, sandboxed=True) == []
