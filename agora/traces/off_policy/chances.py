"""With which chance a policy asks each set of agents first: all of it, from a shortlist and its reckoning.

The decision is who is asked first: one agent where the policy awards directly, else those that an auction is held
among. A shortlist gives each agent's own chance of being where it is; what a set's chance is follows from that where
one agent alone is in doubt, where the policy awards directly, where one draw adds one agent to those that are asked in
any case (ants+sale), and from the figures on record where a policy chooses between others (auto). Else it is not known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, cast

from agora.auctions.posterior import draw
from agora.auctions.standing import RULE
from agora.beta_integral import below
from agora.bids import Profile, Shortlist, Standing
from agora.coordinator.policies.by_ants import MOST, NUCLEUS
from agora.coordinator.policies.by_class import POLICIES
from agora.coordinator.policies.by_linucb import DEFAULTS
from agora.routing import Considered, Routing

Chances = Mapping[frozenset[str], float]
"""Who is asked first -> with which chance; they add up to 1."""

_CLOSE: Final = 1e-9
_ROUGH: Final = 1e-6
_DIGITS: Final = 12
_EVEN: Final = 0.1
_STRETCHES: Final = 400


def chances_of(shortlist: Shortlist, routing: Routing | None) -> Chances | str:
    """Who is asked first with which chance; a text: why that is not known.

    Args:
        shortlist: As it is on record, or as a policy gives it.
        routing: The reckoning behind it; None: there is none.

    >>> chances_of(Shortlist(members={"a": 1.0, "b": 1.0}), None) == {frozenset({"a", "b"}): 1.0}
    True
    """
    first = shortlist.waves[0] if shortlist.waves else tuple(shortlist.members)
    if not first:
        return "nobody could be asked"
    inside = {name: _tidy(p if name in first else 1.0 - p) for name, p in shortlist.members.items()}
    if routing is not None and "auto" in routing.details:
        return _fitting(_of_auto(routing), inside)
    if shortlist.direct:
        return _added_up({frozenset({name}): p for name, p in inside.items() if p > 0})
    sure = frozenset(name for name, p in inside.items() if p == 1)
    doubtful = {name: p for name, p in inside.items() if 0 < p < 1}
    if len(doubtful) > 1 and (routing is None or routing.by != "ants+sale"):
        return "only each agent's own chance of being asked is on record, and not that of the set that was asked"
    chances = {sure | {name}: p for name, p in doubtful.items()}
    left = _tidy(1.0 - sum(doubtful.values()))
    return _added_up({**chances, **({sure: left} if sure and left > 0 else {})})


def explored(standings: Mapping[str, Standing], cards: Mapping[str, Profile], *, share: float) -> dict[str, float]:
    """Newcomer -> chance that the call goes to it alone, by lot; empty: no exploration can be held now.

    The lot falls with the stated share, if one more exploration is within it; of the newcomers the highest of a draw
    from each posterior is asked (`agora/auctions/exploration.py`).

    Args:
        standings: Of everyone on the shortlist who has not left.
        cards: Of the same.
        share: The most of all awards that may be explorations.
    """
    newcomers = sorted(name for name, one in standings.items() if one.tried < RULE.gate and name in cards)
    awards = sum(one.tried for one in standings.values())
    before = sum(min(one.tried, RULE.gate) for one in standings.values())
    if not newcomers or share <= 0 or before + 1 > share * (awards + 1):
        return {}
    counts = tuple((standings[name].passed, standings[name].tried - standings[name].passed) for name in newcomers)
    return {name: share * p for name, p in zip(newcomers, _highest(counts), strict=True)}


@lru_cache(maxsize=1024)
def _highest(counts: tuple[tuple[int, int], ...]) -> tuple[float, ...]:
    """With which chance each one's draw is the highest, by the middle of equal stretches of its own posterior."""
    if len(counts) == 1:
        return (1.0,)
    chances: list[float] = []
    for place, (passed, failed) in enumerate(counts):
        held = 0.0
        for stretch in range(_STRETCHES):
            x, product = draw((stretch + 0.5) / _STRETCHES, passed, failed), 1.0
            for other, (wins, losses) in enumerate(counts):
                if other != place:
                    product *= below(x, wins + 1.0, losses + 1.0)
            held += product
        chances.append(held / _STRETCHES)
    total = sum(chances)
    return tuple(chance / total for chance in chances)


def _of_auto(routing: Routing) -> Chances | str:
    """By the figures of all the policies that it chooses between, and how likely it is to choose each."""
    details = routing.details
    held = cast("Mapping[str, str]", details.get("held_back") or {})
    indices = cast("Mapping[str, float]", details.get("indices") or {})
    scored = [one for one in routing.considered if "score" in one.terms]
    drawn = [one for one in routing.considered if "p" in one.terms and one.agent not in held]
    every = frozenset(one.agent for one in routing.considered if one.agent not in held)
    if set(indices) != set(POLICIES) or not scored or not drawn:
        return "the figures of the policies that it chose between are not on record"
    best = max(POLICIES, key=lambda policy: (indices[policy], -POLICIES.index(policy)))
    lead = min(scored, key=_in_order)
    tied = [one for one in scored if _in_order(one)[:2] == _in_order(lead)[:2]]
    floor = round(lead.terms["score"] - DEFAULTS.margin, _DIGITS)
    inside = _nucleus(drawn)
    of_policy: Mapping[str, Chances] = {
        "sale": {every: 1.0},
        "linucb": {frozenset({one.agent}): 1.0 / len(tied) for one in tied},
        "linucb+sale": {frozenset(one.agent for one in scored if one.terms["score"] >= floor): 1.0},
        "ants": {frozenset({one.agent}): one.terms["p"] for one in drawn},
        "ants+sale": _summed([(inside | {one.agent}, one.terms["p"]) for one in drawn]),
    }
    mixed = defaultdict[frozenset[str], float](float)
    for policy, chances in of_policy.items():
        likely = _EVEN / len(POLICIES) + (1 - _EVEN) * (policy == best)
        for asked, p in chances.items():
            mixed[asked] += likely * p
    return _added_up(mixed)


def _fitting(chances: Chances | str, inside: Mapping[str, float]) -> Chances | str:
    """Chances of sets, where they give each agent the chance that is on record of it."""
    if isinstance(chances, str):
        return chances
    for name, p in inside.items():
        if abs(sum(q for asked, q in chances.items() if name in asked) - p) > _ROUGH:
            return f"the figures on record give {name} another chance than the one on record"
    return chances


def _in_order(one: Considered) -> tuple[float, float, str, str]:
    return -one.terms["score"], float(one.known.cost or 0), one.known.lot, one.arm


def _nucleus(drawn: Sequence[Considered]) -> frozenset[str]:
    def order(one: Considered) -> tuple[float, bool, float, str]:
        cost = one.known.cost
        return -round(one.terms["p"], _DIGITS), cost is None, float(cost or 0), one.known.lot or one.agent

    held, inside = 0.0, set[str]()
    for one in sorted(drawn, key=order)[:MOST]:
        if held >= NUCLEUS:
            break
        inside.add(one.agent)
        held += one.terms["p"]
    return frozenset(inside)


def _summed(pairs: Sequence[tuple[frozenset[str], float]]) -> Chances:
    total = defaultdict[frozenset[str], float](float)
    for asked, p in pairs:
        total[asked] += p
    return total


def _added_up(chances: Chances) -> Chances | str:
    total = sum(chances.values())
    if abs(total - 1.0) > _ROUGH:
        return f"the chances on record add up to {total:.4f}, and not to 1"
    return {asked: p / total for asked, p in chances.items()}


def _tidy(p: float) -> float:
    """A chance without the rounding at its ends."""
    return 0.0 if p < _CLOSE else 1.0 if p > 1.0 - _CLOSE else p
