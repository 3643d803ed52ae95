"""Why these were asked and not others: a policy's reckoning in words and a table, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

from rich.table import Table

from agora.cli.explaining_jury import lay, name_of, say
from agora.cli.forms import Form
from agora.cli.paint import grid, safe
from agora.routing_events import Routed
from agora.traces.told.wording import by_reason
from agora.values import JsonValue

_TERMS: Final = ("success", "cost", "seen", "mean", "width", "score", "tau", "ability", "eta", "p")
"""In the order in which they are shown."""
_UNTRIED: Final = "no record yet"


def print_routing(routed: Routed, waves: Sequence[Sequence[str]]) -> None:
    """Who was looked at, with every figure; of ants also what last changed the edge that was chosen.

    Args:
        routed: The reckoning.
        waves: Who was to be asked together, and who only after them.
    """
    routing = routed.routing
    say(f"[head]routing[/] ({safe(routing.by)}): {safe(routing.reason)}", by=2)
    lay(_figures(routed, waves))
    held = cast("Mapping[str, str]", routing.details.get("held_back") or {})
    for reason, names in by_reason(held):
        say(f"[quiet]only if nobody else is left: {safe(names)} ({safe(reason)})[/]")
    if "tau" in {term for one in routing.considered for term in one.terms}:
        _print_ants(routed)


def routing_form(routed: Routed) -> Form:
    """The same as JSON."""
    form: Form = routed.routing.model_dump(mode="json")
    return {**form, "skill": routed.skill, "layer": routed.place.layer, "sources": list(routed.place.sources)}


def _figures(routed: Routed, waves: Sequence[Sequence[str]]) -> Table:
    shown = [term for term in _TERMS if any(term in one.terms for one in routed.routing.considered)]
    turn = {name: number for number, wave in enumerate(waves, start=1) for name in wave}
    table = grid("agent", "wave>", *(f"{term}>" for term in shown))
    for one in routed.routing.considered:
        figures = (_figure(one.terms, term) for term in shown)
        table.add_row(name_of(one.agent), str(turn.get(one.agent, "-")), *figures)
    return table


def _figure(terms: Mapping[str, float], term: str) -> str:
    """As shown; a success that is only taken for granted is none."""
    if term not in terms:
        return "-"
    if term == "success" and terms.get("seen") == 0:
        return _UNTRIED
    return f"{terms[term]:.0f}" if term == "seen" else f"{terms[term]:.4f}"


def _print_ants(routed: Routed) -> None:
    details, place = routed.routing.details, routed.place
    weights = cast("Mapping[str, float]", details.get("weights") or {})
    likeliest = sorted(weights.items(), key=lambda item: -item[1])
    say(f"[quiet]layer {place.layer}; task types: {', '.join(f'{safe(kind)} {w:.2f}' for kind, w in likeliest)}[/]")
    lately = cast("Mapping[str, Sequence[Mapping[str, JsonValue]]]", details.get("lately") or {})
    for source, changes in sorted(lately.items()):
        for change in changes:
            taus = cast("Mapping[str, Sequence[float]]", change["tau"])
            moved = ", ".join(f"{safe(kind)} {old:.3f} to {new:.3f}" for kind, (old, new) in sorted(taus.items()))
            edge = f"from {safe(source)}" if source else "from the start"
            say(f"[quiet]{safe(str(change['decision']))} ({safe(str(change['effect']))}) {edge}: {moved}[/]")
