"""Queries that are nearly the same share a fold."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from agora.bench.routing.twins import ALIKE, twins

FORM = "Say A or B only, without a reason. Answer:"


def test_a_question_with_a_word_changed_is_its_twin_over_any_number_of_steps() -> None:
    texts = [
        f"the trophy did not fit into the case since it was too large. {FORM}",
        f"who wrote the first letter of this very long book? {FORM}",
        f"the trophy did not fit into the case since it was too small. {FORM}",
        f"The trophy did not fit into the box since it was too small! {FORM}",
        *(f"question number {n} about the weather in town {n * 7} {FORM}" for n in range(8)),
    ]
    assert twins(texts)[:4] == [0, 1, 0, 0]


def test_a_form_that_all_share_makes_no_twins() -> None:
    texts = [f"{FORM} colour {n} shape {n * 3} size {n * 5} place {n * 11}" for n in range(1, 20)]
    assert twins(texts) == list(range(19))


def test_short_texts_and_missing_ones_are_nobody_s_twins() -> None:
    assert twins(["", "", "yes no", "yes no"]) == [0, 1, 2, 3]


def test_every_pair_that_is_alike_is_found() -> None:
    rng = np.random.default_rng(5)
    base = [[f"w{int(n)}" for n in rng.permutation(200)[:8]] for _ in range(12)]
    made = [
        " ".join([*one[: 8 - cut], *(f"x{number}{k}" for k in range(cut))])
        for number, one in enumerate(base)
        for cut in (0, 1, 3)
    ]
    found = twins(made)
    for one, other in combinations(range(len(made)), 2):
        a, b = set(made[one].split()), set(made[other].split())
        if len(a & b) >= ALIKE * len(a | b):
            assert found[one] == found[other]
