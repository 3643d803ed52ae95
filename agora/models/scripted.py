"""A chat model that says what a script tells it: for tests, examples and measurements without a network."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import NamedTuple

import anyio.lowlevel

from agora.bids import Price
from agora.errors import ModelError
from agora.messages import Finish, Reply, Request, TokenLogprob, ToolCall
from agora.models.tokens import bound_tokens, floor_tokens
from agora.tasks import Usage
from agora.values import JsonValue

SCRIPTED_PRICE = Price(input_per_mtok=Decimal("0.25"), output_per_mtok=Decimal(2))
"""What a scripted model costs unless told otherwise, in dollars, so that budgets have something to do."""

Answer = Reply | str
"""A whole reply, or its text alone."""
Step = Answer | ModelError | Callable[[Request], Answer]
"""What happens at one call: an answer, an error to raise, or a function of the request."""


class ScriptError(AssertionError):
    """A scripted model was called when, or with what, its script does not foresee; no agent may swallow it."""


class Expecting(NamedTuple):
    """A step with a text that must occur in the request's messages or tool names."""

    expect: str
    """The text."""
    step: Step
    """What happens then."""


def expecting(text: str, step: Step) -> Expecting:
    """A step that is only right if `text` occurs in the request."""
    return Expecting(text, step)


def call(name: str, /, **arguments: JsonValue) -> Reply:
    """A reply that wants one tool used.

    >>> call("read_file", path="x").tool_calls[0].arguments
    '{"path": "x"}'
    """
    return calls((name, arguments))


def calls(*wishes: tuple[str, dict[str, JsonValue]]) -> Reply:
    """A reply that wants several tools used: (name, arguments) each."""
    wanted = tuple(
        ToolCall(id=f"call_{place}", name=name, arguments=json.dumps(arguments))
        for place, (name, arguments) in enumerate(wishes)
    )
    return say("", tool_calls=wanted, finish="tool_calls")


def say(
    text: str,
    *,
    logprobs: Iterable[tuple[float, ...]] = (),
    tool_calls: tuple[ToolCall, ...] = (),
    finish: Finish = "stop",
    usage: Usage | None = None,
) -> Reply:
    """A reply with this text.

    Args:
        text: What it says.
        logprobs: For each token the log-probabilities of the likeliest ones, the token's own first. The text is cut
            into as many pieces.
        tool_calls: Tools it wants used.
        finish: Why it ended.
        usage: What it took; None lets the model count it at the call.
    """
    rows = tuple(logprobs)
    size = -(-len(text) // len(rows)) if rows else 0
    tokens = tuple(
        TokenLogprob(token=text[place * size : (place + 1) * size], logprob=top[0], top=top)
        for place, top in enumerate(rows)
    )
    return Reply(
        text=text,
        tool_calls=tool_calls,
        finish=finish,
        usage=_UNCOUNTED if usage is None else usage,
        logprobs=tokens,
        model="",
    )


_UNCOUNTED = Usage()
_WORDS = re.compile(r"\S+\s*|\s+")


class _Speaker:
    """What scripted models share: a name, a price, and replies with an honest bill."""

    def __init__(self, name: str, *, price: Price | None = SCRIPTED_PRICE) -> None:
        self._name = name
        self._price = price

    @property
    def name(self) -> str:
        """As the user wrote it."""
        return self._name

    def price(self) -> Price | None:
        """What it was given; None makes it an unpriced model."""
        return self._price

    def bound_tokens(self, request: Request) -> int:
        """An upper bound on the prompt's tokens."""
        return bound_tokens(request)

    def _reply(self, request: Request, answer: Answer) -> Reply:
        if isinstance(answer, Reply) and answer.usage is not _UNCOUNTED:
            return answer if answer.model else answer.model_copy(update={"model": self._name})
        text = answer if isinstance(answer, str) else answer.text
        wanted = () if isinstance(answer, str) else answer.tool_calls
        usage = self._usage(request, text, wanted)
        if isinstance(answer, str):
            return Reply(text=text, finish="stop", usage=usage, model=self._name)
        return answer.model_copy(update={"usage": usage, "model": answer.model or self._name})

    def _usage(self, request: Request, text: str, wanted: tuple[ToolCall, ...]) -> Usage:
        read = sum([len(message.content) for message in request.messages]) // 4 + 1
        wrote = max(floor_tokens(text), len(text) // 4) + sum([len(wish.arguments) // 4 + 4 for wish in wanted])
        wrote = min(max(wrote, 1), request.max_tokens)
        price = self._price
        usd = price.of(read, wrote) if price is not None and price.unit == "usd" else Decimal(0)
        return Usage(usd=usd, input_tokens=read, output_tokens=wrote, steps=1)


class ScriptedModel(_Speaker):
    """Answers from a script, one step a call, in order; an unexpected call fails loudly.

    Args:
        name: As a user would write it.
        steps: Replies, texts, errors to raise, functions of the request, or any of these with `expecting`.
        price: In dollars by default; None makes it unpriced.
    """

    def __init__(self, name: str, steps: Iterable[Step | Expecting], *, price: Price | None = SCRIPTED_PRICE) -> None:
        super().__init__(name, price=price)
        self._steps = tuple(steps)
        self._next = 0
        self._unexpected = 0
        self.requests: list[Request] = []
        """Every request so far, in order."""

    async def complete(self, request: Request) -> Reply:
        """Take the next step.

        Raises:
            ScriptError: The script is at its end, or the step expects another request.
            ModelError: The step says so.
        """
        self.requests.append(request)
        if self._next >= len(self._steps):
            self._unexpected += 1
            raise ScriptError(
                f"scripted model {self.name!r} has {len(self._steps)} steps and got call {len(self.requests)}: "
                f"add a step; it was asked {_gist(request)!r}"
            )
        step = self._steps[self._next]
        if isinstance(step, Expecting):
            step = self._expected(step, request)
        self._next += 1
        if isinstance(step, ModelError):
            raise step
        return self._reply(request, step(request) if callable(step) else step)

    async def stream(self, request: Request, *, write: Callable[[str], None]) -> Reply:
        """Complete, and hand over the text word by word.

        Raises:
            ScriptError: As `complete`.
            ModelError: As `complete`; nothing is handed over then.
        """
        return await _spoken(await self.complete(request), write)

    def assert_consumed(self) -> None:
        """Raise where steps are left, or where calls came that the script did not foresee (and someone hid it).

        Raises:
            ScriptError: The script and what happened differ.
        """
        left = len(self._steps) - self._next
        if left or self._unexpected:
            raise ScriptError(
                f"scripted model {self.name!r}: {left} of {len(self._steps)} steps were not used, "
                f"and {self._unexpected} calls were not foreseen"
            )

    def _expected(self, step: Expecting, request: Request) -> Step:
        if any(step.expect in message.content for message in request.messages):
            return step.step
        if any(step.expect == tool.name for tool in request.tools):
            return step.step
        self._unexpected += 1
        raise ScriptError(
            f"scripted model {self.name!r}, step {self._next + 1}: expected {step.expect!r} in the request, "
            f"and was asked {_gist(request)!r}"
        )


class RuleModel(_Speaker):
    """Answers by a pure function of the request, so that the order of calls does not matter.

    Args:
        name: As a user would write it.
        rule: Gives the answer, or an error to raise.
        price: In dollars by default; None makes it unpriced.
    """

    def __init__(
        self, name: str, rule: Callable[[Request], Answer | ModelError], *, price: Price | None = SCRIPTED_PRICE
    ) -> None:
        super().__init__(name, price=price)
        self._rule = rule
        self.calls = 0
        """How often it was called."""

    async def complete(self, request: Request) -> Reply:
        """Ask the rule.

        Raises:
            ModelError: The rule says so.
        """
        self.calls += 1
        answer = self._rule(request)
        if isinstance(answer, ModelError):
            raise answer
        return self._reply(request, answer)

    async def stream(self, request: Request, *, write: Callable[[str], None]) -> Reply:
        """Complete, and hand over the text word by word.

        Raises:
            ModelError: As `complete`; nothing is handed over then.
        """
        return await _spoken(await self.complete(request), write)


async def _spoken(reply: Reply, write: Callable[[str], None]) -> Reply:
    for word in _WORDS.findall(reply.text):
        write(word)
        await anyio.lowlevel.checkpoint()
    return reply


def _gist(request: Request) -> str:
    return request.messages[-1].content[:200] if request.messages else ""
