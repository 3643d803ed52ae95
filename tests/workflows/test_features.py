"""Figures of a plan's graph."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given

from agora.errors import ConfigError
from agora.workflows.features import EXACT_UP_TO, Subtask, checked, exact_width, features, heaviest_after
from plans import chain, dense, diamond, fan, graphs, plan


def _reach(subtasks: list[Subtask]) -> dict[str, set[str]]:
    """Whom each waits for, near or far."""
    by_name = {one.id: one for one in subtasks}

    def behind(name: str) -> set[str]:
        needed = by_name[name].depends_on
        return set(needed).union(*(behind(earlier) for earlier in needed))

    return {name: behind(name) for name in by_name}


def test_a_diamond_is_measured() -> None:
    found = features(checked(diamond(coupling="strong")))
    assert (found.nodes, found.edges, found.layer_width, found.exact_width, found.depth) == (4, 4, 2, 2, 3)
    assert found.coupling == pytest.approx(0.7)
    assert found.parallelism == 0.5


def test_the_heaviest_path_is_by_tokens_not_by_subtasks() -> None:
    plan_ = [
        Subtask(id="a", estimated_tokens=10),
        Subtask(id="b", depends_on=("a",), estimated_tokens=10),
        Subtask(id="c", depends_on=("b",), estimated_tokens=10),
        Subtask(id="big", estimated_tokens=100),
    ]
    assert features(checked(plan_)).heaviest_tokens == 100
    assert heaviest_after(checked(plan_), [10, 10, 10, 100]) == [30, 20, 10, 100]


def test_the_exact_width_is_more_than_the_widest_layer_where_layers_mislead() -> None:
    long_and_fan = plan({"a": "", "b": "a", "c": "b", "x": "", "p": "x", "q": "p", "r": "p"})
    found = features(checked(long_and_fan))
    assert (found.layer_width, found.exact_width) == (3, 3)
    uneven = plan({"a": "", "b": "", "c": "a", "d": "a"})  # b, c and d never wait for each other
    found = features(checked(uneven))
    assert (found.layer_width, found.exact_width) == (2, 3)


def test_the_exact_width_counts_whoever_waits_through_others() -> None:
    crossing = plan({"a": "", "b": "", "m": "ab", "c": "m", "d": "m"})  # two paths share m
    assert features(checked(crossing)).exact_width == 2


@given(subtasks=graphs(most=9))
def test_the_exact_width_is_the_largest_set_of_which_none_waits_for_another(subtasks: list[Subtask]) -> None:
    reach = _reach(subtasks)

    def free(some: tuple[str, ...]) -> bool:
        return not any(one in reach[other] or other in reach[one] for one, other in combinations(some, 2))

    largest = max(size for size in range(1, len(reach) + 1) if any(map(free, combinations(reach, size))))
    assert exact_width(checked(subtasks)) == largest
    assert features(checked(subtasks)).layer_width <= largest


@given(subtasks=graphs())
def test_neither_names_nor_their_order_move_a_figure(subtasks: list[Subtask]) -> None:
    renamed = [
        one.model_copy(update={"id": f"x{one.id}", "depends_on": tuple(f"x{name}" for name in one.depends_on)})
        for one in reversed(subtasks)
    ]
    assert features(checked(renamed)) == features(checked(subtasks))


def test_the_exact_width_is_left_out_of_large_graphs() -> None:
    assert features(checked(fan(EXACT_UP_TO - 1))).exact_width == EXACT_UP_TO - 1
    found = features(checked(fan(EXACT_UP_TO)))
    assert found.exact_width is None
    assert found.width == found.layer_width == EXACT_UP_TO


def test_chains_and_dense_graphs_are_measured() -> None:
    assert features(checked(chain(150))).width == 1
    assert features(checked(dense(200))).width == 100


def test_a_cycle_is_refused_and_printed() -> None:
    with pytest.raises(
        ConfigError, match=r"wait for each other: (b -> c -> d -> b|c -> d -> b -> c|d -> b -> c -> d):"
    ):
        checked(plan({"a": "", "b": "ad", "c": "b", "d": "c", "e": "d"}))


def test_a_subtask_that_waits_for_itself_is_a_cycle() -> None:
    with pytest.raises(ConfigError, match="a -> a"):
        checked(plan({"a": "a"}))


def test_a_long_cycle_is_cut_short() -> None:
    ring = [Subtask(id=f"s{number}", depends_on=(f"s{(number - 1) % 500}",)) for number in range(500)]
    with pytest.raises(ConfigError, match="more"):
        checked(ring)


def test_broken_plans_are_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="no subtasks"):
        checked([])
    with pytest.raises(ConfigError, match="two subtasks have the id 'a'"):
        checked([Subtask(id="a"), Subtask(id="a")])
    with pytest.raises(ConfigError, match="'c' depends on 'ghost'"):
        checked([Subtask(id="a"), Subtask(id="c", depends_on=("ghost",))])


def test_a_predecessor_stated_twice_is_one_edge() -> None:
    twice = [Subtask(id="a"), Subtask(id="b", depends_on=("a", "a"))]
    assert features(checked(twice)).edges == 1
