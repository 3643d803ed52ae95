"""What a policy wants to be told before it routes a task: of what type it is, or whom a model favours for it.

Whatever comes back goes on the ledger with the routing, so that nobody is asked twice. A task whose data carries labels
is shown to no model here; where nothing usable comes back, the policy decides by words, or without advice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from agora.abilities import Advised, Sorting
from agora.agents.prompts import history_card
from agora.auctions import record_of
from agora.auctions.ranking import tie_hash
from agora.bids import Price, Profile
from agora.budget import Purse
from agora.coordinator import filtered
from agora.coordinator.ants import PrototypeIntent
from agora.coordinator.ants.asked_intent import question, read, schema
from agora.coordinator.policies.coordinated import EMBEDDINGS
from agora.desk import MeteredDesk
from agora.errors import AgoraError
from agora.lots import House, Lot
from agora.memory.embeddings import local_embedder
from agora.messages import Message, Request
from agora.protocols import ChatModel
from agora.routing import Outlook
from agora.tasks import Limits, Usage
from agora.values import JsonValue

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
    types = tuple(policy.examples)
    said = await _asked(house, lot, policy.classifier, question(lot.task.goal, types), schema(types))
    found = read(said, types)
    return found.weights if found.method == "model" else {}


async def advice_of(house: House, lot: Lot) -> Mapping[str, float]:
    """Agent -> how much the policy's model favours it; empty where the policy asks none, or nothing usable came back.

    It is told what each may do, what it costs and how it did so far, in an order of lots and without a name.
    """
    policy = house.policy
    if not isinstance(policy, Advised) or policy.adviser is None or lot.task.labels:
        return {}
    kept_out = filtered(lot.task, house.pool.members, Outlook(limits=lot.purse.left, down=house.down()))
    seed = house.run.chance.integer(f"{lot.task.id}/policy/cards")
    able = [one for one in house.pool.members if one.name not in kept_out]
    able.sort(key=lambda one: (tie_hash(seed, house.cards[one.name]), tie_hash(seed, one.name)))
    if len(able) < 2:
        return {}
    cards = [_card(lot, one) for one in able]
    said = await _asked(house, lot, policy.adviser, policy.question(lot.task.goal, cards), None)
    found = policy.advice(said, len(able)) if said else ()
    return {one.name: value for one, value in zip(able, found, strict=True)} if len(found) == len(able) else {}


def _card(lot: Lot, one: Profile) -> str:
    """What an adviser is told of an agent, in one line."""
    record = history_card(record_of(lot.records, operator=one.operator, agent=one.name, skill=lot.task.skill))
    price = one.price or Price()
    costs = (
        f"{price.per_task} {price.unit} a task" if price.per_task else f"{price.output_per_mtok} {price.unit} a Mtok"
    )
    said = (f"skills: {', '.join(sorted(one.skills)) or 'any'}", one.strength, costs, record or "no record yet")
    return "; ".join(" ".join(part.split()) for part in said if part)


def spent_on_sorting(house: House, lot: Lot) -> Usage:
    """What a model that was asked took before this process."""
    return house.run.past.spent(lot.task.id, ROUTE, CLASSIFIER)


def _by_meaning(goal: str, examples: Mapping[str, Sequence[str]]) -> Mapping[str, float]:
    embedder = local_embedder()
    if embedder is None:
        return {}
    found = PrototypeIntent(examples, embed=lambda text: embedder.embed(text).tolist()).of(goal)
    return found.weights if found.method == "embedding" else {}


async def _asked(house: House, lot: Lot, model: ChatModel, prompt: str, form: Mapping[str, JsonValue] | None) -> str:
    """What the model says; empty where it says nothing in time or for its share of the money."""
    purse = Purse(f"sorting {lot.task.id}", _LIMITS, clock=house.run.clock, parent=lot.purse)
    desk = MeteredDesk(house.run, lot.task, agent=CLASSIFIER, phase=ROUTE, price=None, purse=purse)
    request = Request(
        messages=(Message(role="user", content=prompt),),
        output_schema=form,
        max_tokens=_MOST_OUTPUT,
        temperature=0.0,
    )
    try:
        return (await desk.ask(model, request)).text
    except AgoraError:
        return ""
    finally:
        desk.leave()
