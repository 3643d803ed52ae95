"""The cheap and the strong model of one agent: who chooses between them, and what the pair can cost at worst."""

from __future__ import annotations

from dataclasses import dataclass

from agora.agents.steps.named import step_policy
from agora.agents.steps.seam import StepPolicy
from agora.bids import Price
from agora.errors import ConfigError
from agora.protocols import ChatModel

DEFAULT_POLICY = "escalate"
"""Who chooses where a strong model is stated and no policy."""


@dataclass(frozen=True)
class Pair:
    """The models of an agent; without a strong one there is nothing to choose."""

    small: ChatModel
    """The cheap one: it writes bids and marks, and all calls where there is no other."""
    strong: ChatModel | None = None
    """The strong one."""
    policy: StepPolicy | None = None
    """Who chooses; there is one exactly where there is a strong model."""

    @classmethod
    def of(cls, small: ChatModel, strong: ChatModel | None, steps: str | StepPolicy | None) -> Pair:
        """Checked.

        Raises:
            ConfigError: A policy without a strong model, twice the same model, or a model without a price.
            UnknownNameError: No policy has that name.
        """
        if strong is None:
            if steps is not None:
                raise ConfigError("steps", "there is nothing to choose between: state a second model as `strong`")
            return cls(small)
        if strong.name == small.name:
            raise ConfigError("strong", f"{strong.name!r} is the agent's own model: state another one")
        for where, model in (("model", small), ("strong", strong)):
            if model.price() is None:
                raise ConfigError(where, f"{model.name!r} has no known price, and a budget needs one: state it")
        policy = step_policy(steps or DEFAULT_POLICY) if steps is None or isinstance(steps, str) else steps
        if not isinstance(policy, StepPolicy):  # pyright: ignore[reportUnnecessaryIsInstance] -- untyped callers
            raise ConfigError("steps", f"{policy!r} is no step policy: it needs name, learns and choose")
        return cls(small, strong, policy)

    @property
    def models(self) -> tuple[ChatModel, ...]:
        """All of them."""
        return (self.small,) if self.strong is None else (self.small, self.strong)

    @property
    def digest(self) -> str:
        """What the pair adds to what an agent is; empty without a strong model."""
        return "" if self.strong is None or self.policy is None else f"{self.strong.name}\n{self.policy.name}"

    def price(self, stated: Price | None) -> Price | None:
        """What the agent may cost at worst: each rate is the higher one of both models.

        A bid is then never below what the work costs if every call goes to the strong model. Where one of them works on
        this machine, its work is free of dollars, and the other's price is the worst case.

        Args:
            stated: What the agent charges; None: its cheap model's price.
        """
        small = stated or self.small.price()
        strong = None if self.strong is None else self.strong.price()
        if small is None or strong is None:
            return small
        if small.unit != strong.unit:
            return small if small.unit == "usd" else strong
        return Price(
            unit=small.unit,
            input_per_mtok=max(small.input_per_mtok, strong.input_per_mtok),
            output_per_mtok=max(small.output_per_mtok, strong.output_per_mtok),
            per_task=max(small.per_task, strong.per_task),
        )
