"""The pages that are served: the same as those that are written to files, with ways between them and what is live."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

from agora.forks import events_of
from agora.protocols import Store
from agora.traces.many.figures import Figures, Selected
from agora.traces.many.gathering import Many
from agora.traces.many.listing import RunLine, RunList
from agora.traces.many.page import many_page
from agora.traces.many.words import class_name, counted, day
from agora.traces.pages.excerpts import Excerpts
from agora.traces.pages.frame import Section, page
from agora.traces.pages.parts import Column, fold, joined, paragraph, state, table
from agora.traces.report import report
from agora.traces.told.wording import number, usd, visible
from agora.ui.live import OVERALL

if TYPE_CHECKING:
    from markupsafe import Markup

RUNS_A_PAGE: Final = 50
"""So many runs are listed at once."""
MOST_EVENTS: Final = 20_000
"""A run with more events is shown as far as these go."""
MOST_WAYS: Final = 30
"""So many classes have a way of their own on the page of figures."""
_FOLDS: Final = 4
_COLOURS: Final[Mapping[str, str]] = {"done": "plain", "running": "running", "waiting": "waiting", "cut off": "unknown"}


class Pages:
    """All pages of one ledger; several threads may ask at the same time.

    Args:
        store: With the ledger.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._runs = RunList(store)
        self._many: dict[Selected, Many] = {}
        self._lock = Lock()
        self._end = 0

    def runs(self, *, before: int | None = None) -> str:
        """The list of runs, newest first.

        Args:
            before: Those that began before this position on the ledger; None: the newest.

        Raises:
            LedgerError: The ledger cannot be read.
        """
        listed = self._runs.page(before=before, limit=RUNS_A_PAGE)
        last = self._last()
        excerpts = Excerpts()
        ways = [("many runs in figures", "/figures")]
        if before is not None:
            ways.append(("the newest runs", "/"))
        if listed.older is not None:
            ways.append(("older runs", f"/?before={listed.older}"))
        columns: list[Column | str] = [
            "run",
            "goal",
            "where it is",
            Column("passed", right=True),
            Column("cost", right=True),
            Column("seconds", right=True),
            Column("tokens", right=True),
            "began (UTC)",
        ]
        shown = table("Runs, newest first", columns, [_row(line, excerpts) for line in listed.lines])
        body = shown if listed.lines else paragraph("No runs yet: start one with agora run, or agora demo.")
        lead = joined(
            _ways(ways), paragraph(counted(listed.total, "run") + " on record.", quiet=True), _live(None, last)
        )
        sections = [Section("runs", "Runs", body)]
        return page(title="Agora", sections=sections, lead=lead, script=_script(), live=True)

    def run(self, run: str) -> str | None:
        """One run; None: there is none of that id.

        Raises:
            LedgerError: The ledger cannot be read.
        """
        line = self._runs.line(run)
        if line is None:
            return None
        entries = list(islice(events_of(self._store, run), MOST_EVENTS))
        last = entries[-1].seq if entries else 0
        cut = (
            paragraph(f"Only the first {MOST_EVENTS} events are shown, not live: agora show {run} tells them all.")
            if len(entries) == MOST_EVENTS
            else ""
        )
        open_ = line.state != "done" and not cut
        above = joined(
            _ways([("all runs", "/"), ("many runs in figures", "/figures")]),
            _here(line.state),
            _live(run, last) if open_ else "",
            cut,
        )
        return report(run, entries, above=above, script=_script())

    def figures(self, selected: Selected) -> str:
        """The figures over many runs.

        Raises:
            LedgerError: The ledger cannot be read.
        """
        with self._lock:  # one fold at a time, which the next one to ask goes on with
            many = self._many.pop(selected, None) or Many(self._store, selected)
            figures = many.figures()
            self._many[selected] = many
            while len(self._many) > _FOLDS:
                self._many.pop(next(iter(self._many)))
        lead = joined(_ways([("all runs", "/"), *_selections(figures)]), _live(None, figures.seq))
        return many_page(figures, lead=lead, script=_script())

    def _last(self) -> int:
        """The last position that a page of all runs knows; what comes later is told live."""
        with self._lock:
            after = max(self._end, self._runs.newest)
            for entry in self._store.events(after=after, kinds=OVERALL):
                after = entry.seq
            self._end = after
            return after


def _row(line: RunLine, excerpts: Excerpts) -> list[Markup | str]:
    usage = line.usage
    about = f"{line.aside}: {line.goal}" if line.aside else line.goal
    return [
        way(line.run, f"/runs/{quote(line.run, safe='')}"),
        excerpts.line(about, limit=120),
        state(_COLOURS[line.state], line.state),
        f"{line.passed}/{line.tasks}" if line.tasks else "-",
        usd(usage.usd) if usage else "-",
        number(usage.seconds) if usage else "-",
        str(usage.tokens) if usage else "-",
        day(line.began_us),
    ]


def _here(standing: str) -> Markup:
    """Where the run is; the script keeps it true."""
    from markupsafe import Markup

    return Markup('<p id="standing">{}</p>').format(joined("The run is ", state(_COLOURS[standing], standing), "."))


def way(text: str, address: str) -> Markup:
    """A link to another page of this server.

    Args:
        text: What follows.
        address: Path and query, beginning with "/"; quoted already.
    """
    from markupsafe import Markup

    return Markup('<a href="{}">{}</a>').format(address, visible(text))


def _ways(ways: Iterable[tuple[str, str]]) -> Markup:
    from markupsafe import Markup

    items = Markup("").join(Markup("<li>{}</li>").format(way(text, address)) for text, address in ways)
    return Markup('<nav aria-label="Pages"><ul>{}</ul></nav>').format(items)


def _selections(figures: Figures) -> Iterable[tuple[str, str]]:
    """Ways to the figures of other runs and classes."""
    chosen = figures.selected
    for last in (10, 100):
        if figures.runs > last or chosen.last == last:
            yield f"the latest {last} runs", f"/figures?{urlencode({'last': last})}"
    if chosen != Selected():
        yield "everything", "/figures"
        return
    if len(figures.classes) > 1:
        for scope in figures.classes[:MOST_WAYS]:
            yield f"only {class_name(scope.skill)[:60]}", f"/figures?{urlencode({'skill': scope.skill or ''})}"


def _live(run: str | None, after: int) -> Markup:
    """Where the script says what is new."""
    from markupsafe import Markup

    address = f"/live?{urlencode({'after': after, **({'run': run} if run is not None else {})})}"
    said = Markup('<p id="live" class="quiet" role="status" data-from="{}" data-all="{}">{}</p>').format(
        address, "" if run is not None else "yes", "Without scripts this page is as it was when it was opened."
    )
    return joined(said, fold("New events", Markup('<ol id="live-log" reversed></ol>')))


@cache
def _script() -> str:
    return (Path(__file__).parent / "live.js").read_text(encoding="utf-8")
