"""Many different goals for the benchmark of recall, and their embeddings, kept in a folder between runs.

Without files, goals are drawn from a small grammar of the usual kinds: a function to write, a bug to mend, a word
problem, a question to search for. With files (JSON lines with a `question`, `prompt`, `problem` or `goal`), they are
the texts of the files, and then variants: numbers and names drawn anew, or two sentences of two texts. Every draw is
SHA-256 of a seed and a label.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import count, islice
from pathlib import Path
from typing import Final

import numpy as np

from agora.memory.embeddings import Embedder
from agora.memory.vectors import Matrix

MOST_CHARS: Final = 160
"""A goal's longest text here: longer ones are cut at a sentence, so that a hundred thousand embed in minutes."""
_FIELDS = ("question", "prompt", "problem", "goal")
_BLOCK = 1000

_NAMES = ("Ada", "Boris", "Chen", "Divya", "Elena", "Farid", "Grace", "Hugo", "Ines", "Jonas", "Keiko", "Liam", "Mona")
_THINGS = ("apples", "tickets", "bolts", "letters", "candles", "bicycles", "pages", "tiles", "stamps", "bottles")
_PLACES = ("Lisbon", "Oslo", "Quito", "Nairobi", "Kyoto", "Cracow", "Perth", "Tunis", "Lima", "Ghent", "Izmir", "Riga")
_DATA = (
    "a CSV file",
    "a nested dictionary",
    "a log file",
    "two strings",
    "a binary tree",
    "a JSON document",
    "a matrix",
)
_ACTS = ("sort", "merge", "validate", "parse", "flatten", "reverse", "compress", "filter", "split", "rotate", "search")
_MODULES = ("parser", "scheduler", "cache", "router", "tokenizer", "exporter", "mailer", "ledger", "uploader", "search")
_FAULTS = ("crashes on empty input", "loses the last line", "ignores the time zone", "is off by one", "rounds wrongly")
_ROLES = ("mayor", "founder", "architect", "director", "first settler", "best-known painter", "chief engineer")


class Draws:
    """Draws by label, the same for the same seed."""

    def __init__(self, seed: int, label: str) -> None:
        self._label, self._count = f"{seed}/{label}", 0

    def below(self, most: int) -> int:
        """A whole number in [0, most)."""
        self._count += 1
        return int.from_bytes(_digest(f"{self._label}/{self._count}")[:8]) % most

    def of(self, choices: Sequence[str]) -> str:
        """One of some texts."""
        return choices[self.below(len(choices))]


def goals(number: int, files: Iterable[Path], *, seed: int) -> list[str]:
    """So many different goals; fewer are the beginning of more.

    Args:
        number: How many.
        files: JSON lines; none: goals are drawn from the grammar.
        seed: Of every draw.
    """
    real = sorted({text for file in files for text in _texts(file)})
    made = _variants(real, seed) if real else (_made(Draws(seed, str(place))) for place in count())
    chosen = dict.fromkeys(sorted(real, key=lambda text: _digest(f"{seed}/{text}"))[:number])
    while len(chosen) < number:
        chosen[next(made)] = None
    return list(chosen)


def embedded(texts: Sequence[str], embedder: Embedder, *, cache: Path) -> Matrix:
    """The embeddings of texts, (texts, dimensions); blocks that an earlier run has made are read."""
    cache.mkdir(parents=True, exist_ok=True)
    blocks: list[Matrix] = []
    for start in range(0, len(texts), _BLOCK):
        block = texts[start : start + _BLOCK]
        named = _digest("\0".join((embedder.name, *block))).hex()[:24]
        file = cache / f"{named}.npy"
        if not file.exists():
            part = file.with_suffix(".part.npy")
            np.save(part, np.stack([embedder.embed(text) for text in block]))
            part.replace(file)
        blocks.append(np.load(file))
    return np.concatenate(blocks)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _texts(file: Path) -> Iterator[str]:
    with gzip.open(file, "rt") if file.suffix == ".gz" else file.open() as lines:
        for line in lines:
            record = json.loads(line)
            text = next((str(record[name]) for name in _FIELDS if record.get(name)), "")
            if len(short := _cut(" ".join(text.split()))) >= 20 and short.isascii():  # the model knows English
                yield short


def _cut(text: str) -> str:
    if len(text) <= MOST_CHARS:
        return text
    ends = [found.end() for found in re.finditer(r"[.?!:] ", text[:MOST_CHARS])]
    return text[: ends[-1] if ends and ends[-1] >= 40 else MOST_CHARS].strip()


def _variants(real: Sequence[str], seed: int) -> Iterator[str]:
    names = sorted(
        {name for text in islice(real, 0, None, 7) for name in re.findall(r"(?<=[a-z] )[A-Z][a-z]{3,}", text)}
    )
    return (_variant(real, names, Draws(seed, str(place))) for place in count())


def _variant(real: Sequence[str], names: Sequence[str], draws: Draws) -> str:
    text = re.sub(r"\d+", lambda found: str(1 + draws.below(10 ** len(found[0]))), draws.of(real))
    text = re.sub(r"(?<=[a-z] )[A-Z][a-z]{3,}", lambda _: draws.of(names), text) if names else text
    if draws.below(2):
        text = f"{_head(draws.of(real))}; {_head(text)}"
    return _cut(text)


def _head(text: str) -> str:
    return text[: MOST_CHARS // 2].rsplit(" ", 1)[0]


def _made(draws: Draws) -> str:
    kind, name, other = draws.below(4), draws.of(_NAMES), draws.of(_NAMES)
    act, data, module, place = draws.of(_ACTS), draws.of(_DATA), draws.of(_MODULES), draws.of(_PLACES)
    few, many = draws.below(90) + 2, draws.below(900) + 100
    if kind == 0:
        return f"Write a function that takes {data} and {draws.of(_DATA)}, to {act} the first; at most {few} lines."
    if kind == 1:
        return f"The {module} {draws.of(_FAULTS)} when it has to {act} {data}: find the cause in {module}_{few}.py."
    if kind == 2:
        things = draws.of(_THINGS)
        return f"{name} has {few} {things} and {other} buys {many} in {place}. How many {draws.of(_THINGS)} is that?"
    return (
        f"Who was the {draws.of(_ROLES)} of {place} in {1000 + many}, and was {name} of {draws.of(_PLACES)} a relative?"
    )
