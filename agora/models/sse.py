"""A provider's event stream as it is on the wire: how it ended, what it counted, whether it reported an error.

litellm writes finish_reason "stop" where a stream just ended, and counts tokens itself where no usage came; so the end
of a stream is read here, from the provider's own events (WHATWG HTML, section 9.2: server-sent events).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import cast

from agora.models.replies import LEAST_LOGPROB

_FINISH_KEYS = ("finish_reason", "stop_reason", "finishReason")
_CHOICE_KEYS = ("choices", "candidates")
_READ_KEYS = (
    ("prompt_tokens",),
    ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"),
    ("promptTokenCount",),
)
_WROTE_KEYS = (("completion_tokens",), ("output_tokens",), ("candidatesTokenCount", "thoughtsTokenCount"))
_LONGEST_EVENT = 4_000_000
_LONGEST_ERROR = 300

Row = tuple[str, float, tuple[float, ...]]
"""A token, its log-probability, those of the likeliest tokens."""


class Tap:
    r"""What a stream said of itself; fed with its bytes, however they are cut into pieces.

    >>> tap = Tap()
    >>> tap.feed(b'data: {"choices": [{"finish_rea')
    >>> tap.feed(b'son": "stop"}]}\n\ndata: [DONE]\n\n')
    >>> tap.finish, tap.ended
    ('stop', True)
    """

    def __init__(self) -> None:
        self.finish: str | None = None
        """The provider's own word for how the answer ended; None: it has not said."""
        self.ended = False
        """Whether the stream's own end mark came: [DONE], or Anthropic's message_stop."""
        self.marks_end = True
        """False: this form has no end mark (Gemini's)."""
        self.odd = ""
        """What makes the stream unusable: two ends that differ, or text after the end."""
        self.error = ""
        """What the provider reported in the middle of the answer."""
        self.error_code: int | None = None
        """Its status, where the report has one."""
        self.model = ""
        """The model that the provider says answered."""
        self.logprobs: list[Row] = []
        """One per written token, where asked for and given."""
        self._told: dict[str, object] = {}
        self._line = bytearray()

    @property
    def input_tokens(self) -> int | None:
        """As the provider counts; None where it says nothing."""
        return self._count(_READ_KEYS)

    @property
    def output_tokens(self) -> int | None:
        """As the provider counts; None where it says nothing."""
        return self._count(_WROTE_KEYS)

    def feed(self, data: bytes) -> None:
        """The next bytes."""
        *lines, rest = data.replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            self._read(bytes(self._line + line))
            self._line.clear()
        if len(self._line) + len(rest) <= _LONGEST_EVENT:  # a longer one is garbage, and the body has a cap anyway
            self._line += rest

    def _read(self, line: bytes) -> None:
        if not line.startswith(b"data:"):
            return
        data = line[5:].strip()
        if data == b"[DONE]":
            self.ended = True
            return
        try:
            event: object = json.loads(data)
        except ValueError:
            return  # the reader of the answer itself fails at it
        if isinstance(event, dict):
            self._take(cast("dict[str, object]", event))

    def _take(self, event: Mapping[str, object]) -> None:
        if event.get("error"):
            self._fail(event["error"])
        if event.get("type") == "message_stop":
            self.ended = True
        message = _object(event.get("message"))
        for part in (message, event):
            self._told.update({k: v for k, v in _object(part.get("usage")).items() if v is not None})
            self.model = self.model or str(part.get("model") or part.get("modelVersion") or "")
        if "candidates" in event:
            self.marks_end = False
        self._told.update({k: v for k, v in _object(event.get("usageMetadata")).items() if v is not None})
        choices = next((event[key] for key in _CHOICE_KEYS if isinstance(event.get(key), list)), None)
        choice = _object(cast("list[object]", choices)[0] if choices else None)
        delta = _object(choice.get("delta"))
        if self.finish is not None and (delta.get("content") or delta.get("tool_calls")):
            self.odd = "it goes on after its end"
        self._end(_word(choice) or _word(_object(event.get("delta"))))
        self.logprobs += _rows(_object(choice.get("logprobs")).get("content"))

    def _end(self, finish: str | None) -> None:
        if finish is not None and self.finish not in (None, finish):
            self.odd = f"it ends twice, with {self.finish!r} and {finish!r}"
        self.finish = self.finish or finish

    def _fail(self, error: object) -> None:
        told = _object(error)
        self.error = str(told.get("message") or told.get("type") or error)[:_LONGEST_ERROR]
        codes = [value for value in (told.get("status"), told.get("code")) if isinstance(value, int | str)]
        numbers = [int(code) for code in codes if str(code).isdigit()]
        self.error_code = next((code for code in numbers if 400 <= code < 600), None)

    def _count(self, forms: Sequence[Sequence[str]]) -> int | None:
        for keys in forms:
            found = [value for value in map(self._told.get, keys) if isinstance(value, int)]
            if found:
                return min(found) if min(found) < 0 else sum(found)
        return None


def _word(part: Mapping[str, object]) -> str | None:
    return next((word for key in _FINISH_KEYS if isinstance(word := part.get(key), str)), None)


def _object(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def _rows(content: object) -> list[Row]:
    rows = [_object(row) for row in cast("list[object]", content)] if isinstance(content, list) else []
    return [(str(row.get("token", "")), _number(row.get("logprob")), _likeliest(row)) for row in rows]


def _likeliest(row: Mapping[str, object]) -> tuple[float, ...]:
    top = row.get("top_logprobs")
    others = cast("list[object]", top) if isinstance(top, list) else []
    return tuple(_number(_object(other).get("logprob")) for other in others)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else LEAST_LOGPROB
