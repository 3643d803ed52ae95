"""A server that gives nobody much time: half a request, an idle connection, a reader that does not read."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Awaitable, Callable, MutableMapping

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from agora.events import Event
from agora.memory.in_memory import MemoryStore
from agora.testing.clocks import FakeClock
from agora.ui import guard, live, serving
from agora.ui.app import application
from agora.ui.live import MOST_STREAMS, Feed, stream
from traces.many_ledgers import a_run, began


async def _serving(ask: Callable[[int], Awaitable[None]]) -> None:
    """Serve in this process while a client asks, and end as by Ctrl-C."""
    listening = serving.bound(0)
    ready = anyio.Event()
    async with anyio.create_task_group() as group:

        async def serve() -> None:
            await serving.serve(MemoryStore(clock=FakeClock()), listening, ready=lambda _: ready.set())

        group.start_soon(serve)
        await ready.wait()
        await ask(int(listening.getsockname()[1]))
        os.kill(os.getpid(), signal.SIGINT)


def _answer_to(port: int, *pieces: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        for piece in pieces:
            connection.sendall(piece)
        try:
            return connection.recv(1000)
        except ConnectionResetError:
            return b""


@pytest.mark.parametrize(
    "pieces", [(), (b"GET / HT",), (b"GET / HTTP/1.1\r\n", b"Host: x\r\n"), (b"POST / HTTP/1.1\r\nContent-Le",)]
)
async def test_half_a_request_is_cut_off(pieces: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "HEAD_S", 0.3)

    async def ask(port: int) -> None:
        with anyio.fail_after(20):
            assert await anyio.to_thread.run_sync(_answer_to, port, *pieces) == b""

    await _serving(ask)


async def test_half_a_second_request_is_cut_off_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "HEAD_S", 0.3)

    def twice(port: int) -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
            told = b""
            while b"holds the token" not in told:
                told += connection.recv(1000)
            connection.sendall(b"GET / HTTP/1.1\r\nHo")
            try:
                return connection.recv(1000)
            except ConnectionResetError:
                return b""

    async def ask(port: int) -> None:
        with anyio.fail_after(20):
            assert await anyio.to_thread.run_sync(twice, port) == b""

    await _serving(ask)


async def test_a_reader_that_does_not_read_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "SEND_S", 0.1)

    async def send(_message: object) -> None:
        await anyio.sleep_forever()

    async def receive() -> dict[str, object]:
        raise AssertionError("nothing is read")

    async def app(_scope: object, _receive: object, _send: object) -> None:
        raise AssertionError("nobody gets so far")

    scope: dict[str, object] = {"type": "http", "method": "GET", "path": "/", "headers": [(b"host", b"127.0.0.1:8517")]}
    with pytest.raises(TimeoutError):
        await guard.Guard(app, port=8517)(scope, receive, send)


async def test_a_stream_ends_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "STREAM_S", 0.05)
    monkeypatch.setattr(live, "POLL_S", 0.01)
    monkeypatch.setattr(live, "BEAT_S", 0.0)
    told = [piece async for piece in stream(Feed(MemoryStore(clock=FakeClock()), None, 0), closing=lambda: False)]
    assert told[0] == b"retry: 2000\n\n"
    assert b": still here\n\n" in told


async def test_a_look_at_the_ledger_is_bounded_and_nothing_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST_ENTRIES", 7)
    store = MemoryStore(clock=FakeClock())
    made: list[Event] = a_run("aaaa", 1)[0]
    await store.record("aaaa", *made)
    await store.record("bbbb", began())
    feed = Feed(store, "aaaa", 0)
    assert len(feed.read(0)) == 7
    told = b"".join([piece async for piece in stream(feed, closing=lambda: False)])
    assert told.count(b"id: ") == len(made)
    assert b"bbbb" not in told


async def test_a_stream_ends_with_the_server() -> None:
    told = [piece async for piece in stream(Feed(MemoryStore(clock=FakeClock()), None, 0), closing=lambda: True)]
    assert told == [b"retry: 2000\n\n"]


async def test_so_many_pages_are_live_at_once_and_no_more() -> None:
    """All ask before any is answered; when they have ended there is room again."""
    ended: list[bool] = []
    app = application(MemoryStore(clock=FakeClock()), closing=lambda: bool(ended))
    statuses: list[int] = []
    scope: dict[str, object] = {"type": "http", "method": "GET", "path": "/live", "query_string": b"", "headers": []}

    async def receive() -> dict[str, object]:
        await anyio.sleep_forever()
        return {}

    async def send(message: MutableMapping[str, object]) -> None:
        if message["type"] == "http.response.start":
            assert isinstance(message["status"], int)
            statuses.append(message["status"])
        await anyio.lowlevel.checkpoint()

    for _ in range(2):
        ended.clear()
        statuses.clear()
        async with anyio.create_task_group() as group:
            for _ in range(MOST_STREAMS + 4):
                group.start_soon(app, {**scope}, receive, send)
            with anyio.fail_after(20):
                while len(statuses) < MOST_STREAMS + 4:
                    await anyio.wait_all_tasks_blocked()
            ended.append(True)
        assert sorted(statuses) == [200] * MOST_STREAMS + [503] * 4
