"""What a provider's health costs a call that goes well: breaker, retry budget and limit on calls at once.

    python benchmarks/bench_health.py

Microseconds of CPU a call, median over rounds, of the guard with and without it, round a transport that answers at
once; litellm itself takes about 3,000.
"""

from __future__ import annotations

import statistics
import time

import anyio

from agora.bids import Price
from agora.messages import Message, Request
from agora.models.health import Health
from agora.models.limits import Guarded
from agora.models.replies import Raw

CALLS = 5_000
ROUNDS = 7
ASK = Request(messages=(Message(role="user", content="hi"),))
ANSWER = Raw("fine", "stop", 5, 2, "m")


class AtOnce:
    """A transport that answers at once."""

    name = "fake/at-once"

    def price(self) -> Price:
        """Nothing."""
        return Price()

    async def send(self, request: Request) -> Raw:
        """The answer."""
        return ANSWER


async def call_us(health: Health | None) -> float:
    """Microseconds of CPU a call."""
    model = Guarded(AtOnce(), health=health)
    began = time.process_time()
    for _ in range(CALLS):
        await model.complete(ASK)
    return (time.process_time() - began) / CALLS * 1e6


async def main() -> None:
    """Print the table; the two are measured in turn."""
    rounds = [(await call_us(None), await call_us(Health())) for _ in range(ROUNDS)]
    plain, watched = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(f"{'guard alone':40} {plain:.1f} us CPU")
    print(f"{'guard with a provider health':40} {watched:.1f} us CPU")
    print(f"{'health':40} {f'{watched - plain:.1f} us CPU':36} bar <= 25")


if __name__ == "__main__":
    anyio.run(main)
