"""From a plan to a sealed bid: what the market measures of it, and what it knows of the bidder."""

from __future__ import annotations

from collections.abc import Sequence

from agora.agents.llm import BID_TEMPERATURE
from agora.auctions import (
    calibrated,
    family_of,
    mean_surprisal,
    measured_entropy,
    record_of,
    running_scale,
    seal,
    standardised,
)
from agora.bids import Bid, Plan, Price, Profile, Standing
from agora.desk import MeteredDesk
from agora.lots import Lot
from agora.messages import TokenLogprob
from agora.records import AgentRecord
from agora.tasks import Usage
from agora.values import JsonValue


def weigh(lot: Lot, card: Profile, plan: Plan, price: Price, *, desk: MeteredDesk, usage: Usage, round: int) -> Bid:
    """Seal a plan that was written at a desk.

    Args:
        lot: The task, with the records that the market goes by.
        card: The bidder's.
        plan: What it promises.
        price: What it charges.
        desk: Where the plan was written: its last call is what the entropy is measured on.
        usage: What making the bid took.
        round: 0 for a first bid, 1 for a refined one.
    """
    record = record_of(lot.records, operator=card.operator, agent=card.name, skill=lot.task.skill)
    sealed = weighed(lot, card, plan, price, usage=usage, round=round)
    return sealed.model_copy(update=_measured(written(plan, desk), record, lot.records))


def weighed(lot: Lot, card: Profile, plan: Plan, price: Price, *, usage: Usage, round: int) -> Bid:
    """A bid with all but what is measured of how its plan was written; pure. The arguments are those of `weigh`."""
    record = record_of(lot.records, operator=card.operator, agent=card.name, skill=lot.task.skill)
    sealed = seal(card.name, plan, price, entropy=None, token_limit=lot.task.limits.tokens or 0, usage=usage)
    return sealed.model_copy(
        update={
            "round": round,
            "operator": card.operator,
            "family": family_of(card.model),
            "standing": lot.standings.get(card.name, Standing()),
            "confidence": calibrated(plan.confidence, record),
        }
    )


def written(plan: Plan, desk: MeteredDesk) -> tuple[TokenLogprob, ...]:
    """The tokens of a plan as a model wrote it at the bidders' one temperature.

    None of a plan that is not what the last reply begins with, white space aside: it is not the model's own words. What
    the reply goes on with, as a stated chance to pass, is no part of the plan.
    """
    reply, words = desk.last_reply, "".join(plan.text.split())
    if reply is None or desk.last_temperature != BID_TEMPERATURE or not "".join(reply.text.split()).startswith(words):
        return ()
    tokens: list[TokenLogprob] = []
    seen = 0
    for token in reply.logprobs:
        if seen >= len(words):
            break
        seen += len("".join(token.token.split()))
        tokens.append(token)
    return tuple(tokens)


def _measured(
    tokens: Sequence[TokenLogprob], record: AgentRecord | None, records: Sequence[AgentRecord]
) -> dict[str, JsonValue]:
    scale = running_scale([mean for one in records for mean in one.surprisals])
    entropy = measured_entropy(tokens, scale_nats=scale)
    if entropy is None:
        return {}
    surprisal = mean_surprisal(tokens)
    scaled: float | None = None
    if record is not None and entropy.form == "top_k":
        scaled = standardised(entropy.value, record.entropies)
    elif record is not None and surprisal is not None:
        scaled = standardised(surprisal, record.surprisals)
    return {
        "entropy": entropy.value,
        "entropy_form": entropy.form,
        "entropy_scaled": scaled,
        "surprisal_nats": surprisal,
    }
