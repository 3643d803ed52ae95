"""`agora trace replay RUN --with NAME=VALUE`: every award decided again under another rule, without a token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agora.cli.session import Session
    from agora.events import Started
    from agora.protocols import Mechanism, Policy
    from agora.traces.counterfactuals.options import Wanted
    from agora.traces.counterfactuals.outcomes import OnRecord, Sum, Told
    from agora.traces.counterfactuals.runs import Record, Undone
    from agora.values import JsonValue

FREE = "No call was made: plans, marks, reserve and tie seed are those on record."
"""What the reader is told first."""
ALONE = (
    "Each auction is decided by itself, from what was known then: what another award would have taught the market, "
    "or left in its purse, is not followed up."
)
"""What the reader is told last."""


class Rules(NamedTuple):
    """The rules of then and now."""

    then: Mechanism | None
    """None: it cannot be made again."""
    now: Mechanism
    policy: Policy | None
    """Another policy; None: it stays."""


async def run(session: Session, ref: str, changes: Mapping[str, str], *, json: bool) -> int:
    """Decide again and show what changes.

    Args:
        session: With the ledger.
        ref: The run: an id, the beginning of one, or "last".
        changes: What is to be otherwise, name -> value.
        json: Whether one JSON object is printed.

    Returns:
        The exit code: 14 where an auction could not be decided again.

    Raises:
        UnknownNameError: No such run, rule, option or agent; the nearest is named.
        ConfigError: A value cannot be meant.
        LedgerError: The run's beginning was erased.
    """
    from agora.cli.session import opened_store
    from agora.errors import Exit, LedgerError
    from agora.forks import events_of
    from agora.traces.counterfactuals.options import checked_names, wanted
    from agora.traces.counterfactuals.outcomes import outcomes
    from agora.traces.counterfactuals.policies import rerouted
    from agora.traces.counterfactuals.runs import Change, read_record, redecided

    asked = wanted(changes)
    async with opened_store(session) as store:
        run_id = store.find_run(ref)
        record = read_record(store, run_id)
        started = record.story.started
        if started is None:
            raise LedgerError(f"run {run_id}: its beginning was erased, so nobody can say by which rule it was held")
        without = checked_names(asked.without, tuple(record.story.cards), run=run_id)
        rules = _rules(session, started, asked)
        routes = None
        if rules.policy is not None:
            routes = rerouted(store, events_of(store, run_id), rules.policy, without=without)
        change = Change(mechanism=rules.now, then=rules.then, without=without, routes=routes)
        redone, undone = redecided(record, change)
        told = outcomes(store, record, redone)
    if json:
        _print_form(run_id, changes, rules, told, undone)
    else:
        _print(run_id, record, changes, told, undone)
    return Exit.INCOMPLETE if undone else Exit.PASSED


def _rules(session: Session, started: Started, asked: Wanted) -> Rules:
    from agora.cli.definitions import load_mechanism, load_policy
    from agora.errors import UnknownNameError
    from agora.learning import settings_of
    from agora.traces.counterfactuals.options import changed_mechanism, changed_policy
    from agora.traces.replay.making import mechanism_from, options_in

    own = asked.mechanism in (None, started.mechanism)
    then: Mechanism | None
    try:
        if started.mechanism_settings:
            then = mechanism_from(started.mechanism, started.mechanism_settings)
        else:  # older runs did not write the options down
            then = load_mechanism(started.mechanism, project=session.project)
    except UnknownNameError:
        if own:
            raise
        then = None
    if own and then is not None:
        base = options_in(started.mechanism_settings or settings_of(then), where="mechanism")
        now = changed_mechanism(started.mechanism, base, asked.options) if asked.options else then
    else:
        assert asked.mechanism is not None
        made = load_mechanism(asked.mechanism, project=session.project)
        base = options_in(settings_of(made), where="mechanism")
        now = changed_mechanism(made.name, base, asked.options) if asked.options else made
    policy: Policy | None = None
    if asked.policy is not None and asked.policy != started.policy:
        made_policy = load_policy(asked.policy, project=session.project)
        base = options_in(settings_of(made_policy), where="policy")
        policy = changed_policy(made_policy.name, base, asked.policy_options) if asked.policy_options else made_policy
    elif asked.policy_options:
        base = options_in(started.policy_settings, where="policy")
        policy = changed_policy(started.policy, base, asked.policy_options)
    return Rules(then, now, policy)


def _print(
    run: str, record: Record, changes: Mapping[str, str], told: Sequence[Told], undone: Sequence[Undone]
) -> None:
    from agora.cli.paint import out, safe
    from agora.traces.counterfactuals.outcomes import summed

    console = out()
    said = ", ".join(f"{name}={value}" for name, value in changes.items())
    console.print(f"[head]run {safe(run)}[/] [quiet]decided again with {safe(said, limit=300)}[/]")
    console.print(f"[quiet]{FREE}[/]\n")
    if not record.spans:
        console.print("This run held no auction: there is no award to decide again.")
        return
    if told:
        _print_awards(told)
    for one in told:
        _print_reasons(one)
    for lost in undone:
        console.print(f"[failed]not decided again[/] {safe(lost.task)} auction {lost.auction}: {safe(lost.why)}")
    for line in _sum_lines(summed(told)) if told else ():
        console.print(safe(line))
    console.print(f"[quiet]{ALONE}[/]")


def _print_awards(told: Sequence[Told]) -> None:
    from agora.cli.paint import grid, out, safe

    table = grid("task", "auction>", "event>", "then", "score>", "promised>", "now", "score>", "promised>")
    for one in told:
        redone = one.redone
        row = (*_award(redone.then, ""), *_award(redone.now, "?" if redone.open else ""))
        mark = "" if _same(one) else "[unknown]*[/] "
        table.add_row(f"{mark}{safe(redone.task)}", str(redone.auction), str(redone.seq), *row)
    out().print(table)
    moved = sum(one.redone.moved for one in told)
    known = f"{moved} award{'' if moved == 1 else 's'} moved"
    if all(map(_same, told)):
        known = "the same award for the same promise in all"
    what = "1 auction" if len(told) == 1 else f"{len(told)} auctions"
    out().print(f"[quiet]{what} decided again: {known} (* differs, ? not known for sure)[/]")


def _print_reasons(one: Told) -> None:
    from agora.cli.paint import inset, out, safe

    redone = one.redone
    lines = [*_outcome_lines(one), *redone.open, *redone.remarks]
    if redone.follows:
        lines.append(
            "it followed an award, or a plan, that would or might have been another: it might never have been held"
        )
    if lines:
        out().print(f"[head]{safe(redone.task)}[/] auction {redone.auction}, event {redone.seq}")
    for line in lines:
        out().print(inset(safe(line, limit=400)))


def _same(one: Told) -> bool:
    redone = one.redone
    return not (redone.moved or redone.replanned or redone.paid_otherwise or redone.open or redone.follows)


def _award(clearing: object, mark: str) -> tuple[str, str, str]:
    from agora.bids import Clearing
    from agora.cli.paint import amount, safe

    assert isinstance(clearing, Clearing)
    if not clearing.ranking:
        return f"[quiet]nobody[/]{mark}", "", ""
    best = clearing.ranking[0]
    payment = clearing.payment or best.price
    return f"[name]{safe(best.agent)}[/]{mark}", f"{best.total:.4f}", amount(payment)


def _outcome_lines(one: Told) -> list[str]:
    """What is known of both awards, in words."""
    redone = one.redone
    if not redone.moved and not redone.replanned:
        return []
    lines = [f"then {redone.then.winner or 'nobody'}: {_known(redone.then.winner, one.then)}"]
    return [*lines, f"now {redone.now.winner or 'nobody'}: {_known(redone.now.winner, one.now)}"]


def _known(agent: str | None, found: OnRecord | None) -> str:
    from agora.cli.paint import taken

    if agent is None:
        return "nobody would work on it in this auction"
    if found is None:
        return "not known: it never worked on this task on record"
    by = "" if found.grounded else ", by a model's opinion"
    cost = "" if found.took is None else f", took {taken(found.took)}"
    return f"{found.verdict.value} on record ({found.where}{by}{cost})"


def _sum_lines(total: Sum) -> list[str]:
    """Awards and what they passed, then money then against money now, as far as it is known."""
    lines = [f"auctions that are known and would have been held: {total.auctions}"]
    if not total.auctions:
        return lines
    lines.append(f"awards: {total.awards_then} then, {total.awards_now} now; nobody now: {total.nobody_now}")
    missing = f"; of {total.open_now} now no outcome is on record" if total.open_now else ""
    lines.append(f"passed: {total.passed_then} then, {total.passed_now} known now{missing}")
    if not total.both:
        return [*lines, "money is not compared: nobody won both then and now"]
    lines.append(f"money, over auctions with a winner both then and now ({total.both}):")
    for unit, sign in (("usd", "dollars"), ("s", "local seconds")):
        then, now = total.then.get(unit), total.now.get(unit)
        if then is not None or now is not None:
            lines.append(f"  promised in {sign}: {_money(then, unit)} then, {_money(now, unit)} now")
    took = f"{_money(total.took_then, 'usd')} then, {_money(total.took_now, 'usd')} now"
    if total.took_then or total.took_now or "usd" in total.then or "usd" in total.now:
        lines.append(f"  taken by the work, both on record in {total.known}: {took}")
    return lines


def _money(value: object, unit: str) -> str:
    from decimal import Decimal

    from agora.cli.paint import number, usd

    exact = value if isinstance(value, Decimal) else Decimal(0)
    return usd(exact) if unit == "usd" else f"{number(exact)} s"


def _print_form(
    run: str, changes: Mapping[str, str], rules: Rules, told: Sequence[Told], undone: Sequence[Undone]
) -> None:
    from agora.cli.forms import plain, print_form
    from agora.learning import settings_of
    from agora.traces.counterfactuals.outcomes import summed

    total = summed(told)
    money: dict[str, JsonValue] = {
        "auctions": total.auctions,
        "awards_then": total.awards_then,
        "awards_now": total.awards_now,
        "nobody_now": total.nobody_now,
        "passed_then": total.passed_then,
        "known_passed_now": total.passed_now,
        "not_known_now": total.open_now,
        "won_both_times": total.both,
        "promised_then": {unit: plain(value) for unit, value in total.then.items()},
        "promised_now": {unit: plain(value) for unit, value in total.now.items()},
        "both_on_record": total.known,
        "took_usd_then": plain(total.took_then),
        "took_usd_now": plain(total.took_now),
    }
    auctions: list[JsonValue] = [_form(one) for one in told]
    lost: list[JsonValue] = [{"task": one.task, "auction": one.auction, "why": one.why} for one in undone]
    content: dict[str, JsonValue] = {
        "run": run,
        "with": dict(changes),
        "mechanism": {"name": rules.now.name, "options": settings_of(rules.now)},
        "policy": None if rules.policy is None else {"name": rules.policy.name, "options": settings_of(rules.policy)},
        "auctions": auctions,
        "not_decided_again": lost,
        "money": money,
        "held_fixed": ALONE,
    }
    print_form("agora.trace.counterfactual/1", content)


def _form(one: Told) -> dict[str, JsonValue]:
    redone = one.redone
    return {
        "task": redone.task,
        "auction": redone.auction,
        "event": redone.seq,
        "asked": list(redone.asked),
        "moved": redone.moved,
        "known": not redone.open,
        "follows_a_change": redone.follows,
        "by_another_plan": redone.replanned and not redone.moved,
        "then": _side(redone.then, one.then),
        "now": _side(redone.now, one.now),
        "not_asked": list(redone.open),
        "remarks": list(redone.remarks),
    }


def _side(clearing: object, found: OnRecord | None) -> dict[str, JsonValue]:
    from agora.bids import Clearing
    from agora.cli.forms import amount_form, usage_form

    assert isinstance(clearing, Clearing)
    return {
        "winner": clearing.winner,
        "scores": {score.agent: score.total for score in clearing.ranking},
        "refused": dict(clearing.refused),
        "promised": None if clearing.payment is None else amount_form(clearing.payment),
        "outcome": None if found is None else found.verdict.value,
        "grounded": None if found is None else found.grounded,
        "took": None if found is None or found.took is None else usage_form(found.took),
        "where": None if found is None else found.where,
    }
