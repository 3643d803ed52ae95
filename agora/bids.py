"""The auction's values: price, profile, plan, bid, score, clearing, award."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final, Literal

from pydantic import Field

from agora.routing import Routing
from agora.tasks import Limits, Strength, Tier, Usage
from agora.values import JsonValue, Value

Unit = Literal["usd", "s"]
"""What an agent charges in: US dollars, or seconds of this machine for local work."""


class Price(Value):
    """What an agent charges. Local work is priced in seconds, never in invented dollars."""

    unit: Unit = "usd"
    """The unit of the three rates below."""
    input_per_mtok: Decimal = Field(default=Decimal(0), ge=0)
    """For a million tokens read."""
    output_per_mtok: Decimal = Field(default=Decimal(0), ge=0)
    """For a million tokens written."""
    per_task: Decimal = Field(default=Decimal(0), ge=0)
    """For taking on a task at all (function and command-line agents)."""

    def of(self, input_tokens: int, output_tokens: int) -> Decimal:
        """Price of so many tokens, in `unit`, without `per_task`.

        >>> Price(input_per_mtok=Decimal(1), output_per_mtok=Decimal(4)).of(1_000_000, 500_000)
        Decimal('3')
        """
        return (self.input_per_mtok * input_tokens + self.output_per_mtok * output_tokens) / 1_000_000


class Profile(Value):
    """An agent's card: what it says of itself, before any record of what it did."""

    name: str = Field(min_length=1)
    """Unique within its market."""
    operator: str
    """Who is behind it (endpoint and model, function, or program): renaming does not change it."""
    kind: str
    """llm, sampler, function or command."""
    model: str = ""
    """The chat model's name, where there is one."""
    skills: frozenset[str] = frozenset()
    """What it can do; empty: anything."""
    tools: tuple[str, ...] = ()
    """Names of the tools it brings."""
    price: Price | None = None
    """None: unpriced, and kept out."""
    trust: frozenset[str] = frozenset()
    """The data labels that it may see."""
    tier: Tier = Tier.NAMESPACE
    """The sandbox that it works in."""
    strength: Strength = ""
    """How strong it is said to be."""
    limits: Limits = Limits()
    """What one bid or one attempt of it may take at most, whatever the task still has."""
    digest: str = ""
    """SHA-256 of what it is told besides, as instructions: two agents of one model are not the same."""


class Amount(Value):
    """So much of one unit."""

    value: Decimal = Field(ge=0)
    """How much."""
    unit: Unit = "usd"
    """Of what."""


class Plan(Value):
    """What a bidder promises to do: the contract that its work is held against."""

    text: str = Field(min_length=1)
    """The strategy in words (or its terms as JSON)."""
    steps: int = Field(default=1, ge=1, le=1_000_000)
    """Promised number of steps: model calls, tool calls, commands."""
    tokens: int | None = Field(default=None, ge=0, le=1_000_000_000)
    """Promised cap on the tokens it writes, enforced; None: projected from the plan's length (SALE)."""
    terms: Mapping[str, JsonValue] = Field(default_factory=dict)
    """Structured terms, as method, samples, checks."""
    confidence: float | None = Field(default=None, ge=0, le=1)
    """Stated chance that the work will pass; never believed as it stands; None: nothing was stated."""


class Standing(Value):
    """What the market counted of an agent for one skill before the bids were opened; grounded outcomes only."""

    tried: int = Field(default=0, ge=0)
    """Verified attempts."""
    passed: int = Field(default=0, ge=0)
    """How many of them passed."""
    success: float = Field(default=0.5, ge=0, le=1)
    """Posterior mean of its chance to pass, under a uniform prior: (passed + 1) / (tried + 2) where nothing decays."""
    success_low: float = Field(default=0.0, ge=0, le=1)
    """Lower confidence bound of that chance."""
    usd: float | None = Field(default=None, ge=0)
    """Mean dollars of an attempt; None: none made."""
    seconds: float | None = Field(default=None, ge=0)
    """Mean seconds of an attempt; None: none made."""
    energy_j: float | None = Field(default=None, ge=0)
    """Mean joules of an attempt; None: not known."""
    share: float = Field(default=0.0, ge=0, le=1)
    """Its share of the awards so far."""


class Juror(Value):
    """One judge of an auction, whose marks stand with the bids."""

    operator: str
    """Who is behind it: its marks for bids of the same operator are its own praise."""
    agreement: float = Field(default=0.5, ge=0, le=1)
    """How far its marks went with grounded outcomes so far; 0.5 says nothing, 1 is always right."""


NO_JURY: Final[Mapping[str, Juror]] = MappingProxyType({})
"""Nobody judges."""


class Bid(Value):
    """A sealed bid, as the market weighed it; nothing but the plan is the bidder's own word."""

    agent: str
    """Who bids. No mechanism may look at it."""
    plan: Plan
    """The promise."""
    length_tokens: int = Field(ge=1)
    """Tokenizer-neutral length of the plan: characters / 4, rounded up."""
    projected_tokens: int = Field(ge=0)
    """Tokens that the work is expected to take: the promised cap, or the plan's length scaled to the task's limit."""
    price: Amount
    """Price x projected tokens (+ the price per task): what is asked."""
    entropy: float | None = Field(default=None, ge=0, le=1)
    """Mean token entropy of the plan in [0, 1], measured by the market; None where nothing was given."""
    content_hash: str
    """SHA-256 of the plan and price, without names: what ties are broken by."""
    usage: Usage = Usage()
    """What making the bid took."""
    round: int = Field(default=0, ge=0, le=1)
    """0 for the first bid, 1 for one that was refined from memory."""
    operator: str = ""
    """Who is behind the bidder: what a judge and a bidder may have in common."""
    confidence: float | None = Field(default=None, ge=0, le=1)
    """The stated chance to pass, calibrated on the bidder's own outcomes; None: nothing was stated."""
    standing: Standing = Standing()
    """What the market knows of the bidder."""
    entropy_form: Literal["top_k", "sampled"] | None = None
    """How it was measured: from the alternatives at each token, or from the written tokens alone; None: it was not."""
    surprisal_nats: float | None = Field(default=None, ge=0)
    """Mean surprisal of the written tokens in nats; None where nothing was given."""
    entropy_scaled: float | None = Field(default=None, ge=0, le=1)
    """The entropy on the bidder's own scale, its past plans; None where they are too few."""
    family: str = ""
    """Whose tokenizer the bidder writes with: entropies of different families do not compare as measured."""
    marks: Mapping[str, int] = Field(default_factory=dict)
    """Judge -> 0 to 5: the jury's judgements of this bid; judges that were dropped are not there."""


class Lesson(Value):
    """Two plans for one past task, of which one failed to win it and one won and passed (SALE, section on memory)."""

    goal: str
    """The past task, in words."""
    lost: str
    """The plan that lost, or that won and failed."""
    won: str
    """The plan that won, and whose work passed."""
    own: Literal["lost", "won", "both"]
    """Which of them the agent wrote that is to learn from it."""


class Reserve(Value):
    """The most that each unit may cost: fixed before any bid is opened."""

    usd: Decimal = Field(default=Decimal(0), ge=0)
    """Dollars left for the task."""
    s: Decimal = Field(default=Decimal(0), ge=0)
    """Seconds left for the task."""

    def of(self, unit: Unit) -> Decimal:
        """The reserve in a unit."""
        return self.usd if unit == "usd" else self.s


Ability = Literal["judges", "refines", "replans"]
"""What the market found an agent able to do besides: mark plans, write its plan again when it is shown what won, have
another plan when it is shown what failed."""


class Score(Value):
    """A bid's score with every term that went into it; lower is better."""

    agent: str
    """Whose bid."""
    total: float
    """The sum of the weighted terms."""
    terms: Mapping[str, float]
    """Weighted terms by name, as cost (positive) and entropy (negative)."""
    figures: Mapping[str, float] = Field(default_factory=dict)
    """What was weighed, by the same names: each term is its weight x its figure, with the sign of the term."""
    price: Amount
    """What was asked."""


class Clearing(Value):
    """What a mechanism decided, with its reasons; a pure function of bids, reserve and seed."""

    mechanism: str
    """Its name."""
    ranking: tuple[Score, ...]
    """All admitted bids, best first."""
    refused: Mapping[str, str] = Field(default_factory=dict)
    """Bids that were not admitted, agent -> why."""
    payment: Amount | None = None
    """What the winner is paid; None where there is no winner."""
    weights: Mapping[str, float] = Field(default_factory=dict)
    """The weights used, after terms that were not there for every bid were dropped."""
    dropped: tuple[str, ...] = ()
    """Terms that were dropped because some bid lacked them."""
    notes: tuple[str, ...] = ()
    """What else to know of the figures, one sentence each."""

    @property
    def winner(self) -> str | None:
        """The best bid's agent."""
        return self.ranking[0].agent if self.ranking else None

    @property
    def runner_up(self) -> str | None:
        """The second-best bid's agent."""
        return self.ranking[1].agent if len(self.ranking) > 1 else None


class Award(Value):
    """The task goes to one agent, for one attempt."""

    agent: str
    """The winner."""
    attempt: int = Field(ge=1)
    """Which of the task's attempts it is for, from 1."""
    plan: Plan
    """What it is held against."""
    payment: Amount
    """What it may charge for keeping its plan."""
    runner_up: str | None = None
    """Whose bid was the second best."""
    reason: str
    """One sentence with the figures that decided."""


class Shortlist(Value):
    """Who may bid, with what probability each was chosen, and who was kept out and why."""

    members: Mapping[str, float]
    """Agent -> propensity in (0, 1]."""
    kept_out: Mapping[str, str] = Field(default_factory=dict)
    """Agent -> reason in words."""
    waves: tuple[tuple[str, ...], ...] = ()
    """Who is asked together, and who only once all before them have failed or declined; none stated: all at once."""
    direct: bool = False
    """True: the award is the policy's, and nobody is asked but whose turn it is."""
    routing: Routing | None = None
    """The reckoning behind it, of a policy that has one; on record as an event of its own."""
