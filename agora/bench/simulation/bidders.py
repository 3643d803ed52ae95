"""Simulated bids, sealed by the market's own rule from simulated plans, and what it costs to make and judge them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal

from agora.auctions import seal
from agora.bench.simulation.parameters import Parameters
from agora.bench.simulation.work import Bill
from agora.bench.simulation.world import Case, entropy_of, marks_of
from agora.bids import Amount, Bid, Plan, Price, Reserve, Standing
from agora.tasks import Usage

CHARACTERS = 4
"""Of one token of a plan."""


def reserve_of(parameters: Parameters, kind: int) -> Reserve:
    """What a task may cost: its token limit at the dearest agent's price."""
    dearest = max(agent.usd_per_mtok for agent in parameters.agents)
    return Reserve(usd=dearest * parameters.kinds[kind].token_limit / 1_000_000)


def price_of(parameters: Parameters, agent: int) -> Price:
    """An agent's list price."""
    rate = parameters.agents[agent].usd_per_mtok
    return Price(input_per_mtok=rate, output_per_mtok=rate)


def posted(parameters: Parameters, kind: int, agent: int) -> Bid:
    """An agent's offer without a plan of its own, for rules that look at no plan; nothing is charged for it."""
    return _sealed(parameters, kind, agent, f"{agent}", parameters.plan_tokens)


def planned(
    parameters: Parameters,
    case: Case,
    agent: int,
    *,
    round: int = 0,
    lessons: float = 0.0,
    known: Standing = Standing(),  # noqa: B008 - a frozen value
) -> Bid:
    """An agent's bid with its plan, not judged yet.

    Args:
        parameters: What is taken for given.
        case: The task.
        agent: Whose, by place in the pool.
        round: 0 for the first, 1 for a refined one.
        lessons: What share of all lessons went into it.
        known: How it stands.
    """
    text = f"{case.id}/{agent}/{round}"
    bid = _sealed(parameters, case.kind, agent, text, int(case.plan_tokens[agent, round]))
    entropy = entropy_of(parameters, case, agent, round=round, lessons=lessons)
    name = parameters.agents[agent].name
    return bid.model_copy(update={"round": round, "entropy": entropy, "operator": name, "standing": known})


def judge(
    parameters: Parameters,
    case: Case,
    bids: Mapping[int, Bid],
    judges: Collection[int],
    *,
    bill: Bill,
    lessons: Mapping[int, float],
) -> dict[int, Bid]:
    """The bids of one round with the marks of all judges, who read them all; their reading is charged."""
    plans = sum(bid.length_tokens for bid in bids.values())
    for place in judges:
        bill.charge("jury", place, parameters.jury_tokens + plans + parameters.mark_tokens * len(bids))
    names = [parameters.agents[place].name for place in judges]
    ordered = list(judges)
    return {
        agent: bid.model_copy(
            update={
                "marks": dict(
                    zip(
                        names,
                        marks_of(parameters, case, agent, ordered, round=bid.round, lessons=lessons.get(agent, 0.0)),
                        strict=True,
                    )
                )
            }
        )
        for agent, bid in bids.items()
    }


def bidding_cost(parameters: Parameters, agent: int, bidders: int) -> Amount:
    """What a bid of usual length and its bidder's reading of all bids are expected to cost."""
    own = parameters.bid_tokens + parameters.plan_tokens
    reading = parameters.jury_tokens + bidders * (parameters.plan_tokens + parameters.mark_tokens)
    return Amount(value=dollars(parameters, agent, own + reading))


def dollars(parameters: Parameters, agent: int, tokens: int) -> Decimal:
    """What so many tokens of an agent cost."""
    return parameters.agents[agent].usd_per_mtok * tokens / 1_000_000


def _sealed(parameters: Parameters, kind: int, agent: int, text: str, tokens: int) -> Bid:
    return seal(
        parameters.agents[agent].name,
        Plan(text=text.ljust(tokens * CHARACTERS, ".")),
        price_of(parameters, agent),
        entropy=None,
        token_limit=parameters.kinds[kind].token_limit,
        usage=Usage(),
    )
