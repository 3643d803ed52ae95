"""The second task set as a ladder: five bins of difficulty, laid down before anything was measured on them.

The measure is of the task's structure and of no agent: what has to be done, and for code the number of operations
(calls, operators, comparisons, loops, subscripts) in the one expression that the reference answer returns.

    1  a linter or formatter mends it whole; nothing is to be written
    2  one line is to be found, among thirty-six that say the same of other things
    3  code with two operations
    4  code with three operations
    5  code with four operations or more

Bins 3 to 5 hold functions to be written and bugs to be mended, as they come in the seed's set.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import count, islice
from typing import Final

from benchmarks.variant_tasks import Variant, variants

BINS: Final[tuple[int, ...]] = (1, 2, 3, 4, 5)
"""From the least that is to be done to the most."""

MOST_OF_TWO: Final = 2
"""Operations of bin 3."""
MOST_OF_THREE: Final = 3
"""Operations of bin 4."""

_BLOCK: Final = 40
_MOST_BLOCKS: Final = 100


def operations(answer: str) -> int:
    r"""Operations in the expression that a reference answer returns.

    >>> operations("def feast(value):\n    return value % 4 == 0 and value > 9")
    4
    """
    returned = [node.value for node in ast.walk(ast.parse(answer)) if isinstance(node, ast.Return)]
    return sum(_operations(node) for value in returned if value is not None for node in ast.walk(value))


def bin_of(variant: Variant) -> int:
    """Which bin a task belongs to."""
    if variant.task.skill in ("lint", "format"):
        return 1
    if variant.task.skill == "question":
        return 2
    asked = operations(variant.answer)
    return 3 if asked <= MOST_OF_TWO else 4 if asked <= MOST_OF_THREE else 5


def ladder(seed: int, each: int) -> list[tuple[int, Variant]]:
    """The first tasks of every bin in a seed's set, in the order of the set.

    Args:
        seed: Of the set.
        each: How many of every bin.
    """
    left: dict[int, int] = dict.fromkeys(BINS, each)
    chosen: list[tuple[int, Variant]] = []
    for variant in _endless(seed):
        place = bin_of(variant)
        if left[place]:
            left[place] -= 1
            chosen.append((place, variant))
        if not any(left.values()):
            break
    return chosen


def stream(seed: int, n: int) -> list[tuple[int, Variant]]:
    """The first n tasks of a seed's set, each with its bin: the mix as it comes."""
    return [(bin_of(variant), variant) for variant in islice(_endless(seed), n)]


def _endless(seed: int) -> Iterator[Variant]:
    """The set of a seed, as far as anybody asks for it, up to a cap."""
    done = 0
    for block in islice(count(1), _MOST_BLOCKS):
        yield from variants(seed, block * _BLOCK)[done:]
        done = block * _BLOCK


def _operations(node: ast.AST) -> int:
    if isinstance(node, ast.Call | ast.BinOp | ast.Subscript | ast.comprehension):
        return 1
    if isinstance(node, ast.Compare):
        return len(node.ops)
    return len(node.values) - 1 if isinstance(node, ast.BoolOp) else 0
