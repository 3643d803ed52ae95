# ruff: noqa: ANN401, PTH109, PTH112, PTH118 - values of any type cross here; pathlib's import costs a tenth of a judgement
"""The worker: it imports the work under test and does what the judge asks. Nothing it says is believed but data."""

from __future__ import annotations

import contextlib
import importlib
import io
import operator
import os
import sys
from typing import Any, cast

from agora.verifiers.harness import wire

_BASES: tuple[Any, ...] = (str, bytes, int, float, complex, list, tuple, dict, set, frozenset)
_CO_ITERABLE_COROUTINE = 0x100
"""As `inspect` has it, whose import costs more than the rest."""


class Worker:
    """Keeps the objects that the judge knows by number."""

    def __init__(self, pipe: wire.Pipe) -> None:
        self._pipe = pipe
        self._objects: list[Any] = []
        self._numbers: dict[int, int] = {}

    def serve(self, answer_to: Any = None) -> Any:
        """Answer requests until the judge goes, or answers a callback of ours."""
        while True:
            frame = self._pipe.receive()
            if "answer" in frame:
                return self._decode(frame["answer"])
            self._pipe.send(self._reply(frame))

    def _reply(self, frame: dict[str, Any]) -> dict[str, Any]:
        out = io.StringIO()
        args: list[Any] = []
        try:
            args = [self._decode(item) for item in frame["args"]]
            kwargs = {name: self._decode(item) for name, item in frame.get("kwargs", {}).items()}
            with contextlib.redirect_stdout(out):
                value = _OPERATIONS[frame["op"]](*args, **kwargs)
            reply: dict[str, Any] = {"ok": self._result(value, args)}
        except BaseException as error:  # whatever the work raises is an answer
            reply = {"raise": self._raised(error)}
        reply["out"] = out.getvalue()[:1_000_000]
        reply["changed"] = [[at, self._encode(arg)] for at, arg in enumerate(args) if type(arg) in (list, dict, set)]
        return reply

    def _result(self, value: Any, args: list[Any]) -> Any:
        for at, arg in enumerate(args):
            if value is arg and type(arg) in (list, dict, set):
                return ["same", at]
        return self._encode(value)

    def _encode(self, value: Any) -> Any:
        return wire.encode(value, self._refer)

    def _refer(self, value: Any) -> Any:
        if isinstance(value, Callback):
            return ["judge", value.number]
        if isinstance(value, type) and issubclass(value, BaseException):
            return ["error", self._lineage(value)]
        kind: Any = type(cast(object, value))
        about: dict[str, Any] = {"type": kind.__name__, "of": self._number(kind)}
        about["class"] = issubclass(kind, type)
        about["awaitable"] = _is_awaitable(value)
        base = next((base for base in _BASES if isinstance(value, base)), None)
        if base is not None:
            about["base"] = self._encode(base(value))
        return ["work", self._number(value), about]

    def _number(self, value: Any) -> int:
        if id(value) not in self._numbers:
            self._numbers[id(value)] = len(self._objects)
            self._objects.append(value)  # kept alive, so that its id stays its own
        return self._numbers[id(value)]

    def _decode(self, value: Any) -> Any:
        def other(tagged: Any) -> Any:
            return self._objects[tagged[1]] if tagged[0] == "work" else Callback(self, tagged[1])

        return wire.decode(value, other)

    def _raised(self, error: BaseException) -> dict[str, Any]:
        return {"lineage": self._lineage(type(error)), "args": self._encode(error.args), "text": str(error)[:2000]}

    def _lineage(self, kind: Any) -> list[Any]:
        return [[self._number(one), one.__name__, one.__module__ == "builtins"] for one in kind.__mro__]

    def call_back(self, number: int, args: Any, kwargs: Any) -> Any:
        """Call a function of the judge's."""
        encoded = {name: self._encode(item) for name, item in kwargs.items()}
        self._pipe.send({"callback": number, "args": [self._encode(item) for item in args], "kwargs": encoded})
        return self.serve()


class Callback:
    """A function of the judge's, to be called from here."""

    def __init__(self, worker: Worker, number: int) -> None:
        self._worker, self.number = worker, number

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Ask the judge."""
        return self._worker.call_back(self.number, args, kwargs)


def _is_awaitable(value: Any) -> bool:
    made_of = getattr(value, "gi_code", None)  # a generator can be one, too: types.coroutine
    return hasattr(cast(object, type(value)), "__await__") or bool(
        made_of and made_of.co_flags & _CO_ITERABLE_COROUTINE
    )


def _awaited(value: Any) -> Any:
    import asyncio  # noqa: TID251  # the standard library only: it runs on the workspace's Python

    async def waiting() -> Any:
        return await value

    return asyncio.run(waiting())


def _called(function: Any, *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)


def _entered(manager: Any) -> Any:
    return manager.__enter__()


def _left(manager: Any) -> Any:
    return manager.__exit__(None, None, None)


_OPERATIONS: dict[str, Any] = {
    "import": importlib.import_module,
    "getattr": getattr,
    "setattr": setattr,
    "delattr": delattr,
    "call": _called,
    "len": len,
    "iter": iter,
    "next": next,
    "str": str,
    "repr": repr,
    "bool": bool,
    "int": int,
    "float": float,
    "hash": hash,
    "dir": dir,
    "abs": abs,
    "isinstance": isinstance,
    "issubclass": issubclass,
    "await": _awaited,
    "enter": _entered,
    "exit": _left,
    "neg": operator.neg,
    "contains": operator.contains,
    "getitem": operator.getitem,
    "setitem": operator.setitem,
    "delitem": operator.delitem,
    **{name: getattr(operator, name) for name in ("eq", "ne", "lt", "le", "gt", "ge")},
    **{name: getattr(operator, name) for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")},
    **{name.strip("_"): getattr(operator, name) for name in ("and_", "or_", "xor")},
}


def main() -> None:
    """Serve on what were stdin and stdout; the work itself gets neither."""
    pipe = wire.Pipe(os.dup(0), os.dup(1))
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    here = os.getcwd()
    sys.path[:0] = [path for path in (here, os.path.join(here, "src")) if os.path.isdir(path)]
    with contextlib.suppress(wire.Closed):
        Worker(pipe).serve()


if __name__ == "__main__":
    main()
