"""One attempt's calls: which model each of them goes to, and what is known before it.

The budget's figures are worst cases as the desk reserves them: the prompt's upper bound and the output cap, at the
price of the model that is called. What a call is expected to take is what the call before took; of the first one, the
worst case. Both are shares of what the attempt began with, in that dimension (dollars or tokens) which is shortest.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from agora.abilities import MayBeDown, Stepping
from agora.agents.steps.budget import decide
from agora.agents.steps.contexts import context_of
from agora.agents.steps.counts import StepCounts
from agora.agents.steps.pair import Pair
from agora.agents.steps.seam import StepChoice, StepPolicy, StepSight
from agora.agents.steps.trail import Costs, Trail
from agora.errors import BudgetExceededError
from agora.events import Step, Stepped
from agora.messages import Reply, Request, ToolCall
from agora.protocols import ChatModel, Desk
from agora.tasks import Limits, Usage

_FREE = Decimal(0)
_PAYABLE = ("usd", "tokens")
_NO_DRAW = 0.5


class _Need(NamedTuple):
    """What a call takes, or may take."""

    usd: Decimal
    tokens: int


class Turns:
    """The calls of one attempt.

    Args:
        pair: The agent's models.
        desk: Where the attempt is made.
    """

    def __init__(self, pair: Pair, desk: Desk) -> None:
        self._pair, self._desk, self._begun = pair, desk, desk.left
        self._counts: StepCounts | None = None
        self._trail = Trail()
        self._chosen: Stepped | None = None
        self._usage: Usage | None = None
        self._tokens = 0
        self._failed = self._misfit = False
        self._asked: frozenset[tuple[str, str]] = frozenset()
        self._before: frozenset[tuple[str, str]] = frozenset()

    @property
    def model(self) -> ChatModel:
        """Where the call under way goes."""
        large = self._chosen is not None and self._chosen.step.model == "large"
        return self._pair.strong if large and self._pair.strong is not None else self._pair.small

    def begin(self, request: Request) -> ChatModel:
        """The next call begins: decide where it goes, and put that on record.

        Args:
            request: As it would be asked, before anything is cut to a model's size.
        """
        strong, policy = self._pair.strong, self._pair.policy
        if strong is None or policy is None:
            return self._pair.small
        self._end_step()
        self._record(lambda: self._decided(strong, policy, request))
        return self.model

    async def ask(self, request: Request) -> Reply:
        """Ask the model of the call under way; the cheap one where the strong one's worst case does not fit after all.

        Raises:
            BudgetError: Neither fits.
            ModelError: The call failed.
        """
        try:
            reply = await self._desk.ask(self.model, request)
        except BudgetExceededError as full:
            if self.model is self._pair.small or full.what not in _PAYABLE:
                raise
            why = f"{full.need} {full.what} may be needed, and {full.left} are left"
            self._record(lambda: self._instead(why, request), instead=True)
            reply = await self._desk.ask(self.model, request)
        self._usage = reply.usage
        self._tokens += reply.usage.tokens  # a step may take several calls
        return reply

    def used(self, call: ToolCall, *, ok: bool) -> None:
        """A tool was used for the call's reply."""
        self._failed = self._failed or not ok
        self._asked |= {(call.name, call.arguments)}

    def misfit(self) -> None:
        """The call's reply did not fit its schema."""
        self._misfit = True

    def _end_step(self) -> None:
        if self._chosen is None:
            return
        self._trail = self._trail.after(
            self._chosen.step.model,
            tool_error=self._failed,
            malformed=self._misfit,
            repeated=bool(self._asked & self._before),
            tokens=self._tokens,
        )
        self._tokens = 0
        self._before, self._asked = self._asked, frozenset()
        self._failed = self._misfit = False

    def _record(self, decide: Callable[[], Stepped], *, instead: bool = False) -> None:
        """What is on record of this call stands; where the desk keeps none, what is decided now."""
        if isinstance(self._desk, Stepping):
            self._chosen = self._desk.step(self._trail.calls + 1, decide, instead=instead)
        else:
            self._chosen = decide()

    def _decided(self, strong: ChatModel, policy: StepPolicy, request: Request) -> Stepped:
        sight = self._trail.sight(self._costs(request))
        draw = self._desk.draw(context_of(sight)) if isinstance(self._desk, Stepping) else _NO_DRAW
        if isinstance(strong, MayBeDown) and (why := strong.down()):
            choice = StepChoice("small", 1.0, f"the strong model is down ({why}): the cheap model", forced=True)
        else:
            choice = decide(policy, sight, counts=self._learned(policy), draw=draw)
        return self._stepped(sight, choice)

    def _instead(self, why: str, request: Request) -> Stepped:
        choice = StepChoice("small", 1.0, f"{why}: the cheap model", forced=True)
        return self._stepped(self._trail.sight(self._costs(request)), choice)

    def _stepped(self, sight: StepSight, choice: StepChoice) -> Stepped:
        strong, policy = self._pair.strong, self._pair.policy
        large = strong is not None and choice.model == "large"
        return Stepped(
            number=sight.number,
            policy=policy.name if policy else "",
            model=strong.name if strong is not None and large else self._pair.small.name,
            step=Step(
                context=context_of(sight),
                model=choice.model,
                propensity=choice.propensity,
                trouble=sight.trouble,
                cost=sight.large if large else sight.small,
                forced=choice.forced,
            ),
            reason=choice.reason,
        )

    def _learned(self, policy: StepPolicy) -> StepCounts:
        """What is known when the attempt's first choice is made stays so: an attempt follows one policy."""
        if self._counts is None:
            lessons = self._desk.step_lessons if policy.learns and isinstance(self._desk, Stepping) else ()
            self._counts = StepCounts.restored(lessons)
        return self._counts

    def _costs(self, request: Request) -> Costs:
        left, begun, used = self._desk.left, self._begun, self._usage
        small, large = (_worst(model, request, left) for model in self._pair.models)
        after = Limits(
            usd=None if left.usd is None else max(left.usd - small.usd, _FREE),
            tokens=None if left.tokens is None else max(0, left.tokens - small.tokens),
            steps=None if left.steps is None else max(0, left.steps - 1),
        )
        likely = [small, large] if used is None else [_taken(model, used) for model in self._pair.models]
        return Costs(
            left=_left(left, begun),
            small=_share(likely[0], begun),
            large=_share(likely[1], begun),
            small_worst=_share(small, begun),
            large_worst=_share(large, begun),
            small_fits=_fits(small, left),
            large_fits=_fits(large, left),
            last_affordable=not _fits(small, after),
        )


def _worst(model: ChatModel, request: Request, left: Limits) -> _Need:
    """What the desk reserves: it cuts the output cap to the tokens that are left."""
    read = model.bound_tokens(request)
    written = request.max_tokens if left.tokens is None else min(request.max_tokens, left.tokens - read)
    return _need(model, read, max(1, written))


def _taken(model: ChatModel, usage: Usage) -> _Need:
    """What the call before takes at a model's price."""
    return _need(model, usage.input_tokens, usage.output_tokens)


def _need(model: ChatModel, read: int, written: int) -> _Need:
    price = model.price()
    usd = price.of(read, written) if price is not None and price.unit == "usd" else _FREE
    return _Need(usd, read + written)


def _fits(need: _Need, left: Limits) -> bool:
    steps = left.steps is None or left.steps >= 1
    usd = left.usd is None or need.usd <= left.usd
    return steps and usd and (left.tokens is None or need.tokens <= left.tokens)


def _share(need: _Need, begun: Limits) -> float:
    """Of what the attempt began with, in the dimension in which it is most."""
    usd = float(need.usd / begun.usd) if begun.usd else 0.0
    return max(usd, need.tokens / begun.tokens if begun.tokens else 0.0)


def _left(left: Limits, begun: Limits) -> float:
    """Of what the attempt began with, in the dimension in which it is least."""
    usd = float(left.usd / begun.usd) if left.usd is not None and begun.usd else 1.0
    tokens = left.tokens / begun.tokens if left.tokens is not None and begun.tokens else 1.0
    return min(1.0, usd, tokens)
