"""Colonies, candidates and logs of outcomes, drawn by hypothesis."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from agora.coordinator.ants import (
    RULES,
    AntRules,
    AntsLearned,
    Candidate,
    ColonyEvent,
    ColonyState,
    Gate,
    Step,
    applied,
    decide,
    joining,
    weigh,
)

TYPES = ("code", "general", "maths")
AGENTS = ("ada", "bea", "cyd", "dan", "eve")
draws = st.floats(min_value=0, max_value=1, exclude_max=True)
shares = st.floats(min_value=0, max_value=1)


def colony_of(agents: Sequence[str] = AGENTS, *, window: int = 4096) -> tuple[ColonyState, list[ColonyEvent]]:
    """A state with members that declare nothing, and the log that led to it."""
    state = ColonyState(types=TYPES, window=window)
    log: list[ColonyEvent] = []
    for agent in agents:
        event = joining(state, agent)
        assert event is not None
        state = applied(state, event)
        log.append(event)
    return state, log


def plain(agents: Sequence[str] = AGENTS) -> list[Candidate]:
    """Candidates that differ in nothing but name and lot."""
    return [Candidate(agent=agent, lot=f"lot-{agent}") for agent in agents]


@st.composite
def intents(draw: st.DrawFn) -> dict[str, float]:
    """Weights of task types with a sum of 1."""
    raw = {kind: draw(st.integers(0, 20)) for kind in TYPES}
    total = sum(raw.values())
    return {kind: share / total for kind, share in raw.items()} if total else {"code": 1.0}


@st.composite
def fields(draw: st.DrawFn) -> list[Candidate]:
    """One to five candidates with loads, latencies and costs, some of them unknown."""
    agents = draw(st.lists(st.sampled_from(AGENTS), unique=True, min_size=1))
    return [
        Candidate(
            agent=agent,
            lot=f"lot-{agent}",
            load=draw(shares),
            latency_s=draw(st.none() | st.floats(min_value=0, max_value=1e6)),
            cost_usd=draw(st.none() | st.decimals(min_value=0, max_value=1000, places=4)),
        )
        for agent in agents
    ]


@st.composite
def rule_books(draw: st.DrawFn) -> AntRules:
    """Rules anywhere in their ranges that matter."""
    return AntRules(
        alpha=draw(st.floats(min_value=0, max_value=3)),
        rho=draw(shares),
        phi=draw(shares),
        deposit=draw(st.floats(min_value=0.01, max_value=100)),
        decay=draw(st.floats(min_value=0.01, max_value=1)),
        cost_power=draw(shares),
        floor=draw(shares),
    )


class Walk:
    """A colony that lived through a log of outcomes, and what it decided on the way."""

    def __init__(self, *, window: int = 4096, rules: AntRules = RULES) -> None:
        self.rules, self.steps, self.gates = rules, list[Step](), list[Gate]()
        self.start = ColonyState(types=TYPES, window=window)
        self.state, self.log = colony_of(window=window)

    def step(
        self,
        *,
        weights: dict[str, float] | None = None,
        field: list[Candidate] | None = None,
        layer: int = 0,
        draw: float = 0.5,
        sources: Sequence[str] = (),
    ) -> Step:
        """Decide once."""
        step = decide(
            self.state,
            decision=f"d{len(self.steps)}",
            weights=weights or {"code": 1.0},
            layer=layer,
            candidates=field or plain(),
            draw=draw,
            sources=sources,
            rules=self.rules,
        )
        self.steps.append(step)
        return step

    def learn(self, step: Step, *, passed: bool, cost: float = 0.0) -> AntsLearned:
        """Apply an outcome."""
        self.gates.append(Gate(decision=step.decision, passed=passed, cost=cost))
        event = weigh(self.state, step, self.gates[-1], rules=self.rules)
        assert isinstance(event, AntsLearned)
        self.state = applied(self.state, event)
        self.log.append(event)
        return event


@st.composite
def walks(draw: st.DrawFn, *, most: int = 6) -> Walk:
    """Up to so many decisions at three depths, each with its outcome, in the order in which they were made."""
    walk = Walk(rules=draw(rule_books()))
    for _ in range(draw(st.integers(0, most))):
        step = walk.step(
            weights=draw(intents()),
            field=draw(fields()),
            layer=draw(st.integers(0, 2)),
            draw=draw(draws),
            sources=draw(st.lists(st.sampled_from(AGENTS), max_size=3)),
        )
        walk.learn(step, passed=draw(st.booleans()), cost=draw(shares))
    return walk


def renamed(field: Sequence[Candidate], names: dict[str, str]) -> list[Candidate]:
    """The same candidates under other names."""
    return [one.model_copy(update={"agent": names[one.agent]}) for one in field]
