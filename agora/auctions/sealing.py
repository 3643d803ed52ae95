"""From a plan to a sealed bid: length, projected tokens, price and content hash, all measured by the market.

SALE (arXiv 2602.02751, section on bids) takes price x plan length as the cost of a bid, because the length of a plan
goes with the length of the work. Here that proxy is scaled to the work itself, so that prices read as money: a plan
as long as the cap projects to the task's whole token limit. A plan that promises a token cap (enforced later) is
projected to that cap instead, and agents that charge by the task are asked for just that.
"""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal

from agora.bids import Amount, Bid, Plan, Price
from agora.tasks import Usage

PLAN_CAP_TOKENS = 400
"""The longest plan that is read; what is beyond is cut."""

_INPUT_SHARE = Decimal("0.75")
"""Of an agent's tokens, how many are read rather than written: the usual 3:1 blend."""


def plan_length(text: str) -> int:
    """Tokenizer-neutral length: characters / 4, rounded up, at least 1.

    >>> plan_length("read, edit, test")
    4
    """
    return max(1, -(-len(text) // 4))


def cut_plan(plan: Plan) -> Plan:
    """The plan with its text cut at the cap."""
    limit = PLAN_CAP_TOKENS * 4
    return plan if len(plan.text) <= limit else plan.model_copy(update={"text": plan.text[:limit]})


def seal(agent: str, plan: Plan, price: Price, *, entropy: float | None, token_limit: int, usage: Usage) -> Bid:
    """Weigh a plan.

    Args:
        agent: Whose plan it is.
        plan: The promise; its text is cut at the cap.
        price: The agent's posted price.
        entropy: Of the plan as written, in [0, 1]; None where the provider gave nothing.
        token_limit: The task's token limit, to which a plan of full length projects.
        usage: What making the bid took.
    """
    plan = cut_plan(plan)
    length = plan_length(plan.text)
    projected = (
        plan.tokens if plan.tokens is not None else token_limit * min(length, PLAN_CAP_TOKENS) // PLAN_CAP_TOKENS
    )
    blended = price.input_per_mtok * _INPUT_SHARE + price.output_per_mtok * (1 - _INPUT_SHARE)
    asked = Amount(value=price.per_task + blended * projected / 1_000_000, unit=price.unit)
    return Bid(
        agent=agent,
        plan=plan,
        length_tokens=length,
        projected_tokens=projected,
        price=asked,
        entropy=entropy,
        content_hash=_content_hash(plan, asked),
        usage=usage,
    )


def _content_hash(plan: Plan, price: Amount) -> str:
    content = [plan.text, plan.steps, plan.tokens, dict(plan.terms), str(price.value.normalize()), price.unit]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
