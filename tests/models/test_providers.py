"""Who joins by a key or a server, and what a name resolves to."""

from __future__ import annotations

from decimal import Decimal

import pytest

from agora.bids import Price
from agora.errors import MissingKeyError, UnknownNameError
from agora.messages import Message, Request
from agora.models.litellm_model import known_price
from agora.models.local import LocalModel
from agora.models.providers import PROVIDERS, Absent, Joined, Provider, ask_for_models, discover, ollama_base
from agora.models.resolve import resolve_model
from agora.testing import check_chat_model
from agora.testing.endpoint import FaultyEndpoint


def nobody(_: str) -> None:
    return None


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda row: row.name)
def test_each_default_model_has_a_list_price_and_the_pool_climbs(provider: Provider) -> None:
    prices = [known_price(model) for model in provider.models]
    each = [price.of(1000, 1000) for price in prices if price is not None]
    assert len(each) == len(provider.models) >= 2
    assert each == sorted(each)
    assert each[0] > 0


def test_without_keys_and_servers_everyone_is_absent_with_a_mend() -> None:
    joined, absent = discover({}, probe=nobody)
    assert joined == ()
    assert [row.provider for row in absent] == [*(row.name for row in PROVIDERS), "ollama", "own endpoint"]
    assert all("set " in row.reason for row in absent)


def test_a_key_brings_its_whole_pool_and_an_empty_one_does_not() -> None:
    joined, absent = discover({"GROQ_API_KEY": "x", "XAI_API_KEY": ""}, probe=nobody)
    assert {row.provider for row in joined} == {"groq"}
    assert Absent("xai", "set XAI_API_KEY") in absent


def test_a_server_on_this_machine_joins_with_its_models() -> None:
    with FaultyEndpoint(models=("a", "b", "c", "d")) as endpoint:
        env = {"AGORA_API_BASE": endpoint.url, "OLLAMA_HOST": endpoint.root}
        joined, _ = discover(env, probe=ask_for_models)
        assert Joined("own endpoint", "openai/a", endpoint.url) in joined
        assert [row.model for row in joined if row.provider == "ollama"] == ["openai/a", "openai/b", "openai/c"]


async def test_a_discovered_model_answers() -> None:
    with FaultyEndpoint(models=("tiny",)) as endpoint:
        joined, _ = discover({"AGORA_API_BASE": endpoint.url}, probe=ask_for_models)
        model = resolve_model(joined[0].model, api_base=joined[0].api_base, price=Price(), env={})
        request = Request(messages=(Message(role="user", content="hi"),), deadline_s=30)
        assert (await check_chat_model(model, request=request)).model == "tiny"


def test_a_probe_of_nothing_or_of_nonsense_is_none() -> None:
    with FaultyEndpoint() as endpoint:
        gone = endpoint.root
    assert ask_for_models(f"{gone}/v1/models") is None
    assert ask_for_models("ftp://127.0.0.1/x") is None
    assert ask_for_models("http://127.0.0.1:notaport/x") is None


@pytest.mark.parametrize(
    ("host", "base"),
    [
        ("", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("box:1", "http://box:1"),
        ("https://ollama.example", "https://ollama.example:443"),
    ],
)
def test_ollamas_address_is_read_as_ollama_reads_it(host: str, base: str) -> None:
    assert ollama_base({"OLLAMA_HOST": host}) == base


def test_a_missing_key_is_named() -> None:
    with pytest.raises(MissingKeyError, match="set OPENAI_API_KEY"):
        resolve_model("openai/gpt-5-mini", env={})


def test_an_unknown_model_gets_the_nearest_names() -> None:
    with pytest.raises(UnknownNameError, match="did you mean"):
        resolve_model("opnai/gpt-5-mini", env={})
    with pytest.raises(UnknownNameError, match="local/smollm2-135m"):
        resolve_model("local/smollm", env={})


def test_names_resolve_with_their_prices() -> None:
    priced = resolve_model("openai/gpt-5-mini", env={"OPENAI_API_KEY": "x"}).price()
    assert priced == Price(input_per_mtok=Decimal("0.25"), output_per_mtok=Decimal(2))
    assert resolve_model("openai/mine", api_base="http://127.0.0.1:9/v1", env={}).price() is None
    local = resolve_model("local/smollm2-135m", env={})
    assert isinstance(local, LocalModel)
    assert resolve_model("local/mine", env={"AGORA_GGUF": "/x.gguf"}).name == "local/mine"
