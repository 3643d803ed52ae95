"""What goes to a model and what comes back, in one neutral form for all providers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from agora.tasks import Usage
from agora.values import JsonValue, Value

Role = Literal["system", "user", "assistant", "tool"]
Finish = Literal["stop", "length", "tool_calls"]


class ToolSpec(Value):
    """A tool as a model sees it."""

    name: str
    """What the model calls it."""
    description: str
    """What it does, from the docstring."""
    parameters: Mapping[str, JsonValue]
    """JSON schema of its arguments, an object."""


class ToolCall(Value):
    """A model's wish to use a tool."""

    id: str
    """Ties the result to the call."""
    name: str
    """Which tool."""
    arguments: str
    """The arguments as the model wrote them: JSON text, not yet trusted."""


ImageType = Literal["image/png", "image/jpeg", "image/gif", "image/webp"]


class Image(Value):
    """A picture in a message."""

    media_type: ImageType
    """What its content is, by its first bytes."""
    data: bytes
    """The file as it is."""


class Message(Value):
    """One turn of a conversation."""

    role: Role
    """Who speaks."""
    content: str = ""
    """What is said."""
    tool_calls: tuple[ToolCall, ...] = ()
    """The tools an assistant wants used."""
    tool_call_id: str | None = None
    """Which call a tool message answers."""
    images: tuple[Image, ...] = ()
    """Pictures that go with a user's words; only models that take images get any."""


class TokenLogprob(Value):
    """One written token with the probabilities the model gave there (natural logarithms)."""

    token: str
    """Its text."""
    logprob: float
    """Log-probability of the token itself."""
    top: tuple[float, ...] = ()
    """Log-probabilities of the k likeliest tokens, where the provider gives them."""


class Dropped(Value):
    """A turn of a conversation that was shortened or left out, since the whole no longer fitted the model."""

    index: int = Field(ge=0)
    """Which message of the conversation before this cut, from 0."""
    role: Role
    """Who spoke."""
    chars: int = Field(ge=0)
    """How many characters are gone."""
    sha256: str
    """Of the content as it was before, in hex."""
    gone: bool = False
    """True: the whole turn is gone; False: its beginning is still there."""


class Request(Value):
    """One call to a model; an output cap and a deadline are always part of it."""

    messages: tuple[Message, ...]
    """The conversation so far."""
    tools: tuple[ToolSpec, ...] = ()
    """Tools that may be called."""
    output_schema: Mapping[str, JsonValue] | None = None
    """A JSON schema the answer must follow."""
    max_tokens: int = Field(default=1024, ge=1)
    """Output cap, sent with every call."""
    temperature: float = Field(default=0.0, ge=0, le=2)
    """0 takes the likeliest token."""
    seed: int | None = None
    """Seed of the provider's sampler, where it has one."""
    stop: tuple[str, ...] = ()
    """Texts that end the answer."""
    top_logprobs: int = Field(default=0, ge=0, le=20)
    """How many alternatives to report at each token; 0 asks for no log-probabilities."""
    deadline_s: float = Field(default=120.0, gt=0)
    """Seconds for the whole call, from send to last byte."""
    dropped: tuple[Dropped, ...] = ()
    """What was cut from the conversation ahead of this call; for the record, not sent."""


class Reply(Value):
    """A model's whole answer; a cut one is an error, not a reply."""

    text: str = ""
    """What it wrote."""
    tool_calls: tuple[ToolCall, ...] = ()
    """The tools it wants used."""
    finish: Finish
    """Why it ended, as the provider said; never made up."""
    usage: Usage
    """Tokens (with a floor of our own), dollars and seconds."""
    logprobs: tuple[TokenLogprob, ...] = ()
    """One per written token, where asked for and given."""
    model: str
    """The model that the provider says answered."""
    cached: bool = False
    """True: an earlier reply to the same step, from the response cache; nothing was asked and nothing is charged."""
