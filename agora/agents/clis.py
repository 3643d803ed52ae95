"""Coding command lines that are known by name, in one table.

They talk to their provider and edit files by themselves, so they need the network and the user's own login: no
sandbox of Agora's can hold them. They join a pool only by a definition that says so: `tier = "bare"` and a price.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from typing import Final, NamedTuple

from agora.agents.command import CommandAgent
from agora.bids import Price
from agora.errors import ConfigError, UnknownNameError
from agora.tasks import Tier


class Cli(NamedTuple):
    """How one program is run without a terminal."""

    command: str
    """The template, split at spaces; its first word is the program."""
    cost_json: str = ""
    """Where it reports dollars; empty: it does not, and the price per task is booked."""


CLIS: Final[dict[str, Cli]] = {
    "claude": Cli(
        "claude -p --output-format json --permission-mode acceptEdits --max-budget-usd {usd} {goal}",
        cost_json="total_cost_usd",
    ),
    "codex": Cli("codex exec --full-auto --skip-git-repo-check {goal}"),
    "gemini": Cli("gemini --yolo --output-format json -p {goal}"),
    "aider": Cli("aider --yes-always --no-git --no-check-update --message {goal} {files}"),
    "opencode": Cli("opencode run {goal}"),
}
"""Name -> how it is run. Flags change with versions; a definition of one's own (`kind = "command"`) beats the table."""


def found_clis() -> dict[str, str]:
    """The table's programs that are on this machine's PATH, with where they are."""
    where = {name: shutil.which(cli.command.split()[0]) for name, cli in CLIS.items()}
    return {name: path for name, path in where.items() if path}


def cli_agent(
    cli: str, *, price: Price, tier: Tier, name: str = "", skills: Iterable[str] = (), timeout_s: float = 900.0
) -> CommandAgent:
    """An agent from the table.

    Args:
        cli: A name of the table.
        price: The most that one task may cost, as `per_task` in dollars.
        tier: Has to be `Tier.BARE`, said by whoever defines the agent.
        name: The agent's name; empty: the program's.
        skills: What it can do; empty: anything.
        timeout_s: Wall-clock limit in seconds.

    Raises:
        UnknownNameError: The table has no such program.
        ConfigError: The definition does not say that it runs without a sandbox, or states no price.
    """
    if cli not in CLIS:
        raise UnknownNameError("coding command line", cli, CLIS)
    if tier != Tier.BARE:
        raise ConfigError(
            f"agent {name or cli!r}", f'{cli} works outside any sandbox: say tier = "bare" to accept that'
        )
    if price.unit != "usd" or price.per_task == 0:
        raise ConfigError(f"agent {name or cli!r}", 'say what a task may cost: price = { per_task = "0.50" }')
    known = CLIS[cli]
    return CommandAgent(
        name or cli,
        command=known.command.split(),
        skills=skills,
        price=price,
        steps=1,
        plan=f"let {cli} work on the task until it says that it is done",
        tier=tier,
        timeout_s=timeout_s,
        cost_json=known.cost_json,
    )
