"""From a check as the user wrote it to a verifier: the built-in kinds, then plug-ins by entry point."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, cast

from pydantic import ValidationError

from agora import registry
from agora.errors import ConfigError, UnknownNameError
from agora.protocols import Verifier
from agora.tasks import Check
from agora.values import JsonValue
from agora.verifiers.citation import CitationOptions, CitationVerifier
from agora.verifiers.command import CommandOptions, CommandVerifier
from agora.verifiers.judge import JudgeOptions, JudgeVerifier
from agora.verifiers.match import ExactOptions, ExactVerifier, NumericOptions, NumericVerifier
from agora.verifiers.planned import PlannedOptions, PlannedVerifier
from agora.verifiers.schema import SchemaOptions, SchemaVerifier
from agora.verifiers.tests import TestsOptions, TestsVerifier

Maker = Callable[[Mapping[str, JsonValue]], Verifier]
"""What an entry point of the group `agora.verifiers` names: options -> verifier."""

BUILT_IN: Final[Mapping[str, Maker]] = {
    "command": lambda options: CommandVerifier(CommandOptions.model_validate(options)),
    "tests": lambda options: TestsVerifier(TestsOptions.model_validate(options)),
    "exact": lambda options: ExactVerifier(ExactOptions.model_validate(options)),
    "numeric": lambda options: NumericVerifier(NumericOptions.model_validate(options)),
    "citation": lambda options: CitationVerifier(CitationOptions.model_validate(options)),
    "schema": lambda options: SchemaVerifier(SchemaOptions.model_validate(options)),
    "judge": lambda options: JudgeVerifier(JudgeOptions.model_validate(options)),
    "planned": lambda options: PlannedVerifier(PlannedOptions.model_validate(options)),
}
"""The kinds that Agora brings."""


def build_verifier(check: Check) -> Verifier:
    """Make the verifier that a check asks for.

    Raises:
        UnknownNameError: No verifier of that kind is built in or installed.
        ConfigError: Its options do not fit (the message names the field), or a plug-in cannot be imported.
    """
    maker = BUILT_IN.get(check.kind) or _plugged_in(check.kind)
    try:
        return maker(check.options)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in fault["loc"])
        what = fault["msg"].removeprefix("Value error, ")
        raise ConfigError(f"verify ({check.kind})" + (f", {place}" if place else ""), what) from None


def _plugged_in(kind: str) -> Maker:
    found = registry.names("verifiers")
    if kind not in found:
        raise UnknownNameError("verifier", kind, {*BUILT_IN, *found})
    return cast(Maker, registry.find("verifiers", kind))
