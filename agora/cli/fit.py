"""`agora fit`: weights of an auction from what its past auctions came to, and whether they are any better."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import typer

from agora.cli.options import Json, Project

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from agora.auctions.comparing import Comparison
    from agora.auctions.fitting import Fit
    from agora.cli.past_auctions import Past
    from agora.cli.session import Session
    from agora.errors import ConfigError
    from agora.values import JsonValue

PER_WEIGHT: Final = 10
"""Past auctions that are needed for each weight."""
LEAST: Final = 20
"""Past auctions that are needed at least."""

_FOLDS = 5
_CENSORED = "only bidders that were awarded have an outcome, and a runner-up only where the winner failed"


class Form(StrEnum):
    """What is minimised."""

    MINMAX = "minmax"
    REGRET = "regret"


class Auction(NamedTuple):
    """What is fitted."""

    name: str
    """Of the file, or in the registry."""
    mechanism: str
    """Its rule."""
    file: Path | None
    """Where weights are written; None outside of a project."""
    stated: Mapping[str, float]
    """Its weights now, before its dial."""
    dial: float
    """Between value and cost; 0.5 changes nothing."""


class Fitted(NamedTuple):
    """What came of a fit."""

    fit: Fit
    """For shares of the largest figures."""
    weights: Mapping[str, float]
    """All the auction's weights, for its own figures."""
    against: Mapping[str, Comparison]
    """Whom it was held against -> how that went, on auctions held out."""


def fit(
    auction: Annotated[
        str | None, typer.Option("--auction", metavar="NAME", help="Which auction.", show_default="the project's")
    ] = None,
    form: Annotated[
        Form, typer.Option("--fit", help="minmax: the worst best score, without outcomes; regret: outcomes.")
    ] = Form.MINMAX,
    price: Annotated[
        float, typer.Option("--lambda", min=0.0, help="What the dearest attempt weighs against one pass.")
    ] = 0.2,
    write: Annotated[bool, typer.Option("--write", help="Put the weights into auctions/NAME.toml.")] = False,
    json: Json = False,
    project: Project = None,
) -> None:
    """Fit an auction's weights to its past auctions.

    Weights before and after, what they were fitted to, and how they do on auctions that they were not fitted to. Equal
    weights are often as good.
    """
    import anyio

    from agora.cli.session import open_session

    session = open_session(project=project)
    anyio.run(partial(_fit, session, auction or session.settings.mechanism, form, price, write=write, json=json))


async def _fit(session: Session, name: str, form: Form, price: float, *, write: bool, json: bool) -> None:
    from agora.cli.forms import print_form
    from agora.cli.past_auctions import read_past
    from agora.cli.session import opened_store

    auction = _auction(name, session.project)
    if write and auction.file is None:
        raise _refused("--write", "there is no project to write to: make one with `agora init`")
    async with opened_store(session) as store:
        past = read_past(store.events(), mechanism=auction.mechanism)
    _require(past, form)
    fitted = fit_weights(auction, past, form, price=price, seed=session.settings.seed or 0)
    if write:
        _write(auction, {term: fitted.weights[term] for term in past.terms})
    if json:
        print_form("agora.fit/1", _form(auction, past, fitted, form, price, written=write))
        return
    _print(auction, past, fitted, form, price)
    _print_end(auction, written=write)


def fit_weights(auction: Auction, past: Past, form: Form, *, price: float, seed: int) -> Fitted:
    """Fit to all of the past, and cross-validate against equal weights and those that the auction has.

    The fitted terms keep the sum that they had; the weights of other terms stay. All are compared as the auction would
    use them, with its dial as it stands.
    """
    from functools import cache

    from agora.auctions.comparing import cross_validate
    from agora.auctions.dial import turn_dial
    from agora.auctions.fitting import fit_minmax, fit_regret

    @cache  # the folds are the same for every rival
    def fitted_to(places: tuple[int, ...]) -> Fit:
        examples = [past.examples[place] for place in places]
        if form is Form.MINMAX:
            return fit_minmax(examples, seed=seed)
        return fit_regret(examples, price=price, groups=[past.groups[place] for place in places], seed=seed)

    def used(weights: Mapping[str, float]) -> Mapping[str, float]:
        return past.for_shares(turn_dial({term: weights[term] for term in past.terms}, auction.dial))

    whole = fitted_to(tuple(range(len(past.examples))))
    total = sum(auction.stated[term] for term in past.terms)
    fresh = {term: float(f"{weight * total:.6g}") for term, weight in past.for_figures(whole.weights).items()}
    rivals = {"equal weights": dict.fromkeys(past.terms, 1.0), "the weights before": auction.stated}
    against = {
        name: cross_validate(
            past.examples,
            lambda places: used(past.for_figures(fitted_to(tuple(places)).weights)),
            rival=used(rival),
            price=price,
            folds=_FOLDS,
            seed=seed,
        )
        for name, rival in rivals.items()
    }
    return Fitted(whole, {**auction.stated, **fresh}, against)


def _auction(name: str, project: Path | None) -> Auction:
    import inspect
    from typing import cast

    from agora.auctions.sale import DEFAULT_WEIGHTS
    from agora.cli.definitions import load_mechanism
    from agora.settings import read_toml

    mechanism = load_mechanism(name, project=project)
    if "weights" not in inspect.signature(type(mechanism)).parameters:
        raise _refused(f"auction {name!r}", f"the mechanism {mechanism.name!r} has no weights to fit: choose another")
    file = project / "auctions" / f"{name}.toml" if project else None
    options = read_toml(file) if file is not None and file.is_file() else {}
    stated = cast("Mapping[str, float]", options.get("weights", {}))
    dial = cast("float", options.get("dial", 0.5))
    return Auction(name, mechanism.name, file, {**DEFAULT_WEIGHTS, **stated}, dial)


def _require(past: Past, form: Form) -> None:
    """Refuse where there is too little to fit to, with what is missing."""
    there, what = len(past.examples), "past auctions with figures and two bids"
    if form is Form.REGRET:
        there, what = past.tried, "past auctions in which two bidders have a grounded outcome"
    needed = max(LEAST, PER_WEIGHT * len(past.terms))
    if there >= needed:
        return
    why = f"; left out: {_left_out(past)}" if past.left_out else ""
    more = f" ({_CENSORED})" if form is Form.REGRET else ""
    weights = f"{PER_WEIGHT} for each of {len(past.terms)} weights, at least {LEAST}" if past.terms else f"{LEAST}"
    raise _refused("agora fit", f"needs {needed} {what} ({weights}), and there are {there}{more}{why}")


def _write(auction: Auction, weights: Mapping[str, float]) -> None:
    from agora.cli.toml_edits import replace, set_values
    from agora.settings import short

    if auction.file is None:
        return
    if not auction.file.is_file():
        lines = "\n".join(f"{term} = {weight!r}" for term, weight in weights.items())
        text = f'# Weights by `agora fit`.\nmechanism = "{auction.mechanism}"\n\n[weights]\n{lines}\n'
        try:
            auction.file.parent.mkdir(exist_ok=True)
            replace(auction.file, text)
        except OSError as error:
            raise _refused(short(auction.file), f"cannot be written: {error.strerror or error}") from None
        return
    set_values(auction.file, "weights", weights)


def _print(auction: Auction, past: Past, fitted: Fitted, form: Form, price: float) -> None:
    from agora.cli.paint import grid, inset, number, out, safe

    console = out()
    console.print(f"[head]{safe(auction.name)}[/] [quiet](mechanism {safe(auction.mechanism)}), fitted by {form}[/]")
    table = grid("term", "largest>", "before>", "after>")
    for term in past.terms:
        before, after = auction.stated[term], fitted.weights[term]
        table.add_row(safe(term), number(past.scales[term]), f"{before:.4f}", f"{after:.4f}")
    console.print(table)
    console.print("[quiet]largest: the figure that counted as 1 in the fit; after: for the auction's own figures[/]")
    rest = [term for term, weight in auction.stated.items() if weight and term not in past.terms]
    if rest:
        console.print(inset(f"[quiet]as they were, since no auction had them: {safe(', '.join(rest))}[/]", 0))
    console.print()
    console.print(inset(_in_sample(past, fitted.fit, form), 0))
    if form is Form.MINMAX:
        floors = "the weight of cost is its floor, 1 over the number of terms: no outcome and no task decides it"
        console.print(inset(f"[quiet]{floors}[/]", 0))
    console.print(f"\n{_FOLDS}-fold cross-validation, on auctions held out:")
    for rival, found in fitted.against.items():
        for line in _compared(rival, found, price):
            console.print(inset(line))
    console.print()
    told = f"{past.outcomes} of {past.bids} bids have an outcome, in {past.tried} auctions two or more: {_CENSORED}"
    console.print(inset(f"[quiet]{told}[/]", 0))
    if past.left_out:
        console.print(inset(f"[quiet]auctions left out: {_left_out(past)}[/]", 0))


def _in_sample(past: Past, found: Fit, form: Form) -> str:
    figures = f"{found.objective:.4f} (equal shares: {found.even:.4f})"
    if form is Form.REGRET:
        return f"in sample, n = {found.n} of {len(past.examples)} auctions: regret {figures}"
    return f"in sample, n = {found.n} auctions: worst best score {figures}"


def _compared(rival: str, found: Comparison, price: float) -> list[str]:
    lines = [f"against {rival}: {found.moved} of {found.tasks} auctions go to another bidder"]
    if found.fitted is None or found.rival is None or found.gain is None or found.low is None or found.high is None:
        return [*lines, "  whether that is better is unknown: no auction has two outcomes"]
    passed = f"passed {found.fitted.passed:.0%} against {found.rival.passed:.0%}"
    cost = f"cost {found.fitted.cost:.3f} against {found.rival.cost:.3f} of the dearest"
    gain = f"passes less {price:g} x cost: {found.gain:+.3f} (95 % interval {found.low:+.3f} to {found.high:+.3f})"
    few = f"[unknown]few: below {LEAST} nothing should be read from this[/]; " if found.tried < LEAST else ""
    known = f"  where two outcomes are known, n = {found.tried}: {few}{passed}, {cost}"
    return [*lines, known, f"  {gain}: {_WORDS[found.verdict]}"]


_WORDS: Final[Mapping[str, str]] = {
    "better": "[passed]better[/]",
    "worse": "[failed]worse[/]",
    "as good": "no difference was seen",
    "unknown": "unknown",
}


def _print_end(auction: Auction, *, written: bool) -> None:
    from agora.cli.paint import inset, out, safe
    from agora.settings import short

    if auction.dial != 0.5:
        out().print(inset(f"[quiet]its dial stands at {auction.dial:g} and turns all of these weights[/]", 0))
    if auction.file is None:
        return
    file = safe(short(auction.file))
    out().print(f"written to {file}" if written else f"[quiet]put them into {file}: agora fit --write[/]")


def _form(
    auction: Auction, past: Past, fitted: Fitted, form: Form, price: float, *, written: bool
) -> dict[str, JsonValue]:
    return {
        "auction": auction.name,
        "mechanism": auction.mechanism,
        "fit": form.value,
        "lambda": price,
        "n": fitted.fit.n,
        "auctions": len(past.examples),
        "bids": past.bids,
        "outcomes": past.outcomes,
        "two_outcomes": past.tried,
        "left_out": dict(past.left_out),
        "before": dict(auction.stated),
        "after": dict(fitted.weights),
        "dial": auction.dial,
        "scales": dict(past.scales),
        "objective": fitted.fit.objective,
        "bound": fitted.fit.bound,
        "objective_equal": fitted.fit.even,
        "held_out": {name: found.model_dump() | {"verdict": found.verdict} for name, found in fitted.against.items()},
        "censored": _CENSORED,
        "written": written,
    }


def _left_out(past: Past) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in past.left_out.items())


def _refused(where: str, what: str) -> ConfigError:
    from agora.errors import ConfigError

    return ConfigError(where, what)
