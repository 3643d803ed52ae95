"""What reading from and writing into a provider's prompt cache costs, where litellm's list knows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from agora.models.litellm_model import known_price, load_litellm


class ListedRates(NamedTuple):
    """Dollars a million tokens."""

    read: float
    """Tokens read."""
    wrote: float
    """Tokens written."""
    cache_read: float
    """Tokens read from the cache; those of a model whose list has no rate for it cost as much as others."""
    cache_wrote: float
    """Tokens written into it (kept for five minutes); the same."""


def listed_rates(name: str) -> ListedRates | None:
    """The list prices of a model; None where they are not known.

    Args:
        name: As a provider reports it, or provider/model.
    """
    price = known_price(name)
    if price is None:
        return None
    info = cast("Mapping[str, Any]", load_litellm().get_model_info(name))
    read, wrote = float(price.input_per_mtok), float(price.output_per_mtok)
    cache_read, cache_wrote = (
        read if info.get(field) is None else float(info[field]) * 1e6
        for field in ("cache_read_input_token_cost", "cache_creation_input_token_cost")
    )
    return ListedRates(read, wrote, cache_read, cache_wrote)
