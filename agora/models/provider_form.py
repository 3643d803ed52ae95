"""Between our neutral form and litellm's: messages out, answers and errors in.

litellm writes finish_reason "stop" where a provider sent none, and 0 tokens where it sent no usage; so both are read
from the provider's own body. It turns lost connections into status 500; so the status is read from the response, if
there was one.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, cast

from agora.errors import BadReplyError, ContextOverflowError, ModelError, ModelTimeoutError, ReplyCutError
from agora.messages import Image, Message, Request, ToolCall
from agora.models.replies import LostConnectionError, Raw

_FINISH_KEYS = ("finish_reason", "stop_reason", "finishReason", "stopReason", "done_reason")
_CHOICE_KEYS = ("choices", "candidates")
_USAGE_KEYS = ("usage", "usageMetadata")
_READ_KEYS = ("prompt_tokens", "input_tokens", "promptTokenCount", "inputTokens")
_WROTE_KEYS = ("completion_tokens", "output_tokens", "candidatesTokenCount", "outputTokens")
_TIMED_OUT = frozenset({"Timeout", "APITimeoutError", "ReadTimeout", "TimeoutException", "SocketTimeoutError"})
_NEVER_CONNECTED = frozenset({"ClientConnectorError", "ConnectTimeout", "ConnectionRefusedError", "gaierror"})
_CUT = frozenset({"ReadError", "ClientPayloadError", "ContentLengthError", "TransferEncodingError", "IncompleteRead"})
_LOST = frozenset({"ConnectError", "RemoteProtocolError", "ServerDisconnectedError", "ConnectionResetError"})
_PREFIX = re.compile(r"^(litellm\.)?(\w+Error: )*(litellm\.\w+: )?(\w+Error: )*(\w+(Exception|Error) - )?")
_LONGEST_MESSAGE = 300


class OversizedBodyError(Exception):
    """A body grew past the cap while it was read."""


def sent_messages(request: Request) -> list[dict[str, Any]]:
    """The conversation in the common (OpenAI) form."""
    return [_sent(message) for message in request.messages]


def sent_options(request: Request) -> dict[str, Any]:
    """Tools, schema, seed, stops and log-probabilities, where the request has them."""
    options: dict[str, Any] = {}
    if request.tools:
        options["tools"] = [{"type": "function", "function": tool.model_dump(mode="json")} for tool in request.tools]
    if request.output_schema is not None:
        schema = {"name": "answer", "schema": dict(request.output_schema), "strict": True}
        options["response_format"] = {"type": "json_schema", "json_schema": schema}
    if request.seed is not None:
        options["seed"] = request.seed
    if request.stop:
        options["stop"] = list(request.stop)
    if request.top_logprobs:
        options |= {"logprobs": True, "top_logprobs": request.top_logprobs}
    return options


def raw_reply(name: str, answer: Any, original: object) -> Raw:  # noqa: ANN401 - the litellm border
    """What came back, with finish reason, usage and model as the provider itself wrote them.

    Args:
        name: The model as the user wrote it.
        answer: litellm's ModelResponse.
        original: The provider's body (JSON text or its object).

    Raises:
        BadReplyError: There is no choice in it.
    """
    body = _body(original)
    if not answer.choices:
        raise BadReplyError(name, "the answer holds no choices")
    choice = answer.choices[0]
    told = _object(_first(body, _USAGE_KEYS))
    finish = _finish(body)
    return Raw(
        text=choice.message.content,
        finish=finish if isinstance(finish, str) else None,
        input_tokens=_count(told, _READ_KEYS, getattr(answer, "usage", None), "prompt_tokens"),
        output_tokens=_count(told, _WROTE_KEYS, getattr(answer, "usage", None), "completion_tokens"),
        model=str(_first(body, ("model", "modelVersion")) or answer.model or ""),
        tool_calls=tuple(_tool_call(place, call) for place, call in enumerate(choice.message.tool_calls or ())),
        logprobs=tuple(_logprobs(getattr(choice, "logprobs", None))),
    )


def mapped(name: str, error: Exception) -> ModelError:
    """Litellm's error as ours: kind, status, Retry-After, and whether it may be charged.

    What was refused (3xx, since redirects are not followed, 4xx, and a connection that never stood) is not charged.
    Everything else is of unknown fate and books the whole reservation of its attempt: a lost connection, a timeout,
    408, 5xx, an answer that cannot be used.

    Args:
        name: The model as the user wrote it.
        error: Whatever `acompletion` raised.
    """
    chain = list(_chain(error))
    kinds = {type(link).__name__ for link in chain}
    what = (
        _PREFIX.sub("", str(error)).split("\nTraceback")[0].split(" Original exception:")[0].strip()[:_LONGEST_MESSAGE]
    )
    status, headers = _response(chain)
    if "ContextWindowExceededError" in kinds:
        return ContextOverflowError(name, f"the prompt does not fit: {what}", paid=False, status=status)
    if "OversizedBodyError" in kinds:
        return BadReplyError(name, "the answer grew past the cap while it was read")
    if status is not None:
        mend = "; check the API key" if status in (401, 403) else ""
        paid = not _refused(status)
        wait_s = retry_after_s(headers)
        return ModelError(name, f"status {status}: {what}{mend}", paid=paid, status=status, retry_after_s=wait_s)
    return _without_response(name, what, kinds, getattr(error, "status_code", None))


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that a provider asks us to wait; a date counts from the response's own Date.

    >>> retry_after_s({"retry-after": "2"})
    2.0
    """
    wait, now = headers.get("retry-after"), headers.get("date")
    if wait is None:
        return None
    try:
        return max(float(wait), 0.0)
    except ValueError:
        pass
    try:
        return max((parsedate_to_datetime(wait) - parsedate_to_datetime(now or "")).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None


def _without_response(name: str, what: str, kinds: set[str], code: object) -> ModelError:
    if kinds & _NEVER_CONNECTED:
        return LostConnectionError(name, f"cannot connect: {what}", paid=False)
    if kinds & _TIMED_OUT:
        return ModelTimeoutError(name, f"no answer in time: {what}")
    if kinds & _CUT:
        return ReplyCutError(name, f"the connection ended in the middle of the answer: {what}")
    if kinds & _LOST:
        return LostConnectionError(name, f"the connection was lost: {what}")
    if "JSONDecodeError" in kinds:
        return BadReplyError(name, f"the answer is not JSON: {what}")
    if isinstance(code, int) and _refused(code):
        return ModelError(name, what, paid=False, status=code)
    return ModelError(name, what or "failed")


def _refused(status: int) -> bool:
    return 300 <= status < 500 and status != 408


def _sent(message: Message) -> dict[str, Any]:
    sent: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.images:
        words = [{"type": "text", "text": message.content}] if message.content else []
        sent["content"] = [*words, *map(_picture, message.images)]
    if message.tool_call_id is not None:
        sent["tool_call_id"] = message.tool_call_id
    if message.tool_calls:
        sent["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    return sent


def _picture(image: Image) -> dict[str, Any]:
    return {
        "type": "image_url",
        "image_url": {"url": f"data:{image.media_type};base64,{b64encode(image.data).decode()}"},
    }


def _body(original: object) -> Mapping[str, object]:
    if not isinstance(original, str | bytes):
        return _object(original)
    try:
        return _object(json.loads(original))
    except ValueError:
        return {}


def _object(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def _first(body: Mapping[str, object], keys: Sequence[str]) -> object:
    return next((body[key] for key in keys if body.get(key) is not None), None)


def _finish(body: Mapping[str, object]) -> object:
    choices = _first(body, _CHOICE_KEYS)
    if isinstance(choices, list) and choices:
        return _first(_object(cast("list[object]", choices)[0]), _FINISH_KEYS)
    return _first(body, _FINISH_KEYS)


def _count(told: Mapping[str, object], keys: Sequence[str], usage: object, attribute: str) -> int | None:
    """Tokens as litellm adds them up (with cached and hidden ones), where the provider told any."""
    if not isinstance(_first(told, keys), int):
        return None
    count = getattr(usage, attribute, None)
    return count if isinstance(count, int) else None


def _tool_call(place: int, call: Any) -> ToolCall:  # noqa: ANN401 - the litellm border
    wish = call.function
    return ToolCall(id=call.id or f"call_{place}", name=wish.name or "", arguments=wish.arguments or "{}")


def _logprobs(logprobs: Any) -> Iterator[tuple[str, float, tuple[float, ...]]]:  # noqa: ANN401 - the litellm border
    for row in getattr(logprobs, "content", None) or ():
        yield str(row.token), float(row.logprob), tuple(float(other.logprob) for other in row.top_logprobs or ())


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _response(chain: Sequence[BaseException]) -> tuple[int | None, Mapping[str, str]]:
    """Status and headers of a response that really came; litellm's own errors carry made-up ones."""
    for link in chain:
        response = None if type(link).__module__.startswith("litellm") else getattr(link, "response", None)
        status = getattr(response, "status_code", None)
        if isinstance(status, int):
            return status, {str(key).lower(): str(value) for key, value in getattr(response, "headers", {}).items()}
    return None, {}
