"""Bounds on tokens that hold without a tokenizer: from above for reservations, from below for bills.

A byte-level tokenizer (BPE over bytes, or SentencePiece with byte fallback) never makes more tokens than the text has
UTF-8 bytes, since every token stands for at least one byte. No tokenizer in use joins words across white space, and
none has a token longer than 128 characters, so a text has at least as many tokens as words.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from agora.messages import Message, Request, ToolSpec

PROMPT_TOKENS = 256
"""For what a provider's chat template adds to a prompt: start marks, dates, a default system message."""
MESSAGE_TOKENS = 16
"""For the marks round one message or one tool call."""
TOOLS_TOKENS = 1024
"""For the hidden instructions with which providers explain tools and schemas (346 to 804 tokens are documented)."""
IMAGE_TOKENS = 8_192
"""For one image: above what Anthropic (4,784), OpenAI (3,779; see `THIRSTY`) and Gemini (30 tiles of 258) document."""
THIRSTY = ("4o-mini",)
"""Models that count images several times over, to bring their price to that of a larger model."""
THIRSTY_IMAGE_TOKENS = 50_000
"""For one image with those: 2,833 and 5,667 for each of at most 8 tiles are documented."""
LONGEST_TOKEN_CHARS = 128
"""The longest token of the vocabularies in use (runs of white space)."""
_CACHED_TOOLS = 512

_tool_bytes: dict[int, tuple[ToolSpec, int]] = {}


def utf8_bytes(text: str) -> int:
    """Length of a text in UTF-8; a lone surrogate counts as the three bytes it is replaced by.

    >>> utf8_bytes("aé")
    3
    """
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def bound_tokens(request: Request, *, template_tokens: int = PROMPT_TOKENS, image_tokens: int = IMAGE_TOKENS) -> int:
    """An upper bound on the prompt's tokens, for any byte-level tokenizer that does not normalise text.

    Tool specifications and schemas count twice, because providers write them anew (indented, or as types).

    Args:
        request: What will be sent.
        template_tokens: For what the chat template adds by itself.
        image_tokens: For one image.
    """
    total = template_tokens
    for message in request.messages:
        total += _message_bytes(message) + image_tokens * len(message.images)
    if request.tools or request.output_schema is not None:
        total += TOOLS_TOKENS + 2 * sum(map(_spec_bytes, request.tools))
    if request.output_schema is not None:
        total += 2 * _json_bytes(request.output_schema)
    return total


def floor_tokens(text: str) -> int:
    """A lower bound on the tokens of a text, with any tokenizer that does not join words across white space.

    >>> floor_tokens("three short words"), floor_tokens("")
    (3, 0)
    """
    return max(len(text.split()), -(-len(text) // LONGEST_TOKEN_CHARS))


def floor_prompt_tokens(request: Request) -> int:
    """A lower bound on the prompt's tokens: its messages alone."""
    return sum(floor_tokens(message.content) for message in request.messages)


def _message_bytes(message: Message) -> int:
    total = MESSAGE_TOKENS + utf8_bytes(message.content)
    if message.tool_call_id is not None:
        # Templates write tool results as JSON strings, where a line break or a quote takes two bytes and more.
        total += utf8_bytes(message.tool_call_id) + len(json.dumps(message.content)) - len(message.content)
    for call in message.tool_calls:
        total += MESSAGE_TOKENS + utf8_bytes(call.id) + utf8_bytes(call.name) + len(json.dumps(call.arguments))
    return total


def _spec_bytes(spec: ToolSpec) -> int:
    cached = _tool_bytes.get(id(spec))
    if cached is not None and cached[0] is spec:
        return cached[1]
    size = MESSAGE_TOKENS + utf8_bytes(spec.name) + utf8_bytes(spec.description) + _json_bytes(spec.parameters)
    if len(_tool_bytes) >= _CACHED_TOOLS:
        _tool_bytes.clear()
    _tool_bytes[id(spec)] = (spec, size)  # the entry keeps the spec alive, so its id stays its own
    return size


def _json_bytes(schema: Mapping[str, object]) -> int:
    return len(json.dumps(schema))
