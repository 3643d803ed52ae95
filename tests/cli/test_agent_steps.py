"""A second model in an agent's file: what it makes of the agent, and what is said where it cannot be."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from agora.bids import Price
from agora.cli.agent_files import build_agent, read_agent
from agora.cli.session import Session
from agora.errors import AgoraError
from agora.protocols import Agent
from agora.settings import Settings

OWN = """model = "openai/small"
api_base = "http://127.0.0.1:9/v1"
price = { input_per_mtok = "1", output_per_mtok = "4" }
"""
STRONG = 'strong = "openai/big"\nstrong_price = { input_per_mtok = "3", output_per_mtok = "2" }\n'


def built(folder: Path, text: str) -> Agent:
    file = folder / "scout.toml"
    file.write_text(text)
    return build_agent(read_agent(file), file, session=Session(project=folder, settings=Settings()))


def test_a_file_with_a_second_model_promises_the_worst_of_both_prices(tmp_path: Path) -> None:
    worst = Price(input_per_mtok=Decimal(3), output_per_mtok=Decimal(4))
    alone = built(tmp_path, OWN).profile
    cards = [built(tmp_path, OWN + STRONG + steps).profile for steps in ("", 'steps = "bandit"\n')]
    tabled = built(tmp_path, OWN + "[llm]\n" + STRONG).profile
    assert alone.price == Price(input_per_mtok=Decimal(1), output_per_mtok=Decimal(4))
    assert [card.price for card in (*cards, tabled)] == [worst] * 3
    assert tabled == cards[0], "escalate is what is meant where nothing is stated"
    assert len({alone.digest, *(card.digest for card in cards)}) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (OWN + 'steps = "escalate"', "scout.toml: steps: there is nothing to choose between: state a second model"),
        (OWN + STRONG + 'steps = "escalade"', "scout.toml: no step policy named 'escalade'; did you mean 'escalate'"),
        (OWN + STRONG.splitlines()[1], 'scout.toml: strong_price: there is no second model: state strong = "'),
        (OWN + 'strong_api_base = "http://127.0.0.1:8/v1"', "scout.toml: strong_api_base: there is no second model"),
        (OWN + 'strong = "openai/nobody-knows-it"', "scout.toml: strong: 'openai/nobody-knows-it' has no known price"),
        (OWN + STRONG.replace("/big", "/small"), "scout.toml: strong: 'openai/small' is the agent's own model"),
        (OWN + 'strnog = "openai/big"', "scout.toml: strnog: "),
        ('kind = "sampler"\nmodel = "local/smollm2-135m"\nstrong = "x/y"', "scout.toml: strong: "),
    ],
)
def test_what_cannot_be_is_said_with_the_file_and_the_mend(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(AgoraError) as refused:
        built(tmp_path, text)
    assert said in str(refused.value)


def test_a_second_model_at_its_providers_own_place_needs_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(AgoraError, match="OPENAI_API_KEY"):
        built(tmp_path, OWN + STRONG + 'strong_api_base = ""')
    assert built(tmp_path, OWN + STRONG + 'strong_api_base = "http://127.0.0.1:8/v1"').profile.kind == "llm"
