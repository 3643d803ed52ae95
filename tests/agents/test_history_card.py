"""The history card: an agent's own record in a few lines, and nothing where there is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.agents.prompts import history_card
from agora.records import NOTHING_STATED, AgentRecord, ConfidenceBin

BARE = AgentRecord("acme", "scout", "python", 20, 6, 60, 84, 12_000, 30_500, "0.123", 33.0)
BOASTS = (*NOTHING_STATED[:9], ConfidenceBin(tried=20, passed=6, stated=18.0))
MOST_CHARS = 1200


def test_it_says_what_passed_and_what_a_promise_was_worth() -> None:
    card = history_card(BARE._replace(promised_usd="0.05", delivered_usd="0.12"))
    assert "Passed: 6 of 20 attempts (30 %)." in card
    assert "Steps, all attempts together: 60 promised, 84 taken (1.4 x)." in card
    assert "Tokens, all attempts together: 12000 promised, 30500 taken (2.54 x)." in card
    assert "Dollars, all attempts together: 0.05 promised, 0.12 taken (2.4 x)." in card


def test_it_holds_what_was_stated_against_what_came_true() -> None:
    card = history_card(BARE._replace(confidence=BOASTS))
    assert "stated 20 times: on average you stated 90 %, and 30 % passed" in card
    assert "stated" not in history_card(BARE)


def test_what_did_not_fit_is_named_and_what_did_is_not() -> None:
    card = history_card(BARE._replace(bids=22, malformed_bids=2, tool_calls=40, tool_calls_ok=33))
    assert "Bids that were no plan: 2 of 22." in card
    assert "Tool calls that failed: 7 of 40." in card
    clean = history_card(BARE._replace(bids=22, tool_calls=40, tool_calls_ok=40))
    assert "no plan" not in clean
    assert "failed" not in clean


@pytest.mark.parametrize("record", [None, BARE._replace(tried=0, passed=0, bids=5, malformed_bids=5)])
def test_without_an_attempt_there_is_no_card(record: AgentRecord | None) -> None:
    assert history_card(record) == ""


@given(
    tried=st.integers(1, 10**6),
    passed=st.integers(0, 10**6),
    sums=st.lists(st.integers(0, 10**15), min_size=4, max_size=4),
    usd=st.decimals(min_value=0, max_value=10**9, places=12),
    seconds=st.floats(min_value=0, max_value=1e9),
)
def test_it_is_short_whatever_the_figures_and_writes_no_powers_of_ten(
    tried: int, passed: int, sums: list[int], usd: object, seconds: float
) -> None:
    record = BARE._replace(tried=tried, passed=min(passed, tried), promised_usd=str(usd), delivered_usd=str(usd))
    record = record._replace(promised_steps=sums[0], delivered_steps=sums[1], promised_tokens=sums[2])
    card = history_card(record._replace(delivered_tokens=sums[3], promised_seconds=seconds, delivered_seconds=seconds))
    assert len(card) <= MOST_CHARS
    assert "e+" not in card
    assert "e-" not in card


@given(text=st.text(min_size=1, max_size=200))
def test_no_name_and_no_skill_gets_into_it(text: str) -> None:
    assert history_card(BARE._replace(operator=text, agent=text, skill=text)) == history_card(BARE)
