"""Tasks and auctions from their TOML files."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, cast

from pydantic import BaseModel

from agora import registry
from agora.agents.images import checked_images
from agora.errors import ConfigError, UnknownNameError, UsageError
from agora.protocols import Mechanism, Policy
from agora.settings import read_toml, short, unknown
from agora.tasks import Limits, Strength, Task
from agora.toml_files import fit, tier_named
from agora.values import JsonValue, Value
from agora.verifiers import stated_check


class TaskFile(Value):
    """What may stand in a task's file; its id is the file's name where it states none."""

    goal: str
    """What is wanted, in words."""
    id: str = ""
    """Unique within a run."""
    skill: str = ""
    """The skill it needs."""
    workspace: str | None = None
    """The folder it is about, relative to this file."""
    files: tuple[str, ...] = ()
    """The files it is mostly about."""
    examples: tuple[str, ...] = ()
    """Checks that bidders may see."""
    images: tuple[str, ...] = ()
    """Pictures that belong to the goal: paths inside the workspace; without one, beside this file."""
    tools: tuple[str, ...] | None = None
    """The tools that may be used."""
    protect: tuple[str, ...] = ()
    """Globs of files that may not change."""
    labels: frozenset[str] = frozenset()
    """Labels of the data inside."""
    tier: str = "namespace"
    """The least sandbox: bare, landlock, namespace or machine."""
    strength: Strength = ""
    """The least strength of whoever does it: small, medium or large."""
    verify: Mapping[str, JsonValue] | None = None
    """`kind`, and that verifier's options."""
    limits: Limits = Limits()
    """Bounds on all attempts together."""


def load_tasks(path: Path) -> list[Task]:
    """The task of a file, or those of a folder in the order of their names.

    Raises:
        ConfigError: A definition cannot be used, or the folder holds none.
    """
    if not path.is_dir():
        return [load_task(path)]
    files = sorted(file for file in path.iterdir() if file.suffix == ".toml")
    if not files:
        raise ConfigError(short(path), "holds no tasks: put one TOML file for each into it")
    return [load_task(file) for file in files]


def load_task(file: Path) -> Task:
    """One task, checked as far as can be done without running anything.

    Raises:
        ConfigError: Naming the file, the field and the mend.
    """
    where = short(file)
    known = fit(TaskFile, read_toml(file), where=where)
    if not known.goal.strip():
        raise ConfigError(f"{where}: goal", "is empty: say in words what is to be done")
    task = Task(
        id=known.id or file.stem,
        goal=known.goal,
        skill=known.skill,
        workspace=_folder(known.workspace, file, where),
        files=known.files,
        examples=known.examples,
        images=known.images,
        tools=known.tools,
        verify=None if known.verify is None else stated_check(known.verify, beside=file, where=where),
        protect=known.protect,
        labels=known.labels,
        tier=tier_named(known.tier, where=where),
        strength=known.strength,
        limits=known.limits,
    )
    if not task.images:
        return task
    try:
        return task.model_copy(update={"images": checked_images(task, base=file.parent.resolve())})
    except ConfigError as error:
        raise ConfigError(f"{where}: images", error.what) from None


def load_mechanism(name: str, *, project: Path | None) -> Mechanism:
    """The auction rule of `auctions/NAME.toml`, or of that name in the registry.

    Raises:
        UnknownNameError: There is neither.
        ConfigError: The file does not fit the rule.
    """
    return cast("Mechanism", _load(_MECHANISMS, name, project))


def load_policy(name: str, *, project: Path | None) -> Policy:
    """The coordinator's rule of `policies/NAME.toml`, or of that name in the registry.

    Raises:
        UnknownNameError: There is neither.
        ConfigError: The file does not fit the rule.
    """
    return cast("Policy", _load(_POLICIES, name, project))


class _Kind(NamedTuple):
    one: str
    group: registry.Group
    folder: str


_MECHANISMS = _Kind("mechanism", "mechanisms", "auctions")
_POLICIES = _Kind("policy", "policies", "policies")


def _load(kind: _Kind, name: str, project: Path | None) -> object:
    file = project / kind.folder / f"{name}.toml" if project else None
    known = registry.names(kind.group)
    if file is None or not file.is_file():
        here = [path.stem for path in sorted(file.parent.glob("*.toml"))] if file and file.parent.is_dir() else []
        if name not in known:
            raise UnknownNameError(kind.one, name, {*here, *known})
        return _built(kind, name, {}, where=f"{kind.one} {name!r}")
    options = read_toml(file)
    if kind.one not in options and name not in known:
        raise ConfigError(
            f"{short(file)}: {kind.one}", f"is missing: say which one this is, as {kind.one} = {known[0]!r}"
        )
    rule = options.pop(kind.one, name)
    if not isinstance(rule, str):
        raise ConfigError(f"{short(file)}: {kind.one}", f"{rule!r} does not fit: write a name in quotes")
    if rule not in known:
        raise ConfigError(f"{short(file)}: {kind.one}", str(UnknownNameError("one", rule, known)))
    return _built(kind, rule, options, where=short(file))


def _built(kind: _Kind, rule: str, options: Mapping[str, object], *, where: str) -> object:
    found = registry.find(kind.group, rule)
    if not callable(found):
        return found
    form = getattr(found, "Options", None)
    if isinstance(form, type) and issubclass(form, BaseModel):
        fit(form, options, where=where)
        try:
            return found(**options)
        except UsageError as error:  # as a model that is none, or whose key is missing
            raise ConfigError(where, str(error)) from None
    known = [name for name in inspect.signature(found).parameters if name != "self"]
    for name in options:
        if name not in known:
            raise ConfigError(f"{where}: {name}", unknown(name, [*known, kind.one]))
    try:
        return found(**options)
    except ConfigError as error:
        raise ConfigError(where, error.what) from None
    except (TypeError, ValueError) as error:
        raise ConfigError(where, f"{rule!r} refuses its options: {error}") from None


def _folder(workspace: str | None, file: Path, where: str) -> str | None:
    if workspace is None:
        return None
    folder = (file.parent / Path(workspace).expanduser()).resolve()
    if not folder.is_dir():
        raise ConfigError(f"{where}: workspace", f"{workspace!r} is not a folder; it is looked for beside the file")
    return str(folder)
