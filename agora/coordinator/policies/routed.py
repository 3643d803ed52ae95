"""A router as a policy: behind the coordinator's protocol, with its options, by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from pydantic import Field

from agora.coordinator.policies.advice import Advice
from agora.coordinator.policies.by_router import RouterRanker
from agora.coordinator.policies.coordinated import Coordinated
from agora.coordinator.routers.paced import Paced
from agora.coordinator.routers.pacers import Pace, Purse, pacer_of
from agora.coordinator.routers.seam import Router
from agora.coordinator.routers.switching import Switching
from agora.values import Value


class RouterOptions(Value):
    """What can be set at every router."""

    cost_weight: float = Field(default=0.3, ge=0, allow_inf_nan=False)
    """The dial: what the whole budget of a task is worth in passed tasks. It is turned without learning anew."""
    pace: Pace = "none"
    """How a budget is spread over tasks: see `routers.pacers`."""
    pace_share: float = Field(default=0.25, gt=0, allow_inf_nan=False)
    """With a pace: what a task may cost on average, as a share of its own budget."""
    pace_tasks: int = Field(default=0, ge=0)
    """With a pace: how many tasks share the money; 0: nobody knows, and the share is a rate."""
    switch_cost: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """What another agent than the one that did the latest task of the same skill must be better by (POLAR)."""


Options_ = TypeVar("Options_", bound=RouterOptions)


def wrapped(router: Router, options: RouterOptions) -> Router:
    """A router with what its options put around it."""
    if options.switch_cost > 0:
        router = Switching(router, cost=options.switch_cost)
    pacer = pacer_of(options.pace)
    return router if pacer is None else Paced(router, pacer, Purse(options.pace_share, options.pace_tasks))


class RoutedPolicy(Generic[Options_]):
    """Makes a policy, or the bare router, from its options.

    Args:
        name: As on the ledger.
        options: Their form; as `Options`, so that a file's options are checked before it is made.
        router: Makes the router.
        advice: Whom it wants to be told before it routes.
        form: Of what it keeps: another number, where its features or what they mean became others.
    """

    def __init__(
        self,
        name: str,
        options: type[Options_],
        router: Callable[[Options_], Router],
        advice: Callable[[Options_], Advice | None] | None = None,
        *,
        form: int = 1,
    ) -> None:
        self.name, self.Options, self._router, self._advice, self._form = name, options, router, advice, form

    def __call__(self, **options: object) -> Coordinated:
        """The policy, knowing nothing.

        Raises:
            ValueError: An option is unknown, or does not fit.
            UsageError: It asks a model that there is not, or whose key is missing.
        """
        made = self.Options.model_validate(options)
        return Coordinated(
            self.name,
            lambda: RouterRanker(self.name, wrapped(self._router(made), made), dial=made.cost_weight, form=self._form),
            direct=True,
            settings=made.model_dump_json(),
            advice=None if self._advice is None else self._advice(made),
        )

    def router(self, **options: object) -> Router:
        """The router alone, knowing nothing: for recorded outcomes.

        Raises:
            ValueError: An option is unknown, or does not fit.
        """
        made = self.Options.model_validate(options)
        return wrapped(self._router(made), made)


def routed(
    name: str,
    options: type[Options_],
    router: Callable[[Options_], Router],
    *,
    advice: Callable[[Options_], Advice | None] | None = None,
    form: int = 1,
) -> RoutedPolicy[Options_]:
    """A router under a name: what the registry finds."""
    return RoutedPolicy(name, options, router, advice, form=form)
