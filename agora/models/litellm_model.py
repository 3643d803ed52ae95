"""Every hosted provider through litellm: the only file that imports it, and late, since the import takes two seconds.

litellm is used as a translator between providers and for its list of prices. What it makes up is not believed: finish
reason and usage are read from the provider's own answer, and the bill is our own multiplication.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from threading import Lock
from typing import Any, cast

import anyio.to_thread

from agora.bids import Price
from agora.errors import MissingKeyError, ModelError
from agora.messages import Reply, Request
from agora.models.health import SHARED, Health
from agora.models.limits import Guarded
from agora.models.pieces import Pieces, reported
from agora.models.provider_form import mapped, raw_reply, sent_messages, sent_options
from agora.models.replies import MAX_REPLY_BYTES, LostConnectionError, Raw, clean
from agora.models.tokens import IMAGE_TOKENS, THIRSTY, THIRSTY_IMAGE_TOKENS, bound_tokens
from agora.models.wire import clients_here, listening
from agora.protocols import Clock

OVER_HTTP = frozenset({"anthropic", "deepseek", "gemini", "groq", "mistral", "openrouter", "xai"})
"""Providers that litellm reaches with an HTTP client that can be ours. Others ("openai" apart) use its own: their size
is checked after reading, and a connection lost before any answer may have been tried twice."""

_loading = Lock()


def load_litellm() -> Any:  # noqa: ANN401 - the litellm border
    """Import litellm once: offline, silent, without retries of its own."""
    with _loading:
        return _load_litellm()


@cache
def _load_litellm() -> Any:  # noqa: ANN401 - the litellm border
    # Without this the import downloads a price map.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("LITELLM_LOG", "CRITICAL")
    # Without this the import puts a .env, of this folder or of any above its own, into the process's environment.
    os.environ["LITELLM_MODE"] = "PRODUCTION"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import litellm

        # Its classes finish building at their first use, with warnings of pydantic's that mean nothing to our users.
        litellm.ModelResponse()
        litellm.ModelResponseStream()
    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.drop_params = True
    litellm.num_retries = 0
    litellm.disable_hf_tokenizer_download = True  # it would count a stream's tokens by itself, with a download
    # A table of zeros is no loop, and the output cap ends real ones.
    litellm.REPEATED_STREAMING_CHUNK_LIMIT = sys.maxsize  # type: ignore[attr-defined]  # not in its __all__
    return litellm


async def warm_up() -> None:
    """Import litellm in a worker thread, so that the first call need not wait for it."""
    await anyio.to_thread.run_sync(load_litellm)


def known_price(name: str, *, api_base: str | None = None) -> Price | None:
    """The list price of a model in dollars, from litellm's own map; None where it is unknown.

    Args:
        name: provider/model.
        api_base: An endpoint of the user's own: it has no list price, whatever the model is called.
    """
    info = _listed(name, api_base=api_base)
    read, wrote = info.get("input_cost_per_token"), info.get("output_cost_per_token")
    if read is None or wrote is None:
        return None
    return Price(input_per_mtok=_per_mtok(read), output_per_mtok=_per_mtok(wrote))


def _listed(name: str, *, api_base: str | None) -> Mapping[str, Any]:
    """What litellm's map says of a model; nothing of one that it does not know, or that is behind a user's endpoint."""
    if api_base is not None:
        return {}
    try:
        return cast("Mapping[str, Any]", load_litellm().get_model_info(name))
    except Exception:
        return {}  # litellm raises a bare Exception for a model that it does not know


def known_models() -> frozenset[str]:
    """Every chat model in litellm's map, as provider/model."""
    rows: Mapping[str, Mapping[str, Any]] = load_litellm().model_cost
    names = (
        name if name.startswith(f"{row.get('litellm_provider')}/") else f"{row.get('litellm_provider')}/{name}"
        for name, row in rows.items()
        if row.get("mode") == "chat"
    )
    return frozenset(names)


def knows_provider(name: str) -> bool:
    """Whether litellm can tell which provider a name belongs to."""
    try:
        load_litellm().get_llm_provider(name)
    except Exception:
        return False  # litellm raises several kinds for a name that it does not know
    return True


class LiteLLMTransport:
    """One attempt through litellm.

    Args:
        name: provider/model, as litellm writes it.
        api_base: An OpenAI-compatible endpoint; None takes the provider's own.
        api_key: None takes the provider's environment variable.
        price: Stated by the user; None looks it up once.
        sent_name: What litellm is told, where it is not `name`.
    """

    def __init__(
        self,
        name: str,
        *,
        api_base: str | None = None,
        api_key: str | None = None,
        price: Price | None = None,
        sent_name: str | None = None,
    ) -> None:
        self._name = name
        self._sent_name = sent_name or name
        self._api_base = api_base
        self._api_key = api_key
        self._price = price
        self._looked_up = price is not None

    @property
    def name(self) -> str:
        """As the user wrote it: provider/model."""
        return self._name

    def price(self) -> Price | None:
        """Stated, or looked up once and kept."""
        if not self._looked_up:
            self._price = known_price(self._sent_name, api_base=self._api_base)
            self._looked_up = True
        return self._price

    def check_key(self) -> None:
        """Make sure, before any call, that the provider's key is there.

        Raises:
            MissingKeyError: Naming the variable.
        """
        if self._api_key is not None or self._api_base is not None:
            return
        found: Mapping[str, list[str]] = load_litellm().validate_environment(model=self._sent_name)
        missing = found["missing_keys"]
        if missing:
            raise MissingKeyError(self._name, " or ".join(missing))

    def context_tokens(self) -> int | None:
        """The longest prompt by litellm's map; None where it is unknown."""
        most = _listed(self._sent_name, api_base=self._api_base).get("max_input_tokens")
        return most if isinstance(most, int) else None

    def takes_images(self) -> bool:
        """Whether litellm's map says so."""
        return bool(_listed(self._sent_name, api_base=self._api_base).get("supports_vision"))

    async def send(self, request: Request) -> Raw:
        """Make exactly one request upstream.

        Raises:
            MissingKeyError: No call was made.
            ModelError: It failed.
        """
        litellm = load_litellm()
        self.check_key()
        original: list[object] = []

        def look(details: Mapping[str, object]) -> None:
            original.append(details.get("original_response"))

        try:
            answer = await litellm.acompletion(**await self._asked(request), logger_fn=look)
            return raw_reply(self._name, answer, original[-1] if original else None)
        except ModelError:
            raise
        except Exception as error:
            raise mapped(self._name, error) from error

    async def stream(self, request: Request, *, write: Callable[[str], None]) -> Raw:
        """Make exactly one request upstream and hand over its text as it arrives.

        Where the provider is not reached over a client of ours, nobody can see how the stream ends: then the answer
        is waited for, and comes in one piece.

        Raises:
            MissingKeyError: No call was made.
            ModelError: It failed, or the stream's end is not known.
        """
        litellm = load_litellm()
        self.check_key()
        asked = await self._asked(request)
        if asked["client"] is None:
            raw = await self.send(request)
            write(clean(raw.text or ""))
            return raw
        pieces = Pieces(self._name, write=write, max_bytes=MAX_REPLY_BYTES)
        with listening() as ear:
            try:
                # What is listened to must not be compressed.
                plain = {"extra_headers": {"Accept-Encoding": "identity"}, "stream_options": {"include_usage": True}}
                async for chunk in await litellm.acompletion(**asked, **plain, stream=True):
                    pieces.take(chunk)
            except ModelError:
                raise
            except Exception as error:
                raise reported(self._name, ear.tap) or mapped(self._name, error) from error
            finally:
                await ear.hang_up()
            failure = reported(self._name, ear.tap)
            if failure is not None:
                raise failure
            return pieces.raw(ear.tap)

    async def _asked(self, request: Request) -> dict[str, Any]:
        """What litellm is called with."""
        return {
            "model": self._sent_name,
            "messages": sent_messages(request),
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "timeout": request.deadline_s,
            "max_retries": 0,
            "num_retries": 0,
            "api_base": self._api_base,
            "api_key": self._api_key or ("none" if self._api_base else None),  # the SDK wants some key
            "client": await self._client(),
            "_skip_mcp_handler": True,  # else `tools` needs the extras of litellm's server
            **sent_options(request),
        }

    async def _client(self) -> object:
        """Our own HTTP client, which reads no more than the cap and never sends twice."""
        provider: str = load_litellm().get_llm_provider(self._sent_name)[1]
        clients = await clients_here(_one_shot)
        if provider == "openai":
            return clients.openai(self._api_base, self._api_key or ("none" if self._api_base else None))
        return clients.http if provider in OVER_HTTP else None


class LiteLLMModel(Guarded):
    """A hosted model, or any OpenAI-compatible endpoint, behind the guard.

    Args:
        name: provider/model, as "openai/gpt-5-mini".
        api_base: An OpenAI-compatible endpoint; "openai/NAME" reaches any of them.
        api_key: None takes the provider's environment variable.
        price: Stated by the user; None looks it up once in litellm's list.
        clock: Measures how long a call took.
        max_reply_bytes: A longer answer is an error.
        health: What is known of the provider; None shares it with all models of this process behind the same key.
    """

    def __init__(
        self,
        name: str,
        *,
        api_base: str | None = None,
        api_key: str | None = None,
        price: Price | None = None,
        clock: Clock | None = None,
        max_reply_bytes: int = MAX_REPLY_BYTES,
        health: Health | None = None,
    ) -> None:
        transport = LiteLLMTransport(name, api_base=api_base, api_key=api_key, price=price)
        health = health or SHARED.of(name.partition("/")[0], api_base=api_base, api_key=api_key)
        super().__init__(transport, clock=clock, max_reply_bytes=max_reply_bytes, health=health)
        self._hosted = transport

    def context_tokens(self) -> int | None:
        """How much fits into it, by litellm's map; None where that is unknown."""
        return self._hosted.context_tokens()

    def takes_images(self) -> bool:
        """Whether it looks at images, by litellm's map; an endpoint of the user's own is not in it."""
        return self._hosted.takes_images()

    def bound_tokens(self, request: Request) -> int:
        """An upper bound on the prompt's tokens."""
        thirsty = any(part in self.name for part in THIRSTY)
        return bound_tokens(request, image_tokens=THIRSTY_IMAGE_TOKENS if thirsty else IMAGE_TOKENS)

    async def complete(self, request: Request) -> Reply:
        """Make the call; importing litellm is not part of its deadline.

        Raises:
            MissingKeyError: No call was made.
            ModelError: Nothing usable came back.
        """
        await warm_up()
        return await super().complete(request)

    async def stream(self, request: Request, *, write: Callable[[str], None]) -> Reply:
        """Make the call, and hand over its text as it arrives.

        Raises:
            MissingKeyError: No call was made.
            ModelError: Nothing usable came back.
        """
        await warm_up()
        return await super().stream(request, write=write)


def _per_mtok(per_token: float) -> Decimal:
    return (Decimal(repr(float(per_token))) * 1_000_000).normalize()


@cache
def _one_shot() -> Any:  # noqa: ANN401 - the litellm border
    """The HTTP handler that every answer comes through."""
    from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

    class OneShot(AsyncHTTPHandler):
        """litellm's handler without its hidden second request after a lost connection."""

        async def single_connection_post_request(self, *_: object, **__: object) -> Any:  # noqa: ANN401 - as inherited
            raise LostConnectionError("", "the connection was lost")

    return OneShot
