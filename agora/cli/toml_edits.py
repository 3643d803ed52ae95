"""Changing one table of a TOML file and nothing else of it: comments, order and spaces stay."""

from __future__ import annotations

import os
import shutil
import tempfile
import tomllib
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import cast

import tomlkit
from tomlkit.exceptions import TOMLKitError

from agora.errors import ConfigError
from agora.settings import short


def edited(text: str, table: str, values: Mapping[str, float]) -> str:
    r"""The text of a TOML file with some values of one table changed or added.

    Args:
        text: As it stands, valid TOML.
        table: A table at the top level; made where there is none.
        values: Key -> new value.

    Raises:
        ValueError: The result would say anything else than the text with just these values changed.

    >>> print(edited("# mine\n[weights]\ncost = 1  # dear\n", "weights", {"cost": 0.5}), end="")
    # mine
    [weights]
    cost = 0.5  # dear
    """
    try:
        document = tomlkit.parse(text)
        if table not in document:
            document[table] = tomlkit.table()
        inside = document[table]
        if not isinstance(inside, MutableMapping):
            raise ValueError(f"{table!r} is no table")
        cast("MutableMapping[str, float]", inside).update(values)
        result = document.as_string()
        before, after = tomllib.loads(text), tomllib.loads(result)
    except (TOMLKitError, tomllib.TOMLDecodeError) as error:
        raise ValueError(str(error)) from error
    if after != {**before, table: {**before.get(table, {}), **values}}:
        raise ValueError("the file would not say the same otherwise")
    return result


def set_values(file: Path, table: str, values: Mapping[str, float]) -> None:
    """Change values of one table of a file that is there, wholly or not at all.

    Raises:
        ConfigError: It cannot be read or written, or would be damaged; it is as it was.
    """
    target = file.resolve()
    try:
        with target.open(encoding="utf-8", newline="") as stream:
            text = stream.read()
        replace(target, edited(text, table, values))
    except ValueError as error:
        lines = "; ".join(f"{key} = {value}" for key, value in values.items())
        raise ConfigError(
            short(file), f"was left as it is, since {error}: write by hand under [{table}]: {lines}"
        ) from None
    except OSError as error:
        raise ConfigError(short(file), f"cannot be written: {error.strerror or error}") from None


def replace(file: Path, text: str) -> None:
    """Write a file so that a reader sees the old text or the new one, never a part of it; its mode stays.

    Raises:
        OSError: It cannot be written.
    """
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    new = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        if file.exists():
            shutil.copymode(file, new)
        else:
            new.chmod(0o644)
        new.replace(file)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
