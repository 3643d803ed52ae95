"""The probe: what works is found by running it, and what does not is explained; never bare in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from agora.errors import SandboxError
from agora.protocols import Sandbox, Workspace
from agora.sandbox import BubblewrapSandbox, NsjailSandbox, best_sandbox, explain
from agora.sandbox.probe import choose
from agora.tasks import Patch, Tier


def missing() -> Sandbox:
    raise SandboxError("it is not installed: install it")


class Broken:
    """A sandbox that is installed and does not start."""

    tier = Tier.NAMESPACE

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
