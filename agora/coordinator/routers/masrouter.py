"""Mode, number of agents, roles, then who: a cascade of decisions (MasRouter, arXiv 2502.11133), by prompt.

Published: a cascade of small networks on embeddings, trained by REINFORCE, chooses a collaboration mode, how many
agents, their roles one by one, and a model for each role. Here one model is asked for all of it at once; who is named
is asked in turn. The mode is the workflow's own choice in Agora (topologies, patterns) and is only asked for so that
the model decides on the agents in that order.
"""

from __future__ import annotations

from collections.abc import Sequence

from agora.coordinator.routers.asked import asking, numbers_in, told


def question(goal: str, cards: Sequence[str]) -> str:
    """The prompt."""
    return (
        f"{told(goal, cards)}\nDecide step by step: how should it be worked at (one agent alone, a chain, a debate), "
        "how many agents does that need at least, in which roles, and which candidate for each role? Use as few and as "
        "cheap ones as will do.\nAnswer with one JSON object and nothing else: "
        '{"mode": "alone", "roles": ["solver"], "agents": [number for each role]}'
    )


def read(answer: str) -> Sequence[int]:
    """The agents in the order of their roles.

    >>> read('{"mode": "chain", "roles": ["a", "b"], "agents": [2, 1]}')
    [2, 1]
    """
    return numbers_in(answer, "agents")


policy = asking("masrouter", question, read)
"""A model decides on mode, roles and agents."""
