"""Chat models for tests, and the conformance check that every chat model must pass."""

from __future__ import annotations

from agora.messages import Message, Reply, Request
from agora.models.scripted import Expecting, RuleModel, ScriptedModel, ScriptError, call, calls, expecting, say
from agora.protocols import ChatModel

__all__ = [
    "Expecting",
    "RuleModel",
    "ScriptError",
    "ScriptedModel",
    "call",
    "calls",
    "check_chat_model",
    "expecting",
    "say",
]

_HELLO = Request(messages=(Message(role="user", content="Say hello."),), max_tokens=16, deadline_s=60.0)


async def check_chat_model(model: ChatModel, *, request: Request = _HELLO) -> Reply:
    """Hold a chat model against its protocol by one call.

    It has a name; its price is stable; its bound covers what the call read; the reply keeps the output cap, is not
    empty, has a bill that fits its price, and names the model that answered.

    Args:
        model: Any chat model.
        request: What to ask; one short sentence by default.

    Returns:
        The reply, for further checks.

    Raises:
        AssertionError: It breaks a promise; the message says which.
    """
    _hold(bool(model.name), "it has no name")
    price = model.price()
    _hold(price == model.price(), "its price changes from one look to the next")
    bound = model.bound_tokens(request)
    _hold(bound == model.bound_tokens(request), "its bound changes from one look to the next")
    reply = await model.complete(request)
    usage = reply.usage
    _hold(bool(reply.text or reply.tool_calls), "it answered nothing")
    _hold(bool(reply.model), "the reply does not name the model that answered")
    _hold(usage.input_tokens <= bound, f"it read {usage.input_tokens} tokens, more than its bound of {bound}")
    _hold(usage.output_tokens <= request.max_tokens, f"it wrote {usage.output_tokens} of {request.max_tokens} tokens")
    _hold(usage.output_tokens >= 1, "an answer takes at least one token")
    _hold("\0" not in reply.text, "its text holds NUL")
    _hold(reply.text.isascii() or not any("\ud800" <= mark <= "\udfff" for mark in reply.text), "a lone surrogate")
    if price is not None:
        owed = price.of(usage.input_tokens, usage.output_tokens) if price.unit == "usd" else 0
        _hold(usage.usd == owed, f"its bill is {usage.usd} dollars where its price makes {owed}")
    return reply


def _hold(kept: bool, otherwise: str) -> None:
    if not kept:
        raise AssertionError(f"chat model breaks its protocol: {otherwise}")
