"""When not to hold an auction: what bids are expected to bring, against what bidding costs (Howard, 1966).

Everything is in shares of the stake, the reserve: what a pass may cost at most, taken as what it is worth. An agent's
chance p to pass is known from its record as Beta(1 + passed, 1 + failed), and u = value x p - cost is what the task
brings with it.

    without bids   the price is posted to the favourite:     max_i E[u_i]
    with bids      at best they tell every p before the award:  E[max_i u_i]
    the gain       the difference, >= 0

So the gain is an upper bound: an auction is left out only where even bids that tell everything would not pay. `signal`
takes that down to what bids were measured to tell. `alike` bounds how much a record says of the next task: with
endless records of tasks that differ, agents of equal standing would otherwise never be worth comparing again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import lru_cache
from itertools import accumulate
from typing import Final, Literal, NamedTuple

from agora.auctions.ranking import amount_share, tie_hash
from agora.bids import Amount, Reserve, Standing
from agora.errors import ConfigError
from agora.records import AgentRecord
from agora.values import Value

CAP = 0.05
"""Bids and jury together cost at most this share of the stake."""
CAP_LONG = 0.01
"""The same for a long task."""
LONG_TOKENS = 100_000
"""From here on a task is long."""
LEARNED = 10
"""From so many verified attempts on a skill on, the cap is held against the dollars that were spent."""
MOST_BIDDERS = 64
"""No more are asked, whatever the size of the pool."""

_CELLS: Final = 256


class Contender(Value):
    """An agent that could bid."""

    agent: str
    """Its name."""
    lot: str = ""
    """What draws between equals go by, whatever its name is; empty: the name."""
    standing: Standing = Standing()
    """What the market knows of it."""
    asked: Amount
    """What the work is expected to cost by its posted price; its mean on record goes before."""
    bidding: Amount = Amount(value=Decimal(0))
    """What its bid costs, with the jury's reading of it."""


class Worth(Value):
    """Whether an auction pays, and who is asked."""

    how: Literal["auction", "post"]
    """Bids are called for, or the task is offered to one agent at its posted price."""
    agents: tuple[str, ...]
    """Who bids, the favourite first; or the one it is offered to; nobody where no expected cost can be covered."""
    gain: float
    """What the bids of the best pool are expected to bring over the favourite alone, in shares of the stake."""
    bidding: float
    """What they cost, in shares of the stake."""
    reason: str
    """One sentence with both figures."""


def cap_for(tokens: int | None) -> float:
    """The cap on bidding for a task of so many tokens: 1 % from 100,000 on, else 5 %.

    >>> cap_for(None), cap_for(250_000)
    (0.05, 0.01)
    """
    return CAP_LONG if tokens is not None and tokens >= LONG_TOKENS else CAP


def cap_on(records: Iterable[AgentRecord], *, share: float, reserve: Reserve) -> float:
    """The most that bidding for one task may cost, in shares of the stake.

    A share of the stake, while little is known. From `LEARNED` attempts on, the same share of all dollars that the
    skill's tasks took: what was spent on attempts must stand for what was spent on bids, so that auctions become as
    rare as it takes. Where no dollars are spent the share of the stake stays: the time of this machine costs none.

    Args:
        records: Of all agents on the skill.
        share: Of bidding in all dollars, in [0, 1).
        reserve: The stake.

    >>> record = AgentRecord("acme", "scout", "python", 19, 9, 1, 1, 1, 1, "19", 6.0, bidding_usd="0.5")
    >>> cap_on([record], share=0.05, reserve=Reserve(usd=Decimal(25)))
    0.02
    """
    known = list(records)
    spent = sum((Decimal(record.usd) for record in known), Decimal(0))
    if sum(record.tried for record in known) < LEARNED or not spent or not reserve.usd:
        return share
    bidding = sum((Decimal(record.bidding_usd) for record in known), Decimal(0))
    odds = Decimal(str(share)) / (1 - Decimal(str(share)))
    return max(0.0, min(share, float((odds * spent - bidding) / reserve.usd)))


def worth_of(
    contenders: Sequence[Contender],
    *,
    reserve: Reserve,
    seed: int,
    value: float = 1.0,
    cap: float = CAP,
    alike: float = 50.0,
    signal: float = 1.0,
) -> Worth:
    """Hold an auction, among all or fewer, or post a price to one agent.

    The favourite is the agent with the highest expected u. The pools that are looked at hold it and the m others that
    could bring most (mean plus one standard deviation of u), or it and any one other; which they are does not depend on
    what bids cost, so cheaper bidding never turns an auction into a post. Of those whose bidding is within the cap the
    one with the highest gain after bidding is taken, if that is above 0. A pool that is too dear to ask as a whole is
    thus asked in part, and where even two bids are above the cap, the price is posted.

    Args:
        contenders: Who may bid, each once, in any order.
        reserve: The stake, in each unit.
        seed: Of the lot between equals.
        value: What a pass is worth, in shares of the reserve, > 0.
        cap: The most that bidding may cost, in shares of the reserve, in [0, 1].
        alike: The most attempts that a record counts for, in (0, 1000].
        signal: How much of the spread (standard deviation) of p is known once the bids are read, in [0, 1].

    Raises:
        ConfigError: A setting is out of its range.
    """
    settings = {
        "value": (value, 1e-9, 1e9),
        "cap": (cap, 0.0, 1.0),
        "alike": (alike, 1e-9, 1e3),
        "signal": (signal, 0.0, 1.0),
    }
    for name, (given, least, most) in settings.items():
        if not least <= given <= most:
            raise ConfigError(f"worth of an auction: {name}", f"{given!r} must be from {least:g} to {most:g}")
    beliefs = [_belief(one, reserve, value=value, alike=alike) for one in contenders]
    able = [one for one in beliefs if math.isfinite(one.cost) and math.isfinite(one.bidding)]
    if not able:
        return Worth(how="post", agents=(), gain=0.0, bidding=0.0, reason="the reserve covers nobody's expected cost")
    favourite = min(able, key=lambda one: (-one.mean, one.cost, tie_hash(seed, one.lot)))
    alone = f"{favourite.agent!r} alone is expected to bring {favourite.mean:.4f} of the stake"
    others = sorted(
        (one for one in able if one is not favourite),
        key=lambda one: (-(one.mean + value * signal * one.spread), one.cost, tie_hash(seed, one.lot)),
    )[: MOST_BIDDERS - 1]
    pools = _pools(favourite, others, scale=value * signal)
    within = [pool for pool in pools if pool.bidding <= cap]
    if not pools:
        pool, why = _Pool((favourite.agent,), 0.0, 0.0), "there is nobody else to ask"
    elif not within:
        pool = min(pools, key=lambda pool: pool.bidding)
        why = f"{_figures(pool)}, above the cap of {cap:.4f}"
    else:
        pool = max(within, key=lambda pool: pool.gain - pool.bidding)
        why = _figures(pool)
    hold = bool(within) and pool.gain > pool.bidding
    return Worth(
        how="auction" if hold else "post",
        agents=pool.agents if hold else (favourite.agent,),
        gain=pool.gain,
        bidding=pool.bidding,
        reason=f"{'auction' if hold else 'posted price'}: {alone}; {why}",
    )


class _Belief(NamedTuple):
    """What is known of an agent before it bids; chances are Beta(a, b)."""

    agent: str
    lot: str
    cost: float
    bidding: float
    a: float
    b: float
    value: float

    @property
    def chance(self) -> float:
        """Mean of p."""
        return self.a / (self.a + self.b)

    @property
    def mean(self) -> float:
        """Mean of u."""
        return self.value * self.chance - self.cost

    @property
    def spread(self) -> float:
        """Standard deviation of p."""
        return math.sqrt(self.a * self.b / (self.a + self.b + 1.0)) / (self.a + self.b)


class _Pool(NamedTuple):
    agents: tuple[str, ...]
    gain: float
    bidding: float


def _belief(one: Contender, reserve: Reserve, *, value: float, alike: float) -> _Belief:
    known, tried = one.standing, one.standing.tried
    passed = min(max(known.success * (tried + 2) - 1.0, 0.0), float(tried))  # as its posterior mean says, decay and all
    counted = min(1.0, alike / tried) if tried else 1.0
    return _Belief(
        agent=one.agent,
        lot=one.lot or one.agent,
        cost=_expected_share(one, reserve),
        bidding=amount_share(one.bidding, reserve),
        a=1.0 + passed * counted,
        b=1.0 + (tried - passed) * counted,
        value=value,
    )


def _expected_share(one: Contender, reserve: Reserve) -> float:
    """What an attempt is expected to cost, as a share of the stake: its mean on record, or what is asked."""
    on_record = one.standing.usd if one.asked.unit == "usd" else one.standing.seconds
    expected = one.asked if on_record is None else Amount(value=Decimal(str(on_record)), unit=one.asked.unit)
    return amount_share(expected, reserve)


def _pools(favourite: _Belief, others: Sequence[_Belief], *, scale: float) -> list[_Pool]:
    """The favourite with each other agent, and with the first m of them.

    Where F is the chance that what bids tell of u is below a number, E[max(favourite, others)] - E[favourite] is the
    integral of F_favourite x (1 - product of the others' F): never negative, and never less when an agent joins.
    """
    low = favourite.mean - scale * favourite.chance
    high = max(one.mean + scale * (1.0 - one.chance) for one in (favourite, *others))
    step = (high - low) / _CELLS
    points = [low + (cell + 0.5) * step for cell in range(_CELLS)] if scale else []
    own = _below(favourite, points, scale)
    together, bidding = [1.0] * len(points), favourite.bidding
    agents: tuple[str, ...] = (favourite.agent,)
    pools: list[_Pool] = []
    for one in others:
        theirs = _below(one, points, scale)
        together = [both * their for both, their in zip(together, theirs, strict=True)]
        agents, bidding = (*agents, one.agent), bidding + one.bidding
        pools.append(_Pool((favourite.agent, one.agent), _gain(own, theirs, step), favourite.bidding + one.bidding))
        pools.append(_Pool(agents, _gain(own, together, step), bidding))
    return pools


def _gain(own: Sequence[float], theirs: Sequence[float], step: float) -> float:
    return step * math.fsum(mine * (1.0 - their) for mine, their in zip(own, theirs, strict=True))


def _below(one: _Belief, points: Sequence[float], scale: float) -> list[float]:
    """The chance that what bids tell of an agent's u is below each point."""
    shares, found = _cumulative(one.a, one.b), list[float]()
    shift = one.chance * scale - one.mean
    for point in points:
        cell = min(max((point + shift) / scale * _CELLS, 0.0), float(_CELLS))
        left = min(int(cell), _CELLS - 1)
        found.append(shares[left] + (cell - left) * (shares[left + 1] - shares[left]))
    return found


@lru_cache(maxsize=256)
def _cumulative(a: float, b: float) -> tuple[float, ...]:
    """Beta(a, b) below each border of equal cells of [0, 1], by the midpoint rule; a, b >= 1."""
    middles = [(cell + 0.5) / _CELLS for cell in range(_CELLS)]
    logs = [(a - 1.0) * math.log(middle) + (b - 1.0) * math.log1p(-middle) for middle in middles]
    highest = max(logs)
    weights = [math.exp(log - highest) for log in logs]
    total = math.fsum(weights)
    return (0.0, *(min(1.0, weight / total) for weight in accumulate(weights)))


def _figures(pool: _Pool) -> str:
    return f"bids of {len(pool.agents)} are expected to gain {pool.gain:.4f} more, and cost {pool.bidding:.4f}"
