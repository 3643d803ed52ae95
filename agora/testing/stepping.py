"""Every wait of every task, counted: so that a test can cancel a run at each of them.

A run is cut into pieces by its awaits that really wait. `Waits` counts them over all tasks of the running event loop,
in the order in which they happen, and does something at the k-th. Whoever goes through all k has cancelled at every
await; this is the method of exhaustive failpoints, applied to cancellation.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from typing import Any, Generic, Protocol, TypeVar, cast

import anyio.lowlevel

T = TypeVar("T")


class _Task(Protocol):
    def cancel(self) -> bool: ...


class _Loop(Protocol):
    def set_task_factory(self, factory: object) -> None: ...
    def get_task_factory(self) -> object: ...
    def create_task(self, coro: Coroutine[Any, Any, Any], **options: object) -> _Task: ...


class Waits:
    """Counts the waits of all tasks that are started inside `counted`.

    Args:
        at: At which one to act, from 1; 0: never.
        waking: True: act when the wait is over, just before its task goes on; False: when it begins.
    """

    def __init__(self, at: int = 0, *, waking: bool = False) -> None:
        self._at, self._waking = at, waking
        self.act: Callable[[], object] = lambda: None
        """What happens then; it must not wait."""
        self.count = 0
        """Waits so far."""
        self.tasks: list[_Task] = []
        """The tasks that were started, in order, as the event loop knows them."""

    @contextmanager
    def counted(self) -> Generator[None]:
        """Count from now on; on asyncio's event loop only."""
        loop = cast(_Loop, anyio.lowlevel.current_token().native_token)
        before = loop.get_task_factory()

        def start(_loop: _Loop, coro: Coroutine[Any, Any, Any], **options: object) -> _Task:
            loop.set_task_factory(before)
            try:
                task = loop.create_task(self._stepped(coro), **options)
            finally:
                loop.set_task_factory(start)
            self.tasks.append(task)
            return task

        loop.set_task_factory(start)
        try:
            yield
        finally:
            loop.set_task_factory(before)

    async def _stepped(self, coro: Coroutine[Any, Any, T]) -> T:
        return await _Steps(self, coro)

    def begins(self) -> int:
        """One more wait; its number."""
        self.count += 1
        if not self._waking:
            self._act_at(self.count)
        return self.count

    def ends(self, number: int) -> None:
        """A wait is over."""
        if self._waking:
            self._act_at(number)

    def _act_at(self, number: int) -> None:
        if number == self._at:
            self.act()


class _Steps(Generic[T]):
    """A coroutine, driven from one wait to the next."""

    def __init__(self, waits: Waits, coro: Coroutine[Any, Any, T]) -> None:
        self._waits, self._coro = waits, coro

    def __await__(self) -> Generator[Any, Any, T]:
        sent: Any = None
        thrown: BaseException | None = None
        while True:
            try:
                waited_for = self._coro.send(sent) if thrown is None else self._coro.throw(thrown)
            except StopIteration as ended:
                return cast(T, ended.value)
            number = self._waits.begins()
            sent = thrown = None
            try:
                sent = yield waited_for
            except BaseException as error:
                thrown = error
            self._waits.ends(number)
