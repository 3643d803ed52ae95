"""A model's reply as a plan, or all that is wrong with it, in words that the model can act on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, cast

from pydantic import ValidationError

from agora.bids import Profile
from agora.errors import AgoraError, ConfigError
from agora.tasks import Check
from agora.values import JsonValue, Value
from agora.verifiers import build_verifier
from agora.verifiers.planned import KINDS
from agora.workflows.features import Subtask, checked
from agora.workflows.planning.plan import MOST_SUBTASKS, GoalPlan, PlannedPart

MOST_REPLY_CHARS: Final = 1_000_000
"""A longer reply is not looked at."""
SUBTASKS: Final = "subtasks"
"""The one key of a plan."""

_MOST_STARTS: Final = 2_000
"""Braces at which a plan may begin before the search is given up."""
_SHOWN_ERRORS: Final = 20
_ERROR_CHARS: Final = 600
_SHOWN_CHARS: Final = 80
_PART_KEYS: Final = ", ".join(PlannedPart.model_fields)


class Reading(Value):
    """What a reply says."""

    plan: GoalPlan | None = None
    """None: it cannot be used."""
    errors: tuple[str, ...] = ()
    """All that is wrong with it, at most twenty lines."""


def read_plan(
    reply: str, *, agents: Sequence[Profile] = (), verify: Check | None = None, most: int = MOST_SUBTASKS
) -> Reading:
    r"""Read a plan out of a reply: fences and words around it are left aside, and of several plans the last counts.

    Args:
        reply: As the model wrote it.
        agents: Who may do the parts.
        verify: The check of the whole goal, which whoever gave it stated.
        most: How many subtasks there may be.

    >>> read_plan('Here:\n```json\n{"subtasks": [{"id": "a", "description": "look"}]}\n```').errors
    ()
    >>> read_plan('{"subtasks": [{"id": "a", "description": "x", "depends_on": ["a"]}]}').errors
    ("subtask 'a': depends on itself: take that out",)
    """
    if len(reply) > MOST_REPLY_CHARS:
        what = f"the reply has {len(reply):,} characters, and {MOST_REPLY_CHARS:,} is the most: write a shorter plan"
        return Reading(errors=(what,))
    found = _plan_in(reply)
    if found is None:
        return Reading(errors=(f'there is no plan in the reply: answer with one JSON object, {{"{SUBTASKS}": [...]}}',))
    listed = found[SUBTASKS]
    if not isinstance(listed, list):
        return Reading(errors=(f"{SUBTASKS!r} is no list: write it as [{{...}}, ...]",))
    if not listed:
        return Reading(errors=("the plan has no subtasks: state at least one",))
    if len(listed) > most:
        return Reading(errors=(f"the plan has {len(listed):,} subtasks, and {most} is the most: join some of them",))
    errors = [f"{_quoted(key)} is no part of a plan: take it out" for key in found if key != SUBTASKS]
    parts: list[PlannedPart] = []
    for number, stated in enumerate(listed, 1):
        part, faults = _part(stated, number)
        errors += faults
        if part is not None:
            parts.append(part)
    errors += _edges(parts, _named(listed))
    for part in parts:
        errors += [f"subtask {part.id!r}: {fault}" for fault in (*_skills(part, agents), *_check(part, verify))]
    if errors:
        more = [f"and {len(errors) - _SHOWN_ERRORS} more"] if len(errors) > _SHOWN_ERRORS else []
        return Reading(errors=(*(error[:_ERROR_CHARS] for error in errors[:_SHOWN_ERRORS]), *more))
    return Reading(plan=GoalPlan(parts=tuple(parts)))


def missing_skills(skills: Collection[str], agents: Sequence[Profile]) -> bool:
    """Whether nobody has all of these; who states none can do anything."""
    return not any(not agent.skills or agent.skills >= set(skills) for agent in agents)


def _plan_in(reply: str) -> Mapping[str, JsonValue] | None:
    """The last object with subtasks in a text; a list of objects alone stands for one."""
    found: Mapping[str, JsonValue] | None = None
    end = 0
    for start in _braces(reply):
        if start < end:
            continue  # inside of a plan that was read
        value, after = _decoded(reply, start)
        if isinstance(value, dict) and SUBTASKS in value:
            found, end = value, after
    if found is None and (start := reply.find("[")) >= 0:
        value, _ = _decoded(reply, start)
        if isinstance(value, list) and value and all(isinstance(one, dict) and "id" in one for one in value):
            return {SUBTASKS: value}
    return found


def _braces(text: str) -> Iterator[int]:
    at = text.find("{")
    for _ in range(_MOST_STARTS):
        if at < 0:
            return
        yield at
        at = text.find("{", at + 1)


def _decoded(text: str, start: int) -> tuple[JsonValue, int]:
    """The JSON that begins here, and where it ends; None: there is none."""
    try:
        value, end = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None, start
    return cast("JsonValue", value), end


_DECODER: Final = json.JSONDecoder()


def _part(stated: JsonValue, number: int) -> tuple[PlannedPart | None, list[str]]:
    """One subtask, or what is wrong with it."""
    if not isinstance(stated, dict):
        return None, [f"subtask {number} is no object: write it with {_PART_KEYS}"]
    name = stated.get("id")
    where = f"subtask {number}" + (f" ({_quoted(name)})" if isinstance(name, str) else "")
    try:
        return PlannedPart.model_validate(stated), []
    except ValidationError as error:
        return None, [f"{where}: {_fault(one)}" for one in error.errors(include_url=False, include_context=False)]


def _fault(error: Mapping[str, object]) -> str:
    path = [str(step) for step in cast("tuple[int | str, ...]", error["loc"])]
    field = ".".join(path[:2])
    if error["type"] == "missing":
        return f"{field} is missing: add it"
    if error["type"] == "extra_forbidden":
        return f"{_quoted(field)} is no part of a subtask; there are {_PART_KEYS}"
    if path == ["id"] and error["type"] == "string_pattern_mismatch":
        return "id: begin with a letter, and use letters, digits, - and _ only, at most 64"
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{field}: {message[:1].lower()}{message[1:]}"


def _named(listed: Sequence[JsonValue]) -> list[str]:
    """The ids that stand in a plan, of subtasks that cannot be used as well."""
    ids = [one.get("id") for one in listed if isinstance(one, dict)]
    return [id for id in ids if isinstance(id, str)]


def _edges(parts: Sequence[PlannedPart], ids: Sequence[str]) -> list[str]:
    """What is wrong with ids and dependencies."""
    errors = [
        f"{count} subtasks have the id {_quoted(id)}: give each its own"
        for id, count in Counter(ids).items()
        if count > 1
    ]
    known = set(ids)
    for part in parts:
        for other in part.depends_on:
            if other == part.id:
                errors.append(f"subtask {part.id!r}: depends on itself: take that out")
            elif other not in known:
                errors.append(f"subtask {part.id!r}: depends on {_quoted(other)}, and there is no such subtask")
    usable: dict[str, PlannedPart] = {}
    for part in parts:
        usable.setdefault(part.id, part)
    graph = [
        Subtask(id=part.id, depends_on=tuple(name for name in part.depends_on if name in usable and name != part.id))
        for part in usable.values()
    ]
    try:
        if graph:
            checked(graph)
    except ConfigError as error:
        errors.append(error.what)
    return errors


def _skills(part: PlannedPart, agents: Sequence[Profile]) -> Iterator[str]:
    if not part.skills or not agents or not missing_skills(part.skills, agents):
        return
    known = sorted({skill for agent in agents for skill in agent.skills})
    unknown = [skill for skill in part.skills if missing_skills((skill,), agents)]
    for skill in unknown:
        yield f"nobody has the skill {_quoted(skill)}; there are: {', '.join(known)}"
    if not unknown:
        yield f"nobody has all the skills {', '.join(part.skills)} together: ask for fewer"


def _check(part: PlannedPart, verify: Check | None) -> Iterator[str]:
    """Only what runs nothing may be asked for, or exactly the check that whoever gave the goal stated."""
    check = part.verifier
    if check is None or check == verify:
        return
    if check.kind not in KINDS:
        allowed = ", ".join(KINDS)
        yield f"verifier: a plan may not ask for {_quoted(check.kind)}; there are {allowed}, or leave it out"
        return
    try:
        build_verifier(opinion(check))
    except AgoraError as error:
        what = error.what if isinstance(error, ConfigError) else str(error)
        yield f"verifier {check.kind}: {what}"


def opinion(check: Check) -> Check:
    """A check that a model wrote, as one whose findings are an opinion."""
    return Check(kind="planned", options={"check": check.kind, "options": dict(check.options)})


def _quoted(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 3] + "..."
