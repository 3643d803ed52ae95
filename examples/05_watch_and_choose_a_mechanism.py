"""Events while they happen, and another auction rule: a posted price instead of SALE."""

from __future__ import annotations

import anyio

from agora import Amount, Check, FunctionAgent, Market, Plan, PostedPrice, Price
from agora.events import Awarded, Scored, Verified
from agora.protocols import Desk


def worker(name: str, answer: str, asks: str) -> FunctionAgent:
    """An agent that asks a price and answers at once."""

    async def perform(desk: Desk, plan: Plan) -> str:
        return answer

    price = Price.model_validate({"per_task": asks})
    return FunctionAgent(name, perform, plan=Plan(text=f"{name} answers.", tokens=0), price=price)


async def main() -> None:
    pool = [worker("ada", "6765", "0.20"), worker("bob", "6765", "0.30"), worker("eve", "6765", "0.90")]
    market = Market(pool, budget_usd="1.00", mechanism=PostedPrice(share=0.5), seed=3)
    check = Check(kind="exact", options={"answer": "6765"})
    async with market.stream("What is the 20th Fibonacci number?", verify=check) as events:
        async for event in events:
            match event:
                case Scored(clearing=clearing):
                    print("in the lottery:", [score.agent for score in clearing.ranking])
                    print("refused:", dict(clearing.refused))
                case Awarded(award=award):
                    payment: Amount = award.payment
                    print(f"{award.agent} has it, for {payment.value} {payment.unit}")
                case Verified(outcome=outcome):
                    print(outcome.verdict)
                case _:
                    pass


if __name__ == "__main__":
    anyio.run(main)
