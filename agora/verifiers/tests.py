"""The tests verifier: hidden Python tests, judged in a process that the work cannot touch.

The judge (agora/verifiers/harness) runs the tests; the work runs in a process below it, and only data comes back. So
sys.exit, os._exit, patched builtins, `__eq__` that is always true, conftest.py, a pytest.py of its own or a printed
"passed" change nothing: a verdict counts only with the nonce that the judge alone knows. What this cannot see: a class
of the work whose `__eq__` lies only about its own kind, where a test compares two such objects with each other.
"""

from __future__ import annotations

import functools
import json
import secrets
from importlib.resources import files
from pathlib import Path
from typing import Final, cast

from pydantic import Field, model_validator

from agora.errors import VerifierError
from agora.protocols import Sandbox
from agora.records import Ran
from agora.tasks import Outcome, Task, Work
from agora.values import JsonValue, Value
from agora.verifiers.evidence import decided
from agora.verifiers.fresh import Unfit, fresh_workspace, run_checked
from agora.verifiers.protected import ALWAYS, touched

_GRACE_S: Final = 10.0
_PRELUDE: Final = """import sys, types
_NAMES = ("agora", "agora.verifiers", "agora.verifiers.harness")
sys.modules.update((name, types.ModuleType(name)) for name in _NAMES)
def _load(name, source):
    module = types.ModuleType(name)
    exec(compile(source, name, "exec", dont_inherit=True), module.__dict__)
    setattr(sys.modules[_NAMES[-1]], name, module)
    sys.modules["main of the harness"] = module
"""
_CODA: Final = """for name in _NAMES:
    del sys.modules[name]
sys.modules.pop("main of the harness").main()
"""


class TestsOptions(Value):
    """Options of `kind = "tests"`; exactly one of `code` and `file`."""

    __test__ = False

    code: str = ""
    """Python assertions, test functions or test cases that import from the workspace."""
    file: str = ""
    """A file that holds them; bidders never see it."""
    timeout_s: float = Field(default=60.0, gt=0, le=86_400)
    """Seconds for all tests together."""
    reveal: bool = True
    """Whether evidence shows the assertions that failed (the next bidder may read it)."""

    @model_validator(mode="after")
    def _one_source(self) -> TestsOptions:
        if bool(self.code.strip()) == bool(self.file):
            raise ValueError("needs either code or file: write the tests as code, or name the file that holds them")
        return self


class TestsVerifier:
    """Runs hidden tests on the work; it passes where at least one check was made and none failed.

    Args:
        options: The tests.
    """

    __test__ = False
    Options = TestsOptions

    def __init__(self, options: TestsOptions) -> None:
        self._options = options

    @property
    def name(self) -> str:
        """Its kind."""
        return "tests"

    async def verify(self, task: Task, work: Work, *, sandbox: Sandbox) -> Outcome:
        """Judge the work in a fresh sandbox.

        Raises:
            VerifierError: The tests cannot be read or run.
            SandboxError: The tier is below the task's.
        """
        guarded = touched(work.patch, (*ALWAYS, *task.protect))
        if guarded:
            return decided(self.name, False, f"the patch changes protected files: {', '.join(guarded[:20])}")
        nonce = secrets.token_hex(32)
        asked = {
            "code": self._code(),
            "nonce": nonce,
            "own": _own_names(task.workspace),
            "reveal": self._options.reveal,
            "timeout_s": self._options.timeout_s,
            "worker": _program("wire", "work"),
        }
        try:
            async with fresh_workspace(task, work, sandbox=sandbox) as workspace:
                argv = ["python", "-I", "-B", "-c", _program("wire", "remote", "judge")]
                timeout_s = self._options.timeout_s + _GRACE_S
                ran = await run_checked(workspace, argv, stdin=json.dumps(asked), timeout_s=timeout_s)
        except Unfit as error:
            return decided(self.name, False, str(error))
        passed, evidence = self._read(ran, nonce)
        return decided(self.name, passed, evidence, seconds=ran.seconds)

    def _code(self) -> str:
        if self._options.code:
            return self._options.code
        try:
            return Path(self._options.file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise VerifierError(
                f"the tests {self._options.file!r} cannot be read ({error}): name a file of tests"
            ) from error

    def _read(self, ran: Ran, nonce: str) -> tuple[bool, str]:
        """Whether the judge said passed, and why not."""
        line = next((line for line in reversed(ran.stdout.splitlines()) if line.startswith(nonce)), None)
        if line is None:
            return False, self._without_verdict(ran)
        report = cast("dict[str, JsonValue]", json.loads(line.removeprefix(nonce)))
        if report["unfit"]:
            raise VerifierError(f"the tests cannot be run: {report['unfit']}")
        failures = cast("list[str]", report["failures"])
        if report["late"]:
            failures = [*failures, f"the tests were not done after {self._options.timeout_s:g} s"]
        if not failures and not report["checks"]:
            raise VerifierError("the tests check nothing: write at least one assert")
        if not failures and ran.exit_code == 0:
            return True, f"{report['checks']} checks passed"
        return False, "\n".join([f"{len(failures)} failed, {report['checks']} checks made", *failures])

    def _without_verdict(self, ran: Ran) -> str:
        if ran.limit:
            return f"the tests were ended by the {ran.limit} limit after {ran.seconds:.1f} s"
        if ran.exit_code == 1 and "Traceback" in ran.stderr:
            raise VerifierError(f"the judge of the tests could not run: {ran.stderr.strip()[-500:]}")
        return f"the tests were ended (exit code {ran.exit_code}) before there was a verdict"


def _own_names(workspace: str | None) -> list[str]:
    """Top-level import names of the original project, which a package of the interpreter may not stand in for."""
    if workspace is None:
        return []
    found: set[str] = set()
    for root in (Path(workspace), Path(workspace) / "src"):
        if root.is_dir():
            found |= {path.stem for path in root.glob("*.py")}
            found |= {path.name for path in root.iterdir() if path.is_dir() and path.name.isidentifier()}
    return sorted(found - {"src", "tests"})


@functools.cache
def _program(*names: str) -> str:
    """Harness modules as one program: each is loaded under its own name, and the last one's `main` runs."""
    folder = files("agora.verifiers.harness")
    loads = [f"_load({name!r}, {(folder / f'{name}.py').read_text(encoding='utf-8')!r})\n" for name in names]
    return "".join([_PRELUDE, *loads, _CODA])
