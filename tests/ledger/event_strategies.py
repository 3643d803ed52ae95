"""Events of every kind, with awkward values: for properties."""

from __future__ import annotations

from hypothesis import strategies as st

from agora.bids import Amount, Award, Bid, Clearing, Lesson, Plan, Price, Profile, Reserve, Score, Shortlist
from agora.events import (
    Applied,
    Applying,
    Asked,
    Awarded,
    BidPlaced,
    BidRefused,
    Called,
    Closed,
    CommandReserved,
    Compared,
    ContextItem,
    ContextRouted,
    Credited,
    Done,
    Event,
    FlowBegan,
    FlowEnded,
    Joined,
    Judged,
    Learned,
    Left,
    NodeSkipped,
    Opened,
    Paced,
    PacingBegan,
    Performed,
    PlanningBegan,
    PlanningEnded,
    Posted,
    Recalled,
    Remembered,
    Reserved,
    Resumed,
    Routed,
    Scored,
    Screened,
    Settled,
    Started,
    Step,
    Stepped,
    TaskDone,
    ToolUsed,
    TopologyChosen,
    Verified,
)
from agora.flow_events import ActionChosen
from agora.messages import Message, Reply, Request, TokenLogprob, ToolCall, ToolSpec
from agora.questions import Question
from agora.routing import Considered, Known, Place, Routing
from agora.tasks import Change, Check, Limits, Outcome, Patch, Task, Tier, Usage, Verdict, Work
from agora.values import JsonValue

texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12),
    st.sampled_from(["~", "~0.5", "~~", "\\", '\\u0041"', "\x7f\n\t\x01", "\u2028", "é€😀", "task-123"]),
)
"""Texts that are not changed by cleaning."""
dirty_texts = st.text(st.one_of(st.characters(), st.sampled_from(["\0", "\ud800", "\udfff"])), min_size=1, max_size=12)
"""Texts that may hold NUL and lone surrogates."""
_names = texts.map(lambda text: text or "name")
_counts = st.integers(0, 2**70)
_floats = st.floats(allow_nan=False, allow_infinity=False)
_fractions = st.floats(0, 1)
_money = st.decimals(min_value=0, max_value=10**9, places=12, allow_nan=False, allow_infinity=False)
_json: st.SearchStrategy[JsonValue] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**80), 2**80), _floats, texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)
objects = st.dictionaries(texts, _json, max_size=3)
"""JSON objects with any keys and values."""

_amounts = st.builds(Amount, value=_money, unit=st.sampled_from(["usd", "s"]))
_usages = st.builds(
    Usage, usd=_money, input_tokens=_counts, output_tokens=_counts, steps=_counts, seconds=st.floats(0, 1e9)
)
_limits = st.builds(Limits, usd=st.none() | _money, tokens=st.none() | _counts)
_prices = st.builds(Price, input_per_mtok=_money, output_per_mtok=_money)
_profiles = st.builds(
    Profile,
    name=_names,
    operator=texts,
    kind=st.just("llm"),
    skills=st.frozensets(texts, max_size=3),
    tools=st.lists(texts, max_size=2).map(tuple),
    price=st.none() | _prices,
    tier=st.sampled_from(Tier),
)
_checks = st.builds(Check, kind=texts, options=objects)
_tasks = st.builds(
    Task,
    id=texts,
    goal=_names,
    verify=st.none() | _checks,
    labels=st.frozensets(texts, max_size=3),
    tools=st.none() | st.lists(texts, max_size=2).map(tuple),
    limits=_limits,
)
_plans = st.builds(Plan, text=_names, steps=st.integers(1, 9), tokens=st.none() | st.integers(0, 10**9), terms=objects)
_bids = st.builds(
    Bid,
    agent=_names,
    plan=_plans,
    length_tokens=st.integers(1, 99),
    projected_tokens=_counts,
    price=_amounts,
    entropy=st.none() | _fractions,
    content_hash=texts,
    usage=_usages,
)
_scores = st.builds(
    Score, agent=texts, total=_floats, terms=st.dictionaries(texts, _floats, max_size=2), price=_amounts
)
_clearings = st.builds(
    Clearing, mechanism=texts, ranking=st.lists(_scores, max_size=2).map(tuple), payment=st.none() | _amounts
)
_awards = st.builds(Award, agent=texts, attempt=st.integers(1, 9), plan=_plans, payment=_amounts, reason=texts)
_calls = st.builds(ToolCall, id=texts, name=texts, arguments=texts)
_messages = st.builds(
    Message,
    role=st.sampled_from(["system", "user", "assistant", "tool"]),
    content=texts,
    tool_calls=st.lists(_calls, max_size=1).map(tuple),
)
_specs = st.builds(ToolSpec, name=texts, description=texts, parameters=objects)
_requests = st.builds(
    Request,
    messages=st.lists(_messages, max_size=2).map(tuple),
    tools=st.lists(_specs, max_size=1).map(tuple),
    output_schema=st.none() | objects,
    temperature=st.floats(0, 2),
    seed=st.none() | _counts,
)
_logprobs = st.builds(TokenLogprob, token=texts, logprob=_floats, top=st.lists(_floats, max_size=2).map(tuple))
_replies = st.builds(
    Reply,
    text=texts,
    finish=st.sampled_from(["stop", "length", "tool_calls"]),
    usage=_usages,
    logprobs=st.lists(_logprobs, max_size=2).map(tuple),
    model=texts,
)
_changes = st.builds(Change, path=texts, before=st.none() | texts, after=st.none() | st.binary(max_size=20))
_works = st.builds(Work, output=texts, patch=st.builds(Patch, changes=st.lists(_changes, max_size=2).map(tuple)))
_verdicts = st.sampled_from(Verdict)
_outcomes = st.builds(Outcome, verdict=_verdicts, verifier=texts, evidence=texts, seconds=st.floats(0, 1e9))
_attempts = st.integers(0, 9)
_context_items = st.builds(
    ContextItem,
    source=texts,
    taken=st.sampled_from(["whole", "shortened", "left out"]),
    tokens=_counts,
    whole_tokens=_counts,
    score=_floats,
    why=texts,
)
_shortlists = st.builds(Shortlist, members=st.dictionaries(texts, _fractions, max_size=3))

KINDS: dict[str, st.SearchStrategy[Event]] = {
    "started": st.builds(
        Started,
        seed=_counts,
        agents=st.lists(_profiles, max_size=2).map(tuple),
        limits=_limits,
        mechanism=texts,
        policy=texts,
        versions=st.dictionaries(texts, texts, max_size=2),
    ),
    "posted": st.builds(Posted, task=texts, spec=_tasks),
    "routed": st.builds(
        Routed,
        task=texts,
        skill=texts,
        place=st.builds(Place, layer=_counts, sources=st.lists(texts, max_size=2).map(tuple)),
        routing=st.builds(
            Routing,
            by=texts,
            considered=st.lists(
                st.builds(
                    Considered,
                    agent=texts,
                    arm=texts,
                    known=st.builds(Known, similarity=st.none() | _fractions, cost=st.none() | _money, lot=texts),
                    x=st.lists(_floats, max_size=3).map(tuple),
                    terms=st.dictionaries(texts, _floats, max_size=2),
                ),
                max_size=2,
            ).map(tuple),
            draw=st.none() | _fractions,
            details=objects,
            reason=texts,
        ),
    ),
    "credited": st.builds(
        Credited,
        task=texts,
        decision=texts,
        agent=texts,
        passed=st.none() | st.booleans(),
        failure=st.none() | st.sampled_from(["timeout", "transport", "format"]),
        cost_share=st.floats(0, 1e9),
    ),
    "joined": st.builds(Joined, profile=_profiles),
    "left": st.builds(Left, agent=texts, reason=texts),
    "screened": st.builds(Screened, shortlist=_shortlists, reserve=st.builds(Reserve, usd=_money, s=_money)),
    "opened": st.builds(
        Opened,
        auction=_counts,
        how=st.sampled_from(["auction", "post", "explore", "replan", "reassign"]),
        asked=st.lists(texts, max_size=3).map(tuple),
        reserve=st.builds(Reserve, usd=_money, s=_money),
        reason=texts,
    ),
    "planning_began": st.builds(PlanningBegan, spec=_tasks, most=st.integers(1, 50)),
    "planning_ended": st.builds(
        PlanningEnded,
        came_to=st.sampled_from(["graph", "one task", "refused"]),
        agent=texts,
        errors=st.lists(texts, max_size=2).map(tuple),
        repair=st.none() | st.lists(texts, max_size=2).map(tuple),
        edited=st.booleans(),
    ),
    "flow_began": st.builds(FlowBegan, flow=texts, graph=objects, inputs=objects),
    "node_skipped": st.builds(NodeSkipped, task=texts, reason=texts),
    "pacing_began": st.builds(PacingBegan, way=st.sampled_from(["even", "dual"]), tasks=st.integers(1, 2**70)),
    "paced": st.builds(
        Paced,
        task=texts,
        number=st.integers(1, 2**70),
        fair_usd=_money,
        price=st.floats(0, 5),
        limit_usd=_money,
        limit_tokens=st.none() | _counts,
        limit_steps=st.none() | _counts,
    ),
    "topology_chosen": st.builds(
        TopologyChosen,
        task=texts,
        decision=texts,
        topology=st.sampled_from(["parallel", "sequential", "hybrid", "hierarchical"]),
        by=st.sampled_from(["stated", "rule", "learned"]),
        reason=texts,
        features=objects,
        version=_counts,
        regime=texts,
        choices=st.lists(
            st.builds(
                ActionChosen,
                signature=texts,
                action=texts,
                propensity=st.floats(0.01, 1),
                scores=st.dictionaries(texts, st.none() | _floats, max_size=2),
                reason=texts,
            ),
            max_size=2,
        ).map(tuple),
        left_out=st.lists(texts, max_size=2).map(tuple),
        reroutes=st.lists(texts, max_size=2).map(tuple),
    ),
    "compared": st.builds(
        Compared,
        task=texts,
        consistency=st.floats(-1, 1),
        agree=st.booleans(),
        majority=texts,
        votes=_counts,
        of=_counts,
        distinct=_counts,
        method=st.sampled_from(["exact", "cosine", "words", "none"]),
    ),
    "context_routed": st.builds(
        ContextRouted,
        task=texts,
        role=texts,
        tokens=_counts,
        items=st.lists(_context_items, max_size=2).map(tuple),
        remembered=st.lists(st.builds(Remembered, source=texts, text=texts), max_size=2).map(tuple),
        too_many=_counts,
    ),
    "flow_ended": st.builds(FlowEnded, verdict=_verdicts, outputs=objects, reason=texts),
    "closed": st.builds(Closed, parked=st.booleans(), reason=texts),
    "bid": st.builds(BidPlaced, task=texts, bid=_bids),
    "bid_refused": st.builds(BidRefused, agent=texts, reason=texts),
    "judged": st.builds(Judged, judge=texts, marks=st.dictionaries(texts, st.integers(0, 5)), dropped=texts),
    "recalled": st.builds(
        Recalled,
        agent=texts,
        lessons=st.lists(st.builds(Lesson, goal=texts, lost=texts, won=texts), max_size=2).map(tuple),
    ),
    "scored": st.builds(Scored, clearing=_clearings, seed=_counts),
    "awarded": st.builds(Awarded, award=_awards, evidence=st.lists(texts, max_size=2).map(tuple)),
    "reserved": st.builds(
        Reserved, call=texts, agent=texts, model=texts, request=_requests, usd=_money, tokens=_counts
    ),
    "called": st.builds(Called, call=texts, agent=texts, reply=st.none() | _replies, usage=_usages),
    "stepped": st.builds(
        Stepped,
        task=texts,
        agent=texts,
        phase=texts,
        number=st.integers(1, 99),
        policy=texts,
        model=texts,
        step=st.builds(
            Step,
            context=texts,
            model=st.sampled_from(["small", "large"]),
            propensity=st.floats(0.01, 1),
            trouble=_counts,
            cost=st.floats(0, 1e9),
            forced=st.booleans(),
        ),
        reason=texts,
        instead=st.booleans(),
    ),
    "command_reserved": st.builds(
        CommandReserved, call=texts, agent=texts, argv=st.lists(texts, max_size=3).map(tuple), usd=_money
    ),
    "tool": st.builds(ToolUsed, agent=texts, call=_calls, result=texts, ok=st.booleans(), usage=_usages),
    "performed": st.builds(Performed, agent=texts, attempt=_attempts, work=st.none() | _works, usage=_usages),
    "verified": st.builds(Verified, agent=texts, attempt=_attempts, outcome=_outcomes),
    "settled": st.builds(
        Settled,
        agent=texts,
        attempt=_attempts,
        promised_steps=_counts,
        promised_tokens=_counts,
        delivered=_usages,
        verdict=_verdicts,
    ),
    "learned": st.builds(Learned, what=texts, key=texts, update=objects),
    "resumed": st.builds(Resumed, unknown=st.lists(texts, max_size=2).map(tuple), usd=_money, tokens=_counts),
    "asked": st.builds(
        Asked,
        question=st.builds(
            Question,
            id=texts,
            about=st.sampled_from(["command", "diff", "award"]),
            task=texts,
            agent=texts,
            argv=st.lists(texts, max_size=3).map(tuple),
            usd=_money,
        ),
        digest=texts,
        granted=st.none() | st.booleans(),
    ),
    "applying": st.builds(Applying, attempt=_attempts),
    "applied": st.builds(Applied, paths=st.lists(texts, max_size=2).map(tuple), applied=st.booleans()),
    "task_done": st.builds(TaskDone, verdict=_verdicts, agent=texts, usage=_usages, overhead=_usages),
    "done": st.builds(Done, verdicts=st.dictionaries(texts, _verdicts, max_size=2), usage=_usages),
}
"""A strategy for each kind of event."""
events: st.SearchStrategy[Event] = st.one_of(*KINDS.values())
"""Any event, clean."""
