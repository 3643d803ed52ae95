"""The command `agora`: one file a command; what a command needs is imported when it is called."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from typing import cast

import typer

from agora.cli.agents import agents_app
from agora.cli.approve import approve
from agora.cli.bench import bench_app
from agora.cli.demo import demo
from agora.cli.diagnose import diagnose
from agora.cli.doctor import doctor
from agora.cli.explain import explain
from agora.cli.fit import fit
from agora.cli.init import init
from agora.cli.interrupts import INTERRUPTED
from agora.cli.memory import memory_app
from agora.cli.report import report
from agora.cli.resume import resume
from agora.cli.run import run
from agora.cli.runs import runs
from agora.cli.show import show
from agora.cli.trace import trace_app
from agora.cli.ui import ui
from agora.errors import AgoraError

_HOMELESS = "Could not determine home directory."
"""What `Path.expanduser` says of "~nobody"."""
_INTERRUPTED_LINE = "interrupted: what was recorded is kept; see it with `agora show last`"
_EPILOG = (
    "Exit codes: 0 passed, 1 failed, 2 usage, 3 budget, 4 verification unknown or not started, "
    "5 approval refused or waiting, 6 sandbox, 10 ledger changed, 11 ledger cut, 12 unsigned or a wrong key, "
    "13 another history than was signed or another outcome of a replay, 14 incomplete, 130 interrupted. Results go to "
    "standard output, progress to standard error. No telemetry."
)

app = typer.Typer(
    name="agora",
    help="A market for work done by LLM agents: they bid with plans, the market awards, a verifier checks.",
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def about(
    version: bool = typer.Option(False, "--version", help="Print the version and stop.", is_eager=True),
) -> None:
    """A market for work done by LLM agents: they bid with plans, the market awards, a verifier checks."""
    if version:
        from importlib.metadata import version as version_of

        typer.echo(f"agora-market {version_of('agora-market')}")
        raise typer.Exit


app.command()(run)
app.command()(resume)
app.command()(approve)
app.command()(runs)
app.command()(show)
app.command()(explain)
app.command()(report)
app.command()(ui)
app.command()(fit)
app.add_typer(agents_app, name="agents")
app.add_typer(trace_app, name="trace")
app.add_typer(memory_app, name="memory")
app.add_typer(bench_app, name="bench")
app.command()(diagnose)
app.command()(doctor)
app.command()(init)
app.command()(demo)


def main() -> None:
    """Run the command line of this process, and end the process with its exit code.

    A polite kill (SIGTERM) ends a run as Ctrl-C does: what was recorded stays, and copies are removed.
    """
    signal.signal(signal.SIGTERM, _as_interrupt)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a script's `agora run &`: the loop would hear neither
        signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(run_app(sys.argv[1:]))


def _as_interrupt(_signal: int, _frame: object) -> None:
    os.kill(os.getpid(), signal.SIGINT)


def run_app(arguments: Sequence[str]) -> int:
    """Run one command line.

    Returns:
        The exit code. What Agora raises on purpose becomes one line on standard error; nothing shows a traceback
        unless AGORA_DEBUG is set.
    """
    try:
        _arm()
        code = app(list(arguments), prog_name="agora", standalone_mode=False)
    except BaseException as error:  # the outermost border: every end becomes a line and an exit code
        if _debugging():
            raise
        return _ended(error)
    if code == INTERRUPTED:  # typer has turned Ctrl-C into this code
        _say(_INTERRUPTED_LINE)
    return code if isinstance(code, int) else 0


def _ended(error: BaseException) -> int:
    leaves = list(_leaves(error))
    if any(isinstance(leaf, KeyboardInterrupt | typer.Abort) for leaf in leaves):
        _say(_INTERRUPTED_LINE)
        return INTERRUPTED
    known = next((leaf for leaf in leaves if isinstance(leaf, AgoraError)), None)
    if known is not None:
        _say(str(known))
        return known.exit_code
    first = leaves[0]
    if isinstance(first, SystemExit):
        return first.code if isinstance(first.code, int) else 1
    if isinstance(first, BrokenPipeError):
        sys.stdout = None  # the reader has left; nothing more can be said to it
        return 1
    if isinstance(first, RuntimeError) and str(first) == _HOMELESS:
        _say("a path begins with ~ and a name that no user here has: write the path out")
        return 2
    told = getattr(first, "format_message", None)
    if callable(told):  # typer's own errors, whichever package they live in
        _say(f"{told()} See `agora --help`.")
        return 2
    _say(f"{type(first).__name__}: {first} (this is a bug in Agora; AGORA_DEBUG=1 shows where)")
    return 1


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors inside groups of errors; parallel work raises such groups."""
    if isinstance(error, BaseExceptionGroup):
        for inner in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _say(message: str) -> None:
    line = " ".join(message.split())
    from agora.settings import environment

    if not line.isprintable():  # it may name what somebody else wrote
        from agora.traces.told.wording import visible

        line = visible(line)

    colour = sys.stderr.isatty() and not environment().get("NO_COLOR")
    typer.echo(typer.style(f"error: {line}", fg="red") if colour else f"error: {line}", err=True, color=colour)


def _arm() -> None:
    """Let this process die where AGORA_FAILPOINT says, for tests of what comes after.

    Raises:
        ConfigError: It is not of the form NAME:HIT.
    """
    from agora.settings import environment

    if text := environment().get("AGORA_FAILPOINT", ""):
        from agora.failpoints import Failpoint, arm

        arm(Failpoint.parse(text))


def _debugging() -> bool:
    from agora.settings import environment

    return environment().get("AGORA_DEBUG", "") not in ("", "0", "false")
