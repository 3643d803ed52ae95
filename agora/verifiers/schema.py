"""The schema verifier: the output is JSON that fits a JSON schema (draft 2020-12)."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Final

import anyio
from pydantic import Field, field_validator

from agora.errors import VerifierError
from agora.protocols import Sandbox
from agora.tasks import Outcome, Task, Work
from agora.values import JsonValue, Value
from agora.verifiers.evidence import decided, shown

MAX_OUTPUT_CHARS: Final = 1_000_000
"""Longer output fails unread."""
MAX_SCHEMA_CHARS: Final = 200_000
"""Longer schemas are refused."""
_INLINE_CHARS: Final = 50_000
_SLOW_KEYWORDS: Final = ("pattern", "patternProperties", "uniqueItems", "$dynamicRef", "$ref", "multipleOf", "format")
_CHILD: Final = """import json, sys
asked = json.load(sys.stdin)
sys.path[:] = asked["path"]
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
fault = best_match(Draft202012Validator(asked["schema"]).iter_errors(asked["value"]))
json.dump(None if fault is None else [fault.json_path, fault.message[:2000]], sys.stdout)
"""


class SchemaOptions(Value):
    """Options of `kind = "schema"`."""

    schema_: Mapping[str, JsonValue] = Field(alias="schema")
    """The JSON schema; references stay inside it ("#...")."""
    timeout_s: float = Field(default=10.0, gt=0, le=600)
    """Seconds for validation; a regular expression can take for ever."""

    @field_validator("schema_")
    @classmethod
    def _is_a_schema(cls, schema: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
        if len(json.dumps(schema)) > MAX_SCHEMA_CHARS:
            raise ValueError(f"is longer than {MAX_SCHEMA_CHARS} characters")
        remote = next((ref for ref in _values(schema, "$ref", "$dynamicRef") if not str(ref).startswith("#")), None)
        if remote is not None:
            raise ValueError(f"has a reference that leaves it ({remote!r}): put what it means under $defs")
        from jsonschema import Draft202012Validator, SchemaError  # only projects with such a check need it

        try:
            Draft202012Validator.check_schema(dict(schema))
        except SchemaError as error:
            raise ValueError(f"is not a JSON schema: {error.json_path}: {error.message[:300]}") from None
        return schema


class SchemaVerifier:
    """Passes where the output (or the one fenced block that it is) is JSON that fits the schema.

    Args:
        options: The schema.
    """

    Options = SchemaOptions

    def __init__(self, options: SchemaOptions) -> None:
        self._options = options

    @property
    def name(self) -> str:
        """Its kind."""
        return "schema"

    async def verify(self, task: Task, work: Work, *, sandbox: Sandbox) -> Outcome:
        """Parse and validate.

        Raises:
            VerifierError: The schema refers to something that is not there, or only to itself.
        """
        text = _unfenced(work.output)
        if not text:
            return decided(self.name, False, "the output is empty")
        if len(text) > MAX_OUTPUT_CHARS:
            return decided(self.name, False, f"the output has {len(text)} characters; {MAX_OUTPUT_CHARS} is the most")
        try:
            value = json.loads(text, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            return decided(self.name, False, f"the output is not JSON ({error}): {shown(text)}")
        fault = await self._fault(value, text)
        return decided(self.name, not fault, fault)

    async def _fault(self, value: JsonValue, text: str) -> str:
        slow = next(iter(_values(self._options.schema_, *_SLOW_KEYWORDS)), None) is not None
        if len(text) <= _INLINE_CHARS and not slow:
            return _validated_here(self._options.schema_, value)
        asked = json.dumps({"path": sys.path, "schema": self._options.schema_, "value": value}).encode()
        with anyio.move_on_after(self._options.timeout_s):
            done = await anyio.run_process([sys.executable, "-I", "-c", _CHILD], input=asked, check=False)
            if done.returncode:
                why = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
                raise VerifierError(f"the schema cannot be used: {' '.join(why)[:300]}")
            found: list[str] | None = json.loads(done.stdout)
            return f"at {found[0]}: {found[1]}" if found else ""
        return f"validating the output took more than {self._options.timeout_s:g} s"


def _validated_here(schema: Mapping[str, JsonValue], value: JsonValue) -> str:
    from jsonschema import Draft202012Validator, ValidationError

    try:
        Draft202012Validator(dict(schema)).validate(value)  # pyright: ignore[reportUnknownMemberType]  # the stub's own
    except ValidationError as fault:
        return f"at {fault.json_path}: {fault.message[:2000]}"
    except RecursionError:
        return "the output is nested too deeply"
    return ""


def _values(schema: JsonValue | Mapping[str, JsonValue], *names: str) -> list[JsonValue]:
    """All values under some keys, at any depth (a property of that name counts too; that is harmless)."""
    found: list[JsonValue] = []
    rest: list[JsonValue | Mapping[str, JsonValue]] = [schema]
    while rest:
        node = rest.pop()
        if isinstance(node, Mapping):
            found += [value for key, value in node.items() if key in names]
            rest += node.values()
        elif isinstance(node, list):
            rest += node
    return found


def _unfenced(output: str) -> str:
    """The output, or the inside of the one fenced block that it is."""
    text = output.strip()
    if text.startswith("```") and text.endswith("```") and text.count("```") == 2 and "\n" in text:
        return text[text.index("\n") : -3].strip()
    return text


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
