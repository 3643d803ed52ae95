"""A bound on the calls that are under way at one provider holds for all nodes and agents of a run together."""

from __future__ import annotations

import time
from collections.abc import Generator
from pathlib import Path
from threading import Condition

import pytest

from agora.errors import ConfigError
from agora.models.concurrency import MOST
from agora.models.health import SHARED
from agora.settings import load_settings
from agora.testing.endpoint import FaultyEndpoint
from agora.testing.exchange import Exchange, answer, completion
from cli.projects import Shell, make_project

NODES = 32
HELD_S = 0.02
"""How long each answer takes once the bound was reached: one call too many would be seen."""


class Gate:
    """Answers, and counts how many are under way; nobody is answered before the bound was reached once."""

    def __init__(self, most: int) -> None:
        self.most, self.peak, self._flying = most, 0, 0
        self._changed = Condition()

    def __call__(self, exchange: Exchange) -> None:
        with self._changed:
            self._flying += 1
            self.peak = max(self.peak, self._flying)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.peak >= self.most, timeout=20)
        time.sleep(HELD_S)
        with self._changed:
            self._flying -= 1
        answer(completion("1. say it"))(exchange)


@pytest.fixture(autouse=True)
def as_before() -> Generator[None]:
    yield
    SHARED.bound({})


def model(url: str) -> str:
    return f'kind = "llm"\nmodel = "openai/test"\napi_base = "{url}"\ntools = []\n[price]\nunit = "s"\n'


@pytest.mark.timeout(120)
def test_32_nodes_at_once_over_two_providers_never_call_more_than_each_is_bound_to(
    tmp_path: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Gate(2), Gate(5)
    with FaultyEndpoint(first) as one, FaultyEndpoint(second) as other:
        folder = make_project(tmp_path / "project", a=model(one.url), b=model(one.url), c=model(other.url))
        (folder / "agora.toml").write_text(f'seed = 7\n[calls_at_once]\n"{one.url}" = 2\n"{other.url}" = 5\n')
        names = ("a", "b", "c", "c")
        nodes = [f'[[task]]\nid = "n{n}"\ngoal = "say it"\nagents = ["{names[n % 4]}"]\n' for n in range(NODES)]
        (folder / "many.toml").write_text("".join(nodes))
        monkeypatch.chdir(folder)
        monkeypatch.setenv("AGORA_API_KEY", "no-key")
        shown = shell("run", "many.toml", "--yes", "--parallel", str(NODES), "--json")
        assert '"attempts"' in shown.out, shown.err
        assert one.count + other.count == 2 * NODES, "a plan and an answer for each"
    assert (first.peak, second.peak) == (2, 5)


def test_the_bound_of_a_provider_can_be_a_variable_and_a_mistake_in_it_is_named(tmp_path: Path) -> None:
    def stated(text: str) -> dict[str, int]:
        found = load_settings(environ={"AGORA_CALLS_AT_ONCE": text}, user_file=tmp_path / "none.toml")
        return dict(found.calls_at_once)

    assert stated("openai=5 http://127.0.0.1:1/v1=2") == {"openai": 5, "http://127.0.0.1:1/v1": 2}
    for wrong in ("openai", "openai=0", "openai=many"):
        with pytest.raises(ConfigError, match="AGORA_CALLS_AT_ONCE"):
            stated(wrong)


def test_a_bound_holds_for_what_is_known_already_and_ends_when_it_is_taken_back() -> None:
    known = SHARED.of("openai", api_base="http://127.0.0.1:2/v1")
    SHARED.bound({"http://127.0.0.1:2/v1": 3, "openai": 1})
    assert known.concurrency.limit == 3, "an endpoint of one's own goes by its address"
    assert SHARED.of("openai", api_key="another").concurrency.limit == 1
    SHARED.bound({})
    assert SHARED.of("groq", api_key="fresh").concurrency.limit <= MOST
    SHARED.forget("http://127.0.0.1:2/v1")
