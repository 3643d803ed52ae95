# ruff: noqa: ANN401 - values of any type cross here
"""The judge: it runs hidden tests against the worker, and says what came of each with a nonce that the work never sees.

It reads everything from stdin before the worker starts, makes its own memory unreadable to its children (Linux), and
writes its one line as its last act. What only some tests need (asyncio, inspect, unittest) is imported with them: it
costs more than the rest of most judgements.
"""

from __future__ import annotations

import ast
import ctypes
import io
import json
import operator
import os
import sys
import time
import types
from typing import Any

from agora.verifiers.harness import remote, wire

SHOWN_CHARS = 300
"""A value is shown up to here."""
MAX_FAILURES = 10
"""Failures that are reported."""


def _within(left: Any, right: Any) -> bool:
    return left in right


def _not_within(left: Any, right: Any) -> bool:
    return left not in right


_COMPARISONS: dict[type, Any] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: _within,
    ast.NotIn: _not_within,
}


class Unfit(Exception):
    """The tests themselves cannot be run."""


class _Asserts(ast.NodeTransformer):
    """Turns each assert into a call that counts it and says what was found."""

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        """Rewrite one assert."""
        source, test = ast.unparse(node), node.test
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            sides = ast.Tuple([test.left, test.comparators[0]], ast.Load())
            values, kind = sides, type(test.ops[0]).__name__
        else:
            values, kind = ast.Tuple([test], ast.Load()), ""
        args: list[ast.expr] = [ast.Constant(kind), values, ast.Constant(source), ast.Constant(node.lineno)]
        call = ast.Call(ast.Name("__agora_check__", ast.Load()), args, [])
        return ast.fix_missing_locations(ast.copy_location(ast.Expr(call), node))


class Judge:
    """Runs tests and remembers what failed.

    Args:
        reveal: Whether what is reported may show the tests' text and values.
    """

    def __init__(self, reveal: bool) -> None:
        self.checks = 0
        self.failures: list[str] = []
        self._reveal = reveal

    def check(self, kind: str, values: tuple[Any, ...], source: str, line: int) -> None:
        """One assert."""
        self.checks += 1
        compare = next((how for node, how in _COMPARISONS.items() if node.__name__ == kind), None)
        if compare(*values) if compare else values[0]:
            return
        found = f" (got {_short(values[0])})" if kind else ""
        raise AssertionError(f"line {line}: {source}{found}")

    def run(self, code: str) -> None:
        """Run the statements in order, then each test function and test case."""
        try:
            tree = _Asserts().visit(ast.parse(code))
        except (SyntaxError, ValueError, RecursionError) as error:
            raise Unfit(f"the tests are not Python: {error}") from None
        module = types.ModuleType("hidden_tests")
        sys.modules[module.__name__] = module
        module.__dict__["__agora_check__"] = self.check
        for node in tree.body:
            compiled = compile(ast.Module([node], []), "<hidden tests>", "exec")
            failed = self._guarded(lambda run=compiled: exec(run, module.__dict__))
            if failed and not isinstance(node, ast.Expr):
                return
        for name, value in list(module.__dict__.items()):
            self._collected(name, value, module.__name__)

    def _collected(self, name: str, value: Any, module: str) -> None:
        if isinstance(value, types.FunctionType) and name.startswith("test"):
            self._function(name, value)
        elif isinstance(value, type) and value.__module__ == module and _is_case(value):
            self._guarded(lambda: self._case(value))
        elif isinstance(value, type) and value.__module__ == module and name.startswith("Test"):
            for method in [method for method in vars(value) if method.startswith("test")]:
                self._function(method, getattr(value(), method))

    def _function(self, name: str, function: Any) -> None:
        import inspect

        if any(one.default is one.empty for one in inspect.signature(function).parameters.values()):
            raise Unfit(f"{name} wants fixtures or parameters: use a command check with pytest, or plain functions")
        self._guarded((lambda: _awaited(function())) if inspect.iscoroutinefunction(function) else function)

    def _case(self, case: Any) -> None:
        import unittest

        result = unittest.TestResult()
        unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
        self.checks += result.testsRun
        for test, trace in [*result.failures, *result.errors]:
            self._failed(f"{test.id()}: {trace.strip().splitlines()[-1]}")

    def _guarded(self, run: Any) -> bool:
        """Run one piece; True where it failed."""
        try:
            run()
        except wire.Late:
            raise
        except (remote.WorkEnded, remote.Refused) as error:
            self._failed(str(error))
        except AssertionError as error:
            self._failed(str(error) if self._reveal else "an assertion does not hold")
        except Unfit:
            raise
        except BaseException as error:  # SystemExit and the like, too
            self._failed(f"{type(error).__name__}: {_short_text(str(error))}")
        else:
            return False
        return True

    def _failed(self, what: str) -> None:
        if len(self.failures) < MAX_FAILURES:
            self.failures.append(what)


def _is_case(kind: type) -> bool:
    unittest = sys.modules.get("unittest")  # imported by whoever writes test cases
    return unittest is not None and issubclass(kind, unittest.TestCase)


def _awaited(coroutine: Any) -> Any:
    import asyncio  # noqa: TID251  # the standard library only: it runs on the workspace's Python

    return asyncio.run(coroutine)


def _short(value: Any) -> str:
    return _short_text(repr(value))


def _short_text(text: str) -> str:
    return text if len(text) <= SHOWN_CHARS else text[:SHOWN_CHARS] + " ..."


def _hide_memory() -> None:
    """Forbid processes of the same user to look into this one (PR_SET_DUMPABLE)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)


def main() -> None:
    """Judge what stdin says; write the nonce and a report as JSON."""
    asked = json.loads(sys.stdin.buffer.read())
    out = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(2, 1)
    sys.stdout = io.StringIO()
    _hide_memory()
    link = remote.Link(asked["worker"], time.monotonic() + asked["timeout_s"])
    sys.meta_path.insert(0, remote.Finder(link, frozenset(asked["own"])))
    sys.meta_path.append(remote.Finder(link, None))
    judge, unfit = Judge(asked["reveal"]), ""
    try:
        judge.run(asked["code"])
    except Unfit as error:
        unfit = str(error)
    except wire.Late:
        link.late = True
    failures = judge.failures or ([link.spoiled] if link.spoiled else [])
    report = {"checks": judge.checks, "failures": failures, "unfit": unfit, "late": link.late}
    link.kill()
    os.write(out, f"\n{asked['nonce']}{json.dumps(report)}\n".encode())
    os._exit(0 if judge.checks and not (failures or unfit or link.late) else 1)


if __name__ == "__main__":
    main()
