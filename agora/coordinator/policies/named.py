"""The policies by name, each with its options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from agora.coordinator.policies.by_ants import AntsRanker
from agora.coordinator.policies.by_class import AutoRanker
from agora.coordinator.policies.by_linucb import LinUCBOptions, LinUCBRanker
from agora.coordinator.policies.coordinated import EMBEDDINGS, WORDS, Coordinated
from agora.coordinator.screening import Everyone
from agora.protocols import ChatModel
from agora.values import Value

Options_ = TypeVar("Options_", bound=Value)


class AntsOptions(Value):
    """What can be set."""

    classifier: str = WORDS
    """Who says of what type a task is: "words", "embeddings" (with that extra), or a model by name."""


class Named(Generic[Options_]):
    """A policy that is made from its options.

    Args:
        options: Their form; as `Options`, so that a file's options are checked before it is made.
        make: Makes it.
    """

    def __init__(self, options: type[Options_], make: Callable[[Options_], Coordinated]) -> None:
        self.Options, self._make = options, make

    def __call__(self, **options: object) -> Coordinated:
        """The policy, knowing nothing.

        Raises:
            ValueError: An option is unknown, or does not fit.
            UsageError: There is no such model, or its key is missing.
        """
        return self._make(self.Options.model_validate(options))


def sale() -> Everyone:
    """Everyone who passes the filters bids; nothing is learned of who to ask."""
    return Everyone(name="sale")


def _linucb(name: str, *, direct: bool) -> Named[LinUCBOptions]:
    def make(options: LinUCBOptions) -> Coordinated:
        return Coordinated(name, lambda: LinUCBRanker(options), direct=direct, settings=options.model_dump_json())

    return Named(LinUCBOptions, make)


def _ants(name: str, ranker: Callable[[], AntsRanker | AutoRanker], *, direct: bool) -> Named[AntsOptions]:
    def make(options: AntsOptions) -> Coordinated:
        who = _classifier(options.classifier)
        return Coordinated(name, ranker, direct=direct, settings=options.model_dump_json(), classifier=who)

    return Named(AntsOptions, make)


def _classifier(named: str) -> str | ChatModel:
    if named in (WORDS, EMBEDDINGS):
        return named
    from agora.models.resolve import resolve_model

    return resolve_model(named)


linucb = _linucb("linucb", direct=True)
"""The agent with the best score gets the task (Symphony-Coord)."""
linucb_sale = _linucb("linucb+sale", direct=False)
"""Those whose score is next to the best one bid for the task."""
ants = _ants("ants", AntsRanker, direct=True)
"""The agent that is drawn by pheromone and ability gets the task (AMRO-S)."""
ants_sale = _ants("ants+sale", AntsRanker, direct=False)
"""Those who hold most of the probability bid for the task."""
auto = _ants("auto", lambda: AutoRanker(LinUCBRanker(), AntsRanker()), direct=False)
"""For each class of tasks whichever of the others did best on it."""
