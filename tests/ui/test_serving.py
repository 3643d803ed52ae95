"""`agora ui`: who may ask, what is answered, and how it ends; by real requests to a real process."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

import pytest

from agora.events import Event, Posted, Started
from agora.tasks import Task
from cli.projects import CHECK, started
from cli.remembered import remember
from traces.many_ledgers import a_run, began
from ui.served import Served, served

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\u202e\x1b[2J"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Served]:
    """One server for what changes nothing, over 3 runs."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "agora.toml").write_text("seed = 7\n")
    (folder / "secret.txt").write_text("of the workspace")
    for at in range(3):
        remember(folder, *a_run(f"run{at:04}", at)[0], run=f"run{at:04}")
    with served(folder) as running:
        yield running


def test_the_printed_address_opens_the_pages(server: Served) -> None:
    entered = server.ask(server.entry, known=False)
    assert entered.status == 200
    assert 'url=/"' in entered.text
    cookie = entered.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    listed = server.ask("/")
    assert listed.status == 200
    assert all(f"/runs/run{at:04}" in listed.text for at in range(3))
    assert server.ask("/runs/run0001").status == 200
    assert server.ask("/figures").status == 200


@pytest.mark.parametrize(
    "path", ["/", "/figures", "/runs/run0001", "/live?after=0", "/enter/", "/enter/0000", "/nothing"]
)
def test_without_the_token_nothing_is_shown(server: Served, path: str) -> None:
    for headers in ({}, {"Cookie": f"agora-ui-{server.port}={'0' * 64}"}, {"Cookie": f"agora-ui-{server.port}="}):
        got = server.ask(path, known=False, headers=headers)
        assert got.status == 403
        assert "run0001" not in got.text


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "[::1]:80", "localhost.evil.example", ""])
def test_another_host_is_refused_even_with_the_cookie(server: Served, host: str) -> None:
    assert server.ask("/", headers={"Host": host}).status == 421


def test_this_machine_by_its_other_name_is_served(server: Served) -> None:
    assert server.ask("/", headers={"Host": f"localhost:{server.port}"}).status == 200


def test_two_hosts_or_none_are_refused(server: Served) -> None:
    for lines in (f"Host: 127.0.0.1:{server.port}\r\nHost: evil.example\r\n", ""):
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(f"GET / HTTP/1.1\r\n{lines}Cookie: {server.cookie}\r\n\r\n".encode())
            assert connection.recv(100).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("path", ["/", "/runs/run0001", "/live?after=0"])
def test_nothing_can_be_changed(server: Served, method: str, path: str) -> None:
    for known in (True, False):
        got = server.ask(path, method=method, known=known)
        assert got.status == 405
        assert got.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
    ],
)
def test_other_sites_pages_may_ask_for_nothing(server: Served, headers: dict[str, str]) -> None:
    for path in ("/", "/live?after=0"):
        assert server.ask(path, headers=headers).status == 403


def test_its_own_pages_may(server: Served) -> None:
    own = {"Origin": f"http://127.0.0.1:{server.port}", "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
    assert server.ask("/figures", headers=own).status == 200
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert server.ask("/", headers=followed).status == 200  # with the cookie, which a Strict one is not sent then


@pytest.mark.parametrize("path", ["/", "/figures", "/runs/run0001", "/nothing", "/enter/0"])
def test_no_answer_is_kept_framed_or_open_to_others(server: Served, path: str) -> None:
    headers = server.ask(path).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert not [name for name in headers if name.startswith("access-control")]
    assert "server" not in headers


def test_a_head_has_no_body(server: Served) -> None:
    for path in ("/", "/live?after=0"):
        got = server.ask(path, method="HEAD")
        assert (got.status, got.text) == (200, "")


@pytest.mark.parametrize(
    "path",
    ["/secret.txt", "/../secret.txt", "/runs/..%2f..%2fsecret.txt", "/runs/nothing", "/agora.toml", "//evil.example/"],
)
def test_no_file_is_ever_served(server: Served, path: str) -> None:
    got = server.ask(path)
    assert got.status == 404
    assert "of the workspace" not in got.text


@pytest.mark.parametrize(
    "path",
    ["/?before=x", "/?before=-1", "/figures?last=0", "/figures?last=1e3", "/live?after=%00", "/?before=%C2%B2"],
)
def test_what_cannot_be_read_is_said(server: Served, path: str) -> None:
    got = server.ask(path)
    assert got.status == 400
    assert "must be a whole number" in got.text


def test_the_figures_of_some_runs_and_classes(server: Served) -> None:
    assert "the latest 2 runs" in server.ask("/figures?last=2").text
    assert "only docs" in server.ask("/figures").text
    assert "tasks with &#39;docs&#39; only" in server.ask("/figures?skill=docs").text


def test_a_head_that_is_too_long_or_no_http_is_refused(server: Served) -> None:
    for said in (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(said)
            assert connection.recv(100).startswith(b"HTTP/1.1 400")
    assert server.ask("/").status == 200


def test_connections_and_streams_are_bounded_and_it_goes_on_afterwards(server: Served) -> None:
    open_: list[socket.socket] = []
    try:
        for _ in range(80):
            open_.append(socket.create_connection(("127.0.0.1", server.port), timeout=30))
        request = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode()
        open_[-1].sendall(request)
        assert open_[-1].recv(100).startswith(b"HTTP/1.1 503")
    finally:
        for connection in open_:
            connection.close()
    _until_served(server)
    streams = [server.listened("/live?after=0&run=none") for _ in range(17)]
    try:
        statuses = [stream.__enter__().status for stream in streams]
    finally:
        for stream in streams:
            stream.__exit__(None, None, None)
    assert statuses == [200] * 16 + [503]


def _until_served(server: Served) -> None:
    for _ in range(1000):
        if server.ask("/").status == 200:
            return
    raise AssertionError("it does not answer any more")


def test_a_stream_begins_where_the_reader_was_and_tells_each_event_once(server: Served) -> None:
    with server.listened("/live?after=0&run=run0000") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        told = answer.read().decode()  # the run is done, so the stream ends
    seqs = [int(line[4:]) for line in told.splitlines() if line.startswith("id: ")]
    assert seqs == sorted(set(seqs))
    assert told.endswith("event: end\ndata: {}\n\n")
    with server.listened("/live?after=0&run=run0000", headers={"Last-Event-ID": str(seqs[4])}) as answer:
        rest = answer.read().decode()
    assert [int(line[4:]) for line in rest.splitlines() if line.startswith("id: ")] == seqs[5:]


def _events(answer: Iterable[bytes]) -> Generator[dict[str, object]]:
    for line in answer:
        if line.startswith(b'data: {"'):
            yield json.loads(line[6:])


def _until(events: Iterable[dict[str, object]], kind: str) -> str:
    """Read until there is an event of a kind; whose run it is of."""
    return str(next(event["run"] for event in events if event["kind"] == kind))


@pytest.mark.timeout(200)
def test_a_run_of_another_process_is_told_while_it_goes_on(project: Path) -> None:
    with served(project) as server, server.listened("/live?after=0") as answer:
        events = _events(answer)
        run = started(project, "run", "mend", "--workspace", "repo", "--verify", CHECK, "--yes", "--agents", "patient")
        try:
            name = _until(events, "awarded")
            assert "running" in server.ask("/").text  # it works until it is told to go on
            assert "The run is" in server.ask(f"/runs/{name}").text
            (project / "go").touch()
            assert _until(events, "done") == name
        finally:
            run.communicate(timeout=60)
        assert run.returncode == 0
        assert ">done<" in server.ask("/").text


def test_it_ends_on_ctrl_c_even_while_somebody_listens_and_another_one_gets_another_port(project: Path) -> None:
    with served(project) as first, served(project) as second:
        assert first.port != second.port
        assert second.ask(first.entry, known=False).status == 403
        with first.listened("/live?after=0"):
            code, told = first.interrupt()
        assert code == 0
        assert told.splitlines()[-1] == "ended"
        assert "Traceback" not in told
        assert second.ask("/").status == 200
        second.process.send_signal(signal.SIGTERM)
        second.process.communicate(timeout=30)
        assert second.process.returncode == 0


def test_a_port_that_cannot_be_had_is_named(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = started(project, "ui", "--no-open", "--port", str(taken.getsockname()[1]))
        _, told = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "--port" in told
    assert "cannot be had" in told


def test_without_the_extra_the_command_says_what_to_install(project: Path) -> None:
    hidden = project / "hidden"
    hidden.mkdir()
    hidden.joinpath("sitecustomize.py").write_text(
        "import importlib.util as u\n"
        "find = u.find_spec\n"
        "u.find_spec = lambda name, package=None: None if name == 'uvicorn' else find(name, package)\n"
    )
    process = started(project, "ui", "--no-open", environ={"PYTHONPATH": str(hidden)})
    _, told = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "pip install 'agora-market[ui]'" in told


def test_what_others_wrote_is_escaped_on_every_page_and_in_the_stream(project: Path) -> None:
    made: list[Event] = [
        began(("scout", HOSTILE)),
        Posted(task=HOSTILE, spec=Task(id=HOSTILE, goal=HOSTILE, skill=HOSTILE)),
    ]
    remember(project, *made, run="hostile")
    with served(project) as server:
        for path in ("/", "/figures", "/runs/hostile"):
            text = server.ask(path).text
            assert "<script>alert" not in text
            assert "<img" not in text
            assert "\u202e" not in text
            assert "\x1b" not in text
        with server.listened("/live?after=0&run=hostile") as answer:
            events = _events(answer)
            told = [next(events), next(events)]
        assert [event["kind"] for event in told] == ["started", "posted"]
        assert "<U+202E>" in str(told[1]["task"])


@pytest.mark.timeout(200)
def test_a_thousand_runs_are_listed_page_by_page_and_fast(project: Path) -> None:
    remember_many(project, 1000)
    with served(project) as server:
        assert server.ask("/").status == 200
        begun = perf_counter()
        first = server.ask("/").text
        took = perf_counter() - begun
        assert len(first) < 100_000
        seen: list[str] = []
        path = "/"
        while path:
            text = server.ask(path).text
            seen += [part.partition('"')[0] for part in text.split('href="/runs/')[1:]]
            path = "/?before=" + text.partition("/?before=")[2].partition('"')[0] if "/?before=" in text else ""
        assert seen == [f"run{at:04}" for at in reversed(range(1000))]
        assert took < 5  # a bound that only another order of growth would break
        with ThreadPoolExecutor(8) as several:
            assert {got.status for got in several.map(server.ask, ["/", "/figures", "/runs/run0500"] * 6)} == {200}


def remember_many(project: Path, count: int) -> None:
    """So many small runs, in few commits."""
    import anyio

    from agora.ambient import SystemClock
    from agora.memory.sql_store import SQLStore

    async def write() -> None:
        (project / "memory").mkdir(exist_ok=True)
        store = SQLStore.open(project / "memory" / "agora.db", clock=SystemClock())
        try:
            for at in range(count):
                run = f"run{at:04}"
                opening = Started.model_validate(began().model_dump())
                posted = Posted(task="t", spec=Task(id="t", goal=f"goal {at}"))
                store.note(run, opening, posted)
        finally:
            await store.close()

    anyio.run(write)
