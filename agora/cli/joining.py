"""Who joins by itself: hosted providers whose key is set, local servers, coding command lines."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from agora.agents.clis import cli_agent, found_clis
from agora.agents.llm import LLMAgent
from agora.bids import Price
from agora.cli.session import Session
from agora.models.local import LOCAL_PRICE, LocalModel, local_available
from agora.models.providers import Joined, ask_for_models, discover
from agora.models.resolve import resolve_model
from agora.protocols import Agent, ChatModel
from agora.settings import Settings
from agora.tasks import Tier

CLI_USD: Final = Decimal("0.50")
"""What a coding command line that joins by itself may spend on one task."""

OWN_MACHINE: Final = Price(unit="s", input_per_mtok=Decimal(2_000), output_per_mtok=Decimal(20_000))
"""What a server of this machine is taken to cost where nobody states a price: 500 tokens/s read, 50 written."""

ABSENT: Final = "absent "
"""What the names of notes begin with that say who did not join a run, and why."""

LOCAL: Final = "local/"
"""What the names of models in this process begin with."""

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def variables_of(session: Session) -> dict[str, str]:
    """The environment and the project's keys, with what the settings say of models."""
    settings = session.settings
    stated = {"AGORA_GGUF": settings.gguf, "AGORA_API_BASE": settings.api_base}
    return {**session.environ, **{name: value for name, value in stated.items() if value}}


def local_absence(settings: Settings) -> str:
    """Why the local model cannot run here; empty where it can."""
    return local_available(_gguf(settings)) or ""


def model_named(name: str, *, api_base: str | None, price: Price | None, session: Session) -> ChatModel:
    """The chat model behind a name.

    Raises:
        UnknownNameError: There is none.
        MissingKeyError: Its provider's key is not set.
    """
    gguf = _gguf(session.settings)
    if name.startswith(LOCAL) and gguf is not None and api_base is None:
        return LocalModel(name, gguf, price=price or LOCAL_PRICE)
    return resolve_model(name, api_base=api_base, price=price, env=variables_of(session))


def found_agents(session: Session) -> tuple[list[Agent], dict[str, str]]:
    """Agents that nobody defined, and the reasons of those that could have joined.

    Args:
        session: Its settings; `bare` lets coding command lines in, which no sandbox can hold.

    Returns:
        The agents, and name -> why not.
    """
    variables = variables_of(session)
    found, missing = discover(variables, probe=ask_for_models)
    absent = {away.provider: away.reason for away in missing}
    agents: dict[str, Agent] = {}
    for joined in found:
        _add_model(agents, absent, joined, session)
    for name in found_clis():
        if session.settings.bare:
            agents[name] = cli_agent(name, price=Price(per_task=CLI_USD), tier=Tier.BARE)
        else:
            absent[name] = "works outside any sandbox: run with --bare to let it in"
    return list(agents.values()), absent


def grouped(absent: Mapping[str, str]) -> list[str]:
    """Reasons in few lines: all providers that only lack a key stand in one.

    >>> grouped({"openai": "set OPENAI_API_KEY", "xai": "set XAI_API_KEY", "ollama": "no server"})
    ['ollama: no server', 'hosted models: no key is set (OPENAI_API_KEY, XAI_API_KEY)']
    """
    keys = {name: reason.removeprefix("set ") for name, reason in absent.items() if _lacks_key(reason)}
    lines = [f"{name}: {reason}" for name, reason in absent.items() if name not in keys]
    if keys:
        lines.append(f"hosted models: no key is set ({', '.join(keys.values())})")
    return lines


def _lacks_key(reason: str) -> bool:
    return reason.startswith("set ") and reason.endswith("_KEY") and reason.count(" ") == 1


def _add_model(agents: dict[str, Agent], absent: dict[str, str], joined: Joined, session: Session) -> None:
    name = joined.model.rpartition("/")[2]
    if name in agents:
        name = f"{joined.provider}-{name}"
    price = OWN_MACHINE if joined.api_base and urlsplit(joined.api_base).hostname in _LOOPBACK else None
    model = model_named(joined.model, api_base=joined.api_base, price=price, session=session)
    agent = LLMAgent(name, model, price=price, api_base=joined.api_base)
    if agent.profile.price is None:
        absent[name] = f"nobody knows its price: state one in agents/{name}.toml, with model = {joined.model!r}"
        return
    agents[name] = agent


def _gguf(settings: Settings) -> Path | None:
    return Path(settings.gguf).expanduser() if settings.gguf else None
