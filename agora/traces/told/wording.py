"""How text and amounts are shown to people, on a terminal and on a page: nothing is hidden, nothing is drawn out."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from agora.bids import Amount, Price
from agora.tasks import Usage

_PRICE_DIGITS: Final = 3
_LINE_BREAKS = frozenset("\n\t")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_BLANK = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and signs without any ink: Hangul fillers, inherent vowels of Khmer, the empty Braille cell."""


class _Shown(dict[int, str]):
    """Code point -> how it is shown, filled as texts need it: a long text costs a look-up for each character."""

    def __missing__(self, code: int) -> str:
        mark = chr(code)
        unseen = mark not in _LINE_BREAKS and (unicodedata.category(mark) in _UNSEEN or mark in _BLANK)
        self[code] = f"<U+{code:04X}>" if unseen else mark
        return self[code]


_SHOWN: Final = _Shown()


def visible(text: str) -> str:
    """Text with every character made visible that a terminal or a reader could be misled by.

    Control characters, bidirectional overrides, zero-width, blank and unassigned characters become their code point;
    line breaks and tabs stay.

    >>> visible("a" + chr(0x202E) + "b" + chr(27) + "[2J")
    'a<U+202E>b<U+001B>[2J'
    """
    return text.translate(_SHOWN)


def amount(price: Amount) -> str:
    """A price as a person reads it.

    >>> amount(Amount(value=Decimal("0.80000"), unit="s")), amount(Amount(value=Decimal("0.0004")))
    ('0.8 s', '$0.0004')
    """
    return f"{number(price.value)} s" if price.unit == "s" else usd(price.value)


def usd(value: Decimal) -> str:
    """Dollars, with as many places as say something.

    >>> usd(Decimal(0)), usd(Decimal("1.5")), usd(Decimal("0.00041234"))
    ('$0', '$1.50', '$0.00041')
    """
    if value == 0:
        return "$0"
    return (
        f"${value:.2f}"
        if value >= Decimal("0.1")
        else f"${float(value):.2g}"
        if value >= Decimal("0.0001")
        else (f"${value:.5f}" if value >= Decimal("0.00001") else "<$0.00001")
    )


def number(value: Decimal | float) -> str:
    """A figure with two places that say something, never in powers of ten.

    >>> number(Decimal("0.8000")), number(12.345), number(1234.5), number(0)
    ('0.8', '12', '1234', '0')
    """
    figure = float(value)
    if figure == 0:
        return "0"
    if figure >= 10:
        return f"{figure:.0f}"
    text = f"{figure:.1f}" if figure >= 1 else f"{figure:.2g}" if figure >= 0.01 else f"{figure:.3f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def steps(count: int) -> str:
    """A number of steps.

    >>> steps(1), steps(3)
    ('1 step', '3 steps')
    """
    return f"{count} step" + ("" if count == 1 else "s")


def times(count: int) -> str:
    """How often.

    >>> times(1), times(2)
    ('once', '2 times')
    """
    return "once" if count == 1 else f"{count} times"


def taken(usage: Usage) -> str:
    """What work took: dollars where there are any, tokens where there are any, steps, seconds."""
    parts = [usd(usage.usd)] if usage.usd else []
    parts.append(steps(usage.steps))
    if usage.tokens:
        parts.append(f"{usage.tokens} tokens")
    parts.append(f"{number(usage.seconds)} s")
    return " · ".join(parts)


def plain(value: Decimal) -> str:
    """An amount as text: exact, without a power of ten or idle zeros.

    >>> plain(Decimal("1.00")), plain(Decimal("1E-7")), plain(Decimal(100))
    ('1', '0.0000001', '100')
    """
    return format(value.normalize(), "f")


def exact(amount: Amount) -> str:
    """An amount with all its digits.

    >>> exact(Amount(value=Decimal("0.01650"))), exact(Amount(value=Decimal("2.0"), unit="s"))
    ('$0.0165', '2 s')
    """
    return f"{plain(amount.value)} s" if amount.unit == "s" else f"${plain(amount.value)}"


def rate(price: Price | None) -> str:
    """A price as a person reads it.

    >>> rate(Price(unit="s", per_task="0.1")), rate(Price(input_per_mtok=1, output_per_mtok="4")), rate(None)
    ('0.1 s a task', '$1.00 + $4.00 a Mtoken', 'unpriced')
    """
    if price is None:
        return "unpriced"
    parts: list[str] = []
    if price.per_task:
        parts.append(f"{number(price.per_task)} s a task" if price.unit == "s" else f"{usd(price.per_task)} a task")
    if price.input_per_mtok or price.output_per_mtok:
        if price.unit == "s":
            # seconds for a million tokens say little; a thousand is a page
            parts.append(f"{number(price.input_per_mtok / 1000)} + {number(price.output_per_mtok / 1000)} s a ktoken")
        else:
            parts.append(f"{usd(price.input_per_mtok)} + {usd(price.output_per_mtok)} a Mtoken")
    return ", ".join(parts) or "nothing"


def by_reason(reasons: Mapping[str, str]) -> list[tuple[str, str]]:
    """Each reason with the names that it holds for, in the order of names."""
    names: dict[str, list[str]] = {}
    for name, reason in sorted(reasons.items()):
        names.setdefault(reason, []).append(name)
    return [(reason, ", ".join(those)) for reason, those in names.items()]


def short_price(price: Decimal) -> Decimal:
    """Three digits that say something, rounded down: who asks less than this asks less than the whole.

    >>> short_price(Decimal("0.00475434")), short_price(Decimal(1999))
    (Decimal('0.00475'), Decimal('1.99E+3'))
    """
    return price.quantize(Decimal(1).scaleb(price.adjusted() - _PRICE_DIGITS + 1), rounding=ROUND_FLOOR)
