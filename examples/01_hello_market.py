"""Two agents bid on one question; the market awards it, a verifier checks the answer."""

from __future__ import annotations

from decimal import Decimal

from agora import Agent, Check, Market, Price
from agora.testing import ScriptedModel

# Scripted models stand where "openai/gpt-5-mini" or "local/smollm2-135m" would: the example costs nothing.
# Each writes a plan and marks both plans, not knowing whose they are; then the winner works.
quick = ScriptedModel("quick", ["1. multiply", '{"A": 3, "B": 3}', "42"], price=Price(output_per_mtok=Decimal(1)))
grand = ScriptedModel("grand", ["1. define\n2. multiply", '{"A": 4, "B": 4}'], price=Price(output_per_mtok=Decimal(30)))


def main() -> None:
    market = Market([Agent("quick", quick, tools=[]), Agent("grand", grand, tools=[])], budget_usd="0.10", seed=7)
    result = market.run_sync("What is 6 x 7?", verify=Check(kind="numeric", options={"answer": 42}))

    for bid in result.bids:
        print(f"{bid.agent:6} asks {bid.price.value:.4f} {bid.price.unit} for {bid.plan.steps} steps")
    assert result.award is not None
    print(f"award  {result.award.agent}: {result.award.reason}")
    print(f"answer {result.output!r} {result.verdict}, {result.cost_usd} usd")


if __name__ == "__main__":
    main()
