"""What a person is asked about cannot pass for something else: thirty spoofs, and what must stay readable."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.cli.candid import argument, candid

SPOOFS = {
    "right-to-left override": "safe\u202etxt.exe",
    "left-to-right override": "a\u202db",
    "right-to-left embedding": "a\u202bb",
    "first strong isolate": "a\u2068b\u2069",
    "right-to-left isolate": "if x \u2067# admin\u2069:",
    "arabic letter mark": "a\u061cb",
    "escape sequence": "ok\x1b[2K\x1b[1A gone",
    "operating system command": "\x1b]0;title\x07",
    "carriage return": "rm -rf /\recho ok  ",
    "backspace": "rm -rf /\b\b\b\bls",
    "delete": "ls\x7f",
    "vertical tab": "a\x0bb",
    "form feed": "a\x0cb",
    "next line": "a\x85b",
    "line separator": "a\u2028b",
    "paragraph separator": "a\u2029b",
    "NUL": "a.sh\0.txt",
    "zero-width space": "pass\u200bword",
    "zero-width joiner": "a\u200db",
    "byte order mark": "\ufeffls",
    "soft hyphen": "re\u00admove",
    "word joiner": "a\u2060b",
    "tag characters": "ls\U000e0072\U000e006d",
    "hangul filler": "if x\u3164 == 1",
    "half-width hangul filler": "a\uffa0b",
    "empty braille cell": "a\u2800b",
    "no-break space": "rm\u00a0-rf",
    "em space": "a\u2003b",
    "cyrillic letter among latin ones": "p\u0430ypal.com",
    "greek letter among latin ones": "g\u03bfogle",
    "a whole word of cyrillic lookalikes": "\u0441\u043e\u0440\u0443 a b",
    "armenian letter among latin ones": "g\u0585\u0585gle",
    "fullwidth letters": "\uff52\uff4d",
    "mathematical letters": "\U0001d42b\U0001d426",
    "fraction slash": "etc\u2044passwd",
    "division slash": "etc\u2215passwd",
    "greek question mark": "a\u037e b",
    "minus sign": "rm \u2212rf",
    "one dot leader": "\u2024\u2024/x",
    "latin click letter": "a\u01c3b",
    "dotless i": "adm\u0131n",
    "combining mark": "a\u0338b",
    "variation selector": "a\ufe0fb",
    "lone surrogate": "a\ud800b",
    "private use": "a\ue000b",
    "unassigned": "a\u0378b",
    "trailing space": "secret.txt ",
    "trailing tab": "secret.txt\t",
    "a gap that pushes text out of sight": "ls" + " " * 300 + "; rm -rf /",
}
"""What it is -> a text with it."""

PLAIN = (
    "python -m pytest -q tests/test_a.py",
    "\u00dcberweisung_f\u00fcr_M\u00fcller.txt",
    "\u043f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440: \u0430 \u0438 \u043e",
    "\u65e5\u672c\u8a9e\u306eAPI\u4ed5\u69d8",
    "\u0924\u093f\u0925\u093f",
    "    return [red]value[/red]",
    "\u2713 \u2192 caf\u00e9 \u2014 it\u2019s \u201cfine\u201d\u2026",
)


def test_there_are_at_least_thirty_spoofs() -> None:
    assert len(SPOOFS) >= 30


@pytest.mark.parametrize("text", SPOOFS.values(), ids=SPOOFS)
def test_a_spoof_shows_its_code_points_in_a_diff(text: str) -> None:
    assert "<U+" in candid(f"+{text}")


@pytest.mark.parametrize("text", SPOOFS.values(), ids=SPOOFS)
def test_a_spoof_is_not_mistaken_in_a_command(text: str) -> None:
    shown = argument(text)
    assert "<U+" in shown or (shown == f"'{text}'" and text.rstrip(" ") != text), "spaces at an end stand inside quotes"
    assert shown[0] == shown[-1] == "'"


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_what_it_looks_like_stays_as_it_is(text: str) -> None:
    assert candid(text) == text


@given(text=st.text())
def test_nothing_that_is_shown_steers_a_terminal_or_breaks_a_line(text: str) -> None:
    for shown in (argument(text), candid(text.replace("\n", ""), command=True)):
        assert not any(unicodedata.category(mark)[0] == "C" or mark in "\u2028\u2029" for mark in shown)


@given(one=st.text(max_size=8), other=st.text(max_size=8))
def test_two_arguments_that_differ_are_shown_differently(one: str, other: str) -> None:
    if one != other and "<U+" not in one + other:
        assert argument(one) != argument(other)


@given(text=st.text(st.characters(max_codepoint=126, min_codepoint=32), max_size=39))
def test_plain_text_is_shown_as_it_is(text: str) -> None:
    assert candid(text.rstrip()) == text.rstrip()
    assert argument(text) == "'" + text.replace("'", "'\\''") + "'"
