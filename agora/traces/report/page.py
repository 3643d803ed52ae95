"""The whole page of one run, from its entries: a pure function, so that one ledger always gives one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from agora.records import Recorded
from agora.tasks import Verdict
from agora.traces.pages.excerpts import Excerpts
from agora.traces.pages.frame import Section, page
from agora.traces.pages.parts import anchor, fold, joined, paragraph, state
from agora.traces.report.checking import UNCHECKED, Checked, checking_part
from agora.traces.report.learned import learned
from agora.traces.report.summary import asked_for, came_to, money, pool, standing, tasks_table
from agora.traces.report.task import task_part
from agora.traces.report.timeline import timeline
from agora.traces.told.story import RunStory, TaskStory, told
from agora.traces.told.wording import usd

if TYPE_CHECKING:
    from markupsafe import Markup

MOST_TASKS: Final = 100
"""So many tasks are told in full: those that did not pass first; the others stand in the table."""
MOST_PICTURES: Final = 40
"""So many tasks have their scores drawn; the others have the same figures as tables."""
_OPEN: Final = 3
"""Up to so many tasks are open when the page is."""


def report(
    run: str,
    entries: Sequence[Recorded],
    *,
    checked: Checked = UNCHECKED,
    above: Markup | str = "",
    script: str = "",
) -> str:
    """One run as one self-contained HTML file.

    Args:
        run: Its id.
        entries: All of its entries, in order; erased bodies are left out and counted.
        checked: What checking the ledger gave.
        above: What stands above all else, as the way back of a served page.
        script: Our own, of a page that is served live: it may connect to where the page came from.

    Raises:
        ConfigError: The extra `report` is not installed.
    """
    story, excerpts = told(one.event for one in entries), Excerpts()
    full = _told_in_full(story)
    anchors = {name: f"task-{at}-{anchor(name)[:40]}" for at, name in enumerate(story.tasks) if name in full}
    sections = [
        Section(
            "summary", "What came of it", joined(asked_for(story, excerpts), tasks_table(story, anchors, excerpts))
        ),
        Section("money", "What it cost", money(story)),
        Section("timeline", "Who worked when", timeline(entries)),
    ]
    if story.flow is not None:
        from agora.traces.report.flow import flow_part  # late: networkx

        sections.append(Section("workflow", "The workflow", flow_part(story, story.flow, excerpts)))
    sections += [
        Section("tasks", "Each task", _tasks(story, full, anchors, excerpts)),
        Section("learned", "What was learned", learned(entries, excerpts)),
        Section("pool", "Who took part", pool(story, excerpts)),
        Section("checking", "Check it yourself", checking_part(run, entries, checked)),
    ]
    lead = joined(above, _lead(story, entries))
    return page(title=f"Run {run}", sections=sections, lead=lead, foot=_foot(), script=script, live=bool(script))


def _told_in_full(story: RunStory) -> dict[str, TaskStory]:
    """The tasks that are told in full, in the order of posting."""
    worst = sorted(story.tasks, key=lambda name: story.tasks[name].verdict is Verdict.PASSED)
    chosen = set(worst[:MOST_TASKS])
    return {name: task for name, task in story.tasks.items() if name in chosen}


def _tasks(story: RunStory, full: Mapping[str, TaskStory], anchors: Mapping[str, str], excerpts: Excerpts) -> Markup:
    if not full:
        return paragraph("No task was posted.", quiet=True)
    operators = {name: card.operator for name, card in story.cards.items()}
    bodies: list[Markup] = []
    for at, (name, task) in enumerate(full.items()):
        part = task_part(task, operators, excerpts, anchor=anchors[name], drawn=at < MOST_PICTURES)
        head = joined(name, state(standing(task)), f"by {task.done.agent}" if task.done and task.done.agent else "")
        bodies.append(part if len(full) <= _OPEN else fold(head, part))
    more = len(story.tasks) - len(full)
    if more:
        bodies.append(
            paragraph(f"{more:,} more tasks stand in the table only; agora explain tells them too.", quiet=True)
        )
    return joined(*bodies)


def _lead(story: RunStory, entries: Sequence[Recorded]) -> Markup:
    spent = story.done.usage if story.done else story.spent
    began = datetime.fromtimestamp(entries[0].at_us / 1_000_000, tz=UTC) if entries else None
    when = f", {began:%Y-%m-%d %H:%M} UTC" if began else ""
    return paragraph(f"{came_to(story)}, for {usd(spent.usd)} and {spent.seconds:.1f} s of work{when}.")


def _foot() -> Markup:
    return paragraph(
        "Made by agora trace report from the run's ledger. Texts by models and agents are shown as they are: what "
        "cannot be seen in them stands as <U+...>."
    )
