"""From the ledger to decisions with their chances, and to what other policies would have done with each.

The decision is who is asked first for a task. Given that, everything else of the market is held as it was: its
mechanism, whether one agent alone is called (`post`), the share of explorations by lot, how agents bid and work. What
came of it is what the first call brought: passed, by a grounded verifier, or not (nobody took it: not), and the US
dollars that this call for bids and its attempt took. Later calls and attempts are other decisions, and are not in it.

Another policy is asked at each decision with what was known of everyone then and with what it had learned from the
ledger up to there. So it learns from what was awarded in truth, and not from what it would have awarded itself.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, NamedTuple

from agora.abilities import Learning
from agora.errors import AgoraError
from agora.events import (
    Awarded,
    Called,
    Done,
    Event,
    Opened,
    Performed,
    Routed,
    Screened,
    Settled,
    Started,
    TaskDone,
    ToolUsed,
    Verified,
)
from agora.protocols import Policy, Store
from agora.records import Recorded
from agora.rules import SALE_RULES, Rules
from agora.tasks import Verdict
from agora.traces.counterfactuals.deciding import rules_of
from agora.traces.counterfactuals.policies import Sights
from agora.traces.off_policy.chances import Chances, chances_of, explored
from agora.traces.replay.making import mechanism_from

KINDS: Final = frozenset(
    {"started", "joined", "left", "posted", "routed", "screened", "opened", "awarded", "performed", "verified"}
    | {"settled", "called", "tool_used", "task_done", "done"}
)
"""What decisions and their outcomes are read from."""


@dataclass(kw_only=True)
class Decision:
    """Who was asked first for a task, with which chance, and what came of it."""

    run: str
    """Whose."""
    task: str
    """Which."""
    seq: int
    """Position of the shortlist on the ledger."""
    by: str
    """The policy that decided."""
    kind: str
    """The task's skill: what the model of outcomes keeps apart."""
    logged: Chances = field(default_factory=dict[frozenset[str], float])
    """Who is asked first -> with which chance."""
    targets: dict[str, Chances | str] = field(default_factory=dict[str, "Chances | str"])
    """Policy -> the same of it, or why that is not known."""
    asked: frozenset[str] = frozenset()
    """Who was."""
    why: str = ""
    """Why the decision cannot be used; empty: it can."""
    passed: bool | None = None
    """What the first call brought; None: no grounded verifier has said."""
    usd: Decimal = Decimal(0)
    """What the first call and that attempt took, in US dollars."""
    awarded: bool = False
    """Whether somebody got the task in the first call."""
    over: bool = False
    """Whether that is over."""
    wave: frozenset[str] = frozenset()
    """Whom the policy put first."""


class _Reading:
    """What one run tells while the ledger is read."""

    def __init__(self) -> None:
        self.sights = Sights()
        self.started: Started | None = None
        self.decisions: dict[str, Decision] = {}
        self.blameless: set[str] = set()
        self.waiting: list[Recorded] = []


class _Lot(NamedTuple):
    newcomers: Mapping[str, float]
    direct: bool


def decisions_of(
    store: Store, targets: Mapping[str, Policy], *, chosen: Callable[[str, int], bool] | None = None
) -> list[Decision]:
    """All decisions on a ledger, with what each target would have done.

    Args:
        store: With the ledger.
        targets: What another policy is called here -> it; what it knows does not matter, it gets a fresh one.
        chosen: Whether a run (its id, and when it began in microseconds) is looked at; what is not is learned from
            all the same. None: all.
    """
    own = {name: policy.fresh() if isinstance(policy, Learning) else policy for name, policy in targets.items()}
    kinds = KINDS.union(*(policy.kinds for policy in own.values() if isinstance(policy, Learning)))
    runs, rules = defaultdict[str, _Reading](_Reading), dict[tuple[str, str], Rules | None]()
    passed_over, found = set[str](), list[Decision]()
    for recorded in store.events(kinds=kinds):
        event, reading = recorded.event, runs[recorded.run]
        if event is None:
            continue
        if isinstance(event, Started) and chosen is not None and not chosen(recorded.run, recorded.at_us):
            passed_over.add(recorded.run)
        reading.sights.take(event)
        if isinstance(event, Started):
            reading.started = event
        elif isinstance(event, Screened) and recorded.run not in passed_over:
            decision = _decided(recorded, event, reading, own, rules)
            reading.decisions[event.task] = decision
            found.append(decision)
        else:
            _outcome(reading, event)
        reading.waiting.append(recorded)
        if not isinstance(event, Routed):  # it stands before the shortlist that was made with it
            _learn(own.values(), reading)
        if isinstance(event, TaskDone):
            reading.decisions.pop(event.task, None)
        elif isinstance(event, Done):
            del runs[recorded.run]
    return found


def _learn(policies: Iterable[Policy], reading: _Reading) -> None:
    for known in reading.waiting:
        for policy in policies:
            if isinstance(policy, Learning) and known.event is not None and known.event.kind in policy.kinds:
                policy.learn(known.run, known.event)
    reading.waiting.clear()


def _decided(
    recorded: Recorded,
    screened: Screened,
    reading: _Reading,
    own: Mapping[str, Policy],
    rules: dict[tuple[str, str], Rules | None],
) -> Decision:
    sights, started = reading.sights, reading.started
    routed, task = sights.routed.get(screened.task), sights.tasks.get(screened.task)
    decision = Decision(
        run=recorded.run,
        task=screened.task,
        seq=recorded.seq,
        by=started.policy if started else "",
        kind=task.skill if task else "",
    )
    if started is None or task is None:
        decision.why = "the beginning of the run or of the task is not on record"
        return decision
    waves = screened.shortlist.waves
    decision.wave = frozenset(waves[0] if waves else screened.shortlist.members)
    logged = chances_of(screened.shortlist, None if routed is None else routed.routing)
    lots = _lots(screened, reading, rules)
    if isinstance(logged, str):
        decision.why = logged
    elif lots is None:
        decision.why = "the mechanism's options are not on record, so the chance of an exploration is not known"
    else:
        decision.logged = _with_lots(logged, _Lot(lots, screened.shortlist.direct))
    for name, policy in own.items() if not decision.why else ():
        decision.targets[name] = _target(policy, screened, sights, lots or {})
    return decision


def _target(policy: Policy, screened: Screened, sights: Sights, lots: Mapping[str, float]) -> Chances | str:
    if isinstance(policy, Learning) and screened.task not in sights.routed:
        return "what a policy that learns sees of everyone is not on record"
    try:
        given = sights.chosen(policy, screened)
    except AgoraError as error:
        return f"it could not decide: {error}"
    if given is None:
        return "the task is not on record"
    chances = chances_of(given, given.routing)
    return chances if isinstance(chances, str) else _with_lots(chances, _Lot(lots, given.direct))


def _with_lots(chances: Chances, lot: _Lot) -> Chances:
    """The same with the market's own lots, by which a newcomer may be asked alone; a direct award draws none."""
    if lot.direct or not lot.newcomers:
        return chances
    held = sum(lot.newcomers.values())
    mixed = {asked: (1 - held) * p for asked, p in chances.items()}
    for name, p in lot.newcomers.items():
        mixed[frozenset({name})] = mixed.get(frozenset({name}), 0.0) + p
    return mixed


def _lots(
    screened: Screened, reading: _Reading, rules: dict[tuple[str, str], Rules | None]
) -> Mapping[str, float] | None:
    """Newcomer -> chance of being asked alone by lot; None: the rules are not on record."""
    started = reading.started
    assert started is not None
    key = started.mechanism, started.mechanism_settings
    if key not in rules:
        try:
            rules[key] = rules_of(mechanism_from(*key)) if key[1] else None
        except AgoraError:
            rules[key] = None
    known = rules[key]
    cards = {card.name: card for card in reading.sights.pool.members}
    standings = {name: one for name, one in screened.standings.items() if name in cards}
    if known is None:
        return None if explored(standings, cards, share=SALE_RULES.explore) else {}
    return explored(standings, cards, share=known.explore)


def _outcome(reading: _Reading, event: Event) -> None:
    decision = reading.decisions.get(event.task)
    if decision is None or decision.over:
        return
    if isinstance(event, Opened):
        _called(decision, event)
    elif isinstance(event, (Called, ToolUsed)):
        decision.usd += event.usage.usd
    elif isinstance(event, Awarded):
        decision.awarded = True
    elif isinstance(event, Performed) and event.blameless:
        reading.blameless.add(event.task)
    elif isinstance(event, Verified):
        known = event.outcome.grounded and event.outcome.verdict is not Verdict.UNKNOWN
        if known and event.task not in reading.blameless:
            decision.passed = event.outcome.verdict is Verdict.PASSED
    elif isinstance(event, Settled):
        decision.over = True
    elif isinstance(event, TaskDone):
        _ended(decision)


def _called(decision: Decision, opened: Opened) -> None:
    """The first call for bids says who was asked first, and another one that the first has ended."""
    if opened.auction:
        _ended(decision)
        return
    asked = frozenset(opened.asked)
    decision.asked = asked if opened.how == "explore" else decision.wave
    if opened.how != "explore" and not asked <= decision.wave:
        decision.why = decision.why or "somebody who was to be asked had left"
    elif not decision.why and not decision.logged.get(decision.asked):
        decision.why = "the chances on record do not fit what was done"


def _ended(decision: Decision) -> None:
    """No award will come of the first call; what is not awarded, is not done."""
    decision.over = True
    if not decision.awarded:
        decision.passed = False


class Usable(NamedTuple):
    """What of the decisions can be used for a target."""

    decisions: list[Decision]
    """Those that can."""
    undecided: int
    """Those whose first call no grounded verifier has decided, or is not over."""
    left_out: Counter[str]
    """Why others cannot -> how many."""


def usable_for(decisions: Iterable[Decision], target: str) -> Usable:
    """The decisions that say something of a target.

    Args:
        decisions: As `decisions_of` gives them.
        target: The policy's name.
    """
    fit, undecided, left_out = list[Decision](), 0, Counter[str]()
    for one in decisions:
        chances = one.targets.get(target, "")
        if one.why or isinstance(chances, str):
            left_out[one.why or str(chances)] += 1
        elif not one.over or one.passed is None:
            undecided += 1
        elif not one.asked:
            left_out["nobody was asked"] += 1
        else:
            fit.append(one)
    return Usable(fit, undecided, left_out)
