"""The pool of a run: who is defined, who joins by itself, and who is absent and why.

Defined are the project's agents/ (and plug-ins that are asked for by name). By themselves join a provider whose key
is set, an Ollama server, the server at AGORA_API_BASE, and, where no sandbox is asked for, coding command lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from agora import registry
from agora.cli.agent_files import AgentFile, LLMFile, SamplerFile, build_agent, read_agent
from agora.cli.joining import LOCAL, found_agents, grouped, local_absence
from agora.cli.session import Session
from agora.errors import ConfigError, MissingKeyError, NoAgentsError, UnknownNameError
from agora.protocols import Agent
from agora.settings import Settings, short, unknown
from agora.workflows.nodes import Flow, TaskNode

FOLDER = "agents"
"""Where a project defines its agents."""


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Who takes part, and who does not."""

    agents: tuple[Agent, ...]
    """In the order of definition, then of joining."""
    absent: Mapping[str, str] = field(default_factory=dict[str, str])
    """Name -> why it did not join, and the mend."""
    where: str = "the market"
    """What was looked through, for messages."""

    def need_some(self) -> None:
        """Refuse an empty pool.

        Raises:
            NoAgentsError: It is empty; why each absent agent is absent is said.
        """
        if self.agents:
            return
        error = NoAgentsError(self.where)
        reasons = "; ".join(grouped(self.absent))
        error.args = (
            f"{error}; `agora init` writes a project with some" + (f" (absent: {reasons})" if reasons else ""),
        )
        raise error

    def need_for(self, flow: Flow) -> None:
        """Refuse a workflow with a task for which nobody may bid who takes part.

        Raises:
            ConfigError: Naming the task, and who is near or why absent.
        """
        here = {agent.profile.name for agent in self.agents}
        for one in (flow, *flow.flows):
            for node in one.nodes:
                if isinstance(node, TaskNode) and node.agents and not here.intersection(node.agents):
                    name = node.agents[0]
                    why = self.absent.get(name)
                    said = (
                        f"{name!r} is absent: {why}" if why else f"{name!r} is an {unknown(name, here, what='agent')}"
                    )
                    raise ConfigError(f"workflow {one.name!r}: task {node.id!r}: agents", said)


def join_pool(session: Session, *, only: str | None = None) -> Pool:
    """Put the pool together.

    Args:
        session: The project and its settings.
        only: Names or .toml files, comma-separated; None: everyone.

    Raises:
        ConfigError: A definition cannot be used.
        UnknownNameError: Somebody who was asked for is nowhere.
    """
    folder = session.root / FOLDER
    files = sorted(folder.glob("*.toml")) if session.project else []
    wanted = None if only is None else [name.strip() for name in only.split(",") if name.strip()]
    if wanted is not None and not wanted:
        raise ConfigError("--agents", "names nobody: write names or .toml files, comma-separated")
    if wanted is None:
        return _everyone(session, files)
    return _chosen(session, files, wanted)


def _everyone(session: Session, files: Iterable[Path]) -> Pool:
    agents: dict[str, Agent] = {}
    absent: dict[str, str] = {}
    for file in files:
        known = read_agent(file)
        if reason := _absence(known, session.settings):
            absent[known.name] = reason
            continue
        try:
            _add(agents, build_agent(known, file, session=session), short(file))
        except MissingKeyError as error:
            absent[known.name] = f"set {error.variable}"
    joined, away = found_agents(session)
    for agent in joined:
        agents.setdefault(agent.profile.name, agent)
    absent.update({name: reason for name, reason in away.items() if name not in agents})
    where = short(session.root / FOLDER) if session.project else "the market"
    return Pool(agents=tuple(agents.values()), absent=absent, where=where)


def _chosen(session: Session, files: Iterable[Path], wanted: Iterable[str]) -> Pool:
    """Exactly those who were asked for; that one of them is absent is an error."""
    defined = {known.name: (known, file) for file in files for known in [read_agent(file)]}
    joined: dict[str, Agent] | None = None
    absent: Mapping[str, str] = {}
    agents: dict[str, Agent] = {}
    for name in wanted:
        if name.endswith(".toml"):
            file = Path(name).expanduser()
            agent = _present(read_agent(file), file, session)
        elif name in defined:
            agent = _present(*defined[name], session)
        elif name in registry.names("agents"):
            agent = _plugged(name)
        else:
            if joined is None:
                found, absent = found_agents(session)
                joined = {one.profile.name: one for one in found}
            if name in absent:
                raise ConfigError(f"agent {name!r}", absent[name])
            if name not in joined:
                raise UnknownNameError("agent", name, {*defined, *joined, *absent, *registry.names("agents")})
            agent = joined[name]
        _add(agents, agent, name)
    return Pool(agents=tuple(agents.values()))


def _present(known: AgentFile, file: Path, session: Session) -> Agent:
    if reason := _absence(known, session.settings):
        raise ConfigError(short(file), reason)
    return build_agent(known, file, session=session)


def _absence(known: AgentFile, settings: Settings) -> str:
    """Why a defined agent cannot join on this machine; empty where it can."""
    if isinstance(known, LLMFile | SamplerFile) and known.model.startswith(LOCAL) and known.api_base is None:
        return local_absence(settings)
    return ""


def _plugged(name: str) -> Agent:
    found = registry.find("agents", name)
    if (callable(found) and not hasattr(found, "profile")) or isinstance(found, type):
        found = found()
    return cast("Agent", found)


def _add(agents: dict[str, Agent], agent: Agent, where: str) -> None:
    name = agent.profile.name
    if name in agents:
        raise ConfigError(where, f"another agent is already named {name!r}: rename one of them")
    agents[name] = agent
