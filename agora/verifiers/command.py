"""The command verifier: its exit code decides, in a fresh copy with the patch in it.

A program that the work is part of can end itself with any exit code and print anything. Where the work is Python code
and its tests are known, the tests verifier is the stronger one; this one makes the cheap cheats fail.
"""

from __future__ import annotations

import re
import shlex
from itertools import pairwise
from typing import Final

from pydantic import Field, field_validator

from agora.errors import VerifierError
from agora.protocols import Sandbox, Workspace
from agora.records import Ran
from agora.tasks import Outcome, Task, Work
from agora.values import Value
from agora.verifiers.evidence import decided
from agora.verifiers.fresh import MEND, Unfit, fresh_workspace, is_installed, run_checked
from agora.verifiers.protected import ALWAYS, CONTROLS, TESTS, changed, touched

_SHELL_SIGNS: Final = re.compile(r"[|&;<>()$`\\*?#~=%\n]|\[")
_NO_MODULE: Final = re.compile(r"No module named '?([\w.]+)'?\s*$")


class CommandOptions(Value):
    """Options of `kind = "command"`."""

    command: str | tuple[str, ...] = Field(min_length=1)
    """What to run. A list runs as it is; a text is split like a shell does, and goes to `sh -c` only where it holds
    shell signs (pipes, variables, globs, ...). "python" and "pytest" are the sandbox's interpreter's."""
    timeout_s: float = Field(default=300.0, gt=0, le=86_400)
    """Seconds until it is ended, and the work has failed."""
    expect_exit: int = Field(default=0, ge=0, le=255)
    """The exit code that means passed."""
    protect: tuple[str, ...] = CONTROLS
    """Globs of files that the work may not touch, beside the task's own; by default, what steers test runners."""
    keep: tuple[str, ...] = TESTS
    """Globs of files that the work may add to but not change where they exist; by default, test files."""

    @field_validator("command")
    @classmethod
    def _is_a_command(cls, command: str | tuple[str, ...]) -> str | tuple[str, ...]:
        try:
            words = shlex.split(command) if isinstance(command, str) else list(command)
        except ValueError as error:
            raise ValueError(f"cannot be read as a command ({error}): close its quotes") from None
        if not words or not words[0].strip() or any("\0" in word for word in words):
            raise ValueError("is empty: write the command that checks the work, as pytest -q")
        return command


class CommandVerifier:
    """Runs a command on the work; the expected exit code passes, any other fails.

    Args:
        options: What to run.
    """

    Options = CommandOptions

    def __init__(self, options: CommandOptions) -> None:
        self._options = options
        self._argv = _argv(options.command)

    @property
    def name(self) -> str:
        """Its kind."""
        return "command"

    async def verify(self, task: Task, work: Work, *, sandbox: Sandbox) -> Outcome:
        """Run the command in a fresh sandbox.

        Raises:
            VerifierError: The command is not there or cannot start.
            SandboxError: The tier is below the task's.
        """
        guarded = touched(work.patch, (*ALWAYS, *self._options.protect, *task.protect))
        guarded += changed(work.patch, self._options.keep)
        if guarded:
            return decided(self.name, False, f"the patch changes protected files: {', '.join(guarded[:20])}")
        try:
            async with fresh_workspace(task, work, sandbox=sandbox) as workspace:
                ran = await run_checked(workspace, self._argv, timeout_s=self._options.timeout_s)
                await self._refuse_missing(workspace, ran)
        except Unfit as error:
            return decided(self.name, False, str(error))
        fault = self._fault(ran)
        return decided(self.name, not fault, f"{_tail(ran)}\n{fault}", seconds=ran.seconds)

    def _fault(self, ran: Ran) -> str:
        """Why it did not pass; empty where it did."""
        said = " ".join(self._argv) if isinstance(self._options.command, tuple) else self._options.command
        if ran.limit:
            return f"{said!r} was ended by the {ran.limit} limit after {ran.seconds:.1f} s"
        if ran.exit_code != self._options.expect_exit:
            return f"{said!r} ended with exit code {ran.exit_code}, not {self._options.expect_exit}"
        # os._exit(0) inside the work ends pytest before its summary; skipping everything passes nothing.
        if ran.exit_code == 0 and _wants_summary(self._argv) and not re.search(r"\b[1-9]\d* passed\b", ran.stdout):
            return f"{said!r} ended with exit code 0, but without a summary that says a test passed"
        return ""

    async def _refuse_missing(self, workspace: Workspace, ran: Ran) -> None:
        """Tell work that fails from a check that cannot run.

        Raises:
            VerifierError: The executable or the Python module is not there.
        """
        first = _first_word(self._options.command, self._argv)
        if ran.exit_code == 127 and not await is_installed(workspace, first):
            raise VerifierError(f"the check's command {first!r} was not found: {MEND}")
        module = _NO_MODULE.search(ran.stderr.strip())
        if module and ran.exit_code == 1 and not ran.stdout.strip() and module.group(1) == _module(self._argv):
            raise VerifierError(f"the check's Python module {module.group(1)!r} was not found: {MEND}")


def _argv(command: str | tuple[str, ...]) -> list[str]:
    if isinstance(command, str) and _SHELL_SIGNS.search(command):
        return ["sh", "-c", command]
    words = shlex.split(command) if isinstance(command, str) else list(command)
    if words[0] in ("python3", "python"):
        return ["python", *words[1:]]
    # -I: as the pytest script does, the working folder stays off the path, so that no pytest.py there is taken for it.
    return ["python", "-I", "-m", "pytest", *words[1:]] if words[0] == "pytest" else words


def _first_word(command: str | tuple[str, ...], argv: list[str]) -> str:
    if argv[:2] != ["sh", "-c"] or not isinstance(command, str):
        return argv[0]
    return next((word for word in shlex.split(command) if "=" not in word), "sh")


def _module(argv: list[str]) -> str:
    """What `python -m` runs; empty where it runs something else."""
    return next((after for flag, after in pairwise(argv) if flag == "-m"), "")


def _wants_summary(argv: list[str]) -> bool:
    quiet = ("-qq", "--co", "--fixtures", "--version", "--help", "--no-summary", "-h")
    silent = sum(word in ("-q", "--quiet") for word in argv) > 1 or any(word.startswith(quiet) for word in argv)
    return _module(argv) == "pytest" and not silent


def _tail(ran: Ran) -> str:
    return "\n".join(part.strip()[-3_000:] for part in (ran.stdout, ran.stderr) if part.strip())
