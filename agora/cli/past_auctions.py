"""Past auctions from the ledger, in the form that weights are fitted to. Pure: entries in, examples out.

An outcome is the verdict of a grounded verifier on an agent's first attempt in an auction; a later one has seen the
evidence of earlier ones. Where a task goes to somebody else by a later call for bids, the outcome stands with the bid
of that call, and with the agent's bid in the task's first auction too: without it no auction would have two outcomes
to compare. Runs that were measurements are left out, as learning leaves them out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from agora.auctions.fitting import Delivered, Example, PastBid
from agora.auctions.sale import DEFAULT_WEIGHTS, VALUE_TERMS
from agora.bids import Score, Unit
from agora.events import Awarded, Posted, Scored, Settled, Started, Verified
from agora.records import Recorded
from agora.tasks import Outcome, Usage, Verdict

LEAST_GROUP: Final = 10
"""Tasks of a skill from which on it is a group of its own."""

NO_FIGURES: Final = "recorded before scores had figures"
MEASURED: Final = "of runs that were measurements"
ONE_BID: Final = "with a single bid"
OTHER_MECHANISM: Final = "of another mechanism"
OTHER_TERMS: Final = "with other terms than most"


@dataclass(kw_only=True)
class PastAuction:
    """One auction as it stands on the ledger."""

    scored: Scored
    """The last scores before the first award."""
    skill: str = ""
    """What its task asked for."""
    firsts: dict[str, int] = field(default_factory=dict[str, int])
    """Agent -> the number of its first attempt."""
    outcomes: dict[str, Outcome] = field(default_factory=dict[str, Outcome])
    """Agent -> what was found of its first attempt."""
    delivered: dict[str, Usage] = field(default_factory=dict[str, Usage])
    """Agent -> what its first attempt took."""

    @property
    def terms(self) -> frozenset[str]:
        """What its scores are the sum of."""
        return frozenset(self.scored.clearing.ranking[0].terms)

    def known(self, score: Score) -> tuple[bool, float] | None:
        """Whether a bidder's work passed and what it took, in the unit of its price; None where nobody can say."""
        outcome, usage = self.outcomes.get(score.agent), self.delivered.get(score.agent)
        if outcome is None or usage is None or not outcome.grounded or outcome.verdict is Verdict.UNKNOWN:
            return None
        return outcome.verdict is Verdict.PASSED, float(usage.usd) if score.price.unit == "usd" else usage.seconds


@dataclass(frozen=True, kw_only=True)
class Past:
    """What weights can be fitted to."""

    examples: tuple[Example, ...]
    """The auctions, in the order in which they were held."""
    groups: tuple[str, ...]
    """The skill of each; skills with fewer than ten tasks are one group."""
    terms: tuple[str, ...]
    """What their scores are the sum of, sorted."""
    scales: Mapping[str, float]
    """Term -> the largest figure: what an example's figure is a share of."""
    left_out: Mapping[str, int]
    """Why -> how many auctions were left out."""

    @property
    def tried(self) -> int:
        """Auctions in which the outcomes of two bidders are known."""
        return sum(len(example.tried) > 1 for example in self.examples)

    @property
    def outcomes(self) -> int:
        """Bids whose outcome is known."""
        return sum(len(example.tried) for example in self.examples)

    @property
    def bids(self) -> int:
        """All bids."""
        return sum(len(example.bids) for example in self.examples)

    def for_figures(self, weights: Mapping[str, float]) -> dict[str, float]:
        """Weights for shares of the largest figure -> the same for the figures of an auction; the sum is 1."""
        return _summing_to_one({term: weights[term] / self.scales[term] for term in self.terms})

    def for_shares(self, weights: Mapping[str, float]) -> dict[str, float]:
        """Weights for the figures of an auction -> the same for shares of the largest figure; the sum is 1."""
        return _summing_to_one({term: weights[term] * self.scales[term] for term in self.terms})


def read_past(entries: Iterable[Recorded], *, mechanism: str) -> Past:
    """The past auctions of a mechanism.

    Args:
        entries: The ledger, in order.
        mechanism: The name that its clearings bear.
    """
    left_out: Counter[str] = Counter()
    usable: list[PastAuction] = []
    for auction, learn in _auctions(entries):
        if reason := _unusable(auction, mechanism, learn=learn):
            left_out[reason] += 1
        else:
            usable.append(auction)
    counts = Counter(auction.terms for auction in usable)
    terms = max(counts, key=lambda terms: (counts[terms], len(terms), sorted(terms)), default=frozenset[str]())
    if other := len(usable) - counts[terms]:
        left_out[OTHER_TERMS] = other
    return _examples([auction for auction in usable if auction.terms == terms], sorted(terms), left_out)


def _auctions(entries: Iterable[Recorded]) -> list[tuple[PastAuction, bool]]:
    """Every auction, and whether its run was to be learned from."""
    found: list[tuple[PastAuction, bool]] = []
    of_task: dict[tuple[str, str], list[PastAuction]] = {}
    learn: dict[str, bool] = {}
    skills: dict[tuple[str, str], str] = {}
    for entry in entries:
        event = entry.event
        if event is None:
            continue
        place = (entry.run, event.task)
        match event:
            case Started():
                learn[entry.run] = event.learn
            case Posted(spec=spec):
                skills[(entry.run, spec.id)] = spec.skill
            case Scored() if event.clearing.ranking:
                before = of_task.setdefault(place, [])
                if before and not before[-1].firsts and before[-1].scored.auction == event.auction:
                    before[-1].scored = event  # the same bids, and those that were refined
                else:
                    before.append(PastAuction(scored=event, skill=skills.get(place, "")))
                    found.append((before[-1], learn.get(entry.run, True)))
            case Awarded() | Verified() | Settled() if auctions := of_task.get(place):
                for auction in auctions if len(auctions) == 1 else (auctions[0], auctions[-1]):
                    _tell(auction, event)
            case _:
                pass
    return found


def _tell(auction: PastAuction, event: Awarded | Verified | Settled) -> None:
    match event:
        case Awarded(award=award):
            auction.firsts.setdefault(award.agent, award.attempt)
        case Verified() if auction.firsts.get(event.agent) == event.attempt:
            auction.outcomes[event.agent] = event.outcome
        case Settled() if auction.firsts.get(event.agent) == event.attempt:
            auction.delivered[event.agent] = event.delivered
        case _:
            pass


def _unusable(auction: PastAuction, mechanism: str, *, learn: bool) -> str:
    """Why an auction cannot be used; empty where it can."""
    clearing = auction.scored.clearing
    if clearing.mechanism != mechanism or not auction.terms <= set(DEFAULT_WEIGHTS):
        return OTHER_MECHANISM
    if not learn:
        return MEASURED
    if len(clearing.ranking) < 2:
        return ONE_BID
    if any(term not in score.figures for score in clearing.ranking for term in auction.terms):
        return NO_FIGURES
    return ""


def _examples(auctions: Sequence[PastAuction], terms: Sequence[str], left_out: Mapping[str, int]) -> Past:
    scores = [score for auction in auctions for score in auction.scored.clearing.ranking]
    scales = {
        term: 1.0 if term in VALUE_TERMS else max((score.figures[term] for score in scores), default=0.0) or 1.0
        for term in terms
    }
    dearest: dict[Unit, float] = {"usd": 0.0, "s": 0.0}
    for auction in auctions:
        for score in auction.scored.clearing.ranking:
            if known := auction.known(score):
                dearest[score.price.unit] = max(dearest[score.price.unit], known[1])

    def past_bid(auction: PastAuction, score: Score) -> PastBid:
        known = auction.known(score)
        delivered = None
        if known is not None:
            passed, cost = known
            delivered = Delivered(passed=passed, cost=cost / (dearest[score.price.unit] or 1.0))
        figures = {term: min(1.0, max(0.0, score.figures[term] / scales[term])) for term in terms}
        return PastBid(figures=figures, delivered=delivered)

    of_skill = Counter(auction.skill for auction in auctions)
    return Past(
        examples=tuple(
            Example(bids=tuple(past_bid(auction, score) for score in auction.scored.clearing.ranking))
            for auction in auctions
        ),
        groups=tuple(auction.skill if of_skill[auction.skill] >= LEAST_GROUP else "" for auction in auctions),
        terms=tuple(terms),
        scales=scales,
        left_out=dict(sorted(left_out.items())),
    )


def _summing_to_one(weights: Mapping[str, float]) -> dict[str, float]:
    total = sum(weights.values())
    return {term: weight / total for term, weight in weights.items()} if total else dict(weights)
