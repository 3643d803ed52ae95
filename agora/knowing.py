"""What the market knows of each agent when a task is routed: from its card, the records, and what is under way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal

from agora.auctions import record_of
from agora.auctions.expecting import expected_work
from agora.auctions.ranking import tie_hash
from agora.bids import Price, Profile, Reserve
from agora.lots import House, Lot
from agora.records import AgentRecord
from agora.routing import Known


def known_of(
    house: House,
    lot: Lot,
    pool: Iterable[Profile],
    *,
    reserve: Reserve,
    working: Mapping[str, float],
    advice: Mapping[str, float],
) -> dict[str, Known]:
    """Of everyone who may do the task.

    Args:
        house: The collaborators.
        lot: The task, with the records on its skill.
        pool: Who.
        reserve: What is left for the task.
        working: Operator -> share of the places in the run that it is working at.
        advice: Agent -> how much a model that was asked favours it.
    """
    seed = house.run.chance.integer(f"{lot.task.id}/policy/lots")
    tokens, difficulty = usual_tokens(lot.records), _difficulty(lot.records)
    able = tuple(pool)
    lots = _lots({card.name: house.cards[card.name] for card in able}, seed=seed)
    known: dict[str, Known] = {}
    for card in able:
        record = record_of(lot.records, operator=card.operator, agent=card.name, skill=lot.task.skill)
        cost = None if tokens is None else expected_work(card.price or Price(), tokens=tokens)
        most = reserve.usd if cost is None or cost.unit == "usd" else reserve.s
        known[card.name] = Known(
            similarity=_similarity(lot.task.skill, card),
            difficulty=difficulty,
            load=working.get(card.operator, 0.0),
            latency_s=record.seconds / record.tried if record is not None and record.tried else None,
            cost_share=float(cost.value / most) if cost is not None and most else None,
            cost=_comparable(card.price or Price(), cost.value if cost is not None else None),
            advice=advice.get(card.name),
            lot=lots[card.name],
        )
    return known


def _lots(cards: Mapping[str, str], *, seed: int) -> dict[str, str]:
    """What decides between equals: a lot on what each is; between those that are the same, one drawn for each task.

    A name moves only who of several that are the same comes first, and that as chance does: another one at each task.
    """
    lots: dict[str, str] = {}
    same: Counter[str] = Counter()
    for name in sorted(cards, key=lambda name: tie_hash(seed, f"{cards[name]} {name}")):
        lots[name] = f"{tie_hash(seed, cards[name]):016x} {same[cards[name]]}"
        same[cards[name]] += 1
    return lots


def usual_tokens(records: Iterable[AgentRecord]) -> int | None:
    """What an attempt at such a task took so far, on average; None: there was none."""
    found = tuple(records)
    tried = sum(record.tried for record in found)
    return sum(record.delivered_tokens for record in found) // tried if tried else None


def _similarity(skill: str, card: Profile) -> float | None:
    """1 where it names the skill; who can do anything, or a task for anybody, says nothing."""
    return 1.0 if skill and skill in card.skills else None


def _difficulty(records: Iterable[AgentRecord]) -> float | None:
    """The share of attempts at the skill that failed, whoever made them; None: nobody knows."""
    found = tuple(records)
    tried, passed = sum(one.tried for one in found), sum(one.passed for one in found)
    return 1 - passed / tried if tried else None


def _comparable(price: Price, expected: Decimal | None) -> Decimal | None:
    """Dollars of an attempt, or else of a million tokens each way: what decides between equals."""
    if price.unit != "usd":
        return None
    return expected if expected is not None else price.per_task + price.of(1_000_000, 1_000_000)
