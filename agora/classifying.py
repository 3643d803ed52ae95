"""Of what type a task is, for policies that route by it: by examples over embeddings, or as a model says.

Whatever comes back goes on the ledger with the routing, so that nobody is asked twice. A task whose data carries labels
is shown to no model here; where nothing usable comes back, the policy decides by words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from agora.abilities import Sorting
from agora.budget import Purse
from agora.coordinator.ants import PrototypeIntent
from agora.coordinator.ants.asked_intent import question, read, schema
from agora.coordinator.policies.coordinated import EMBEDDINGS
from agora.desk import MeteredDesk
from agora.errors import AgoraError
from agora.lots import House, Lot
from agora.memory.embeddings import local_embedder
from agora.messages import Message, Request
from agora.protocols import ChatModel
from agora.tasks import Limits, Usage

CLASSIFIER: Final = "classifier"
"""Under which name a model that sorts tasks makes its calls."""
ROUTE: Final = "route"
"""In which phase of a task it makes them."""
_LIMITS: Final = Limits(tokens=6_000, steps=1, seconds=30)
_MOST_OUTPUT: Final = 200


async def type_of(house: House, lot: Lot) -> Mapping[str, float]:
    """Type -> probability; empty where the policy does not ask, or nothing usable came back."""
    policy = house.policy
    if not isinstance(policy, Sorting):
        return {}
    if policy.classifier == EMBEDDINGS:
        return _by_meaning(lot.task.goal, policy.examples)
    if isinstance(policy.classifier, str) or lot.task.labels:
        return {}
    return await _asked(house, lot, policy.classifier, tuple(policy.examples))


def spent_on_sorting(house: House, lot: Lot) -> Usage:
    """What a model that was asked took before this process."""
    return house.run.past.spent(lot.task.id, ROUTE, CLASSIFIER)


def _by_meaning(goal: str, examples: Mapping[str, Sequence[str]]) -> Mapping[str, float]:
    embedder = local_embedder()
    if embedder is None:
        return {}
    found = PrototypeIntent(examples, embed=lambda text: embedder.embed(text).tolist()).of(goal)
    return found.weights if found.method == "embedding" else {}


async def _asked(house: House, lot: Lot, model: ChatModel, types: Sequence[str]) -> Mapping[str, float]:
    purse = Purse(f"sorting {lot.task.id}", _LIMITS, clock=house.run.clock, parent=lot.purse)
    desk = MeteredDesk(house.run, lot.task, agent=CLASSIFIER, phase=ROUTE, price=None, purse=purse)
    request = Request(
        messages=(Message(role="user", content=question(lot.task.goal, types)),),
        output_schema=schema(types),
        max_tokens=_MOST_OUTPUT,
        temperature=0.0,
    )
    try:
        reply = await desk.ask(model, request)
    except AgoraError:
        return {}
    finally:
        desk.leave()
    found = read(reply.text, types)
    return found.weights if found.method == "model" else {}
