"""The table of providers: who joins by itself when a key, an Ollama server or an endpoint is there."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, cast
from urllib.parse import urlsplit

PROBE_S = 0.3
"""How long a server on this machine may take to answer."""
OLLAMA = "http://127.0.0.1:11434"
"""Where Ollama listens unless OLLAMA_HOST says otherwise."""
OWN_MODELS = 3
"""At most so many models of a server of one's own join."""

Probe = Callable[[str], Sequence[str] | None]
"""Asks a URL for its list of models; None: nobody answers there."""


class Provider(NamedTuple):
    """A hosted provider and the models that join when its key is set."""

    name: str
    """As litellm calls it."""
    variable: str
    """The environment variable of its key."""
    models: tuple[str, ...]
    """The default pool, cheapest first, as provider/model."""


class Joined(NamedTuple):
    """A model that can be used now."""

    provider: str
    """Which provider."""
    model: str
    """As it is written in an agent: provider/model."""
    api_base: str | None = None
    """Where it is, if not at the provider's own address."""


class Absent(NamedTuple):
    """A provider that cannot be used now."""

    provider: str
    """Which provider."""
    reason: str
    """Why, and the mend, in one line."""


PROVIDERS: tuple[Provider, ...] = (
    Provider("openai", "OPENAI_API_KEY", ("openai/gpt-5-nano", "openai/gpt-5-mini", "openai/gpt-5.4")),
    Provider(
        "anthropic",
        "ANTHROPIC_API_KEY",
        ("anthropic/claude-haiku-4-5", "anthropic/claude-sonnet-4-6", "anthropic/claude-opus-4-8"),
    ),
    Provider(
        "gemini",
        "GEMINI_API_KEY",
        ("gemini/gemini-2.5-flash-lite", "gemini/gemini-2.5-flash", "gemini/gemini-2.5-pro"),
    ),
    Provider(
        "mistral",
        "MISTRAL_API_KEY",
        ("mistral/mistral-small-latest", "mistral/mistral-medium-latest"),
    ),
    Provider("deepseek", "DEEPSEEK_API_KEY", ("deepseek/deepseek-v4-flash", "deepseek/deepseek-v4-pro")),
    Provider("groq", "GROQ_API_KEY", ("groq/openai/gpt-oss-20b", "groq/openai/gpt-oss-120b")),
    Provider(
        "openrouter",
        "OPENROUTER_API_KEY",
        ("openrouter/openai/gpt-5-mini", "openrouter/anthropic/claude-sonnet-4.6"),
    ),
    Provider("xai", "XAI_API_KEY", ("xai/grok-4-1-fast", "xai/grok-4.3")),
)
"""Every hosted provider that joins by its key."""


def discover(env: Mapping[str, str], *, probe: Probe) -> tuple[tuple[Joined, ...], tuple[Absent, ...]]:
    """Who can be used now, and who cannot and why; a pure function of its arguments.

    Args:
        env: The environment.
        probe: Asks Ollama, and the endpoint in AGORA_API_BASE, for their models.
    """
    joined: list[Joined] = []
    absent: list[Absent] = []
    for provider in PROVIDERS:
        if env.get(provider.variable):
            joined += [Joined(provider.name, model) for model in provider.models]
        else:
            absent.append(Absent(provider.name, f"set {provider.variable}"))
    for found in (_ollama(env, probe), _own(env, probe)):
        if isinstance(found, Absent):
            absent.append(found)
        else:
            joined += found
    return tuple(joined), tuple(absent)


def ask_for_models(url: str, *, timeout_s: float = PROBE_S) -> Sequence[str] | None:
    """The real probe: GET a list of models, in Ollama's form or OpenAI's; None where nobody answers in time.

    Args:
        url: http or https, with the path of the list.
        timeout_s: For connecting, and again for each read.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        connection = kind(parts.hostname, parts.port, timeout=timeout_s)
        try:
            connection.request("GET", parts.path or "/")
            answer = connection.getresponse()
            body: object = json.loads(answer.read(1_000_000)) if answer.status == http.HTTPStatus.OK else None
        finally:
            connection.close()
    except (OSError, ValueError, http.client.HTTPException):
        return None
    return _names(body)


def ollama_base(env: Mapping[str, str]) -> str:
    """Where Ollama is: OLLAMA_HOST (host, host:port or URL), or its usual place.

    >>> ollama_base({"OLLAMA_HOST": "0.0.0.0:11500"})
    'http://127.0.0.1:11500'
    """
    host = env.get("OLLAMA_HOST", "").strip().rstrip("/")
    if not host:
        return OLLAMA
    url = host if "://" in host else f"http://{host}"
    parts = urlsplit(url)
    name = "127.0.0.1" if parts.hostname in (None, "0.0.0.0") else parts.hostname
    port = parts.port or (443 if parts.scheme == "https" else 11434)
    return f"{parts.scheme}://{name}:{port}"


def _ollama(env: Mapping[str, str], probe: Probe) -> list[Joined] | Absent:
    base = ollama_base(env)
    models = probe(f"{base}/api/tags")
    if models is None:
        return Absent("ollama", f"no server at {base}: start Ollama or set OLLAMA_HOST")
    if not models:
        return Absent("ollama", f"the server at {base} has no models: `ollama pull` one")
    # Ollama's own OpenAI-compatible path: one form for every server on this machine.
    return [Joined("ollama", f"openai/{model}", f"{base}/v1") for model in models[:OWN_MODELS]]


def _own(env: Mapping[str, str], probe: Probe) -> list[Joined] | Absent:
    base = env.get("AGORA_API_BASE", "").rstrip("/")
    if not base:
        return Absent("own endpoint", "set AGORA_API_BASE to an OpenAI-compatible URL (vLLM, llama.cpp, LM Studio)")
    models = probe(f"{base}/models")
    if not models:
        return Absent("own endpoint", f"no list of models at {base}/models: check AGORA_API_BASE")
    return [Joined("own endpoint", f"openai/{model}", base) for model in models[:OWN_MODELS]]


def _names(body: object) -> Sequence[str] | None:
    if not isinstance(body, dict):
        return None
    lists = cast("dict[str, object]", body)
    rows = lists.get("data", lists.get("models"))
    if not isinstance(rows, list):
        return None
    named = [cast("dict[str, object]", row) for row in cast("list[object]", rows) if isinstance(row, dict)]
    names = [row.get("id", row.get("name")) for row in named]
    return [name for name in names if isinstance(name, str) and name]
