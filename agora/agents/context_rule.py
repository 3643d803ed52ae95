"""How a long attempt manages its context: a strategy by name, and when it acts.

The strategies are those that AgentSwing (arXiv 2603.27490) chooses among; what is ours is said where they are done
(`context.py`, `keeping.py`, `look_ahead.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, model_validator

from agora.toml_files import fit
from agora.values import Value

Strategy = Literal["discard", "keep-last-n", "summary", "look-ahead"]


class ContextRule(Value):
    """When a conversation is too long, and what is done then.

    >>> ContextRule.model_validate("summary").acts_at
    0.8
    """

    strategy: Strategy = "discard"
    """discard: old tool results are shortened, then whole turns go, as few as will do. keep-last-n: all turns but the
    last n go. summary: those turns are replaced by what the model itself writes of them. look-ahead: each of these is
    tried for a few steps, and the best is gone on with."""
    turns: int = Field(default=5, ge=1, le=1000)
    """How many of the last turns keep-last-n, summary and look-ahead leave as they are."""
    threshold: float | None = Field(default=None, ge=0.05, le=1)
    """The share of the window (less the room for the answer) above which it acts; None: 1 for discard, else 0.8."""
    window: int | None = Field(default=None, ge=1000)
    """The window in tokens, where it is smaller than the model's, or the model's is not known."""
    summary_tokens: int = Field(default=600, ge=50, le=8000)
    """The most that a summary may take."""
    steps: int = Field(default=3, ge=1, le=5)
    """How many messages of the model each branch of a look-ahead is followed for; only tools that read are used."""
    share: float = Field(default=0.2, gt=0, le=0.5)
    """What one look-ahead may take of what the attempt has left: dollars, tokens and steps."""

    @model_validator(mode="before")
    @classmethod
    def _named(cls, content: object) -> object:
        return {"strategy": content} if isinstance(content, str) else content

    @property
    def digest(self) -> str:
        """What it adds to what an agent is; empty as long as nothing is stated."""
        return "" if self == ContextRule() else self.model_dump_json()

    @property
    def acts_at(self) -> float:
        """The threshold, where none is stated that of the strategy."""
        if self.threshold is not None:
            return self.threshold
        return 1.0 if self.strategy == "discard" else 0.8


def rule_of(stated: str | Mapping[str, object] | ContextRule, *, where: str) -> ContextRule:
    """A rule as it is stated: a strategy's name, a table, or the rule.

    Raises:
        ConfigError: It does not fit; the error names the field and the mend.
    """
    if isinstance(stated, ContextRule):
        return stated
    return fit(ContextRule, {"strategy": stated} if isinstance(stated, str) else stated, where=where)
