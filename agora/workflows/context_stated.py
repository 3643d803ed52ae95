"""What a node states about the context that it is to be given: `context = { tokens = 2000, from = "all" }`."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import AliasChoices, Field, model_validator

from agora.values import Value

LEAST_TOKENS: Final = 50
"""The smallest budget: less holds no sentence with its heading."""
MOST_TOKENS: Final = 25_000
"""The largest budget: a quarter of the longest goal in characters."""
MOST_REMEMBERED: Final = 20
"""The most remembered tasks that one node can be shown."""


class Context(Value):
    """Which of the outputs before it, and of what is remembered, a node is shown besides what its goal names.

    >>> Context.model_validate({"tokens": 500, "from": "all"}).reach
    'all'
    """

    tokens: int = Field(default=2000, ge=LEAST_TOKENS, le=MOST_TOKENS)
    """What all that is shown may take, headings included: a token is counted as four bytes of UTF-8."""
    role: str = Field(default="", max_length=1000)
    """What it is, in words, as "tester of the parser"; empty: its skill."""
    reach: Literal["after", "all"] = Field(default="after", validation_alias=AliasChoices("from", "reach"))
    """Written `from`: the outputs of those that it comes right after, or of all before them too."""
    prefer: tuple[str, ...] = ()
    """The nodes whose outputs are taken before all others, in whatever order the scores say."""
    memory: int = Field(default=0, ge=0, le=MOST_REMEMBERED)
    """So many plans that passed on similar past tasks are considered besides."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, content: object) -> object:
        return {"tokens": content} if isinstance(content, int) and not isinstance(content, bool) else content
