"""What each agent of a run added, in words and a table, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from rich.table import Table

from agora.cli.explaining_jury import lay, name_of, say
from agora.cli.forms import Form
from agora.cli.paint import grid, out, safe, usd
from agora.traces.explaining.credit import MOST_EXACT, Worth
from agora.traces.explaining.credit_of_runs import MEASURES, RunCredit
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.cli.session import Session
    from agora.protocols import Mechanism, Store
    from agora.traces.counterfactuals.runs import Record

_SHOWN: Final = ("passed", "usd", "seconds")


def credit_in(session: Session, store: Store, run: str) -> RunCredit:
    """The credits of a run, by its own rule.

    Raises:
        UnknownNameError: The rule is not here.
        LedgerError: The run has no beginning on record.
    """
    from agora.traces.counterfactuals.runs import read_record
    from agora.traces.explaining.credit_of_runs import credit_of

    record = read_record(store, run)
    return credit_of(record, _rule_of(session, record))


def print_credit(credit: RunCredit) -> None:
    """Who added what, to what passed and to what the work took."""
    out().print("[head]credit[/] [quiet](what each agent added, by what is on record)[/]")
    if not credit.tasks:
        say("[quiet]no task can be credited[/]", by=2)
    else:
        lay(_table(credit), by=2)
        for line in _remarks(credit):
            say(f"[quiet]{line}[/]", by=2)
    for task, why in credit.skipped.items():
        say(f"[quiet]{safe(task)} is left out: {safe(why)}[/]", by=2)
    out().print()


def credit_form(credit: RunCredit) -> Form:
    """The same as JSON, with every task."""
    tasks: list[JsonValue] = [
        {
            "task": one.task,
            "agents": list(one.players),
            "all": _form(one.whole),
            "shapley": {name: _form(worth) for name, worth in one.shapley.items()},
            "standard_error": {name: _form(worth) for name, worth in one.errors.items()},
            "left_out": {name: _form(worth) for name, worth in one.left_out.items()},
            "orders": one.orders,
            "known": one.known,
        }
        for one in credit.tasks
    ]
    return {
        "agents": list(credit.agents),
        "all": _form(credit.whole),
        "shapley": {name: _form(worth) for name, worth in credit.shapley.items()},
        "standard_error": {name: _form(worth) for name, worth in credit.errors.items()},
        "left_out": {name: _form(worth) for name, worth in credit.left_out.items()},
        "known": credit.known,
        "tasks": tasks,
        "not_credited": dict(credit.skipped),
    }


def _table(credit: RunCredit) -> Table:
    used = [place for place, name in enumerate(MEASURES) if name in _SHOWN and _any(credit, place)]
    columns = [f"{'cost' if MEASURES[place] == 'usd' else MEASURES[place]}>" for place in used]
    without = [f"without it {column}" for column in columns]
    table = grid("agent", "tasks>", *columns, *without)
    for name in credit.agents:
        tasks = sum(name in one.players for one in credit.tasks)
        shares = [_cell(credit.shapley[name][place], credit.errors[name][place], place) for place in used]
        otherwise = [_figure(0.0 - credit.left_out[name][place], place, sign="+") for place in used]
        table.add_row(name_of(name), str(tasks), *shares, *otherwise)
    whole = [_figure(credit.whole[place], place) for place in used]
    table.add_row("[quiet]all[/]", str(len(credit.tasks)), *whole, *("" for _ in used))
    return table


def _remarks(credit: RunCredit) -> Sequence[str]:
    drawn = [one for one in credit.tasks if one.orders]
    how = f"Shapley values, exact (tasks of at most {MOST_EXACT} bidders)"
    if drawn:
        many = f"{len(drawn)} tasks with more than {MOST_EXACT} bidders"
        how = f"Shapley values; of {many} over {drawn[0].orders} drawn orders, with their standard error"
    known = "all turns that were looked at are on record"
    if credit.known < 1:
        known = (
            f"{100 * credit.known:.0f} % of the turns that were looked at are on record; for the rest an agent is taken"
            " to pass with the lower bound of its record (0 for who has none), at what it asked"
        )
    return [
        f"{how}: they add up to what all reached, and below 0 is saved. Without it: what would be otherwise without its"
        " bids.",
        f"{known}.",
    ]


def _cell(value: float, error: float, place: int) -> str:
    return f"{_figure(value, place)} ± {_figure(error, place)}" if error else _figure(value, place)


def _figure(value: float, place: int, *, sign: str = "") -> str:
    """A figure of a measure; of money in dollars, below 0 where it is saved."""
    if MEASURES[place] != "usd" or not value:
        return f"{value:{sign}.4g}"
    return f"{'-' if value < 0 else sign}{usd(Decimal(repr(abs(value))))}"


def _any(credit: RunCredit, place: int) -> bool:
    """Whether a measure says anything; whether something passed always does."""
    return place == 0 or any(worth[place] for worth in (credit.whole, *credit.shapley.values()))


def _form(worth: Worth) -> Form:
    return dict(zip(MEASURES, worth, strict=True))


def _rule_of(session: Session, record: Record) -> Mechanism:
    from agora.cli.definitions import load_mechanism
    from agora.errors import LedgerError
    from agora.traces.replay.making import mechanism_from

    began = record.story.started
    if began is None:
        raise LedgerError(f"run {record.run} has no beginning on record: by which rule it was held is not known")
    if began.mechanism_settings:
        return mechanism_from(began.mechanism, began.mechanism_settings)
    return load_mechanism(began.mechanism, project=session.project)
