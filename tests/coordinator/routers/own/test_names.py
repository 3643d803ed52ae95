"""What names say: words of size, versions, parameters, and how much two share."""

from __future__ import annotations

import math

import numpy as np
import pytest

from agora.coordinator.routers.own.names import billions_of, declared, version_of, words_of

NOTHING = np.full(3, np.nan)


@pytest.mark.parametrize(
    ("key", "version"),
    [
        ("openai/gpt-4o-mini-2024-07-18", 4.0),
        ("claude-3-5-sonnet-20240620", 3.5),
        ("claude-opus-4-5-20251101", 4.5),
        ("gemini-2.5-flash", 2.5),
        ("mistralai/mixtral-8x7b-chat", math.nan),
        ("qwen2.5-72b-instruct", 2.5),
        ("expert-8x7", math.nan),
        ("plain", math.nan),
    ],
)
def test_a_version_is_no_date_and_no_size(key: str, version: float) -> None:
    assert version_of(key) == pytest.approx(version, nan_ok=True)


@pytest.mark.parametrize(
    ("key", "billions"),
    [("x/Mixtral-8x7B", 56.0), ("llama-3.1-8b", 8.0), ("phi-0.5b", 0.5), ("gpt-4", math.nan), ("bob", math.nan)],
)
def test_parameters_are_read_where_a_name_has_them(key: str, billions: float) -> None:
    assert billions_of(key) == pytest.approx(billions, nan_ok=True)


def test_only_the_model_of_a_key_is_read() -> None:
    assert words_of("mini-maker/Large-Model 9f3c-mini") == {"large", "model"}


def test_names_are_alike_by_the_words_that_not_all_share() -> None:
    said = declared(["swift-mini-chat", "swift-large-chat", "brick-chat"], NOTHING)
    assert said.alike.diagonal().tolist() == pytest.approx([1.0, 1.0, 1.0])
    assert said.alike[0, 1] == pytest.approx(0.5)
    assert said.alike[0, 2] == 0.0
    assert said.size.tolist() == [-1.0, 1.0, 0.0]


def test_signs_are_centred_over_those_that_say_something_and_are_nothing_where_fewer_than_three_do() -> None:
    said = declared(["a-7b", "b-70b", "c"], np.array([1.0, 2.0, 4.0]))
    assert (said.strength[:, 2] == 0.0).all()
    np.testing.assert_allclose(said.strength[:, 3], [-np.sqrt(1.5), 0.0, np.sqrt(1.5)], atol=1e-12)


def test_the_unit_of_a_price_does_not_matter_and_a_price_of_nothing_says_nothing() -> None:
    keys, cost = ["a", "b", "c", "d"], np.array([1.0, 2.0, 4.0, 0.0])
    said = declared(keys, cost)
    np.testing.assert_allclose(declared(keys, cost * 1e-6).strength, said.strength, atol=1e-9)
    assert said.strength[3, 3] == 0.0


def test_names_of_nothing_are_borne() -> None:
    assert np.isfinite(declared(["", "//", "--- "], NOTHING).alike).all()
