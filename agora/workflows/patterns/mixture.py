"""Layers of agents, each shown all that the layer before wrote, and one who makes it one answer (mixture of agents).

Source: Mixture-of-Agents (Wang et al., 2024, arXiv 2406.04692), section 2.
Changed: answers are quoted without names in an order that is drawn, where the paper lists them in a fixed one; who
fails is left out. AdaptOrch (arXiv 2602.16873) measured the best single model sampled as often (Self-MoA) close behind.
Cost: places * layers + 1 tasks.
"""

from __future__ import annotations

from pydantic import Field

from agora.values import Value
from agora.workflows.nodes import Flow, TaskNode
from agora.workflows.patterns.draft import ANSWER, DATA, Draft
from agora.workflows.patterns.seats import Seats, seat


class MixtureOptions(Value):
    """Options of "mixture"."""

    proposers: Seats = ()
    """Who proposes, in turns."""
    aggregators: Seats = ()
    """Who makes one answer of the last layer."""
    places: int = Field(default=3, ge=1, le=10)
    """How many proposers a layer."""
    layers: int = Field(default=2, ge=1, le=5)
    """How many layers, the aggregator not counted."""


def mixture(work: TaskNode, options: MixtureOptions, *, name: str) -> Flow:
    """Layer after layer, and the aggregator, who gives the answer."""
    draft = Draft(work, name)
    merge = (
        f"{{goal}}\n\nOthers answered this:\n{{layer_%d.quoted}}\n\n{DATA} Some of it may be wrong or one-sided. Weigh "
        "it, do not repeat it: hand in one answer that is right and complete."
    )
    for layer in range(1, options.layers + 1):
        said = [
            draft.think(
                f"propose_{layer}_{place + 1}",
                merge % (layer - 1) if layer > 1 else "{goal}",
                agents=seat(options.proposers, place),
                after=[f"layer_{layer - 1}"] if layer > 1 else (),
            )
            for place in range(options.places)
        ]
        draft.compare(f"layer_{layer}", said)
    draft.answer(ANSWER, merge % options.layers, agents=options.aggregators, after=[f"layer_{options.layers}"])
    return draft.flow([ANSWER])
