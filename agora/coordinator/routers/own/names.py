"""What is declared of arms before anybody has tried them: words of size, versions, parameters, families, prices.

Nothing here is trusted: it moves where a belief begins, and a few outcomes outweigh it. What a name says is read off
the key that a record is kept by, which holds the operator's model and never the agent's own name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix, Vector

SIZES: Final = {
    **dict.fromkeys(("nano", "tiny"), -2.0),
    **dict.fromkeys(("mini", "small", "lite", "instant", "flash", "haiku", "nemo", "air"), -1.0),
    **dict.fromkeys(("large", "pro", "plus", "opus", "ultra", "max"), 1.0),
}
"""Words that makers use for the size of a model, in steps."""
_WORD: Final = re.compile(r"[a-z]+|\d+(?:\.\d+)?")
_DATE: Final = re.compile(r"\d{4,}|0\d+")
_PARAMETERS: Final = re.compile(r"(?:(\d+)x)?(\d+(?:\.\d+)?)b\b")
_SIZED: Final = re.compile(r"\d+x\d+(?:\.\d+)?b?|a?\d+(?:\.\d+)?b\b")
_VERSION: Final = re.compile(r"(?<![\d.])(\d)(?:[.-](\d))?(?![\d.bx])")
_MOST_BILLIONS: Final = 600.0


class Declared(NamedTuple):
    """What the names and prices of several arms say together; not to be written."""

    alike: Matrix
    """How much of their names two arms share, 1 with itself, (m, m)."""
    size: Vector
    """Steps of size by the words in a name, (m,)."""
    strength: Matrix
    """Signs of strength, each centred and scaled over the arms, 0 where nothing is said: size, version, parameters,
    price, (m, 4)."""


def words_of(key: str) -> frozenset[str]:
    """Words and numbers of the last part of a key, without dates.

    >>> sorted(words_of("openai/GPT-4o-mini-2024-07-18"))
    ['18', '4', 'gpt', 'mini', 'o']
    """
    return frozenset(word for word in _WORD.findall(_last(key)) if not _DATE.fullmatch(word))


def version_of(key: str) -> float:
    """The first number that looks like a version; NaN where none does.

    >>> version_of("claude-3-5-sonnet-20240620"), version_of("llama-2-70b-chat")
    (3.5, 2.0)
    """
    found = _VERSION.search(_SIZED.sub("", _last(key)))
    return float(f"{found[1]}.{found[2] or '0'}") if found else float("nan")


def billions_of(key: str) -> float:
    """Parameters in billions; NaN where a name does not say.

    >>> billions_of("mistralai/Mixtral-8x7B-chat")
    56.0
    """
    found = _PARAMETERS.search(_last(key))
    return float(found[1] or 1) * float(found[2]) if found else float("nan")


def declared(keys: Sequence[str], cost: Vector) -> Declared:
    """What is declared of these arms.

    Args:
        keys: What each record is kept by, (m,).
        cost: What a query is declared to cost; NaN: nothing is, (m,).
    """
    return _declared(tuple(keys), cost.tobytes())


@lru_cache(maxsize=16)
def _declared(keys: tuple[str, ...], prices: bytes) -> Declared:
    """Reckoned once for the same arms."""
    import numpy as np

    cost = np.frombuffer(prices)
    words = [words_of(key) for key in keys]
    every = sorted({word for own in words for word in own})
    has = np.array([[word in own for word in every] for own in words], dtype=np.float64).reshape(len(keys), -1)
    has = has[:, has.sum(axis=0) < len(keys)]  # what all share tells nobody apart
    has /= np.sqrt(np.maximum((has**2).sum(axis=1, keepdims=True), 1.0))
    size = np.array([sum(SIZES.get(word, 0.0) for word in own) for own in words])
    with np.errstate(invalid="ignore", divide="ignore"):
        billions = np.log(np.minimum([billions_of(key) for key in keys], _MOST_BILLIONS))
        price = np.where(cost > 0, np.log(cost), np.nan)
    signs = (size, np.array([version_of(key) for key in keys]), billions, price)
    alike = has @ has.T
    np.fill_diagonal(alike, 1.0)
    return Declared(alike, size, np.stack([_scaled(sign) for sign in signs], axis=1))


def _last(key: str) -> str:
    """The model in a key: `provider/model hash` has it after the last slash, before the hash."""
    return key.lower().split(" ")[0].rsplit("/", 1)[-1]


def _scaled(values: Vector) -> Vector:
    """Centred and scaled over those that are known; zeros where fewer than three are, or all are equal."""
    import numpy as np

    known = np.isfinite(values)
    if known.sum() < 3 or float(values[known].std()) < 1e-9:
        return np.zeros(len(values))
    scaled: Vector = (values - values[known].mean()) / values[known].std()
    return np.where(known, scaled, 0.0)
