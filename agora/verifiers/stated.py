"""The check that a definition states under `verify`: its file found beside the definition, tried before it is used."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from agora.errors import AgoraError, ConfigError
from agora.tasks import Check
from agora.values import JsonValue
from agora.verifiers.build import build_verifier

FILE_OPTION = "file"
"""The option of a verifier that names a file beside the definition; only the verifier reads it."""


def stated_check(table: Mapping[str, JsonValue], *, beside: Path, where: str) -> Check:
    """The check of a table, built once to see that it can be.

    Args:
        table: `kind`, and that verifier's options.
        beside: The definition, beside which files are looked for.
        where: What to call the definition in messages.

    Raises:
        ConfigError: Naming the definition, the field and the mend.
    """
    options = dict(table)
    kind = options.pop("kind", None)
    if not isinstance(kind, str):
        raise ConfigError(f"{where}: verify.kind", 'is missing: name a verifier, as kind = "command"')
    named = options.get(FILE_OPTION)
    if isinstance(named, str):
        found = (beside.parent / named).resolve()
        if not found.is_file():
            raise ConfigError(f"{where}: verify.file", f"{named!r} is not a file; it is looked for beside the file")
        options[FILE_OPTION] = str(found)
    check = Check(kind=kind, options=options)
    try:
        build_verifier(check)
    except AgoraError as error:
        raise ConfigError(f"{where}: verify", str(error)) from None
    return check
