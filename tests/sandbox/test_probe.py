"""The probe: what works is found by running it, and what does not is explained; never bare in silence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agora.errors import SandboxError
from agora.protocols import Workspace
from agora.sandbox import BubblewrapSandbox, Limitable, NsjailSandbox, RunLimits, best_sandbox, explain
from agora.sandbox.copies import NOBODY, uid_to_drop_to
from agora.sandbox.probe import choose
from agora.tasks import Patch, Tier


def missing() -> Limitable:
    raise SandboxError("it is not installed: install it")


class Broken:
    """A sandbox that is installed and does not start."""

    tier = Tier.NAMESPACE

    def limited(self, limits: RunLimits) -> Broken:
        """The same."""
        return self

    async def open(self, source: Path | None, *, patch: Patch | None = None, least: Tier = Tier.NAMESPACE) -> Workspace:
        """Fail as bubblewrap does where user namespaces are blocked."""
        raise SandboxError("No permissions to create new namespace")


class Crashing(Broken):
    """A sandbox with a mistake in it."""

    async def open(self, source: Path | None, *, patch: Patch | None = None, least: Tier = Tier.NAMESPACE) -> Workspace:
        """Raise what no sandbox should."""
        raise OSError("a mistake")


def test_the_best_one_here_is_bubblewrap_and_it_is_found_once() -> None:
    assert isinstance(best_sandbox(), BubblewrapSandbox)
    assert best_sandbox() is best_sandbox()
    assert explain() == (Tier.NAMESPACE, "bubblewrap", ())


async def test_it_is_found_from_within_an_event_loop_too() -> None:
    assert best_sandbox().tier == Tier.NAMESPACE


_EXPLAIN = "from agora.sandbox import explain\nprint(*explain().missing, sep='\\n')"


def test_root_in_a_container_without_the_right_to_mount_gets_sandboxed_or_told() -> None:
    drop = ["setpriv", "--bounding-set=-sys_admin"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*drop, sys.executable, "-c", _EXPLAIN],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    reachable = all(parent.stat().st_mode & 1 for parent in Path(sys.base_prefix).parents)
    told = "lacks CAP_SYS_ADMIN" in done.stdout and "Permission denied" in done.stdout
    assert told != (reachable or not drop), done.stdout


@pytest.mark.parametrize(
    ("uid_map", "as_root"),
    [("0 0 4294967295", NOBODY), ("0 0 1", NOBODY), ("0 1000 1", None), ("0 1000 1\n1 100000 65536", NOBODY)],
)
def test_real_root_always_drops_its_uid_and_a_users_root_where_it_can(uid_map: str, as_root: int | None) -> None:
    assert uid_to_drop_to(uid_map) == (as_root if os.geteuid() == 0 else None)


def test_nsjail_steps_in_and_says_what_is_missing() -> None:
    found, explanation = choose((("bubblewrap", missing), ("nsjail", NsjailSandbox)))
    assert isinstance(found, NsjailSandbox)
    assert explanation == (Tier.NAMESPACE, "nsjail", ("it is not installed: install it",))


@pytest.mark.parametrize("kind", [Broken, Crashing])
def test_where_nothing_works_there_is_no_sandbox_but_a_reason(kind: type[Broken]) -> None:
    found, explanation = choose((("bubblewrap", missing), ("nsjail", kind)))
    assert found is None
    assert explanation.tier == Tier.BARE
    assert explanation.missing[0] == "it is not installed: install it"
    assert explanation.missing[1].startswith("nsjail does not work: ")
    assert len(explanation.missing) >= 3
