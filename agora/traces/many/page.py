"""The page of figures over many runs: the same values as in the JSON, drawn with the page kit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from agora.traces.many.figures import Figures, ScopeFigures
from agora.traces.many.pictures import frontier, learning, overhead, shares
from agora.traces.many.tables import MOST_ROWS, agents_table, judges_table, pools_table, promises_table
from agora.traces.many.words import (
    NOTHING,
    class_name,
    counted,
    day,
    interval,
    passed,
    percent,
    short,
    spent,
)
from agora.traces.pages.frame import Section, page
from agora.traces.pages.parts import Column, fold, heading, joined, listed, paragraph, table
from agora.traces.pages.parts import facts as fact_list
from agora.traces.told.wording import number, usd

if TYPE_CHECKING:
    from markupsafe import Markup

MOST_CLASSES: Final = 8
"""So many task classes, those with the most tasks, have pictures and tables of their own."""
MOST_NAMED: Final = 12
"""So many agents of a window are named at most."""
TITLE: Final = "Runs in figures"


def many_page(figures: Figures, *, lead: Markup | str = "", foot: Markup | str = "", script: str = "") -> str:
    """The page.

    Args:
        figures: What it shows.
        lead: What stands between the title and what the figures are of.
        foot: What stands at the end.
        script: As in `agora.traces.pages.frame.page`; with one, the page is a live one.

    Returns:
        HTML, whole.

    Raises:
        ConfigError: The extra `report` is not installed.
    """
    sections = list(many_sections(figures))
    return page(
        title=TITLE,
        sections=sections,
        lead=joined(lead, paragraph(of_what(figures), quiet=True)),
        foot=foot,
        script=script,
        live=bool(script),
    )


def many_sections(figures: Figures) -> Iterable[Section]:
    """The sections of the page, in order."""
    yield Section("overview", "Overview", _overview(figures))
    if not figures.total.tasks:
        return
    shown = figures.classes[:MOST_CLASSES]
    for at, scope in enumerate(shown, start=1):
        yield Section(f"class-{at}", class_name(scope.skill), _class(scope, id=f"c{at}", target=figures.target))
    yield Section("awards", "Who gets the work", _awards(figures.total))
    yield Section("overhead", "What the market costs", _overhead(figures.total))
    yield Section("promises", "Promised and delivered", promises_table(figures.total))
    yield Section("judges", "What the judges are worth", judges_table(figures.total.judges))
    yield Section("notes", "How these figures are made", _notes(figures))


def of_what(figures: Figures) -> str:
    """What the figures are of, in a sentence."""
    chosen = figures.selected
    if not figures.seq:
        return "Nothing is on record."
    what = "the latest " + counted(chosen.last, "run") if chosen.last else counted(figures.runs, "run")
    since = f" that began since {day(chosen.since_us)}" if chosen.since_us is not None else ""
    skill = f", tasks with {class_name(chosen.skill)!r} only" if chosen.skill is not None else ""
    when = f", {day(figures.first_us)} to {day(figures.last_us)} UTC" if figures.first_us is not None else ""
    return f"Of {what}{since}{skill}{when}. Event {figures.seq} is the last one that was read."


def left_out(figures: Figures) -> list[str]:
    """What is on record and in no figure, a sentence each."""
    told = [
        (figures.open_tasks, counted(figures.open_tasks, "task") + " not ended yet"),
        (figures.aside, counted(figures.aside, "run") + " made to be compared with, or forked"),
        (figures.partial, counted(figures.partial, "task") + " of which something is missing on record"),
        (figures.erased, counted(figures.erased, "erased event") + ": what stood there is missing"),
    ]
    return [said for count, said in told if count]


def _overview(figures: Figures) -> Markup:
    total = figures.total
    if not total.tasks:
        why = "No task on record has ended yet." if figures.runs else "No runs on record."
        return joined(paragraph(why), _left_out(figures))
    pairs: list[tuple[str, Markup | str]] = [
        ("runs", f"{figures.runs}, {figures.ended} of them done"),
        ("tasks that ended", str(total.tasks)),
        ("passed a check", f"{passed(total.grounded)} ({interval(total.grounded)})"),
        ("a model says passed", f"{passed(total.judged)} ({interval(total.judged)})" if total.judged.n else NOTHING),
        ("nothing decided", str(total.unknown)),
        ("spent", spent(total.usd, total.seconds)),
        ("of it on auctions", percent(total.overhead.share)),
    ]
    rows = [
        [
            class_name(scope.skill),
            str(scope.tasks),
            passed(scope.grounded),
            interval(scope.grounded),
            spent(scope.usd, scope.seconds),
            short((scope.cheapest.pool if scope.cheapest else None) or "not known"),
        ]
        for scope in figures.classes[:MOST_ROWS]
    ]
    columns: list[Column | str] = [
        "class",
        Column("tasks", right=True),
        Column("passed", right=True),
        Column("95 %", right=True),
        Column("spent", right=True),
        "enough",
    ]
    more = len(figures.classes) - len(rows)
    return joined(
        fact_list(pairs),
        table(f"Task classes; enough: the cheapest pool known to pass {percent(figures.target)}", columns, rows),
        paragraph(f"And {counted(more, 'class', 'classes')} with fewer tasks.", quiet=True) if more > 0 else "",
        _left_out(figures),
    )


def _left_out(figures: Figures) -> Markup:
    told = left_out(figures)
    return joined(paragraph("In no figure:", quiet=True), listed(told)) if told else joined()


def _class(scope: ScopeFigures, *, id: str, target: float) -> Markup:
    sentence = scope.cheapest.sentence if scope.cheapest else ""
    return joined(
        paragraph(sentence),
        frontier(scope, id=f"{id}-frontier"),
        heading("Agents"),
        agents_table(scope),
        heading("Pools"),
        pools_table(scope, target=target),
        heading("Over time"),
        learning(scope, id=f"{id}-learning")
        if len(scope.windows) > 1
        else paragraph("Too few tasks for windows.", quiet=True),
    )


def _awards(total: ScopeFigures) -> Markup:
    if not total.awards:
        return paragraph("No task that ended was awarded to anybody.")
    columns: list[Column | str] = ["awards", "from", "to (UTC)", "agents"]
    rows: list[list[Markup | str]] = []
    end = 0
    for window in total.awards:
        end += window.awards
        most = sorted(window.to.items(), key=lambda item: (-item[1], item[0]))
        to = ", ".join(f"{short(agent)} {count}" for agent, count in most[:MOST_NAMED])
        to += f" and {len(most) - MOST_NAMED} more" if len(most) > MOST_NAMED else ""
        rows.append([f"{end - window.awards + 1} to {end}", day(window.first_us), day(window.last_us), to])
    return joined(
        shares(total.awards, id="awards-shares"),
        paragraph("Awards are counted, not estimated, and each at the end of its task.", quiet=True),
        fold("When each window was", table("Windows of awards", columns, rows, quiet_caption=True)),
    )


def _overhead(total: ScopeFigures) -> Markup:
    booked = total.overhead
    said = (
        f"Finding out who does it took {_of_spend(booked.share)}: {spent(booked.usd, booked.seconds)}, "
        f"{booked.tokens} tokens, over {counted(total.tasks, 'task')}. Counted, not estimated."
    )
    columns: list[Column | str] = [
        "for",
        Column("$", right=True),
        Column("tokens", right=True),
        Column("seconds", right=True),
        Column("share of the spend", right=True),
    ]
    rows = [
        [part.part, usd(part.usd), str(part.tokens), number(part.seconds), percent(part.share)]
        for part in total.spending
    ]
    return joined(
        paragraph(said),
        table("What calls, tools and commands took, by what they were for", columns, rows) if rows else "",
        overhead(total, id="overhead-time"),
    )


def _of_spend(share: float | None) -> str:
    return "nothing of nothing spent" if share is None else f"{percent(share)} of what was spent"


def _notes(figures: Figures) -> Markup:
    return listed(
        [
            "Passed: a check (tests, a command, a match, a schema, a person) decided. What a model judged is apart.",
            "Rates have exact intervals (Clopper and Pearson), means Student's; costs are skewed, so that those of few "
            "tasks are rough. A dash: nothing to say it from.",
            "A pool passes a task if one of its agents does. Where some of them were not tried and the others failed, "
            "it is not known: that counts against the pool at the lower end and for it at the upper one.",
            "The market chose who got which task. A pool is known on the tasks that its agents were given, and may do "
            "otherwise on others: agora trace estimate corrects for that where chances are on record.",
            "An agent's cost is that of its attempts; the market's has the bids in it.",
            f"Target: {percent(figures.target)}. Windows hold equally many tasks or awards, not days.",
        ]
    )
