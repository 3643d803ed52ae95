"""Frozen settings, and where the rest of Agora gets the process's environment and its TOML files from.

A flag goes before a variable `AGORA_<FIELD>`, that before the project's `agora.toml`, and that before the user's own
`~/.config/agora/config.toml`. What a person is asked, and whether there is a sandbox, is not for a project to say.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
import tomllib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from difflib import get_close_matches
from io import StringIO
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator

from agora.errors import ConfigError
from agora.values import Value

PREFIX = "AGORA_"
"""What the name of every variable of Agora's own begins with."""

PROJECT_FILE = "agora.toml"
"""The file that marks a folder as an Agora project, with the project's settings."""

KEY_FILE = ".env"
"""The file of a project that holds keys of providers; only those are read from it."""

_KEY_FILE_BYTES = 100_000
_KEY_NAME = re.compile(r"(?:[A-Z][A-Z0-9_]*_)?(?:KEY|TOKEN|SECRET|PASSWORD|ACCESS_KEY_ID)", re.IGNORECASE)
_PERSONAL = frozenset(
    {
        "approve",
        "ask_above_usd",
        "ask_commands",
        "bare",
        "checkpoint",
        "checkpoint_command",
        "recall_trust",
        "signing_key",
    }
)
"""Whoever clones a project must not be disarmed by it."""

_NEAR = 0.85
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


Approval = Literal["ask", "auto-edit", "yes"]
"""How much of what agents want a person is asked for."""


class Settings(Value):
    """What a run is set to; every field can stand in any of the four places."""

    budget_usd: Decimal = Field(default=Decimal("1.00"), ge=0)
    """What one run may cost, in US dollars; local work is free of it."""
    mechanism: str = "sale"
    """The auction's rule: a file auctions/NAME.toml of the project, or a name of the registry."""
    policy: str = "linucb+sale"
    """The coordinator's rule: a file policies/NAME.toml of the project, or a name of the registry."""
    seed: int | None = Field(default=None, ge=0, lt=2**63)
    """Of all chance in a run; None draws one, which is recorded."""
    bid_deadline_s: float = Field(default=60.0, gt=0)
    """Seconds after which bids do not count."""
    attempts: int = Field(default=3, ge=1)
    """Awards that one task gets at most."""
    parallel: int = Field(default=1, ge=1)
    """Tasks that are worked on at once."""
    usd_per_hour: Decimal | None = Field(default=None, gt=0)
    """What runs may cost together in an hour, shared out over them: it lowers `budget_usd`. None: no rate."""
    pacing: Literal["off", "even", "dual"] = "off"
    """How tasks of one run share its budget: "off", each may take all that is left; "even", a fair share of what is
    left; "dual", of 100 tasks or more, as many fair shares as could be worth their price."""
    calls_at_once: Mapping[str, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    """Provider (or address of an endpoint) -> how many calls may be under way there; as a text, "openai=5 groq=2"."""
    db_url: str = ""
    """Where the shared memory is; empty: the project's memory folder, or the user's data folder."""
    gguf: str = ""
    """A model file of the user's own for the local runtime; empty: the SmolLM2 weights."""
    api_base: str = ""
    """An OpenAI-compatible server whose models join the pool; empty: none."""
    approve: Approval = "ask"
    """What a person is asked: "ask" for diffs, commands outside a sandbox and dear awards; "auto-edit" for the last two
    only; "yes" for nothing."""
    ask_above_usd: Decimal = Field(default=Decimal("1.00"), ge=0)
    """Awards that set more than this aside are asked for, in US dollars."""
    ask_commands: bool = False
    """Ask for commands inside a sandbox, too."""
    cache: bool = False
    """Take replies of earlier runs where a step is the same: for development."""
    recall_floor: float = Field(default=0.3, ge=-1, le=1)
    """Least cosine of the embeddings of two goals for what is remembered of one to be offered for the other."""
    recall_capacity: int = Field(default=2000, ge=1, le=1_000_000)
    """How many remembered bids are considered where embeddings are at hand."""
    recall_duplicate: float = Field(default=0.97, ge=-1, le=1)
    """Above this cosine of two goals, memories of the older task are the first to make room."""
    recall_trust: bool = True
    """Offer an agent only what is remembered of tasks whose labels its trust covers."""
    stream: bool = False
    """Show what models are writing, where there is a terminal and a provider that can stream."""
    bare: bool = False
    """Run commands without any sandbox; it is recorded."""
    checkpoint: Literal["off", "file", "git"] = "file"
    """Where the signed size and root of the ledger go at the end of a run: "file", behind the earlier ones in the
    user's data folder; "git", there, and as a note (refs/notes/agora) on HEAD of the workspace's repository."""
    checkpoint_command: tuple[str, ...] = ()
    """A program and its arguments that gets each checkpoint on its standard input; as a text, a line of a shell."""
    signing_key: str = ""
    """The file of the key that checkpoints are signed with; empty: signing.key in the user's data folder."""

    @field_validator("checkpoint_command", mode="before")
    @classmethod
    def _words(cls, stated: object) -> object:
        return tuple(shlex.split(stated)) if isinstance(stated, str) else stated

    @field_validator("calls_at_once", mode="before")
    @classmethod
    def _pairs(cls, stated: object) -> object:
        if not isinstance(stated, str):
            return stated
        pairs = [pair.rpartition("=") for pair in stated.split()]
        if not all(name for name, _, _ in pairs):
            raise ValueError("write PROVIDER=NUMBER, with spaces between several")
        return {name: number for name, _, number in pairs}


def load_settings(
    *,
    flags: Mapping[str, object] | None = None,
    project: Path | None = None,
    environ: Mapping[str, str] | None = None,
    user_file: Path | None = None,
) -> Settings:
    """The settings of the four places together.

    Args:
        flags: Field -> what the command line says; None is not stated.
        project: The project's folder.
        environ: The variables; by default the process's own.
        user_file: The user's file; by default `user_config()`.

    Raises:
        ConfigError: An unknown field or a bad value, naming the place and the field.
    """
    variables = os.environ if environ is None else environ
    stated: dict[str, object] = {}
    places: dict[str, str] = {}
    files = [user_file or user_config(variables)]
    if project is not None:
        files.append(project / PROJECT_FILE)
    for file in files:
        for name, value in _of_file(file).items():
            if name in _PERSONAL and file.name == PROJECT_FILE:
                mend = f"use a flag, {PREFIX}{name.upper()}, or your own {short(files[0])}"
                raise ConfigError(f"{short(file)}: {name}", f"a project cannot say this for whoever runs it: {mend}")
            stated[name], places[name] = value, f"{short(file)}: {name}"
    for name, text in _of_environment(variables).items():
        stated[name], places[name] = text, PREFIX + name.upper()
    for name, value in (flags or {}).items():
        if value is not None:
            stated[name], places[name] = value, "--" + name.removesuffix("_usd").replace("_", "-")
    try:
        return Settings.model_validate(stated)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "settings"
        raise ConfigError(places.get(name, name), f"{stated.get(name)!r} {_why(first['msg'])}") from None


def environment(project: Path | None = None) -> Mapping[str, str]:
    """The process's variables, for those who are handed them (keys of providers, NO_COLOR).

    Args:
        project: A folder whose .env is read for keys. They stand in what is returned, never in the process's own
            environment, and a variable that is set there goes before.

    Raises:
        ConfigError: The .env cannot be used.
    """
    keys = {} if project is None else read_keys(project / KEY_FILE)
    return {**keys, **os.environ} if keys else os.environ


def read_keys(file: Path) -> dict[str, str]:
    """The keys in a .env file; every other name in it is left alone, and no variable is filled in.

    Raises:
        ConfigError: It cannot be read, or a line is no NAME=value; the line is named, never shown.
    """
    text = _key_text(file)
    if not text:
        return {}
    from dotenv.parser import parse_stream  # late: most projects have no such file

    keys: dict[str, str] = {}
    for found in parse_stream(StringIO(text)):
        if found.error:
            blank = len(found.original.string) - len(found.original.string.lstrip())
            line = found.original.line + found.original.string.count("\n", 0, blank)
            raise ConfigError(f"{short(file)}: line {line}", "is not NAME=value: quote the value")
        if found.key is not None and found.value and _KEY_NAME.fullmatch(found.key):
            keys[found.key] = found.value
    return keys


def exposed_keys(project: Path) -> str:
    """What to say of a .env that everybody on this machine may read; empty where nobody else may."""
    file = project / KEY_FILE
    try:
        info = file.stat()
    except OSError:
        return ""
    if not stat.S_ISREG(info.st_mode) or not info.st_mode & 0o004:
        return ""
    return f"{short(file)} may be read by everybody on this machine: chmod 600 {short(file)}"


def _key_text(file: Path) -> str:
    """The text of a file of keys; empty where there is none."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        raise ConfigError(short(file), f"cannot be read: {error.strerror}") from None
    info = os.fstat(descriptor)
    if stat.S_ISDIR(info.st_mode):  # a virtual environment of that name
        os.close(descriptor)
        return ""
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(info.st_mode):
            raise ConfigError(short(file), "is not a file: keys are read from a file, or set in the environment")
        content = stream.read(_KEY_FILE_BYTES + 1)
    if len(content) > _KEY_FILE_BYTES:
        raise ConfigError(short(file), f"is larger than {_KEY_FILE_BYTES} bytes: leave only keys in it")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{short(file)}: line {line}", "is not UTF-8 text: save it as UTF-8") from None


def user_config(environ: Mapping[str, str] | None = None) -> Path:
    """The user's own settings file, whether it is there or not."""
    variables = os.environ if environ is None else environ
    base = variables.get("XDG_CONFIG_HOME") or str(Path(variables.get("HOME") or "~").expanduser() / ".config")
    return Path(base) / "agora" / "config.toml"


def short(path: Path) -> str:
    """A path as a person would write it: relative to where they stand, if it is below."""
    try:
        return str(path.relative_to(Path.cwd())) or "."
    except ValueError:
        return str(path)


def read_toml(file: Path) -> dict[str, object]:
    """The content of a TOML file.

    Raises:
        ConfigError: It is not there, cannot be read, or is not TOML.
    """
    try:
        content: dict[str, object] = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(short(file), "is not there: check the path") from None
    except IsADirectoryError:
        raise ConfigError(short(file), "is a folder: name a .toml file in it") from None
    except UnicodeDecodeError:
        raise ConfigError(short(file), "is not UTF-8 text: save it as UTF-8") from None
    except OSError as error:
        raise ConfigError(short(file), f"cannot be read: {error.strerror or error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(short(file), f"is not TOML: {str(error)[:1].lower()}{str(error)[1:]}") from None
    except RecursionError:
        raise ConfigError(short(file), "is nested too deeply: flatten it") from None
    return content


def unknown(name: str, known: Iterable[str], *, what: str = "key") -> str:
    """What to say about a name in a TOML file that nobody knows.

    >>> unknown("modle", ["model", "tools"])
    "unknown key; did you mean 'model'?"
    """
    names = sorted(known)
    near = get_close_matches(name, names, n=1)
    return f"unknown {what}; did you mean {near[0]!r}?" if near else f"unknown {what}; known: {', '.join(names)}"


def _of_file(file: Path) -> dict[str, object]:
    content = read_toml(file) if file.is_file() else {}
    for name in content:
        if name not in Settings.model_fields:
            raise ConfigError(f"{short(file)}: {name}", unknown(name, Settings.model_fields, what="setting"))
    return content


def _of_environment(variables: Mapping[str, str]) -> dict[str, object]:
    """The stated variables; names that are close to ours are mistakes, all others belong to somebody else."""
    found: dict[str, object] = {}
    for variable, text in variables.items():
        name = variable.removeprefix(PREFIX).lower()
        if not variable.startswith(PREFIX) or not text:
            continue
        if name in Settings.model_fields:
            found[name] = _flag(text) if Settings.model_fields[name].annotation is bool else text.strip()
        elif near := get_close_matches(name, Settings.model_fields, n=1, cutoff=_NEAR):
            raise ConfigError(variable, f"no such setting; did you mean {PREFIX}{near[0].upper()}?")
    return found


def _flag(text: str) -> object:
    lowered = text.strip().lower()
    return True if lowered in _TRUE else False if lowered in _FALSE else text


def _why(message: str) -> str:
    """Pydantic's message as the rest of a sentence."""
    return "is refused: " + message[:1].lower() + message[1:]
