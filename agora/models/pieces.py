"""An answer that arrives in pieces: handed over as it comes, put together, and believed only where its end is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agora.errors import BadReplyError, ModelError, ReplyCutError
from agora.messages import ToolCall
from agora.models.replies import Raw, clean
from agora.models.sse import Tap
from agora.models.tokens import utf8_bytes


class Pieces:
    """Puts the chunks of litellm's common form together.

    Args:
        name: The model as the user wrote it.
        write: Called with each piece of text, cleaned.
        max_bytes: More than that in text and tool calls is an error at once.
    """

    def __init__(self, name: str, *, write: Callable[[str], None], max_bytes: int) -> None:
        self._name = name
        self._write = write
        self._left = max_bytes
        self._text: list[str] = []
        self._calls: dict[int, _Call] = {}

    def take(self, chunk: Any) -> None:  # noqa: ANN401 - the litellm border
        """The next chunk.

        Raises:
            BadReplyError: The answer has grown past the cap.
        """
        if not chunk.choices:
            return
        delta = chunk.choices[0].delta
        if delta.content:
            self._count(delta.content)
            self._text.append(delta.content)
            self._write(clean(delta.content))
        for part in delta.tool_calls or ():
            call = self._calls.setdefault(part.index or 0, _Call())
            call.id = call.id or part.id or ""
            if part.function is not None:
                self._count(part.function.arguments or "")
                call.name += part.function.name or ""
                call.arguments += part.function.arguments or ""

    def raw(self, tap: Tap) -> Raw:
        """The whole answer, with its end and its bill as the provider's own stream told them.

        Raises:
            ReplyCutError: The stream has no end mark.
            BadReplyError: It contradicts itself.
        """
        if tap.odd:
            raise BadReplyError(self._name, f"the stream cannot be believed: {tap.odd}")
        if tap.finish is None:
            raise ReplyCutError(self._name, "the stream ended without a finish reason, so nobody knows what is missing")
        if tap.marks_end and not tap.ended:
            raise ReplyCutError(self._name, "the stream ended without its end mark, so nobody knows what is missing")
        return Raw(
            text="".join(self._text),
            finish=tap.finish,
            input_tokens=tap.input_tokens,
            output_tokens=tap.output_tokens,
            model=tap.model,
            tool_calls=tuple(
                ToolCall(id=call.id or f"call_{place}", name=call.name, arguments=call.arguments or "{}")
                for place, call in sorted(self._calls.items())
            ),
            logprobs=tuple(tap.logprobs),
        )

    def _count(self, text: str) -> None:
        self._left -= utf8_bytes(text)
        if self._left < 0:
            raise BadReplyError(self._name, "the answer grew past the cap while it was read")


class _Call:
    def __init__(self) -> None:
        self.id = self.name = self.arguments = ""


def reported(name: str, tap: Tap) -> ModelError | None:
    """What a provider reported in the middle of its answer; it may charge for what it had written by then."""
    if not tap.error:
        return None
    status = f"status {tap.error_code}: " if tap.error_code else ""
    return ModelError(name, f"the provider gave up in mid-answer: {status}{tap.error}", status=tap.error_code)
