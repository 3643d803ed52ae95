"""The policies by name, each with its options; what an option means stands at its ranker."""

from __future__ import annotations

from functools import partial

from agora.coordinator.policies.by_ants import AntsRanker
from agora.coordinator.policies.by_class import AutoRanker
from agora.coordinator.policies.by_linucb import LENGTH, MARGIN, LinUCBRanker
from agora.coordinator.policies.coordinated import EMBEDDINGS, WORDS, Coordinated
from agora.coordinator.screening import Everyone
from agora.protocols import ChatModel


def sale() -> Everyone:
    """Everyone who passes the filters bids; nothing is learned of who to ask."""
    return Everyone(name="sale")


def linucb(
    *,
    alpha: float = 0.5,
    gamma: float = 1.0,
    per_arm: bool = False,
    length: int = LENGTH,
    cost_weight: float = 0.3,
    newcomer_share: float = 1.0,
) -> Coordinated:
    """The agent with the highest score gets the task (Symphony-Coord)."""
    ranker = partial(
        LinUCBRanker,
        alpha=alpha,
        gamma=gamma,
        per_arm=per_arm,
        length=length,
        cost_weight=cost_weight,
        newcomer_share=newcomer_share,
    )
    return Coordinated("linucb", ranker, direct=True)


def linucb_sale(
    *,
    alpha: float = 0.5,
    gamma: float = 1.0,
    per_arm: bool = False,
    length: int = LENGTH,
    cost_weight: float = 0.3,
    margin: float = MARGIN,
    newcomer_share: float = 1.0,
) -> Coordinated:
    """Those whose score is next to the best one bid for the task."""
    ranker = partial(
        LinUCBRanker,
        alpha=alpha,
        gamma=gamma,
        per_arm=per_arm,
        length=length,
        cost_weight=cost_weight,
        margin=margin,
        newcomer_share=newcomer_share,
    )
    return Coordinated("linucb+sale", ranker, direct=False)


def ants(*, classifier: str | ChatModel = WORDS) -> Coordinated:
    """The agent that is drawn by pheromone and ability gets the task (AMRO-S).

    Args:
        classifier: Who says of what type a task is: "words", "embeddings" (with that extra), or a model by name.

    Raises:
        UsageError: There is no such model, or its key is missing.
    """
    return Coordinated("ants", AntsRanker, direct=True, classifier=_classifier(classifier))


def ants_sale(*, classifier: str | ChatModel = WORDS) -> Coordinated:
    """Those who hold most of the probability bid for the task; `classifier` as of `ants`."""
    return Coordinated("ants+sale", AntsRanker, direct=False, classifier=_classifier(classifier))


def auto(*, classifier: str | ChatModel = WORDS) -> Coordinated:
    """For each class of tasks whichever of the others did best on it; `classifier` as of `ants`."""
    return Coordinated(
        "auto", lambda: AutoRanker(LinUCBRanker(), AntsRanker()), direct=False, classifier=_classifier(classifier)
    )


def _classifier(named: str | ChatModel) -> str | ChatModel:
    if not isinstance(named, str) or named in (WORDS, EMBEDDINGS):
        return named
    from agora.models.resolve import resolve_model

    return resolve_model(named)
