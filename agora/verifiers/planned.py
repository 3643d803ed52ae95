"""A check that a model wrote into a plan: it can send work back, and it is never taken for the truth.

Whoever writes a plan may win its parts as well, and a check that it chose itself would be an exam of its own making. So
only checks that run nothing may be written, and what they find is booked as a model's opinion, as a judge's is: no
record of any agent is moved by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic import Field, model_validator

from agora.protocols import Sandbox, Verifier
from agora.tasks import Outcome, Task, Work
from agora.values import JsonValue, Value
from agora.verifiers.citation import CitationOptions, CitationVerifier
from agora.verifiers.match import ExactOptions, ExactVerifier, NumericOptions, NumericVerifier
from agora.verifiers.schema import SchemaOptions, SchemaVerifier

KINDS: Final = ("exact", "numeric", "schema", "citation")
"""What a model may ask for: nothing that runs a command, and no other model."""


class PlannedOptions(Value):
    """Options of `kind = "planned"`."""

    kind_: str = Field(alias="check")
    """The check: exact, numeric, schema or citation."""
    options: Mapping[str, JsonValue] = Field(default_factory=dict)
    """Its options."""

    @model_validator(mode="after")
    def _fits(self) -> PlannedOptions:
        _inner(self)
        return self


class PlannedVerifier:
    """What the check inside says, as an opinion.

    Args:
        options: The check.
    """

    Options = PlannedOptions

    def __init__(self, options: PlannedOptions) -> None:
        self._inner = _inner(options)

    @property
    def name(self) -> str:
        """Its kind."""
        return "planned"

    async def verify(self, task: Task, work: Work, *, sandbox: Sandbox) -> Outcome:
        """Ask the check inside.

        Raises:
            VerifierError: It names something that is not there.
        """
        outcome = await self._inner.verify(task, work, sandbox=sandbox)
        return outcome.model_copy(update={"verifier": self.name, "grounded": False})


def _inner(options: PlannedOptions) -> Verifier:
    match options.kind_:
        case "exact":
            return ExactVerifier(ExactOptions.model_validate(options.options))
        case "numeric":
            return NumericVerifier(NumericOptions.model_validate(options.options))
        case "schema":
            return SchemaVerifier(SchemaOptions.model_validate(options.options))
        case "citation":
            return CitationVerifier(CitationOptions.model_validate(options.options))
        case kind:
            raise ValueError(f"a plan may not ask for {kind!r}: write one of {', '.join(KINDS)}")
