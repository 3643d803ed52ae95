"""Agents from `agents/NAME.toml`: one value a kind, and the agent that is built from it.

What only one kind has can stand in a table of its name, as `[sampler]`, or beside the rest.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, cast

from pydantic import BaseModel, Field

from agora import registry
from agora.agents.clis import cli_agent
from agora.agents.command import CommandAgent
from agora.agents.command_tools import DEFAULT_TOOLS
from agora.agents.context_rule import ContextRule
from agora.agents.function import FunctionAgent
from agora.agents.llm import LLMAgent
from agora.agents.sampler import SamplerAgent
from agora.bids import Plan, Price
from agora.cli.joining import model_named
from agora.cli.session import Session
from agora.errors import AgoraError, ConfigError, UnknownNameError
from agora.protocols import Agent, ChatModel, Tool
from agora.settings import read_toml, short, unknown
from agora.tasks import Limits, Strength
from agora.toml_files import fit, tier_named
from agora.values import Value

KINDS = ("llm", "sampler", "function", "command")
"""What an agent can be."""


class _AgentFile(Value):
    """What may stand in the file of any agent."""

    name: str = ""
    """Unique within a market; the file's name where it states none."""
    skills: tuple[str, ...] = ()
    """What it can do; empty: anything."""
    price: Price | None = None
    """What it charges."""
    trust: tuple[str, ...] = ()
    """The data labels that it may see."""
    tier: str = "namespace"
    """The sandbox that it works in."""
    strength: Strength = ""
    """How strong it is: small, medium or large."""


class LLMFile(_AgentFile):
    """A chat model with tools."""

    kind: Literal["llm"] = "llm"
    model: str
    """provider/model."""
    instructions: str = ""
    """Who it is."""
    tools: tuple[str, ...] | None = None
    """Names of tools, or "module:object"; none stated: the file, search and command tools."""
    api_base: str | None = None
    """Another endpoint for the model."""
    output: str = ""
    """"module:Model", a pydantic model that the answer must fit; empty: it is words."""
    max_tokens: int = Field(default=2048, ge=1)
    """Output cap of each call while performing."""
    limits: Limits = Limits()
    """What one bid or one attempt of it may take at most."""
    context: ContextRule = ContextRule()
    """How a long attempt manages its context: a strategy's name, or a table of `strategy`, `turns` and so on."""
    images: bool | None = None
    """Whether its model takes images; not stated: as is known of the model."""
    strong: str = ""
    """A second model, provider/model, to which calls of an attempt may go; none stated: there is none."""
    strong_price: Price | None = None
    """What the second model charges; none stated: its list price."""
    strong_api_base: str | None = None
    """Another endpoint for the second model; none stated: that of the first; empty: its provider's own."""
    steps: str = ""
    """Who chooses between the two: always-small, always-large, escalate, advantage, bandit."""


class SamplerFile(_AgentFile):
    """A small model that draws candidates."""

    kind: Literal["sampler"]
    model: str
    """provider/model."""
    method: Literal["greedy", "best_of_n"] = "greedy"
    """One unchecked sample, or several checked against visible examples."""
    api_base: str | None = None
    """Another endpoint for the model."""
    deadline_s: float = Field(default=60.0, gt=0)
    """Seconds for each model call."""


class FunctionFile(_AgentFile):
    """A Python object: an agent, something that makes one, or an async function that performs."""

    kind: Literal["function"]
    target: str
    """"module:object", looked for in the project's folder too."""
    plan: str = ""
    """What a bare function promises, in words."""
    steps: int = Field(default=1, ge=1)
    """How many steps a bare function promises."""
    tokens: int | None = Field(default=None, ge=0)
    """How many tokens a bare function promises to write at most."""


class CommandFile(_AgentFile):
    """A command line."""

    kind: Literal["command"]
    command: tuple[str, ...] | Mapping[str, tuple[str, ...]] = ()
    """The template, or one for each skill."""
    cli: str = ""
    """A coding command line known by name, in place of a template."""
    plan: str = ""
    """The plan's text."""
    steps: int = Field(default=1, ge=1)
    """Promised number of steps."""
    timeout_s: float = Field(default=600.0, gt=0)
    """Wall-clock limit of the command."""
    cost_json: str = ""
    """Dotted path of the dollars spent, in the JSON that it prints."""


AgentFile = LLMFile | SamplerFile | FunctionFile | CommandFile
"""Any definition."""

_MODELS: Mapping[str, type[AgentFile]] = {
    "llm": LLMFile,
    "sampler": SamplerFile,
    "function": FunctionFile,
    "command": CommandFile,
}


def read_agent(file: Path) -> AgentFile:
    """A definition as written; nothing is imported or looked for yet.

    Raises:
        ConfigError: Naming the file, the field and the mend.
    """
    content = read_toml(file)
    kind = content.get("kind", "llm")
    if not isinstance(kind, str) or kind not in _MODELS:
        raise ConfigError(f"{short(file)}: kind", f"{kind!r} is no kind of agent; there are: {', '.join(KINDS)}")
    known = fit(_MODELS[kind], _flat(content, kind, where=short(file)), where=short(file))
    return known if known.name else known.model_copy(update={"name": file.stem})


def build_agent(known: AgentFile, file: Path, *, session: Session) -> Agent:
    """The agent of a definition.

    Args:
        known: The definition.
        file: Where it stands, for messages.
        session: The project, in whose folder functions are looked for too, and the settings.

    Raises:
        ConfigError: It cannot be built from that, naming the file.
        MissingKeyError: Its model needs a key.
    """
    where = short(file)
    tier = tier_named(known.tier, where=where)
    common = {
        "skills": known.skills,
        "price": known.price,
        "trust": known.trust,
        "tier": tier,
        "strength": known.strength,
    }
    try:
        match known:
            case LLMFile():
                return _llm(known, where, common, session)
            case SamplerFile():
                return SamplerAgent(
                    known.name,
                    _model(known, session),
                    method=known.method,
                    api_base=known.api_base,
                    deadline_s=known.deadline_s,
                    skills=known.skills,
                    price=known.price,
                    trust=known.trust,
                    tier=tier,
                    strength=known.strength,
                )
            case CommandFile():
                return _command(known, where, common)
            case FunctionFile():
                return _function(known, where, common, session.root)
    except ConfigError as error:
        raise error if error.where.startswith(where) else ConfigError(where, str(error)) from None
    except UnknownNameError as error:
        raise ConfigError(where, str(error)) from None


def _flat(content: Mapping[str, object], kind: str, *, where: str) -> dict[str, object]:
    """The fields of the kind's own table, as `[sampler]`, put beside the common ones."""
    table = content.get(kind)
    if not isinstance(table, dict):
        return {**content, "kind": kind}
    common = {name: value for name, value in content.items() if name != kind}
    own: dict[str, object] = {str(name): value for name, value in cast("Mapping[object, object]", table).items()}
    for name in own:
        if name in common:
            raise ConfigError(f"{where}: {name}", f"stands both above and in [{kind}]: keep one of them")
        if name not in _MODELS[kind].model_fields:
            raise ConfigError(f"{where}: {kind}.{name}", unknown(name, _MODELS[kind].model_fields))
    return {**common, **own, "kind": kind}


def _llm(known: LLMFile, where: str, common: Mapping[str, object], session: Session) -> Agent:
    options: dict[str, object] = dict(common)
    if known.instructions:
        options["instructions"] = known.instructions
    if known.tools is not None:
        options["tools"] = [_tool(name, where, session.root) for name in known.tools]
    if known.output:
        options["output"] = _output(known.output, f"{where}: output", session.root)
    model = _model(known, session)
    make = cast("Callable[..., Agent]", LLMAgent)
    stated: dict[str, object] = {"api_base": known.api_base, "max_tokens": known.max_tokens, "limits": known.limits}
    stated |= {"images": known.images, "context": known.context}
    return make(
        known.name, model, strong=_strong(known, where, session), steps=known.steps or None, **stated, **options
    )


def _strong(known: LLMFile, where: str, session: Session) -> ChatModel | None:
    """The second model, where there is one."""
    if known.strong:
        api_base = known.api_base if known.strong_api_base is None else known.strong_api_base or None
        return model_named(known.strong, api_base=api_base, price=known.strong_price, session=session)
    for name in ("strong_price", "strong_api_base"):
        if getattr(known, name) is not None:
            raise ConfigError(f"{where}: {name}", 'there is no second model: state strong = "provider/model" too')
    return None


def _output(path: str, at: str, root: Path) -> type[BaseModel]:
    with _importable(root):
        found = registry.load_object(path, where=at)
    if not (inspect.isclass(found) and issubclass(found, BaseModel)):
        raise ConfigError(at, f"{path!r} is no pydantic model: name a class derived from pydantic.BaseModel")
    return found


def _model(known: LLMFile | SamplerFile, session: Session) -> ChatModel:
    return model_named(known.model, api_base=known.api_base, price=known.price, session=session)


def _tool(name: str, where: str, root: Path) -> Tool:
    built_in = {tool.spec.name: tool for tool in DEFAULT_TOOLS}
    if name in built_in:
        return built_in[name]
    at = f"{where}: tools"
    if ":" not in name and name not in registry.names("tools"):
        raise ConfigError(at, str(UnknownNameError("tool", name, {*built_in, *registry.names("tools")})))
    with _importable(root):
        found = registry.load_object(name, where=at) if ":" in name else registry.find("tools", name)
    if not isinstance(found, Tool):
        raise ConfigError(at, f"{name!r} is not a tool: put @tool above its function")
    return found


def _command(known: CommandFile, where: str, common: Mapping[str, object]) -> Agent:
    if bool(known.cli) == bool(known.command):
        raise ConfigError(f"{where}: command", 'state one of command = ["program", "{goal}"] and cli = "NAME"')
    if known.cli:
        tier = tier_named(known.tier, where=where)
        return cli_agent(
            known.cli,
            price=known.price or Price(),
            tier=tier,
            name=known.name,
            skills=known.skills,
            timeout_s=known.timeout_s,
        )
    make = cast("Callable[..., Agent]", CommandAgent)
    return make(
        known.name,
        command=known.command,
        plan=known.plan,
        steps=known.steps,
        timeout_s=known.timeout_s,
        cost_json=known.cost_json,
        **common,
    )


def _function(known: FunctionFile, where: str, common: Mapping[str, object], root: Path) -> Agent:
    at = f"{where}: target"
    with _importable(root):
        found = registry.load_object(known.target, where=at)
    if inspect.iscoroutinefunction(found):
        plan = Plan(text=known.plan or f"call {known.target}", steps=known.steps, tokens=known.tokens)
        make = cast("Callable[..., Agent]", FunctionAgent)
        return make(known.name, found, plan=plan, **common)
    if not _is_agent(found) and callable(found):
        found = _made(found, known, at, common)
    if not _is_agent(found):
        raise ConfigError(at, f"{known.target!r} is no agent, makes none, and is no async function")
    return cast("Agent", found)


def _made(factory: Callable[..., object], known: FunctionFile, at: str, common: Mapping[str, object]) -> object:
    """What a class or function makes of those fields that the file states."""
    stated = {"name": known.name, **{key: value for key, value in common.items() if key in known.model_fields_set}}
    takes = inspect.signature(factory).parameters
    for key in stated:
        if key not in takes and key != "name":
            raise ConfigError(at, f"{known.target!r} takes no {key!r}: {unknown(key, takes)}")
    try:
        return factory(**{key: value for key, value in stated.items() if key in takes})
    except AgoraError:
        raise
    except Exception as error:  # the user's own code: whatever it raises is said in one line
        raise ConfigError(at, f"{known.target!r} failed with {type(error).__name__}: {error}") from error


def _is_agent(found: object) -> bool:
    return not inspect.isclass(found) and all(hasattr(found, part) for part in ("profile", "bid", "perform"))


@contextmanager
def _importable(root: Path) -> Generator[None]:
    """The project's folder on the import path, last, so that it hides no installed module."""
    sys.path.append(str(root))
    try:
        yield
    finally:
        sys.path.remove(str(root))
