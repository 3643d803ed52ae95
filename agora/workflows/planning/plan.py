"""A plan as a model writes it: its parts as values, and the JSON schema that it is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Final, cast

from pydantic import BeforeValidator, Field, field_validator

from agora.tasks import Check
from agora.values import JsonValue, Value
from agora.verifiers.planned import KINDS
from agora.workflows.features import COUPLINGS, Coupling
from agora.workflows.references import NAME, SPECIAL

MOST_SUBTASKS: Final = 50
"""How many subtasks a plan may have where nobody says."""
MOST_DESCRIPTION_CHARS: Final = 4_000
"""The longest description of a subtask."""
MOST_TOKENS: Final = 10_000_000
"""The largest estimate."""
MOST_NAMED: Final = 20
"""The most skills of one subtask."""

_CONTROLS: Final = frozenset(map(chr, (*range(32), *range(127, 160)))) - {"\n", "\t"}


def _nothing(value: object) -> object:
    """What models write for "none": null, or an empty text."""
    return () if value in (None, "") else value


_Names = Annotated[tuple[str, ...], BeforeValidator(_nothing)]


class PlannedPart(Value):
    """One subtask as it was written."""

    id: str = Field(pattern=rf"^{NAME}$")
    """Unique in the plan."""
    description: str = Field(min_length=1, max_length=MOST_DESCRIPTION_CHARS)
    """What is to be done, for somebody who sees this and the results it depends on."""
    depends_on: _Names = ()
    """Whose results it needs."""
    coupling: Annotated[Coupling, BeforeValidator(lambda value: value or "weak")] = "weak"
    """How far it hangs on them."""
    estimated_tokens: Annotated[int, BeforeValidator(lambda value: value or 0)] = Field(default=0, ge=0, le=MOST_TOKENS)
    """What it is expected to take; 0: nobody knows."""
    skills: Annotated[_Names, Field(max_length=MOST_NAMED)] = ()
    """What whoever does it must be able to do."""
    verifier: Check | None = None
    """How its result can be checked; None: nobody does."""

    @field_validator("id")
    @classmethod
    def _of_its_own(cls, id: str) -> str:
        if id in SPECIAL:
            raise ValueError(f"{id!r} has a meaning of its own: choose another id")
        return id

    @field_validator("description")
    @classmethod
    def _is_text(cls, text: str) -> str:
        text = text.replace("\r\n", "\n").strip()
        if not text:
            raise ValueError("is empty: say in words what is to be done")
        if found := next((sign for sign in text if sign in _CONTROLS), ""):
            raise ValueError(f"holds U+{ord(found):04X}, which is no text: take it out")
        return text

    @field_validator("depends_on", "skills")
    @classmethod
    def _once(cls, named: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(named))

    @field_validator("verifier", mode="before")
    @classmethod
    def _check(cls, stated: object) -> object:
        if stated in (None, "", "none", {}):
            return None
        if isinstance(stated, str):
            return Check(kind=stated)
        if not isinstance(stated, dict):
            return stated
        table = cast("dict[str, JsonValue]", stated)
        if "kind" not in table or (set(table) == {"kind", "options"} and isinstance(table["options"], dict)):
            return table
        return {"kind": table["kind"], "options": {key: value for key, value in table.items() if key != "kind"}}


class GoalPlan(Value):
    """A plan that can be used: unique ids, known predecessors, no cycles."""

    parts: tuple[PlannedPart, ...] = Field(min_length=1)
    """In the order in which they were written."""


def plan_schema(*, most: int = MOST_SUBTASKS, skills: Iterable[str] = ()) -> dict[str, JsonValue]:
    """The JSON schema of a plan.

    Args:
        most: How many subtasks there may be.
        skills: Those that somebody in the pool states; with none, none may be asked for.
    """
    known: list[JsonValue] = [*sorted(skills)]
    kinds: list[JsonValue] = [*KINDS]
    couplings: list[JsonValue] = [*COUPLINGS]
    of_skills: Mapping[str, JsonValue] = {"items": {"enum": known}} if known else {"maxItems": 0}
    properties: dict[str, JsonValue] = {
        "id": {"type": "string", "pattern": f"^{NAME}$"},
        "description": {"type": "string", "minLength": 1, "maxLength": MOST_DESCRIPTION_CHARS},
        "depends_on": {"type": "array", "items": {"type": "string"}},
        "coupling": {"enum": couplings},
        "estimated_tokens": {"type": "integer", "minimum": 0, "maximum": MOST_TOKENS},
        "skills": {"type": "array", **of_skills},
        "verifier": {"type": ["object", "null"], "required": ["kind"], "properties": {"kind": {"enum": kinds}}},
    }
    subtask: dict[str, JsonValue] = {
        "type": "object",
        "required": ["id", "description"],
        "additionalProperties": False,
        "properties": properties,
    }
    return {
        "type": "object",
        "required": ["subtasks"],
        "additionalProperties": False,
        "properties": {"subtasks": {"type": "array", "minItems": 1, "maxItems": most, "items": subtask}},
    }
