"""What came of a run: its tasks, what it cost against the budget and against the dearest agent, who took part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from agora.bids import Unit
from agora.events import Joined
from agora.past import phase_of
from agora.tasks import Usage
from agora.traces.pages.excerpts import Excerpts
from agora.traces.pages.parts import Column, facts, fold, joined, link, meter, paragraph, state, table, words
from agora.traces.pages.plots import Bar, Told, bars
from agora.traces.told.asks import dearest, mean_asks
from agora.traces.told.pool import change_line
from agora.traces.told.story import RunStory, TaskStory
from agora.traces.told.wording import number, rate, steps, taken, times, usd

if TYPE_CHECKING:
    from markupsafe import Markup

MOST_LISTED: Final = 1_000
"""Of more tasks than these the others are counted."""
MOST_BARS: Final = 16
_PHASES: Final = {
    "bid": "bids",
    "refine": "second plans",
    "jury": "jury",
    "attempt": "attempts",
    "solo": "attempts",
    "verify": "checks",
}


class Dearest(NamedTuple):
    """What the dearest agent asks for the same tasks as those who got them, in one unit."""

    agent: str
    """Who asks most, on average, of the reserve."""
    unit: Unit
    """Of both sums."""
    tasks: int
    """How many of the tasks that were awarded it bid on, in that unit; only these are summed."""
    asked: Decimal
    """What it asked for them."""
    awarded: Decimal
    """What the first winner of each asked."""


def standing(story: TaskStory) -> str:
    """How a task stands, in one of the kit's words."""
    if story.done is not None:
        return story.done.verdict.value
    return "waiting" if story.waiting else "running"


def tasks_table(story: RunStory, anchors: Mapping[str, str], excerpts: Excerpts) -> Markup:
    """A row a task: what came of it, who did it, what it took.

    Args:
        story: Of the run.
        anchors: Task -> where it is told in full; of others there is no link.
        excerpts: What may still be shown.
    """
    rows: list[list[Markup | str]] = []
    for name, task in list(story.tasks.items())[:MOST_LISTED]:
        done = task.done
        who = done.agent if done else task.last.award.agent if task.last else ""
        rows.append(
            [
                link(anchors[name], name) if name in anchors else name,
                state(standing(task)),
                who or "nobody",
                excerpts.line(task.task.goal, limit=120),
                str(len(task.attempts)),
                taken(done.usage) if done else "",
            ]
        )
    columns: list[Column | str] = ["task", "came to", "by", "what was wanted", Column("attempts", right=True), "took"]
    more = len(story.tasks) - len(rows)
    note = [paragraph(f"and {more:,} more tasks", quiet=True)] if more > 0 else []
    return joined(table("Tasks, in the order of posting", columns, rows), *note)


def came_to(story: RunStory) -> str:
    """What came of all tasks, in a few words.

    >>> came_to(RunStory())
    'no task was posted'
    """
    if not story.tasks:
        return "no task was posted"
    counts: defaultdict[str, int] = defaultdict(int)
    for task in story.tasks.values():
        counts[standing(task)] += 1
    order = ("passed", "failed", "unknown", "waiting", "running")
    return ", ".join(f"{counts[word]} {word}" for word in order if counts[word]) + f" of {len(story.tasks)}"


def against_the_dearest(story: RunStory) -> list[Dearest]:
    """The asks of whoever asks most on average, beside the asks of those who won, on the same tasks; a row a unit."""
    name = dearest(story)
    asked: defaultdict[Unit, Decimal] = defaultdict(Decimal)
    awarded: defaultdict[Unit, Decimal] = defaultdict(Decimal)
    counts: defaultdict[Unit, int] = defaultdict(int)
    for task in story.tasks.values():
        for auction in task.auctions[:1]:  # the first: everybody was asked, within the same reserve
            bids = auction.bids
            winner = auction.attempts[0].award.agent if auction.attempts else ""
            if name in bids and winner in bids and bids[winner].price.unit == bids[name].price.unit:
                unit = bids[name].price.unit
                asked[unit] += bids[name].price.value
                awarded[unit] += bids[winner].price.value
                counts[unit] += 1
    return [Dearest(name, unit, counts[unit], asked[unit], awarded[unit]) for unit in sorted(counts) if name]


def money(story: RunStory) -> Markup:
    """The money line: spent against the budget, the part of the bids, and against always the dearest agent."""
    spent, overhead = story.done.usage if story.done else story.spent, story.overhead()
    pairs: list[tuple[str, Markup | str]] = [("Spent", taken(spent))]
    limit = story.started.limits.usd if story.started else None
    if limit:
        share = float(spent.usd / limit)
        text = f"{usd(spent.usd)} of {usd(limit)} ({number(100 * share)} %)"
        pairs.append(("Against the budget", meter(share, text=text, name="part of the budget that was spent")))
    if overhead.steps:
        of = f" ({number(100 * float(overhead.usd / spent.usd))} % of the dollars)" if spent.usd else ""
        pairs.append(("Of it for the auctions", taken(overhead) + of))
    for one in against_the_dearest(story):
        pairs.append((f"Against always {one.agent}, the dearest", _saved(one)))
    for resumed in story.resumed:
        if resumed.unknown:
            what = f"{len(resumed.unknown)} calls of unknown fate, charged at their worst case: {usd(resumed.usd)}"
            pairs.append(("After it was cut off", what))
    return joined(facts(pairs), *_spend_picture(story))


def _saved(one: Dearest) -> str:
    def shown(value: Decimal) -> str:
        return usd(value) if one.unit == "usd" else f"{number(value)} s"

    less = f" ({number(100 * float(1 - one.awarded / one.asked))} % less)" if one.awarded < one.asked else ""
    on = f"{one.tasks} task" + ("s" if one.tasks != 1 else "")
    return f"the winners asked {shown(one.awarded)}{less}, it asked {shown(one.asked)}, on the {on} that it bid on"


def _spend_picture(story: RunStory) -> Iterator[Markup]:
    spent: defaultdict[str, defaultdict[str, Usage]] = defaultdict(lambda: defaultdict(Usage))
    for name, task in story.tasks.items():
        for intent, end in task.calls:
            if end is not None:
                spent[intent.agent][_phase(phase_of(name, intent.call))] += end.usage
        for tool in task.tools:
            spent[tool.agent][_phase(tool.phase or "attempt")] += tool.usage
    dollars = any(usage.usd for phases in spent.values() for usage in phases.values())

    def figure(usage: Usage) -> float:
        return float(usage.usd) if dollars else usage.seconds

    order = list(dict.fromkeys(_PHASES.values()))
    rows = [
        Bar(agent, {phase: figure(phases[phase]) for phase in order if phase in phases})
        for agent, phases in spent.items()
    ]
    rows.sort(key=lambda bar: (-sum(bar.parts.values()), bar.label))
    if not any(sum(bar.parts.values()) for bar in rows):
        return
    unit = "US dollars" if dollars else "seconds"
    total = sum(rows[0].parts.values())
    shown = f"${total:.4g}" if dollars else f"{number(total)} s"
    more = f" {len(rows) - MOST_BARS} more took less." if len(rows) > MOST_BARS else ""
    says = f"{rows[0].label} took most: {shown}.{more}"
    told = Told("spend-picture", "What each agent took, and for what", says)
    yield bars(told, rows[:MOST_BARS], axis=unit)


def _phase(phase: str) -> str:
    return _PHASES.get(phase.partition("-")[0], "attempts")


def asked_for(story: RunStory, excerpts: Excerpts) -> Markup:
    """What the run was asked, and by which rules it went."""
    started = story.started
    pairs: list[tuple[str, Markup | str]] = [("Came to", came_to(story))]
    if story.done is None:
        pairs.append(("State", state("waiting") if story.waiting else state("running", "not finished on this ledger")))
    if story.flow is not None:
        pairs.append(("Workflow", story.flow.flow))
    if started is not None:
        limits = started.limits
        pairs += [
            ("Mechanism", started.mechanism),
            ("Policy", started.policy),
            ("Seed", str(started.seed)),
            ("Budget", usd(limits.usd) if limits.usd is not None else "no bound in dollars"),
            ("Tasks at once", str(started.parallel)),
            ("Attempts a task", f"at most {started.attempts}"),
            ("Learns from it", "yes" if started.learn else "no: a measurement"),
        ]
    if started is not None and started.forked is not None:
        pairs.append(("A fork", f"of run {started.forked.run}, from its event {started.forked.at} on"))
    if story.resumed:
        pairs.append(("Gone on with", times(len(story.resumed))))
    bodies: list[Markup] = [facts(pairs), *_rules(story)]
    goals = [story.planning.spec.goal] if story.planning else []
    if not goals and len(story.tasks) == 1:
        goals = [task.task.goal for task in story.tasks.values()]
    bodies += [words(excerpts.cut(goal)) for goal in goals]
    if story.waiting:
        asked = [excerpts.line(one.question.reason or one.question.about) for one in story.waiting[:MOST_BARS]]
        bodies.append(paragraph(f"Waits for an answer: {'; '.join(asked)}. Answer with: agora approve"))
    return joined(*bodies)


def _rules(story: RunStory) -> Iterator[Markup]:
    """What the decisions depend on besides, in full."""
    started = story.started
    if started is None:
        return
    versions = ", ".join(f"{name} {version}" for name, version in started.versions.items())
    told = [
        ("Options of the mechanism", started.mechanism_settings),
        ("Options of the policy", started.policy_settings),
        ("Versions", versions),
    ]
    pairs = [(name, text) for name, text in told if text]
    if pairs:
        yield fold("The rules in full", facts(pairs))


def pool(story: RunStory, excerpts: Excerpts) -> Markup:
    """Who took part: the cards, who joined and left, what a reader should know."""
    dear = mean_asks(story)
    rows: list[list[Markup | str]] = [
        [
            card.name,
            card.kind,
            card.model or "-",
            ", ".join(sorted(card.skills)) or "any",
            rate(card.price),
            f"{dear[card.name]:.3f}" if card.name in dear else "-",
        ]
        for card in list(story.cards.values())[:MOST_LISTED]
    ]
    columns: list[Column | str] = [
        "agent",
        "kind",
        "model",
        "skills",
        "charges",
        Column("asks, of the reserve", right=True),
    ]
    bodies: list[Markup] = [table("Who took part", columns, rows, quiet_caption=True)]
    if story.changes:
        lines = [
            [line[1], "joined" if isinstance(change, Joined) else "left"]
            for change in story.changes
            for line in [change_line(change)]
        ]
        bodies.append(table("Who joined and left while it went on", ["agent", "what"], lines))
    notes: Mapping[str, str] = story.started.notes if story.started else {}
    if notes:
        pairs = [(name, excerpts.line(note)) for name, note in notes.items()]
        bodies.append(fold(f"Remarks at the beginning ({len(pairs)})", facts(pairs)))
    return joined(*bodies)


def steps_of(usage: Usage | None) -> str:
    """Steps of some work; "-" where it is not known."""
    return "-" if usage is None else steps(usage.steps)
