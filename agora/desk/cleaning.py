"""What passes a desk leaves its secrets behind: prompts before they are sent, and what tools and providers answer."""

from __future__ import annotations

from typing import TypeVar

from agora.errors import ModelError
from agora.ledger.redact import Redactor
from agora.messages import Message, Request
from agora.values import Value

_MOST_KNOWN = 10_000

V = TypeVar("V", bound=Value)


class Cleaner:
    """Redacts texts; one that was seen to be clean is not searched again.

    Args:
        redactor: Knows the secrets.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._clean: set[str] = set()

    def text(self, text: str) -> str:
        """A text without secrets; the same object where there were none."""
        if text in self._clean:
            return text
        clean, hits = self._redactor.text(text)
        if len(self._clean) >= _MOST_KNOWN:
            self._clean.clear()
        self._clean.add(clean)
        return clean if hits else text

    def request(self, request: Request) -> Request:
        """A request whose messages and descriptions of tools hold no secrets."""
        messages = tuple(map(self._message, request.messages))
        tools = tuple(
            tool if (told := self.text(tool.description)) is tool.description else _with(tool, description=told)
            for tool in request.tools
        )
        if all(map(_is, messages, request.messages)) and all(map(_is, tools, request.tools)):
            return request
        return _with(request, messages=messages, tools=tools)

    def failure(self, failure: ModelError) -> None:
        """Take out of an error what a provider has echoed in it, and what it came from where that was so."""
        what, hits = self._redactor.text(failure.what)
        told, more = self._redactor.text(str(failure))
        if hits or more:
            failure.what, failure.args = what, (told,)
            failure.__cause__ = None
            failure.__suppress_context__ = True

    def _message(self, message: Message) -> Message:
        content = self.text(message.content)
        calls = tuple(
            call if (said := self.text(call.arguments)) is call.arguments else _with(call, arguments=said)
            for call in message.tool_calls
        )
        if content is message.content and all(map(_is, calls, message.tool_calls)):
            return message
        return _with(message, content=content, tool_calls=calls)


def _is(one: object, other: object) -> bool:
    return one is other


def _with(value: V, **changes: object) -> V:
    return value.model_copy(update=changes)
