"""`agora doctor`: what works on this machine, shown and not claimed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from agora.cli.options import Json, Project

if TYPE_CHECKING:
    from agora.cli.checkup import Checkup


def doctor(
    battery: Annotated[bool, typer.Option(help="Attack the sandbox, live; 5 to 10 seconds.")] = True,
    json: Json = False,
    project: Project = None,
) -> None:
    """Show what works here; attack the sandbox.

    Versions, sandbox, models and memory are looked at. Each attack is first shown to succeed without the sandbox.
    Ends with 6 where there is no sandbox, or one leaks.
    """
    import anyio

    from agora.cli.checkup import check_up
    from agora.cli.forms import print_form
    from agora.cli.session import open_session

    found = anyio.run(check_up, open_session(project=project), battery)
    if json:
        print_form("agora.doctor/1", found.form())
    else:
        _print(found)
    raise typer.Exit(found.exit_code)


def _print(found: Checkup) -> None:
    from agora.cli.joining import grouped
    from agora.cli.paint import grid, out, remarks, safe

    console = out()
    console.print("  ".join(f"{name} [head]{safe(version)}[/]" for name, version in found.versions.items()))
    if found.sandbox:
        console.print(f"sandbox: [passed]{found.sandbox}[/], tier {found.tier}")
    else:
        console.print("sandbox: [failed]none[/]; commands are refused unless a run says --bare")
    for line in found.missing:
        console.print(f"  [quiet]{safe(line)}[/]")
    memory = f"[passed]writable[/] {safe(found.database)}" if not found.memory_error else ""
    console.print(f"memory: {memory or f'[failed]{safe(found.memory_error)}[/]'}")
    by = f"words only; by meaning: {safe(found.recall_trouble)}" if found.recall_trouble else "words and meaning"
    console.print(f"recall: by {by}")
    console.print(f"agents: {', '.join(safe(name) for name in found.agents) or '[failed]none[/]'}")
    if found.absent:
        console.print(remarks(("  absent", safe(line)) for line in grouped(found.absent)))
    if found.attacks:
        table = grid("attack on", "what", "without sandbox", "within")
        for attack in found.attacks:
            without = "succeeds" if attack.harm_without else "[unknown]fails: nothing shown[/]"
            within = "[failed]succeeds[/]" if attack.harm_within else "[passed]stopped[/]"
            table.add_row(attack.klass, safe(attack.name), without, within)
        console.print()
        console.print(table)
    console.print(f"\n{found.verdict()}")
