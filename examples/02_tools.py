"""A typed function becomes a tool, a pydantic model becomes the shape of the answer."""

from __future__ import annotations

from pydantic import BaseModel

from agora import Agent, Market, tool
from agora.testing import ScriptedModel, call


class Weather(BaseModel):
    """What the agent has to hand in."""

    city: str
    celsius: float


@tool
def thermometer(city: str) -> float:
    """Read the temperature in a city.

    Args:
        city: Its name.
    """
    return {"Oslo": -3.5, "Rome": 14.0}[city]


model = ScriptedModel(
    "scout",
    ["1. thermometer\n2. answer", call("thermometer", city="Oslo"), '{"city": "Oslo", "celsius": -3.5}'],
)


def main() -> None:
    scout = Agent("scout", model, instructions="You read instruments.", tools=[thermometer], output=Weather)
    result = Market([scout]).run_sync("How cold is it in Oslo?")
    weather = Weather.model_validate_json(result.output)
    print(f"{weather.city}: {weather.celsius} degrees, {result.usage.steps} steps, {result.cost_usd} usd")


if __name__ == "__main__":
    main()
