"""The options that several commands share, with one wording."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """How results are written to standard output."""

    TEXT = "text"
    JSON = "json"
    STREAM_JSON = "stream-json"


Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output, with a versioned schema.")]
Project = Annotated[Path | None, typer.Option("--project", help="The project's folder.", show_default="nearest")]
Ledger = Annotated[
    Path | None,
    typer.Option("--ledger", metavar="FILE", help="Read an exported ledger instead of the project's memory."),
]
Agents = Annotated[
    str | None, typer.Option("--agents", help="Only these agents: names or .toml files, comma-separated.")
]
Seed = Annotated[int | None, typer.Option("--seed", help="Seed of all chance.", show_default="drawn, recorded")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: short for --approve yes.")]
Approve = Annotated[
    str | None,
    typer.Option(
        "--approve",
        metavar="ask|auto-edit|yes",
        help="What is asked for: diffs, commands outside a sandbox and dear awards; the last two; nothing.",
        show_default="ask",
    ),
]
Cache = Annotated[
    bool, typer.Option("--cache", help="Take replies of earlier runs where a step is the same; for development.")
]
Stream = Annotated[bool, typer.Option("--stream", help="Show what models are writing, on a terminal.")]
Bare = Annotated[bool, typer.Option("--bare", help="No sandbox at all; it is recorded.")]
