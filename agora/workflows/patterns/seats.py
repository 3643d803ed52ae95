"""What options of patterns are made of: who plays a role, and texts that go into goals as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, cast

from pydantic import BeforeValidator


def _split(stated: object) -> object:
    """A list of names; as one text, with commas between them."""
    if isinstance(stated, str):
        return tuple(name.strip() for name in stated.split(",") if name.strip())
    return tuple(cast("Sequence[object]", stated)) if isinstance(stated, (list, tuple)) else stated


Seats = Annotated[tuple[str, ...], BeforeValidator(_split)]
"""Agents by name, in order; with more places than names, they take turns. None: whoever may bid on the task."""


def seat(seats: Sequence[str], number: int) -> tuple[str, ...]:
    """Who may bid for a place: one agent, or whoever may where nobody is named.

    >>> seat(["ann", "bob"], 2), seat([], 5)
    (('ann',), ())
    """
    return (seats[number % len(seats)],) if seats else ()


def plainly(text: str) -> str:
    """A text for a goal in which braces mean nothing.

    >>> plainly("{x}")
    '{{x}}'
    """
    return text.replace("{", "{{").replace("}", "}}")
