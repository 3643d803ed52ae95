"""Runs one command to its end, inside limits, and leaves nothing of it behind.

Commands are started by the event loop's own thread on purpose: a sandbox dies with the thread that started it, and a
pooled thread may end at any time.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple, cast

import anyio
import anyio.lowlevel
import anyio.to_thread

from agora.errors import SandboxError
from agora.records import Ran
from agora.sandbox.limits import EXIT_LIMIT, EXIT_TIME, RunLimits
from agora.sandbox.watching import descendants, watch

GATE = ("/bin/sh", "-c", 'echo; read -r _ || exit 125; exec "$@"', "agora-gate")
"""The start of a command line that says that it is there, and goes on when it is told to.

A sandbox that is being set up is not bound to us yet: were we killed then, the command would run on unbounded. Behind
the gate everything is bound, and if we are gone the word never comes.
"""

_CLEANUP_S = 10.0


class Launch(NamedTuple):
    """How a command is started on the host."""

    argv: Sequence[str]
    """The whole command line, with the sandbox's own program first."""
    env: Mapping[str, str]
    """Of the first program; empty for a sandbox."""
    cwd: Path | None = None
    """Where the first program starts."""
    user: int | None = None
    """The uid and gid that it gets; None: ours."""
    descriptors: tuple[int, ...] = ()
    """Descriptors that it inherits; all are closed here once it runs."""
    kept: tuple[int, ...] = ()
    """Descriptors that `started` uses; all are closed when the command has ended."""
    started: Callable[[int], Awaitable[int | None]] | None = None
    """Called with its pid; returns a pidfd of the sandbox's first process, whose death is the death of all in it."""
    gated: bool = False
    """True: the command stands behind `GATE`, and runs only once it is known to die with us."""
    waits: bool = False
    """True: the first program ends when the sandbox's first process, its child, has; so that one is killed first."""


class _Stop(Exception):
    """A limit was reached."""

    def __init__(self, limit: str) -> None:
        super().__init__(limit)
        self.limit = limit


class Running:
    """One command that runs: its pipes, its processes and how to end them.

    Args:
        launch: How to start it.

    Raises:
        SandboxError: The first program could not be started.
    """

    def __init__(self, launch: Launch) -> None:
        self._launch = launch
        self._inner: int | None = None
        self._init: int | None = None
        try:
            self._popen = _start(launch)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            for descriptor in launch.kept:
                os.close(descriptor)
            raise SandboxError(f"cannot start {launch.argv[0]!r}: {error}") from error
        finally:
            for descriptor in launch.descriptors:
                os.close(descriptor)
        for pipe in self._pipes():
            os.set_blocking(pipe.fileno(), False)
        self._over = anyio.Event()

    @property
    def pid(self) -> int:
        """Of the first program."""
        return self._popen.pid

    def _pipes(self) -> tuple[IO[bytes], IO[bytes], IO[bytes]]:
        return cast(
            "tuple[IO[bytes], IO[bytes], IO[bytes]]", (self._popen.stdin, self._popen.stdout, self._popen.stderr)
        )

    async def finish(self, *, stdin: bytes, timeout_s: float, limits: RunLimits, folder: Path | None) -> Ran:
        """Feed it, read it, watch it, and wait until it and everything it started is gone.

        Args:
            stdin: What it reads.
            timeout_s: Wall time.
            limits: The other bounds.
            folder: The work folder whose size is watched.

        Raises:
            SandboxError: It could not be set up.
        """
        began = time.monotonic()
        output, errors = bytearray(), bytearray()
        limit = ""
        try:
            with anyio.move_on_after(timeout_s) as scope:
                limit = await self._work(stdin, output, errors, limits, folder)
            if scope.cancelled_caught:
                limit = "time"
        finally:
            with anyio.CancelScope(shield=True):
                await self._end(output, errors, limits)
        if not limit and max(len(output), len(errors)) >= limits.output_bytes:
            limit = "output"
        code = self._popen.returncode
        code = code if code >= 0 else 128 - code
        if limit:
            code = EXIT_TIME if limit == "time" else EXIT_LIMIT
        return Ran(code, _text(output), _text(errors), time.monotonic() - began, limit)

    async def kill(self) -> None:
        """End it from outside and wait until `finish` has cleaned up."""
        if self._launch.waits:
            self._kill_children()
        else:
            self._kill_all()
        await self._over.wait()

    async def _work(
        self, stdin: bytes, output: bytearray, errors: bytearray, limits: RunLimits, folder: Path | None
    ) -> str:
        if self._launch.started is not None:
            self._init = await self._launch.started(self.pid)
        into, out, err = self._pipes()
        if self._launch.gated and await _first_byte(out):
            stdin = b"\n" + stdin
        limit = ""
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(_feed, into, stdin)
                group.start_soon(_drain, out, output, limits.output_bytes)
                group.start_soon(_drain, err, errors, limits.output_bytes)
                group.start_soon(_guard, self.pid, folder, limits)
                await _exit_of(self._popen)
                group.cancel_scope.cancel()
        except* _Stop as stops:
            limit = _first(stops)
        return limit

    async def _end(self, output: bytearray, errors: bytearray, limits: RunLimits) -> None:
        with anyio.move_on_after(_CLEANUP_S):
            if self._launch.waits and self._popen.poll() is None:
                self._kill_children()
                with anyio.move_on_after(1.0):
                    await _exit_of(self._popen)
            self._kill_all()
            if self._init is not None:
                await anyio.wait_readable(self._init)
            await _exit_of(self._popen)
            for pipe, sink in zip(self._pipes()[1:], (output, errors), strict=True):
                with anyio.move_on_after(1.0), suppress(_Stop):
                    await _drain(pipe, sink, limits.output_bytes)
        for pipe in self._pipes():
            with suppress(OSError):
                pipe.close()
        for descriptor in self._launch.kept:
            os.close(descriptor)
        if self._init is not None:
            os.close(self._init)
            self._init = None
        self._popen.poll()
        self._over.set()
        if self._popen.returncode is None:
            raise SandboxError(f"process {self.pid} could not be killed within {_CLEANUP_S:.0f} s: end it by hand")

    def _kill_children(self) -> None:
        for child in list(descendants(self.pid))[1:]:
            with suppress(OSError):
                os.kill(child, signal.SIGKILL)

    def _kill_all(self) -> None:
        # the sandbox's first process goes first: when the outer program has waited for it, all inside are dead
        if self._init is not None:
            with suppress(OSError):
                signal.pidfd_send_signal(self._init, signal.SIGKILL)
        with suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)


def _start(launch: Launch) -> subprocess.Popen[bytes]:
    identity: dict[str, int] = {} if launch.user is None else {"user": launch.user, "group": launch.user}
    return subprocess.Popen(
        list(launch.argv),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(launch.env),
        cwd=launch.cwd,
        pass_fds=launch.descriptors,
        start_new_session=True,
        user=identity.get("user"),
        group=identity.get("group"),
        extra_groups=None if launch.user is None else [],
    )


async def _feed(pipe: IO[bytes], content: bytes) -> None:
    view = memoryview(content)
    with suppress(BrokenPipeError):
        while view:
            try:
                view = view[os.write(pipe.fileno(), view) :]
            except BlockingIOError:
                await anyio.wait_writable(pipe)
    with suppress(OSError):
        pipe.close()


async def _first_byte(pipe: IO[bytes]) -> bytes:
    while True:
        try:
            return os.read(pipe.fileno(), 1)
        except BlockingIOError:
            await anyio.wait_readable(pipe)


async def _drain(pipe: IO[bytes], sink: bytearray, cap_bytes: int) -> None:
    while True:
        try:
            block = os.read(pipe.fileno(), 65_536)
        except BlockingIOError:
            await anyio.wait_readable(pipe)
            continue
        if not block:
            return
        sink += block[: cap_bytes - len(sink)]
        if len(sink) >= cap_bytes:
            raise _Stop("output")
        await anyio.lowlevel.checkpoint()


async def _guard(pid: int, folder: Path | None, limits: RunLimits) -> None:
    raise _Stop(await watch(pid, folder=folder, limits=limits))


async def _exit_of(popen: subprocess.Popen[bytes]) -> None:
    if popen.poll() is not None:
        return
    if not hasattr(os, "pidfd_open"):  # macOS
        await anyio.to_thread.run_sync(popen.wait, abandon_on_cancel=True)
        return
    descriptor = os.pidfd_open(popen.pid)
    try:
        await anyio.wait_readable(descriptor)
    finally:
        os.close(descriptor)
    popen.wait()


def _first(stops: BaseExceptionGroup[_Stop]) -> str:
    error: BaseException = stops
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error.limit if isinstance(error, _Stop) else ""


def _text(content: bytearray) -> str:
    return content.decode(errors="replace")
