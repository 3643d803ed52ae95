"""What a provider sent, before it is believed, and the checks that make it a reply."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from agora.errors import BadReplyError, ModelError, ReplyCutError
from agora.messages import Finish, Request, TokenLogprob, ToolCall
from agora.models.tokens import utf8_bytes

MAX_REPLY_BYTES = 1_000_000
"""A longer answer is an error: no output cap that we send allows it."""
LEAST_LOGPROB = -9999.0
"""What stands for a probability of zero."""

_UNWRITABLE = re.compile("[\0\ud800-\udfff]")
_FINISHES: dict[str, Finish] = {
    **dict.fromkeys(("stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete", "completed"), "stop"),
    **dict.fromkeys(("length", "max_tokens", "model_context_window_exceeded", "max_output_tokens"), "length"),
    **dict.fromkeys(("tool_calls", "tool_use", "tool_call", "function_call"), "tool_calls"),
}  # fmt: skip
"""The providers' words for how an answer ended, lower case; anything else is not an end that can be relied on."""


class LostConnectionError(ModelError):
    """No answer came, not even an error: the connection was refused or lost."""


class Raw(NamedTuple):
    """One answer as it came: nothing in it is checked."""

    text: str | None
    """None where the provider sent null."""
    finish: str | None
    """The provider's own word; None where it sent none."""
    input_tokens: int | None
    """As the provider counts; None where it says nothing."""
    output_tokens: int | None
    """As the provider counts; None where it says nothing."""
    model: str
    """The model that the provider says answered."""
    tool_calls: tuple[ToolCall, ...] = ()
    """The tools it wants used."""
    logprobs: tuple[tuple[str, float, tuple[float, ...]], ...] = ()
    """Token, its log-probability, those of the likeliest tokens."""


class Checked(NamedTuple):
    """An answer that can be used: the fields of a reply, without its bill."""

    text: str
    tool_calls: tuple[ToolCall, ...]
    finish: Finish
    logprobs: tuple[TokenLogprob, ...]
    model: str


def checked(name: str, request: Request, raw: Raw, *, max_bytes: int = MAX_REPLY_BYTES) -> Checked:
    """Make sure that an answer is whole, and clean its text of what no file or database can hold.

    Args:
        name: The model as the user wrote it.
        request: What was asked.
        raw: What came.
        max_bytes: The most that text and tool calls may hold.

    Raises:
        ReplyCutError: No known finish reason, or the output cap inside a structured answer.
        BadReplyError: Empty or oversized.
    """
    size = utf8_bytes(raw.text or "") + sum(
        utf8_bytes(call.name) + utf8_bytes(call.arguments) for call in raw.tool_calls
    )
    if size > max_bytes:
        raise BadReplyError(name, f"the answer has {size} bytes, more than the {max_bytes} that are read")
    finish = _FINISHES.get((raw.finish or "").lower())
    if finish is None:
        word = "no finish reason" if raw.finish is None else f"finish reason {raw.finish[:80]!r}"
        raise ReplyCutError(name, f"the answer has {word}, so nobody knows whether it is whole")
    empty = not raw.text and not raw.tool_calls
    if finish == "length" and (empty or raw.tool_calls or request.output_schema is not None):
        raise ReplyCutError(
            name, f"the output cap of {request.max_tokens} tokens ended a structured answer; raise `max_tokens`"
        )
    if empty:
        raise BadReplyError(name, "the answer is empty: no text and no tool call")
    if finish == "tool_calls" and not raw.tool_calls:
        finish = "stop"  # some providers give structured answers through a hidden tool
    return Checked(
        text=clean(raw.text or ""),
        tool_calls=tuple(map(_clean_call, raw.tool_calls)),
        finish=finish,
        logprobs=tuple(_logprob(*row) for row in raw.logprobs),
        model=clean(raw.model) or name,
    )


def clean(text: str) -> str:
    r"""Put U+FFFD in the place of NUL and of lone surrogates.

    >>> clean("a\0b")
    'a�b'
    """
    return _UNWRITABLE.sub("�", text)


def _clean_call(call: ToolCall) -> ToolCall:
    return ToolCall(id=clean(call.id), name=clean(call.name), arguments=clean(call.arguments))


def _logprob(token: str, logprob: float, top: tuple[float, ...]) -> TokenLogprob:
    return TokenLogprob(token=clean(token), logprob=_finite(logprob), top=tuple(map(_finite, top)))


def _finite(logprob: float) -> float:
    return LEAST_LOGPROB if math.isnan(logprob) else min(max(logprob, LEAST_LOGPROB), 0.0)
