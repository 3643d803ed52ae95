"""Where two runs part: the first thing that was decided or received otherwise.

Ids, times and costs are left aside, and so are sentences that only word figures; floats count as equal where they agree
to four digits, since scales that time moves (seconds that are left) are never the same twice. What happens at once
stands on the ledger in the order of arrival, so each task is compared with itself, and in it each desk.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, cast

from agora.events import Called, CommandReserved, Event, Posted, Reserved, Started, Stepped, ToolUsed
from agora.ledger.canonical import encode
from agora.past import phase_of
from agora.records import Recorded
from agora.tasks import Task
from agora.traces.replay.compare import Field, fields_between
from agora.values import JsonValue

SAME_TO: Final = 1e-4
"""Floats that differ by no more than this share are the same."""
_ASIDE: Final = frozenset(
    {
        *("usage", "delivered", "overhead", "usd", "tokens", "seconds", "left", "reserve", "records_at", "knows"),
        *("versions", "command", "notes", "decision", "deadline_s", "cost_share", "overhead_share", "histories"),
        *("standings", "standing", "latency_s", "load", "fair_usd", "limit_usd", "limit_tokens", "limit_steps"),
        *("delivered_tokens", "delivered_steps", "bidders", "digest", "status", "follows", "salt", "price_usd"),
        *("limits", "id", "forked", "seed", "lot", "draw"),
    }
)
"""Fields that say when, for how much, under which id, or by which chance; what chance decided stands beside them."""
_WORDINGS: Final = frozenset({"opened", "closed", "awarded", "routed", "topology_chosen", "stepped", "task_done"})
"""The kinds of events whose reasons word figures that stand beside them."""
_UNORDERED: Final = frozenset({"resumed"})
"""Kinds of events that say only that a run was cut off."""


class Side(NamedTuple):
    """One run's event where two runs part."""

    seq: int
    kind: str


class Parting(NamedTuple):
    """Where two runs part."""

    task: str
    """Which task; empty: the whole run."""
    one: Side | None
    """The first run's event; None: it has no more."""
    other: Side | None
    """The other run's; None: it has no more."""
    fields: tuple[Field, ...]
    """What differs, where both have an event of the same kind."""


class _Placed(NamedTuple):
    place: int
    seq: int
    kind: str
    tree: JsonValue


def parting(one: Iterable[Recorded], other: Iterable[Recorded]) -> Parting | None:
    """The first difference of two runs; None: there is none.

    Args:
        one: The events of a run, in order; what was erased counts as the same as anything.
        other: Those of another one.
    """
    first, second = _streams(one), _streams(other)
    found: list[tuple[int, Parting]] = []
    for key in dict.fromkeys((*first, *second)):
        if (here := _first_of(key[0], first.get(key, []), second.get(key, []))) is not None:
            found.append(here)
    return min(found, key=lambda pair: pair[0])[1] if found else None


def _streams(events: Iterable[Recorded]) -> dict[tuple[str, str], list[_Placed]]:
    streams: defaultdict[tuple[str, str], list[_Placed]] = defaultdict(list)
    posted: dict[str, Task] = {}
    for place, recorded in enumerate(events):
        event = recorded.event
        if event is None or event.kind in _UNORDERED:
            continue
        if isinstance(event, Posted):
            if posted.get(event.task) == event.spec:  # a fork announces what it takes over once more
                continue
            posted[event.task] = event.spec
        placed = _Placed(place, recorded.seq, event.kind, _plain(event))
        stream = streams[event.task, _desk(event)]
        if isinstance(event, Started) and event.forked is not None and stream:
            stream[0] = placed  # what holds in a fork in place of what held before
        else:
            stream.append(placed)
    return dict(streams)


def _first_of(task: str, ours: list[_Placed], theirs: list[_Placed]) -> tuple[int, Parting] | None:
    for one, other in zip(ours, theirs, strict=False):
        if one.kind != other.kind:
            return one.place, Parting(task, Side(one.seq, one.kind), Side(other.seq, other.kind), ())
        fields = tuple(field for field in fields_between(one.tree, other.tree) if not _alike(field))
        if fields:
            return one.place, Parting(task, Side(one.seq, one.kind), Side(other.seq, other.kind), fields)
    if len(ours) == len(theirs):
        return None
    more = max(ours, theirs, key=len)[min(len(ours), len(theirs))]
    side = Side(more.seq, more.kind)
    return more.place, Parting(task, side, None, ()) if len(ours) > len(theirs) else Parting(task, None, side, ())


def _desk(event: Event) -> str:
    """Where a call was made: calls of several desks stand on record as they arrive."""
    if isinstance(event, (ToolUsed, Stepped)):
        return f"{event.phase}/{event.agent}"
    if isinstance(event, (Reserved, Called, CommandReserved)):
        return f"{phase_of(event.task, event.call)}/{event.agent}"
    return ""


def _plain(event: Event) -> JsonValue:
    tree = cast("JsonValue", json.loads(encode(event)))
    return _left(tree, _ASIDE | {"reason"} if event.kind in _WORDINGS else _ASIDE)


def _left(tree: JsonValue, aside: frozenset[str]) -> JsonValue:
    if isinstance(tree, Mapping):
        return {name: _left(value, aside) for name, value in tree.items() if name not in aside}
    if isinstance(tree, list):
        return [_left(value, aside) for value in tree]
    return tree


def _alike(field: Field) -> bool:
    then, now = field.then, field.now
    return isinstance(then, float) and isinstance(now, float) and math.isclose(then, now, rel_tol=SAME_TO, abs_tol=1e-6)
