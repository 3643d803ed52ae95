"""The conversation of one attempt: what is still in it, what was cut last, and how its tokens are counted."""

from __future__ import annotations

from collections.abc import Sequence

from agora.agents.context import Fits, Trimmed, trim
from agora.messages import Dropped, Message, Reply

_MARGIN = 1.1


class Talk:
    """Owned by one attempt.

    Args:
        messages: Its opening: the system message and the task.
    """

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages = list(messages)
        self.dropped: tuple[Dropped, ...] = ()
        """What was cut for the next call."""
        self.task: Message | None = self.messages[-1] if self.messages else None
        """The task's own message, without whatever was written behind it since."""
        self.asked: set[tuple[str, str]] = set()
        """All tool calls so far, whether their turns are still there or not: name and arguments."""
        self.rounds = 0
        """How often it was summed up, or looked ahead."""
        self.chosen = ""
        """The strategy that the last look-ahead went on with."""
        self._share = 1.0

    def add(self, message: Message) -> None:
        """One more message."""
        self.messages.append(message)
        self.asked.update((call.name, call.arguments) for call in message.tool_calls)
        self.dropped = ()  # it stands on record with the call that it was cut for

    def cut(self, fits: Fits) -> bool:
        """Cut until it fits; whether anything was cut."""
        return self.become(trim(self.messages, fits=fits))

    def become(self, kept: Trimmed) -> bool:
        """Go on with what is left; whether anything is gone."""
        self.messages[:] = kept.messages
        self.dropped = kept.dropped
        return bool(kept.dropped)

    def learn(self, reply: Reply, *, bound: int) -> None:
        """The bound on tokens counts bytes: from what the provider counted we know how far above the truth it is."""
        self._share = min(1.0, _MARGIN * reply.usage.input_tokens / max(bound, 1))

    def likely_tokens(self, bound: int) -> int:
        """How many tokens a prompt of this bound will probably have; before the first reply, the bound itself."""
        return int(bound * self._share)
