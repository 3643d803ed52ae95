"""Answers that say nothing, told apart from answers before any model is asked.

A judging model can be made to pass by a text without content: punctuation, an opener of reasoning ("Thought process:",
"Solution"), or the question itself. "One Token to Fool LLM-as-a-Judge" (arXiv 2507.08794) measured false positives of
up to 80-90 % with ten such master keys. They score 0 here by rule, in any spelling, mixture and repetition.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

MASTER_KEYS: Final = (
    " ",
    ".",
    ",",
    ":",
    "Thought process:",
    "Let's solve this problem step by step.",
    "Solution",
    "\u89e3",
    "\u304b\u3044\u305b\u3064",
    "Respuesta",
)
"""The ten of arXiv 2507.08794, table 1: three scripts, and none says anything about any question."""

_OPENERS: Final = (
    "thought process",
    "thinking process",
    "let's solve this problem step by step",
    "let us solve this problem step by step",
    "let's think step by step",
    "let us think step by step",
    "let's think about this",
    "let me think",
    "step by step",
    "final answer",
    "the answer is",
    "here is the solution",
    "reasoning",
    "explanation",
    "solution",
    "answer",
    "l\u00f6sung",
    "antwort",
    "r\u00e9ponse",
    "soluci\u00f3n",
    "respuesta",
    "resposta",
    "soluzione",
    "risposta",
    "\u0440\u0435\u0448\u0435\u043d\u0438\u0435",
    "\u043e\u0442\u0432\u0435\u0442",
    "\u89e3\u7b54",
    "\u7b54\u6848",
    "\u56de\u7b54",
    "\u89e3\u8aac",
    "\u89e3\u91ca",
    "\u89e3",
    "\u304b\u3044\u305b\u3064",
    "\ud574\uc124",
    "\ub2f5\ubcc0",
)
_LEAST_ECHO_WORDS: Final = 5
_ECHO_SHARE: Final = 0.6


def says_nothing(text: str, *, goal: str) -> str:
    """Why a text is no answer, in words; empty where it may be one.

    Args:
        text: What was handed in.
        goal: What was asked.

    >>> says_nothing("Thought process: ...", goal="what is 6 x 7?")
    'the answer is an opener without anything after it'
    >>> says_nothing("42", goal="what is 6 x 7?")
    ''
    """
    words, asked = _words(text), _words(goal)
    if not words:
        return "the answer is empty" if not text.strip() else "the answer holds no letter and no digit"
    whole, question = "".join(words), "".join(asked)
    if _made_of(whole, [question]):
        return "the answer repeats the question"
    if _made_of(whole, [question, *_JOINED]):
        return "the answer is an opener without anything after it"
    for opener in _OPENER_WORDS:
        words = _without(words, opener)
    return "the answer repeats the question" if _echoes(words, asked) else ""


def _words(text: str) -> list[str]:
    """Letters and digits in one spelling: compatibility forms, case and what has no width do not count."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    plain = "".join(mark for mark in plain if unicodedata.category(mark) not in ("Cf", "Mn"))
    return re.findall(r"[^\W_]+(?:'[^\W_]+)*", plain)


def _made_of(text: str, pieces: Sequence[str]) -> bool:
    """Whether a text is pieces one after the other and nothing else; some scripts set no spaces between them."""
    reached, ends = {0}, [piece for piece in pieces if piece]
    while reached:
        place = min(reached)
        if place == len(text):
            return True
        reached.remove(place)
        reached.update(place + len(piece) for piece in ends if text.startswith(piece, place))
    return False


def _without(words: list[str], part: list[str]) -> list[str]:
    """All words but those of each occurrence of a part."""
    if not part:
        return words
    left: list[str] = []
    place = 0
    while place < len(words):
        if words[place : place + len(part)] == part:
            place += len(part)
        else:
            left.append(words[place])
            place += 1
    return left


def _echoes(words: list[str], goal: list[str]) -> bool:
    """Whether a text is a long piece of the question and nothing else."""
    if len(words) < max(_LEAST_ECHO_WORDS, _ECHO_SHARE * len(goal)):
        return False
    return any(goal[place : place + len(words)] == words for place in range(len(goal) - len(words) + 1))


_OPENER_WORDS: Final = sorted((_words(opener) for opener in _OPENERS), key=len, reverse=True)
_JOINED: Final = tuple("".join(words) for words in _OPENER_WORDS)
