# ruff: noqa: ANN401, PTH110, PTH118 - values of any type cross here; pathlib's import costs a tenth of a judgement
"""The judge's view of the work: objects that live in the worker, and the rules for what they may be compared with.

An object of the work's own making is never taken for plain data: comparing one with plain data is refused (and so
fails the check), unless the test itself made the object by calling its class, and it is not equal to just anything.
"""

from __future__ import annotations

import builtins
import importlib.machinery
import operator
import os
import subprocess
import sys
import types
from typing import Any, TypeVar

from agora.verifiers.harness import wire

T = TypeVar("T")
_ORDER = frozenset({"lt", "le", "gt", "ge"})


class Refused(BaseException):
    """The work gave an object where only plain data can be judged."""


class WorkEnded(BaseException):
    """The work's process went away, or wrote what no worker writes."""


class Link:
    """The worker's process and the objects in it.

    Args:
        program: Source of the worker.
        deadline: On the monotonic clock, in seconds.
    """

    def __init__(self, program: str, deadline: float) -> None:
        argv = [sys.executable, "-I", "-B", "-c", program]
        pipe = subprocess.PIPE
        self._child = subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
        if self._child.stdin is None or self._child.stdout is None:
            raise wire.Closed
        self._pipe = wire.Pipe(self._child.stdout.fileno(), self._child.stdin.fileno(), deadline)
        self.spoiled = ""
        """Why no verdict can be good any more, even where a test caught the error."""
        self.late = False
        """Whether the time ran out."""
        self._mine: list[Any] = []
        self._errors: dict[int, Any] = {}

    def ask(self, operation: str, *args: Any, **kwargs: Any) -> Any:
        """Have the worker do one thing; what the work raises is raised here, as the nearest built-in error."""
        named = {name: self._encode(item) for name, item in kwargs.items()}
        frame = {"op": operation, "args": [self._encode(item) for item in args], "kwargs": named}
        try:
            self._pipe.send(frame)
            reply = self._pipe.receive()
            while "callback" in reply:
                self._pipe.send({"answer": self._encode(self._called_back(reply))})
                reply = self._pipe.receive()
        except wire.Closed:
            self.spoiled = "the work ended its own process"
            raise WorkEnded(self.spoiled) from None
        except wire.Late:
            self.late = True
            raise
        return self._taken(reply, args)

    def kill(self) -> None:
        """End the worker."""
        self._child.kill()

    def _called_back(self, frame: dict[str, Any]) -> Any:
        kwargs = {name: self._decode(item) for name, item in frame["kwargs"].items()}
        return self._mine[frame["callback"]](*[self._decode(item) for item in frame["args"]], **kwargs)

    def _taken(self, reply: dict[str, Any], args: tuple[Any, ...]) -> Any:
        sys.stdout.write(str(reply.get("out", "")))
        for at, changed in reply.get("changed", ()):
            _update(args[at], self._decode(changed))
        if "raise" in reply:
            raise self._error(reply["raise"])
        value = reply["ok"]
        if isinstance(value, list) and value[0] == "same":
            return args[value[1]]
        return self._decode(value)

    def _encode(self, value: Any) -> Any:
        return wire.encode(value, self._refer)

    def _refer(self, value: Any) -> Any:
        if isinstance(value, Remote):
            return ["work", value.agora_number]
        if callable(value):
            self._mine.append(value)
            return ["judge", len(self._mine) - 1]
        if hasattr(value, "__next__"):
            return wire.encode(list(value), self._refer)
        raise TypeError(f"a test can pass plain data, functions and the work's own objects, not {type(value).__name__}")

    def _decode(self, value: Any) -> Any:
        return wire.decode(value, self._referred)

    def _referred(self, tagged: list[Any]) -> Any:
        if tagged[0] == "judge":
            return self._mine[tagged[1]]
        if tagged[0] == "error":
            return self._error_class(tagged[1])
        if tagged[0] != "work":
            raise WorkEnded("the work wrote into the judge's pipe")
        about = tagged[2]
        base = self._decode(about["base"]) if "base" in about else None
        remote = Remote(self, int(tagged[1]), about, base)
        return _awaiting(remote) if about["awaitable"] else remote

    def _error_class(self, lineage: list[Any]) -> Any:
        """The built-in error itself, or a class of the same name below the nearest ones."""
        number, name, built_in = lineage[0]
        kind = getattr(builtins, str(name), None)
        if built_in and isinstance(kind, type):
            return kind
        if number not in self._errors:
            above = self._error_class(lineage[1:])
            self._errors[number] = type(str(name), (above,), {})
        return self._errors[number]

    def _error(self, raised: dict[str, Any]) -> BaseException:
        kind: Any = self._error_class(raised["lineage"])
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            return WorkEnded("the work wrote into the judge's pipe")
        try:
            error: BaseException = kind(*self._decode(raised["args"]))
        except Exception:  # an error class of Python's with a signature of its own, as UnicodeDecodeError
            error = kind.__new__(kind)
            error.args = (raised["text"],)
        return error


async def _awaiting(remote: Remote) -> Any:
    return remote.agora_link.ask("await", remote)


def _update(target: Any, value: Any) -> None:
    """Give a list, dict or set of the test's the content that the work left in its copy."""
    if type(target) is not type(value):
        raise WorkEnded("the work wrote into the judge's pipe")
    if isinstance(target, list):
        target[:] = value
    else:
        target.clear()
        target.update(value)


class Remote:
    """An object of the work's, by number."""

    def __init__(self, link: Link, number: int, about: dict[str, Any], base: Any, made: bool = False) -> None:
        for name, value in (("link", link), ("number", number), ("about", about), ("base", base), ("made", made)):
            object.__setattr__(self, f"agora_{name}", value)

    agora_link: Link
    agora_number: int
    agora_about: dict[str, Any]
    agora_base: Any
    agora_made: bool

    def __getattr__(self, name: str) -> Any:
        if name.startswith("agora_"):
            raise AttributeError(name)
        return self.agora_link.ask("getattr", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self.agora_link.ask("setattr", self, name, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it in the worker."""
        value = self.agora_link.ask("call", self, *args, **kwargs)
        if self.agora_about["class"] and isinstance(value, Remote):
            object.__setattr__(value, "agora_made", True)
        return value

    def __eq__(self, other: object) -> Any:
        return self.agora_compared("eq", other)

    def __ne__(self, other: object) -> Any:
        return not self.agora_compared("eq", other)

    def agora_compared(self, operation: str, other: Any) -> Any:
        """Compare with another object of the same class, or plain data where that may be believed."""
        if self.agora_base is not None and not isinstance(other, Remote):
            return bool(_OPERATORS[operation](self.agora_base, other))
        same = isinstance(other, Remote) and other.agora_about["of"] == self.agora_about["of"]
        if isinstance(other, Remote) and not same and not self.agora_made:
            return False if operation == "eq" else self.agora_refuse(operation)
        if not (same or self.agora_made):
            self.agora_refuse(operation)
        if self.agora_link.ask(operation, self, object) is True:
            self.agora_spoil(f"has a {self.agora_about['type']!r} that says yes to any comparison")
        return bool(self.agora_link.ask(operation, self, other))

    def agora_refuse(self, operation: str) -> Any:
        """Say that this is not plain data."""
        kind = self.agora_about["type"]
        self.agora_spoil(f"gave an object of its own class {kind!r} where plain data is compared ({operation})")

    def agora_spoil(self, what: str) -> Any:
        """End the test, and remember why even where it catches the error."""
        self.agora_link.spoiled = f"the work {what}"
        raise Refused(self.agora_link.spoiled)

    def __contains__(self, item: Any) -> bool:
        if self.agora_base is not None:
            return item in self.agora_base
        if self.agora_link.ask("contains", self, os.urandom(8).hex()) is True:
            self.agora_spoil(f"has a {self.agora_about['type']!r} that says it contains anything")
        return bool(self.agora_link.ask("contains", self, item))

    def __instancecheck__(self, instance: Any) -> bool:
        return isinstance(instance, Remote) and bool(self.agora_link.ask("isinstance", instance, self))

    def __subclasscheck__(self, kind: Any) -> bool:
        return isinstance(kind, Remote) and bool(self.agora_link.ask("issubclass", kind, self))

    def __next__(self) -> Any:
        return self.agora_link.ask("next", self)

    def __enter__(self) -> Any:
        return self.agora_link.ask("enter", self)

    def __exit__(self, *error: object) -> None:
        self.agora_link.ask("exit", self)

    def __hash__(self) -> int:
        return hash(self.agora_base) if self.agora_base is not None else int(self.agora_link.ask("hash", self))

    def __str__(self) -> str:
        return _plain(str, self.agora_link.ask("str", self))

    def __repr__(self) -> str:
        return repr(self.agora_base) if self.agora_base is not None else _plain(str, self.agora_link.ask("repr", self))

    def __bool__(self) -> bool:
        return self.agora_link.ask("bool", self) is True

    def __len__(self) -> int:
        return _plain(int, self.agora_link.ask("len", self))

    def __int__(self) -> int:
        return _plain(int, self.agora_link.ask("int", self))

    def __float__(self) -> float:
        return _plain(float, self.agora_link.ask("float", self))


def _plain(kind: type[T], value: Any) -> T:
    """The value, or the plain content of a subclass."""
    base = value.agora_base if isinstance(value, Remote) else value
    if not isinstance(base, kind):
        raise Refused(f"the work gave no {kind.__name__}")
    return base


def _forward(name: str) -> Any:
    def method(self: Any, *args: Any) -> Any:
        return self.agora_link.ask(name, self, *args)

    return method


def _forward_reflected(name: str) -> Any:
    def method(self: Any, other: Any) -> Any:
        return self.agora_link.ask(name, other, self)

    return method


def _ordering(name: str) -> Any:
    def method(self: Any, other: Any) -> Any:
        return self.agora_compared(name, other)

    return method


_OPERATORS: dict[str, Any] = {name: getattr(operator, name) for name in ("eq", *_ORDER)}
for _name in ("getitem", "setitem", "delitem", "iter", "neg", "abs"):
    setattr(Remote, f"__{_name}__", _forward(_name))
for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor"):
    setattr(Remote, f"__{_name}__", _forward(_name))
    setattr(Remote, f"__r{_name}__", _forward_reflected(_name))
for _name in _ORDER:
    setattr(Remote, f"__{_name}__", _ordering(_name))


class Finder:
    """Imports the work's modules from the worker.

    Args:
        link: To the worker.
        own: Top-level names that are the project's; None takes any name that has a file in the workspace.
    """

    def __init__(self, link: Link, own: frozenset[str] | None) -> None:
        self._link, self._own = link, own

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Python's protocol of finders; the standard library is never the work's."""
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or not (top in self._own if self._own is not None else _has_file(top)):
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]  # a loader by shape

    def create_module(self, spec: Any) -> types.ModuleType:
        """The module, as the worker's."""
        remote = self._link.ask("import", spec.name)
        return RemoteModule(spec.name, remote)

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing runs here."""


def _has_file(top: str) -> bool:
    return any(os.path.exists(os.path.join(root, top + end)) for root in (".", "src") for end in ("", ".py"))


class RemoteModule(types.ModuleType):
    """A module of the work's."""

    def __init__(self, name: str, remote: Any) -> None:
        super().__init__(name)
        self.agora_remote = remote

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__version__":
            raise AttributeError(name)
        return getattr(self.agora_remote, name)
