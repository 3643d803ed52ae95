"""The auditor: reads a run's events and says what does not add up.

It knows nothing of how the loop works, only what must hold of its record, so that it can judge a run that was killed,
cancelled or stopped and then gone on with just as one that ran through.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from agora.events import (
    Applied,
    Applying,
    Asked,
    Awarded,
    Called,
    CommandReserved,
    Done,
    Event,
    Learned,
    Performed,
    Posted,
    Reserved,
    Screened,
    Settled,
    Started,
    TaskDone,
    ToolUsed,
    Verified,
)
from agora.models.retries import call_of
from agora.tasks import Usage, Verdict

_SECONDS = 1e-6


def audit(events: Iterable[Event], *, verdicts: Mapping[str, Verdict] | None = None) -> list[str]:
    """Everything that is wrong with the record of a finished run; empty where nothing is.

    Args:
        events: Of one run, in order.
        verdicts: What each task must have ended with, as in the run that nobody disturbed; None: anything.
    """
    seen = list(events)
    parts = (_frame, _once, _calls, _commands, _answers, _attempts, _spend, _applications)
    faults = [fault for part in parts for fault in part(seen)]
    ended = {event.task: event.verdict for event in seen if isinstance(event, TaskDone)}
    if verdicts is not None and ended != dict(verdicts):
        faults.append(f"the outcomes are {_short(ended)}, and must be {_short(verdicts)}")
    return faults


def _frame(events: Sequence[Event]) -> list[str]:
    """One beginning, one end, one terminal row a task; of a fork, a beginning for each run that it stands on."""
    faults: list[str] = []
    starts = [place for place, event in enumerate(events) if isinstance(event, Started) and event.forked is None]
    if starts != [0]:
        faults.append("the run does not begin with its one start")
    if sum(isinstance(event, Done) for event in events) != 1 or not isinstance(events[-1], Done):
        faults.append("the run does not end with its one terminal row")
    posted = Counter(event.task for event in _not_taken_over(events) if isinstance(event, Posted))
    ended = Counter(event.task for event in events if isinstance(event, TaskDone))
    if posted != ended or any(count != 1 for count in posted.values()):
        faults.append(f"tasks posted {dict(posted)}, tasks ended {dict(ended)}: each must stand there once")
    done = next((event for event in events if isinstance(event, Done)), None)
    verdicts = {event.task: event.verdict for event in events if isinstance(event, TaskDone)}
    if done is not None and dict(done.verdicts) != verdicts:
        faults.append("the run's terminal row has other verdicts than those of its tasks")
    return faults


def _not_taken_over(events: Sequence[Event]) -> list[Event]:
    """Without the tasks that forks announce once more, as they stand."""
    forks = [place for place, event in enumerate(events) if isinstance(event, Started) and event.forked is not None]
    known = {event.task for event in events[: max(forks, default=0)] if isinstance(event, Posted)}
    again = [
        place
        for place, event in enumerate(events)
        if isinstance(event, Posted) and event.task in known and forks and place > forks[0]
    ]
    return [event for place, event in enumerate(events) if place not in again]


def _once(events: Sequence[Event]) -> list[str]:
    """A task is screened once, and nothing is learned from it twice: of each agent, and of each bid."""
    screened = Counter(f"{event.task} was screened" for event in events if isinstance(event, Screened))
    learned = Counter(
        f"{event.what} {event.key} of {event.update.get('agent')} was learned from {_place(event)}"
        for event in events
        if isinstance(event, Learned)
    )
    return [f"{what} {count} times" for what, count in (screened + learned).items() if count > 1]


def _place(event: Learned) -> str:
    """The task, and which of its attempts or auctions."""
    number = event.update.get("attempt", event.update.get("auction", ""))
    return f"{event.task} ({number})" if number != "" else event.task


def _calls(events: Sequence[Event]) -> list[str]:
    """Each intent has its end, each end its intent, and nothing is asked again that has a reply."""
    faults: list[str] = []
    open_calls: set[str] = set()
    replied: set[str] = set()
    for event in events:
        if isinstance(event, Reserved):
            if event.call in open_calls or call_of(event.call) in replied:
                faults.append(f"call {event.call} was asked again")
            open_calls.add(event.call)
        elif isinstance(event, Called):
            if event.call not in open_calls:
                faults.append(f"call {event.call} ended without an intent, or twice")
            open_calls.discard(event.call)
            if event.reply is not None:
                replied.add(call_of(event.call))
    return [*faults, *(f"call {call} has no end" for call in sorted(open_calls))]


def _commands(events: Sequence[Event]) -> list[str]:
    """Each intent has its end: the command's own, or that of the tool which started it."""
    intents = Counter(event.call for event in events if isinstance(event, CommandReserved))
    used = [event for event in events if isinstance(event, ToolUsed)]
    ends = Counter(call for event in used for call in {event.call.id, *event.commands} if call in intents)
    return [
        f"command {call}: {count} intents, {ends[call]} ends"
        for call, count in intents.items()
        if (count, ends[call]) != (1, 1)
    ]


def _answers(events: Sequence[Event]) -> list[str]:
    """Nothing is started against a question that waits or was answered with no, and one yes is for one start."""
    faults: list[str] = []
    said: dict[str, Asked] = {}
    started: Counter[str] = Counter()
    ended: Counter[str] = Counter()
    for event in events:
        if isinstance(event, Asked):
            said[event.question.id] = event
        elif isinstance(event, CommandReserved):
            started[event.question] += 1
            faults += _against(said, [event.question], event.call)
        elif isinstance(event, ToolUsed):
            ended.update(event.granted)
            faults += _against(said, event.granted, event.call.id)
        elif isinstance(event, TaskDone):
            waits = [name for name, asked in said.items() if asked.task == event.task and asked.granted is None]
            faults += [f"task {event.task} ended while question {name} waits" for name in waits]
    most = started | ended
    return faults + [f"{count} starts under question {name}" for name, count in most.items() if name and count > 1]


def _against(said: Mapping[str, Asked], questions: Iterable[str], call: str) -> list[str]:
    asked = [said[name] for name in questions if name in said]
    return [f"{call} ran, and {one.question.id} was answered with {one.granted}" for one in asked if not one.granted]


def _attempts(events: Sequence[Event]) -> list[str]:
    """One award, one performance, one verdict, one settlement for each attempt, all of the same agent."""
    faults: list[str] = []
    for kind in (Awarded, Performed, Verified, Settled):
        counted = Counter((event.task, _attempt(event)) for event in events if isinstance(event, kind))
        faults.extend(f"{kind.__name__} stands {n} times for attempt {at}" for at, n in counted.items() if n > 1)
    awarded = {(event.task, event.award.attempt): event.award.agent for event in events if isinstance(event, Awarded)}
    for event in events:
        if (
            isinstance(event, (Performed, Verified, Settled))
            and awarded.get((event.task, event.attempt)) != event.agent
        ):
            faults.append(f"{event.kind} of {event.task}: attempt {event.attempt} was not awarded to {event.agent}")
    return faults


def _attempt(event: Awarded | Performed | Verified | Settled) -> int:
    return event.award.attempt if isinstance(event, Awarded) else event.attempt


def _spend(events: Sequence[Event]) -> list[str]:
    """What calls and tools took is what tasks took, and that is what the run took."""
    faults: list[str] = []
    taken: defaultdict[str, Usage] = defaultdict(Usage)
    for event in events:
        if isinstance(event, (Called, ToolUsed)):
            taken[event.task] += event.usage
        elif isinstance(event, TaskDone) and not _equal(taken[event.task], event.usage):
            faults.append(f"task {event.task} took {_spent(event.usage)}, and its calls {_spent(taken[event.task])}")
    total = sum((event.usage for event in events if isinstance(event, TaskDone)), Usage())
    began = next((event for event in reversed(events) if isinstance(event, Started)), None)
    before = began.forked.usage if began is not None and began.forked is not None else Usage()
    for event in events:
        if isinstance(event, Done) and not _equal(total, event.usage + before):
            faults.append(f"the run took {_spent(event.usage + before)}, and its tasks {_spent(total)}")
    limits = None if began is None else began.limits
    if limits is not None and limits.usd is not None and total.usd > limits.usd and not _overrun(events):
        faults.append(f"the run took ${total.usd}, and its budget is ${limits.usd}")
    return faults


def _overrun(events: Sequence[Event]) -> bool:
    return any(event.overrun for event in events if isinstance(event, (Called, ToolUsed)))


def _applications(events: Sequence[Event]) -> list[str]:
    begun = Counter(event.task for event in events if isinstance(event, Applying))
    ended = Counter(event.task for event in events if isinstance(event, Applied))
    return [f"the patch of {task}: {begun[task]} intents, {ended[task]} ends" for task in begun if ended[task] != 1] + [
        f"the patch of {task} ended {count} times" for task, count in ended.items() if count > 1
    ]


def _equal(first: Usage, second: Usage) -> bool:
    exact = first.model_copy(update={"seconds": 0.0}) == second.model_copy(update={"seconds": 0.0})
    return exact and math.isclose(first.seconds, second.seconds, rel_tol=_SECONDS, abs_tol=_SECONDS)


def _spent(usage: Usage) -> str:
    return f"${usage.usd}, {usage.tokens} tokens, {usage.steps} steps, {usage.seconds:.6f} s"


def _short(verdicts: Mapping[str, Verdict]) -> dict[str, str]:
    return {task: verdict.value for task, verdict in verdicts.items()}
