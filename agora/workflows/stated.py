"""Comparisons, maps and loops: what a node states about when and how often it is done, as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from pydantic import Field, field_validator, model_validator

from agora.values import Value
from agora.workflows.references import referred

MOST_ITEMS: Final = 1_000
"""The most instances that one map can be allowed."""
MOST_ROUNDS: Final = 100
"""The most rounds that one loop can be allowed."""

Scalar = bool | int | float | str


class When(Value):
    """One comparison of what a predecessor gave with a value; exactly one of the comparisons is stated.

    >>> When(of="classify", equals="bug").of
    'classify'
    """

    of: str
    """What is looked at: "find" (its output), "find.verdict", "find.files.0" (inside an output that is JSON)."""
    equals: Scalar | None = None
    """It is this: numbers as numbers, all else as text without the space around it."""
    differs: Scalar | None = None
    """It is not this."""
    contains: str | None = Field(default=None, min_length=1)
    """This stands somewhere in it."""
    lacks: str | None = Field(default=None, min_length=1)
    """This stands nowhere in it."""
    above: float | None = None
    """It is a number, and larger."""
    below: float | None = None
    """It is a number, and smaller."""
    empty: bool | None = None
    """Nothing stands there but space and empty brackets (true), or something does (false)."""

    @model_validator(mode="before")
    @classmethod
    def _is_data(cls, content: object) -> object:
        if callable(content):
            raise ValueError(
                "a condition is data, not a function: a function cannot be put on record, and a resumed run could not "
                "ask it the same; write When(of=..., equals=...), or let a task decide"
            )
        return content

    @model_validator(mode="after")
    def _one(self) -> When:
        if referred(self.of) is None:
            raise ValueError(f'{self.of!r} names nothing: write a task\'s id, as "find", or "find.verdict"')
        if len(self.model_dump(exclude={"of"}, exclude_none=True)) != 1:
            raise ValueError("state one of equals, differs, contains, lacks, above, below and empty beside `of`")
        return self


class Each(Value):
    """A map: one instance for each item of a list."""

    of: str
    """Where the list comes from: a predecessor or an input; JSON, or lines."""
    most: int = Field(default=100, ge=1, le=MOST_ITEMS)
    """With more items than these the node fails; none are left out silently."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, content: object) -> object:
        return {"of": content} if isinstance(content, str) else content


class Repeat(Value):
    """A loop: the node again, until a condition on what it gave holds."""

    most: int = Field(ge=1, le=MOST_ROUNDS)
    """The cap on rounds; a loop that reaches it has failed."""
    until: tuple[When, ...] = ()
    """All must hold of the last round; none stated: its verdict is passed."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, content: object) -> object:
        return {"most": content} if isinstance(content, int) and not isinstance(content, bool) else content

    @field_validator("until", mode="before")
    @classmethod
    def _several(cls, until: object) -> object:
        return listed(until)


def listed(content: object) -> tuple[object, ...]:
    """One thing or a list of them, as a tuple."""
    return tuple(cast("Sequence[object]", content)) if isinstance(content, (list, tuple)) else (content,)


def table(content: object) -> dict[str, object]:
    """What is stated, by name; empty where it is no table."""
    return cast("dict[str, object]", content) if isinstance(content, dict) else {}
