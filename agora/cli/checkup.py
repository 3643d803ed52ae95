"""What `agora doctor` looks at."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import cast

import anyio
import anyio.to_thread

from agora.cli.forms import Form
from agora.cli.paint import err
from agora.cli.pool import join_pool
from agora.cli.session import Session, opened_store
from agora.errors import AgoraError, SandboxError
from agora.memory.embeddings import loaded
from agora.memory.location import shown
from agora.sandbox import best_sandbox, explain
from agora.sandbox.battery import AttackResult, Limitable, run_battery

_PACKAGES = {"agora": "agora-market", "litellm": "litellm", "pydantic": "pydantic", "xllamacpp": "xllamacpp"}


@dataclass(frozen=True, kw_only=True)
class Checkup:
    """What was found."""

    versions: Mapping[str, str]
    """Agora, Python and the packages that matter."""
    sandbox: str
    """bubblewrap, nsjail, or empty."""
    tier: str
    """What it gives."""
    missing: tuple[str, ...]
    """One line for each thing that is missing, with the mend."""
    database: str
    """Where the memory is."""
    recall_trouble: str = ""
    """Why memories are found by words only, with the mend; empty: by meaning, too."""
    memory_error: str = ""
    """Why it cannot be used; empty where it can."""
    agents: tuple[str, ...] = ()
    """Who would take part."""
    absent: Mapping[str, str] = field(default_factory=dict[str, str])
    """Who would not, and why."""
    attacks: tuple[AttackResult, ...] = ()
    """What came of each attack."""

    @property
    def leaks(self) -> tuple[str, ...]:
        """Attacks that the sandbox did not stop."""
        return tuple(attack.name for attack in self.attacks if attack.harm_within)

    @property
    def exit_code(self) -> int:
        """0 where there is a sandbox that holds, 1 where only the memory fails, else that of a sandbox error."""
        if not self.sandbox or self.leaks:
            return SandboxError.exit_code
        return AgoraError.exit_code if self.memory_error else 0

    def verdict(self) -> str:
        """The last line, for markup."""
        if not self.sandbox:
            return "[failed]there is no sandbox[/]: tasks with a workspace are refused"
        if self.leaks:
            return f"[failed]the sandbox leaks[/]: {', '.join(self.leaks)}"
        if self.memory_error:
            return "[failed]the memory cannot be used[/]: set AGORA_DB_URL to a place that can be written"
        shown = sum(attack.harm_without for attack in self.attacks)
        stopped = f": {shown} of {len(self.attacks)} attacks succeed without it, none within" if self.attacks else ""
        return f"[passed]the sandbox holds[/]{stopped}"

    def form(self) -> Form:
        """As JSON."""
        return {
            "versions": dict(self.versions),
            "sandbox": self.sandbox or None,
            "tier": self.tier,
            "missing": list(self.missing),
            "database": self.database,
            "memory_error": self.memory_error or None,
            "recall": "words" if self.recall_trouble else "words and meaning",
            "recall_trouble": self.recall_trouble or None,
            "agents": list(self.agents),
            "absent": dict(self.absent),
            "attacks": [dict(attack._asdict()) for attack in self.attacks],
            "healthy": self.exit_code == 0,
        }


async def check_up(session: Session, battery: bool) -> Checkup:
    """Look at everything; what is broken is reported and stops nothing else.

    Args:
        session: The project and its settings.
        battery: Whether the sandbox is attacked.
    """
    explained = await anyio.to_thread.run_sync(explain)
    agents, absent = _pool(session)
    attacks: list[AttackResult] = []
    if battery and explained.name:
        err().print("[quiet]attacking the sandbox, 5 to 10 seconds[/]")
        # both sandboxes that are ever found here can be limited
        attacks = await run_battery(cast("Limitable", best_sandbox()))
    return Checkup(
        versions=_versions(),
        sandbox=explained.name,
        tier=explained.tier.name.lower(),
        missing=explained.missing,
        database=shown(session.database),
        recall_trouble=loaded().trouble,
        memory_error=await _memory_error(session),
        agents=agents,
        absent=absent,
        attacks=tuple(attacks),
    )


def _pool(session: Session) -> tuple[tuple[str, ...], Mapping[str, str]]:
    try:
        pool = join_pool(session)
    except AgoraError as error:
        return (), {"the pool": str(error)}
    return tuple(agent.profile.name for agent in pool.agents), pool.absent


async def _memory_error(session: Session) -> str:
    try:
        async with opened_store(session) as store:
            store.runs(limit=1)
    except (AgoraError, OSError) as error:
        return str(error)
    place = Path(session.database)
    if "://" not in session.database and not os.access(place, os.W_OK):
        return f"{place} cannot be written"
    return ""


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name, package in _PACKAGES.items():
        try:
            found[name] = version(package)
        except PackageNotFoundError:
            found[name] = "not installed"
    return {"agora": found.pop("agora"), **found}
