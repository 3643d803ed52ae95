"""Matching an answer: exact text, or the last number of the output."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Final

from pydantic import Field, field_validator

from agora.protocols import Sandbox
from agora.tasks import Outcome, Task, Work
from agora.values import Value
from agora.verifiers.evidence import decided, shown

_MAX_CHARS: Final = 200_000
_MAX_DIGITS: Final = 100
_MAX_EXPONENT: Final = 400
_NUMBER: Final = re.compile(
    r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9,]*[0-9])|[0-9]+)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?(?:\s?%)?"
)
_NOT_FINITE: Final = re.compile(r"(?<![0-9A-Za-z_])(?:nan|inf|infinity)(?![0-9A-Za-z_])|\u221e", re.IGNORECASE)


class ExactOptions(Value):
    """Options of `kind = "exact"`."""

    answer: str
    """The whole output that is right."""
    ignore_case: bool = False
    """Whether capitals count."""
    strip: bool = True
    """Whether spaces at both ends are left out first."""


class ExactVerifier:
    """Passes where the output is the answer, character for character.

    Args:
        options: The answer, and how strictly it is compared.
    """

    Options = ExactOptions

    def __init__(self, options: ExactOptions) -> None:
        self._options = options

    @property
    def name(self) -> str:
        """Its kind."""
        return "exact"

    async def verify(self, task: Task, work: Work, *, sandbox: Sandbox) -> Outcome:
        """Compare; nothing runs."""
        if self._normal(work.output) == self._normal(self._options.answer):
            return decided(self.name, True)
        if not work.output.strip():
            return decided(self.name, False, "the output is empty")
        return decided(self.name, False, f"the output {shown(work.output)} is not the expected answer")

    def _normal(self, text: str) -> str:
        text = text.strip() if self._options.strip else text
        return text.casefold() if self._options.ignore_case else text


class NumericOptions(Value):
    """Options of `kind = "numeric"`."""

    answer: Decimal | str
    """The right number; as text it may have thousands separators or a percent sign."""
    tolerance: Decimal = Field(default=Decimal(0), ge=0)
    """How far off still passes, in the answer's unit."""

    @field_validator("answer")
    @classmethod
    def _is_a_number(cls, answer: Decimal | str) -> Decimal | str:
        if last_number(str(answer)) is None:
            raise ValueError('is not a finite number: write one, as 42 or "12.5%"')
        return answer


class NumericVerifier:
    """Passes where the last number of the output is the answer.

    A percent sign on one side only: 45% passes for 45 and for 0.45.

    Args:
        options: The answer and the tolerance.
    """

    Options = NumericOptions

    def __init__(self, options: NumericOptions) -> None:
        self._options = options

    @property
    def name(self) -> str:
        """Its kind."""
        return "numeric"

    async def verify(self, task: Task, work: Work, *, sandbox: Sandbox) -> Outcome:
        """Find the last number and compare; nothing runs."""
        found, wanted = last_number(work.output), last_number(str(self._options.answer))
        if found is None or wanted is None:
            what = (
                "the output is empty" if not work.output.strip() else f"{shown(work.output)} does not end on a number"
            )
            return decided(self.name, False, what)
        (value, percent), (answer, answer_percent) = found, wanted
        # A percent sign on one side only: the number as it stands, or what it means.
        meant = value if percent == answer_percent else value / 100 if percent else value * 100
        candidates = (value, meant)
        passed = any(abs(candidate - answer) <= self._options.tolerance for candidate in candidates)
        return decided(self.name, passed, "" if passed else f"the last number, {value}, is not the expected one")


def last_number(text: str) -> tuple[Decimal, bool] | None:
    """The last number of a text and whether it has a percent sign; None where NaN or infinity follows it, too.

    >>> last_number("about 1,234.50 in all."), last_number("45 %"), last_number("it is NaN")
    ((Decimal('1234.50'), False), (Decimal('45'), True), None)
    """
    text = text[-_MAX_CHARS:].replace("\u2212", "-")
    last = max(_NUMBER.finditer(text), key=lambda found: found.start(), default=None)
    if last is None or _NOT_FINITE.search(text, last.end()):
        return None
    digits = last.group().rstrip("% \n\t\u00a0").replace(",", "")
    mantissa, _, exponent = digits.lower().partition("e")
    if len(mantissa) > _MAX_DIGITS or len(exponent) > 5 or abs(int(exponent or 0)) > _MAX_EXPONENT:
        return None
    start = last.start()
    before = text[start - 2 : start] if start >= 2 else text[:start]
    negative = before.endswith("-") and not (len(before) == 2 and (before[0].isalnum() or before[0] in ")-"))
    try:
        value = Decimal(digits)
    except InvalidOperation:
        return None
    return (-value if negative else value), last.group().endswith("%")
