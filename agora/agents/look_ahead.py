"""Look-ahead: each way to shorten a conversation is gone on with for a few steps, and the best is kept.

AgentSwing (arXiv 2603.27490) branches the same three strategies, follows each for K = 3 real turns and lets the agent
itself pick one. What is different here, and what that costs:

- tools that change something must not be used twice, so a branch goes on only while its model wants tools that read; at
  the first other tool, or at an answer, it stands as it is. Where every message wants such a tool it looks one message
  ahead, which in the paper was no better than the best single strategy;
- the choice is a count and no model's opinion: of what the branch asked for, the share that had been asked for before
  (it forgot the answer) and the share that failed; then the shorter conversation. It cannot tell a good answer from a
  bad one;
- the branches that are not kept are paid for all the same, out of a share of what the attempt has left.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from agora.agents.context import Trimmed
from agora.errors import BudgetError, ModelError
from agora.messages import Dropped, Message, Reply, ToolCall
from agora.records import ToolResult

REPEATED, FAILED = 0.5, 0.25
"""What it takes off a branch's score of 1 if all it asked for had been asked for before, or failed."""
MOST_LOOKS: Final = 3
"""How often one attempt may look ahead; from then on it does what was chosen last."""


@dataclass(kw_only=True)
class Branch:
    """One way to go on, followed for a few steps."""

    kept: Trimmed
    """What the conversation was shortened to."""
    strategy: str = ""
    """By what."""
    since: list[Message] = field(default_factory=list[Message])
    """What was said since, each message of the model with the results of all its tools."""
    reply: Reply | None = None
    """What the model said last, where it is not among those."""
    replies: int = 0
    """How often it said something that can be used."""
    calls: list[ToolCall] = field(default_factory=list[ToolCall])
    """All that it asked for."""
    failed: int = 0
    """How many of the tools that were used gave an error."""
    tokens: int = 0
    """A bound on the conversation when it was asked last."""


@dataclass(frozen=True, kw_only=True)
class Ahead:
    """What a branch is followed with."""

    send: Callable[[Sequence[Message], tuple[Dropped, ...]], Awaitable[Reply]]
    """Asks the model; the second is what was cut, for the record."""
    use: Callable[[ToolCall], Awaitable[ToolResult]]
    """Uses a tool."""
    reads: Callable[[ToolCall], bool]
    """Whether a tool only reads."""
    affords: Callable[[Sequence[Message]], bool]
    """Whether one more call fits what may be spent on looking ahead."""
    bound: Callable[[Sequence[Message]], int]
    """An upper bound on a conversation's tokens."""


async def follow(kept: Trimmed, ahead: Ahead, *, steps: int, strategy: str = "") -> Branch:
    """Go on with a shortened conversation for at most so many messages of the model."""
    branch = Branch(kept=kept, strategy=strategy)
    for step in range(steps):
        messages = (*kept.messages, *branch.since)
        if not ahead.affords(messages):
            break
        try:
            reply = branch.reply = await ahead.send(messages, () if step else kept.dropped)
        except (ModelError, BudgetError):
            break
        branch.replies += bool(reply.text.strip() or reply.tool_calls)
        branch.calls += reply.tool_calls
        branch.tokens = ahead.bound(messages)
        if step + 1 == steps or not reply.tool_calls or not all(map(ahead.reads, reply.tool_calls)):
            break
        if not await _read(branch, reply, ahead):
            break
    return branch


async def _read(branch: Branch, reply: Reply, ahead: Ahead) -> bool:
    """Use the tools of a reply; False: there is no budget left to use them all, and the reply stands."""
    turn = [Message(role="assistant", content=reply.text, tool_calls=reply.tool_calls)]
    for call in reply.tool_calls:
        try:
            result = await ahead.use(call)
        except BudgetError:
            return False
        branch.failed += not result.ok
        turn.append(Message(role="tool", content=result.text, tool_call_id=call.id))
    branch.since += turn
    branch.reply = None
    return True


def score(branch: Branch, *, asked: frozenset[tuple[str, str]]) -> float:
    """How well a branch goes, in [0, 1]; 0 where nothing came of it.

    Args:
        branch: As it was followed.
        asked: All tool calls before it, name and arguments.
    """
    if not branch.replies:
        return 0.0
    count = max(1, len(branch.calls))
    seen = set(asked)
    repeated = 0
    for call in branch.calls:
        repeated += (call.name, call.arguments) in seen
        seen.add((call.name, call.arguments))
    # divided once: equal shares of unequal counts are equal scores, to the last bit
    return (count - REPEATED * repeated - FAILED * branch.failed) / count


def best(branches: Sequence[Branch], *, asked: frozenset[tuple[str, str]]) -> Branch | None:
    """The branch to go on with, None if none is any good: the best score, then the fewest tokens, then a hash."""
    good = [branch for branch in branches if score(branch, asked=asked) > 0]
    return min(good, key=lambda one: (-score(one, asked=asked), one.tokens, _hash(one)), default=None)


def _hash(branch: Branch) -> str:
    told = "\0".join(message.content for message in branch.kept.messages)
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()
