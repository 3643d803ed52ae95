"""What each player of a coalition game adds: leave-one-out, and Shapley values, exact or sampled with their error.

The Shapley value (Shapley, "A value for n-person games", 1953) is the only division of what all reach together that is
efficient (it adds up to that), symmetric, gives nothing to whoever adds nothing, and is additive over games. It is a
player's mean marginal contribution over all orders of joining. For many players orders are drawn (Castro, Gomez and
Tejada, "Polynomial calculation of the Shapley value based on sampling", 2009), each with its reverse (Mitchell et al.,
2022), so that the two errors partly cancel; the standard error is that of the means of these pairs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple, TypeAlias

from agora.protocols import Chance

MOST_EXACT: Final = 12
"""So many players at most are credited exactly: 4,096 coalitions."""
PAIRS: Final = 100
"""So many orders are drawn, each with its reverse, where there are more players."""

Worth: TypeAlias = tuple[float, ...]
"""What a coalition reaches, in several measures at once."""
Game: TypeAlias = Callable[[frozenset[str]], Worth]
"""Coalition -> worth; nobody is worth nothing."""


class Credits(NamedTuple):
    """What each player adds."""

    values: Mapping[str, Worth]
    """Player -> its Shapley value in each measure."""
    errors: Mapping[str, Worth]
    """Player -> standard error of that; 0 where it is exact."""
    orders: int
    """How many orders were drawn; 0: it is exact."""


def left_out(players: Sequence[str], game: Game) -> dict[str, Worth]:
    """What all reach together, less what they reach without a player.

    >>> left_out(["ada", "bob"], lambda some: (float("ada" in some),))
    {'ada': (1.0,), 'bob': (0.0,)}
    """
    everyone = frozenset(players)
    whole = game(everyone)
    return {player: _less(whole, game(everyone - {player})) for player in players}


def credited(players: Sequence[str], game: Game, *, chance: Chance, most_exact: int = MOST_EXACT) -> Credits:
    """Shapley values: exact for few players, sampled for more.

    Args:
        players: Without repetition; their order changes nothing but which orders are drawn.
        game: What coalitions are worth.
        chance: Draws the orders, by labels.
        most_exact: The most players that are credited exactly.
    """
    if len(players) <= most_exact:
        values = shapley(players, game)
        return Credits(values, {player: tuple(0.0 for _ in values[player]) for player in players}, 0)
    return sampled(players, game, chance=chance)


def shapley(players: Sequence[str], game: Game) -> dict[str, Worth]:
    """Exact values: every coalition is looked at once.

    >>> shapley(["ada", "bob"], lambda some: (float(len(some) == 2),))
    {'ada': (0.5,), 'bob': (0.5,)}
    """
    count = len(players)
    weights = [1 / (count * math.comb(count - 1, size)) for size in range(count)]
    known = [game(frozenset(_members(players, mask))) for mask in range(1 << count)]
    sums: dict[str, list[list[float]]] = {player: [[] for _ in known[0]] for player in players}
    for mask, before in enumerate(known):
        weight = weights[mask.bit_count()] if mask.bit_count() < count else 0.0
        for place, player in enumerate(players):
            if not mask >> place & 1:
                for terms, more in zip(sums[player], _less(known[mask | 1 << place], before), strict=True):
                    terms.append(weight * more)
    return {player: tuple(map(math.fsum, terms)) for player, terms in sums.items()}


def sampled(players: Sequence[str], game: Game, *, chance: Chance, pairs: int = PAIRS) -> Credits:
    """Means over drawn orders, each with its reverse, and their standard errors.

    Args:
        players: Without repetition.
        game: What coalitions are worth.
        chance: Draws the orders, by labels.
        pairs: How many orders are drawn, 2 or more.
    """
    worth = cache(game)
    drawn: dict[str, list[Worth]] = {player: [] for player in players}
    for pair in range(pairs):
        order = sorted(players, key=dict(zip(players, _draws(chance, pair, len(players)), strict=True)).__getitem__)
        there, back = _marginals(order, worth), _marginals(order[::-1], worth)
        for player in players:
            drawn[player].append(tuple((one + two) / 2 for one, two in zip(there[player], back[player], strict=True)))
    values = {
        player: tuple(math.fsum(one) / pairs for one in zip(*rows, strict=True)) for player, rows in drawn.items()
    }
    errors = {player: _errors(rows, values[player]) for player, rows in drawn.items()}
    return Credits(values, errors, 2 * pairs)


def added(worths: Sequence[Worth], *, size: int) -> Worth:
    """The sum of worths, measure by measure.

    >>> added([(1.0, 2.0), (3.0, 4.0)], size=2)
    (4.0, 6.0)
    """
    return tuple(math.fsum(worth[place] for worth in worths) for place in range(size))


def _draws(chance: Chance, pair: int, count: int) -> list[float]:
    return [chance.uniform(f"credit/{pair}/{place}") for place in range(count)]


def _marginals(order: Sequence[str], worth: Game) -> dict[str, Worth]:
    """What each adds when all join in an order."""
    here: frozenset[str] = frozenset()
    before, added_by = worth(here), dict[str, Worth]()
    for player in order:
        here |= {player}
        after = worth(here)
        added_by[player], before = _less(after, before), after
    return added_by


def _errors(rows: Sequence[Worth], means: Worth) -> Worth:
    count = len(rows)
    squares = (math.fsum((row[place] - mean) ** 2 for row in rows) for place, mean in enumerate(means))
    return tuple(math.sqrt(square / (count - 1) / count) for square in squares)


def _members(players: Sequence[str], mask: int) -> list[str]:
    return [player for place, player in enumerate(players) if mask >> place & 1]


def _less(one: Worth, other: Worth) -> Worth:
    return tuple(more - less for more, less in zip(one, other, strict=True))
