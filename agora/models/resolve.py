"""From a model's name to the model."""

from __future__ import annotations

from collections.abc import Mapping

from agora.bids import Price
from agora.errors import MissingKeyError, UnknownNameError
from agora.models.litellm_model import LiteLLMModel, known_models, knows_provider
from agora.models.local import LOCAL_PRICE, SMOLLM2, LocalModel
from agora.models.providers import PROVIDERS
from agora.protocols import ChatModel, Clock
from agora.settings import environment


def resolve_model(
    name: str,
    *,
    api_base: str | None = None,
    price: Price | None = None,
    env: Mapping[str, str] | None = None,
    clock: Clock | None = None,
) -> ChatModel:
    """The chat model behind a name, inside its guard.

    "local/..." runs on this machine. A name with an `api_base` is taken at its word ("openai/NAME" is the form that
    every compatible server speaks). Any other must belong to a provider, and its key must be set.

    Args:
        name: provider/model.
        api_base: An OpenAI-compatible endpoint.
        price: Stated by the user; goes before any list.
        env: The environment; None takes the process's.
        clock: Measures how long calls take.

    Raises:
        UnknownNameError: No such provider or local model; near names are offered.
        MissingKeyError: The provider's key is not set.
    """
    env = environment() if env is None else env
    if name.startswith("local/"):
        return _local(name, price, env, clock)
    provider = name.partition("/")[0]
    hosted = next((row for row in PROVIDERS if row.name == provider), None)
    if api_base is not None:
        return LiteLLMModel(name, api_base=api_base, api_key=env.get("AGORA_API_KEY"), price=price, clock=clock)
    if hosted is None and not knows_provider(name):
        raise UnknownNameError("model", name, {SMOLLM2, *known_models()})
    key = env.get(hosted.variable) if hosted is not None else None
    if hosted is not None and not key:
        raise MissingKeyError(name, hosted.variable)
    return LiteLLMModel(name, api_key=key, price=price, clock=clock)


def _local(name: str, price: Price | None, env: Mapping[str, str], clock: Clock | None) -> ChatModel:
    if name != SMOLLM2 and not env.get("AGORA_GGUF"):
        raise UnknownNameError("local model", name, {SMOLLM2})
    return LocalModel(name, price=price or LOCAL_PRICE, clock=clock)
