"""--cache and --stream, from the command line to a real endpoint."""

from __future__ import annotations

import json
from pathlib import Path

from agora.testing.endpoint import FaultyEndpoint, text
from agora.testing.exchange import Behaviour, Exchange
from agora.testing.streams import DONE, begin, bill, event, push, wire
from cli.projects import Shell, at_terminal, until

GOAL = ("run", "which word?", "--agents", "own")


def define(project: Path, endpoint: FaultyEndpoint, *, goal: str = "") -> None:
    (project / "agents" / "own.toml").write_text(
        f'model = "openai/own"\napi_base = "{endpoint.url}"\ntools = []\nprice = {{ output_per_mtok = "10" }}\n{goal}'
    )


def test_a_run_that_is_made_again_with_a_cache_calls_nobody_and_costs_nothing(shell: Shell, project: Path) -> None:
    with FaultyEndpoint(text("1. answer"), text("right")) as endpoint:
        define(project, endpoint)
        first = shell(*GOAL, "--cache", "--json")
        again = shell(*GOAL, "--cache", "--json")
        assert endpoint.count == 2
        other = shell("run", "which other word?", "--agents", "own", "--cache")
        assert endpoint.count == 4
    before, after = json.loads(first.out), json.loads(again.out)
    assert before["tasks"][0]["attempts"][0]["output"] == after["tasks"][0]["attempts"][0]["output"] == "right"
    assert float(before["usage"]["usd"]) > 0
    assert after["usage"]["usd"] == "0"
    assert "they are marked, and cost no dollars" in after["notes"]["cache"]
    assert "response cache: 2 of 2 calls answered from it" in again.err
    assert "response cache: 0 of 2 calls answered from it" in other.err
    assert (project / "memory" / "cache.db").stat().st_mode & 0o777 == 0o600


def test_the_cache_is_emptied_by_a_command(shell: Shell, project: Path) -> None:
    assert shell("memory", "clear-cache").out == "0 replies forgotten\n"
    with FaultyEndpoint(text("1. answer"), text("right")) as endpoint:
        define(project, endpoint)
        shell(*GOAL, "--cache")
        assert shell("memory", "clear-cache").out == "2 replies forgotten\n"
        shell(*GOAL, "--cache")
        assert endpoint.count == 4


def test_without_the_flag_nothing_is_kept_or_found(shell: Shell, project: Path) -> None:
    with FaultyEndpoint(text("1. answer"), text("right")) as endpoint:
        define(project, endpoint)
        shown = shell(*GOAL, "--json")
        shell(*GOAL)
        assert endpoint.count == 4
        assert not any("stream" in request for request in endpoint.requests)
    assert "cache" not in json.loads(shown.out)["notes"]
    assert not (project / "memory" / "cache.db").exists()


def test_a_damaged_cache_is_refused_before_anything_is_spent(shell: Shell, project: Path) -> None:
    with FaultyEndpoint("ok") as endpoint:
        define(project, endpoint)
        (project / "memory").mkdir()
        (project / "memory" / "cache.db").write_bytes(b"no database" * 1_000)
        shown = shell(*GOAL, "--cache")
        assert endpoint.count == 0
    assert shown.code == 2
    assert "delete it, or run without --cache" in shown.err


def slowly(*words: str) -> Behaviour:
    """A stream whose end waits until the endpoint closes, or for two seconds: long enough to be looked at."""

    def send(exchange: Exchange) -> None:
        begin(exchange)
        for word in words:
            push(exchange, wire(event(word)))
        exchange.closing.wait(2)
        for part in (event(finish="stop"), bill()):
            push(exchange, wire(part))
        push(exchange, DONE)
        exchange.write(b"0\r\n\r\n")
        exchange.close()

    return send


def test_a_terminal_shows_what_is_being_written_and_nothing_of_it_acts(project: Path) -> None:
    with FaultyEndpoint(slowly("1. look ", "\x1b[31mhard", " \u202eat "), slowly("it ", "is ", "right")) as endpoint:
        define(project, endpoint)
        with at_terminal(project, *GOAL, "--stream") as (process, terminal):
            bidding = until(terminal, "own: 1. look <U+001B>[31mhard <U+202E>at")
            assert "\u202e" not in bidding
            assert "\x1b[31mhard" not in bidding
            until(terminal, "own: ")
            until(terminal, "\nrun ")
            assert process.wait(timeout=60) == 4  # nobody verified it
        assert [request.get("stream") for request in endpoint.requests] == [True, True]


def test_where_there_is_no_terminal_nothing_is_streamed(shell: Shell, project: Path) -> None:
    with FaultyEndpoint(text("1. answer"), text("right")) as endpoint:
        define(project, endpoint)
        shown = shell(*GOAL, "--stream")
        assert not any("stream" in request for request in endpoint.requests)
    assert "own: 1." not in shown.err
