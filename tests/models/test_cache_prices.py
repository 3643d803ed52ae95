"""List prices for a provider's prompt cache: those of the list, or nothing."""

from __future__ import annotations

from agora.models.cache_prices import listed_rates


def test_reading_from_the_cache_is_cheaper_than_reading_and_an_unlisted_model_has_no_rates() -> None:
    found = listed_rates("claude-sonnet-4-5-20250929")
    assert found is not None
    assert 0 < found.cache_read < found.read < found.cache_wrote < found.wrote
    assert listed_rates("nobody/nothing") is None


def test_a_model_whose_list_knows_no_cache_pays_as_for_other_tokens() -> None:
    found = listed_rates("gpt-3.5-turbo")
    assert found is not None
    assert found.cache_read == found.cache_wrote == found.read
