"""What an agent charges, in words."""

from __future__ import annotations

from agora.bids import Price
from agora.cli.paint import number, usd


def rate(price: Price | None) -> str:
    """A price as a person reads it.

    >>> rate(Price(unit="s", per_task="0.1")), rate(Price(input_per_mtok=1, output_per_mtok="4")), rate(None)
    ('0.1 s a task', '$1.00 + $4.00 a Mtoken', 'unpriced')
    """
    if price is None:
        return "unpriced"
    parts: list[str] = []
    if price.per_task:
        parts.append(f"{number(price.per_task)} s a task" if price.unit == "s" else f"{usd(price.per_task)} a task")
    if price.input_per_mtok or price.output_per_mtok:
        if price.unit == "s":
            # seconds for a million tokens say little; a thousand is a page
            parts.append(f"{number(price.input_per_mtok / 1000)} + {number(price.output_per_mtok / 1000)} s a ktoken")
        else:
            parts.append(f"{usd(price.input_per_mtok)} + {usd(price.output_per_mtok)} a Mtoken")
    return ", ".join(parts) or "nothing"
