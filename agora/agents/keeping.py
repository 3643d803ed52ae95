"""An attempt's next reply, with its conversation kept within the window by the agent's strategy.

What a strategy leaves out is on record with the call that it was left out for. Whatever the strategy, what then still
does not fit is cut as ever (`context.py`), and a model that refuses is asked again with half of what there is.

A summary is one more call, metered like every other. Where the purse has nothing for it, the call fails, or the model
uses a tool or says nothing, as much goes as with discard. It is the model's own words about what strangers wrote: it is
quoted, behind the task.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Final

from agora.abilities import Sized
from agora.agents import prompts
from agora.agents.context import Trimmed, both, keep_last, older, trim
from agora.agents.context_rule import ContextRule
from agora.agents.look_ahead import MOST_LOOKS, Ahead, Branch, best, follow
from agora.agents.talk import Talk
from agora.errors import BudgetError, ContextOverflowError, ModelError
from agora.messages import Dropped, Message, Reply, Request, ToolCall
from agora.protocols import ChatModel, Desk
from agora.records import ToolResult
from agora.tasks import Limits

MOST_SUMMARIES: Final = 8
"""How often one attempt may sum up; then as much goes as with discard."""
LEAST_TURNS: Final = 2
"""Fewer old turns than these are not worth a strategy."""
_MOST_CUTS: Final = 4
_CUT_TO: Final = 0.5
_FREE: Final = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class Line:
    """How an attempt talks to its model."""

    desk: Desk
    """Where it is made."""
    model: Callable[[], ChatModel]
    """Where the call under way goes."""
    request: Callable[[Sequence[Message], tuple[Dropped, ...]], Request]
    """A conversation as it is asked, with what was cut from it."""
    ask: Callable[[Request], Awaitable[Reply]]
    """Asks."""
    use: Callable[[ToolCall], Awaitable[ToolResult]]
    """Uses a tool."""
    reads: Callable[[ToolCall], bool]
    """Whether a tool only reads."""

    def bound(self, messages: Sequence[Message]) -> int:
        """An upper bound on a conversation's tokens."""
        return self.model().bound_tokens(self.request(messages, ()))

    async def send(self, messages: Sequence[Message], dropped: tuple[Dropped, ...]) -> Reply:
        """Ask for the next message."""
        return await self.ask(self.request(messages, dropped))


async def next_reply(talk: Talk, rule: ContextRule, line: Line) -> Reply:
    """Ask for the model's next message.

    Args:
        talk: The conversation; what goes is taken out of it, what a look-ahead did is added.
        rule: When it is too long, and what is done then.
        line: To the model.

    Raises:
        BudgetError: The call does not fit the purse.
        ModelError: It failed.
        ContextOverflowError: The model refuses, and nothing more can be cut.
    """
    room = _room(rule, line)
    if room is not None:
        too_long = talk.likely_tokens(line.bound(talk.messages)) > rule.acts_at * room
        if too_long and rule.strategy == "look-ahead" and (reply := await _looked_ahead(talk, rule, line, room)):
            return reply
        kept = await _kept(talk, rule, line, room) if too_long else None
        whole = len(talk.messages)
        first = kept or Trimmed(tuple(talk.messages), ())
        least = rule.acts_at * room if rule.strategy == "discard" else room
        talk.become(both(first, trim(first.messages, fits=partial(_fits, talk, line, least)), count=whole))
    for _ in range(_MOST_CUTS):
        try:
            return await _sent(talk, line)
        except ContextOverflowError:
            if not talk.cut(partial(_within, line, line.bound(talk.messages) * _CUT_TO)):
                raise
    return await _sent(talk, line)


async def _sent(talk: Talk, line: Line) -> Reply:
    reply = await line.send(talk.messages, talk.dropped)
    talk.learn(reply, bound=line.bound(talk.messages))
    return reply


def _fits(talk: Talk, line: Line, most: float, messages: Sequence[Message]) -> bool:
    return talk.likely_tokens(line.bound(messages)) <= most


def _within(line: Line, most: float, messages: Sequence[Message]) -> bool:
    return line.bound(messages) <= most


def _room(rule: ContextRule, line: Line) -> int | None:
    """The window less what the answer may take; None: nobody knows it."""
    model = line.model()
    known = model.context_tokens() if isinstance(model, Sized) else None
    windows = [window for window in (known, rule.window) if window is not None]
    return min(windows) - line.request((), ()).max_tokens if windows else None


async def _kept(talk: Talk, rule: ContextRule, line: Line, room: int) -> Trimmed | None:
    """What a strategy leaves of a conversation; None: nothing, or it does not act here."""
    if len(older(talk.messages, turns_left=rule.turns)) < LEAST_TURNS:
        return None
    strategy = talk.chosen if rule.strategy == "look-ahead" else rule.strategy
    if strategy == "keep-last-n":
        return keep_last(talk.messages, turns_left=rule.turns)
    if strategy == "summary" and talk.rounds < MOST_SUMMARIES:
        talk.rounds += 1
        return await _summed_up(talk, rule, line, room)
    return None


async def _summed_up(
    talk: Talk, rule: ContextRule, line: Line, room: int, *, affords: Callable[[Sequence[Message]], bool] | None = None
) -> Trimmed | None:
    """The older turns replaced by what the model writes of them; None: it cannot be had."""
    if talk.task is None:
        return None
    kept = {place for turn in older(talk.messages, turns_left=rule.turns) for place in turn}
    first = min(kept)
    old = [message for place, message in enumerate(talk.messages) if place < first or place in kept]
    ask = Message(role="user", content=prompts.SUMMARISE.format(words=rule.summary_tokens // 2))
    plain = line.request((), ())
    most = room + plain.max_tokens - rule.summary_tokens
    old = [*trim(old, fits=lambda messages: _fits(talk, line, most, (*messages, ask))).messages, ask]
    if affords is not None and not affords(old):
        return None
    request = plain.model_copy(
        update={"messages": tuple(old), "max_tokens": rule.summary_tokens, "output_schema": None}
    )
    try:
        reply = await line.desk.ask(line.model(), request)
    except (BudgetError, ModelError):
        return None
    if reply.tool_calls or not reply.text.strip():
        return None
    task = talk.task.model_copy(update={"content": prompts.summed_up(talk.task.content, reply.text)})
    return keep_last(talk.messages, turns_left=rule.turns, task=task)


async def _looked_ahead(talk: Talk, rule: ContextRule, line: Line, room: int) -> Reply | None:
    """The last reply of the best branch, with which the conversation goes on; None: it is asked as ever."""
    if talk.rounds >= MOST_LOOKS or len(older(talk.messages, turns_left=rule.turns)) < LEAST_TURNS:
        return None
    talk.rounds += 1
    affords = partial(_affords, line, line.desk.left, rule.share)
    ahead = Ahead(send=line.send, use=line.use, reads=line.reads, affords=affords, bound=line.bound)
    fits = partial(_fits, talk, line, rule.acts_at * room)
    ways = {
        "discard": trim(talk.messages, fits=fits),
        "keep-last-n": keep_last(talk.messages, turns_left=rule.turns),
    }
    affords_summary = partial(affords, written=rule.summary_tokens)
    if (summed_up := await _summed_up(talk, rule, line, room, affords=affords_summary)) is not None:
        ways["summary"] = summed_up
    branches: list[Branch] = []
    for strategy, way in ways.items():
        if all(way.messages != branch.kept.messages for branch in branches):
            branches.append(await follow(way, ahead, steps=rule.steps, strategy=strategy))
    chosen = best(branches, asked=frozenset(talk.asked))
    if chosen is None:
        return None
    talk.chosen = chosen.strategy
    talk.become(chosen.kept)
    for message in chosen.since:
        talk.add(message)
    return chosen.reply


def _affords(
    line: Line, begun: Limits, share: float, messages: Sequence[Message], *, written: int | None = None
) -> bool:
    """Whether the worst case of one more call keeps within a share of what there was."""
    left, model, request = line.desk.left, line.model(), line.request(messages, ())
    read, written = model.bound_tokens(request), written or request.max_tokens
    price = model.price()
    usd = price.of(read, written) if price is not None and price.unit == "usd" else _FREE
    return all(
        had is None or has is None or Decimal(had - has) + need <= Decimal(had) * Decimal(str(share))
        for had, has, need in (
            (begun.usd, left.usd, usd),
            (begun.tokens, left.tokens, Decimal(read + written)),
            (begun.steps, left.steps, Decimal(1)),
        )
    )
