"""`agora init`: write the starter project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agora.cli.options import Json


def init(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to; it must not hold a project yet.")] = Path(),
    json: Json = False,
) -> None:
    """Write the starter project.

    Agents, auctions, workflows, memory, a checklist and agora.toml. Nothing is overwritten.
    """
    from agora.cli.forms import print_form
    from agora.cli.paint import out, safe
    from agora.cli.project import write_starter

    written = write_starter(folder)
    if json:
        print_form("agora.init/1", {"folder": str(folder.resolve()), "written": list(written)})
        return
    tops: dict[str, int] = {}
    for path in written:
        tops[path.split("/", maxsplit=1)[0]] = tops.get(path.split("/", maxsplit=1)[0], 0) + 1
    for name, count in tops.items():
        out().print(f"wrote {safe(str(folder / name))}" + (f" ({count} files)" if count > 1 else ""))
    there = "" if folder == Path() else f"cd {safe(str(folder))} && "
    out().print(f"[quiet]next: {there}agora demo, or agora run checklist/01-lint.toml[/]")
