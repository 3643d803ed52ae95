"""Texts as vectors."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from agora.bench.routing.embedding import embedded
from agora.bench.routing.made import recorded
from agora.bench.routing.vectors import FEATURES, Features, Vectors


class Counting:
    """Embeds by counting letters, and how often it did."""

    name = "letters/1"
    dimensions = 26

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed(self, text: str) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        self.asked.append(text)
        counts = np.array([text.count(chr(97 + n)) for n in range(26)], dtype=np.float32)
        return counts / max(1.0, float(np.linalg.norm(counts)))

    def knows(self, text: str) -> bool:
        return False


def of(texts: Sequence[str], kind: Features) -> Vectors:
    made = np.random.default_rng(1).standard_normal((len(texts), 384)) if kind == "minilm" else None
    return Vectors(texts, kind=kind, embedded=made)


@pytest.mark.parametrize("kind", FEATURES)
def test_every_vector_has_length_one_and_is_the_same_again(kind: Features) -> None:
    texts = recorded(queries=70).texts
    made, again = (of(texts, kind).fitted(np.arange(50)) for _ in range(2))
    assert (made == again).all()
    assert np.allclose(np.linalg.norm(made, axis=1), 1.0)
    assert np.allclose(np.linalg.norm(of(texts, kind).unfitted(), axis=1), 1.0)
    assert made.shape[1] <= 64


def test_an_empty_text_is_a_vector_of_zeros() -> None:
    texts = ["", "fix the test", "find the capital of the country", "a long river"]
    assert not Vectors(texts, kind="svd").fitted(np.arange(4))[0].any()
    assert not Vectors(texts, kind="words").fitted(np.arange(4))[0].any()


def test_texts_that_share_words_are_nearer() -> None:
    texts = ["split the string", "join the string letters", "river and mountain", "mountain and border of the river"]
    x = Vectors(texts, kind="svd").fitted(np.arange(4))
    assert x[0] @ x[1] > x[0] @ x[2]
    assert x[2] @ x[3] > x[1] @ x[3]


def test_what_is_not_fitted_on_changes_nothing() -> None:
    texts = list(recorded(queries=60).texts)
    first = Vectors(texts, kind="svd").fitted(np.arange(40))
    texts[50] = "something else entirely"
    again = Vectors(texts, kind="svd").fitted(np.arange(40))
    assert (first[:50] == again[:50]).all()


def test_a_text_is_embedded_once_and_kept(tmp_path: Path) -> None:
    model = Counting()
    first = embedded(["abc", "abd"], embedder=model, cache=tmp_path)
    again = embedded(["abc", "abd"], embedder=model, cache=tmp_path)
    assert (first == again).all()
    assert model.asked == ["abc", "abd"]


def test_a_torn_cache_is_made_again(tmp_path: Path) -> None:
    model = Counting()
    first = embedded(["abc"], embedder=model, cache=tmp_path)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(kept.read_bytes()[:40])
    assert (embedded(["abc"], embedder=model, cache=tmp_path) == first).all()
    assert model.asked == ["abc", "abc"]


def test_the_directions_are_those_of_the_singular_value_decomposition() -> None:
    x = np.random.default_rng(3).standard_normal((80, 96)) * np.linspace(3.0, 0.1, 96)
    made = Vectors([""] * 80, kind="minilm", embedded=x).fitted(np.arange(80))
    centred = x - x.mean(axis=0)
    right = np.linalg.svd(centred, full_matrices=False)[2][:64]
    exact = centred @ right.T
    exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    assert np.allclose(made @ made.T, exact @ exact.T, atol=0.02)


@pytest.mark.parametrize("kind", FEATURES)
def test_texts_that_nobody_recorded_are_vectors_of_zeros(kind: Features) -> None:
    embedded = np.zeros((6, 384)) if kind == "minilm" else None
    made = Vectors([""] * 6, kind=kind, embedded=embedded)
    assert made.fitted(np.arange(4)).shape == made.unfitted().shape == (6, 64)
    assert not made.fitted(np.arange(4)).any()


def test_texts_outside_the_fitting_part_alone_are_told_apart_by_their_words() -> None:
    made = Vectors(["", "", "a red cup", "a boat at sea"], kind="svd").fitted(np.arange(2))
    assert made[2].any()
    assert (made[2] != made[3]).any()
