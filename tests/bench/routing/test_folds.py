"""Who is fitted on and who is measured on."""

import numpy as np

from agora.bench.routing.folds import fold_of, folds
from agora.bench.routing.made import recorded
from agora.bench.routing.slices import dense


def test_every_query_is_measured_once_and_never_where_it_was_fitted_on() -> None:
    ids = recorded(queries=200).ids
    found = folds(ids)
    assert sorted(int(place) for fold in found for place in fold.measured) == list(range(200))
    for fold in found:
        assert not set(fold.measured) & set(fold.fitting)
        assert sorted([*fold.inner, *fold.setting]) == sorted(fold.fitting)


def test_a_query_is_in_the_same_fold_whatever_else_there_is() -> None:
    whole = dense(recorded(queries=60))
    part = whole.part(range(0, 60, 2))
    for fold in folds(part.ids):
        numbers = {fold_of(part.ids[int(place)]) for place in fold.measured}
        assert len(numbers) == 1


def test_few_queries_are_each_measured_once_too_and_fewer_than_five_not_at_all() -> None:
    for n in range(40):
        found = folds([f"q{at}" for at in range(n)])
        assert len(found) == (5 if n >= 5 else 0)
        if found:
            assert sorted(int(place) for fold in found for place in fold.measured) == list(range(n))
        for fold in found:
            assert all(np.size(part) for part in fold)


def test_queries_that_are_nearly_the_same_are_in_the_same_part() -> None:
    ids = [f"q{n}" for n in range(60)]
    texts = [f"ask{n // 2} why{n // 2} car{n // 2} town{n // 2} year{n // 2} is so{n}" for n in range(60)]
    assert sum(fold_of(one) != fold_of(other) for one, other in zip(ids[::2], ids[1::2], strict=True)) > 10
    for fold in folds(ids, texts):
        assert {int(place) // 2 for place in fold.measured}.isdisjoint(int(place) // 2 for place in fold.fitting)
