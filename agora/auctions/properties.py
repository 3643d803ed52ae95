"""What a mechanism promises, as a value on its class; tests/auctions/test_table.py checks every claim."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from agora.values import Value


class Properties(Value):
    """The claims of one mechanism. "Yes" is a theorem that is tested as a property; "no" has a counter-example."""

    truthful: bool
    """In cost: whatever the others ask, no other price gains over asking the true cost."""
    individually_rational: bool = True
    """A winner is never paid less than it asked."""
    order_free: bool = True
    """The order of arrival moves nothing."""
    name_free: bool = True
    """Names move no award."""
    deterministic: bool = True
    """The same bids, reserve and seed give the same clearing."""
    budget_kept: bool = True
    """Payments stay within the reserve of their unit."""
    monotone: bool = True
    """Asking less never loses an award that was won."""
    undisturbed: bool = True
    """A bid that is dearer than another and better in nothing moves no award."""
    paid: str = Field(min_length=1)
    """What the winner is paid."""
    use: str = Field(min_length=1)
    """When to choose it."""


_COLUMNS = {
    "truthful": "truthful in cost",
    "individually_rational": "individually rational",
    "order_free": "order-free",
    "name_free": "name-free",
    "deterministic": "deterministic",
    "budget_kept": "budget kept",
    "monotone": "a lower price keeps the award",
    "undisturbed": "a worse bid moves nothing",
}


def table(claims: Mapping[str, Properties]) -> str:
    """The claims as a Markdown table, one line a mechanism, in the order given."""
    head = ["mechanism", "pays", *_COLUMNS.values(), "use it when"]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for name, claim in claims.items():
        said = ["yes" if getattr(claim, column) else "no" for column in _COLUMNS]
        lines.append(f"| {' | '.join([f'`{name}`', claim.paid, *said, claim.use])} |")
    return "\n".join(lines) + "\n"
