"""Agents without a model for `benchmarks/multihop.py`: they rank the passages of a folder, and join rankings.

The ranking is BM25 (Robertson & Zaragoza, 2009, k1 = 1.2, b = 0.75, the title counted twice). Where something was found
before, the words of the question that it answers are left out, the names in it are looked for as well (half as much),
and a passage whose title stands in it comes first: the bridge of HotpotQA (Yang and others, 2018, section 2).
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from agora import FunctionAgent, Plan
from agora.agents.tools import tool
from agora.errors import AgentError
from agora.messages import ToolCall
from agora.protocols import Desk, Workspace

K1: Final = 1.2
B: Final = 0.75
TITLE: Final = 2
"""How often the words of a title count."""
NAMES: Final = 0.5
"""What a name in what was found before counts, where a word of the question counts 1."""
NAMED: Final = 5.0
"""What it is worth that a passage's title stands in what was found before."""

_ENDINGS: Final = ("ations", "ation", "ings", "ing", "ies", "ied", "ers", "ed", "er", "es", "ly", "s", "e", "y")
_STOP_WORDS: Final = frozenset(
    re.findall(
        r"\w+",
        """a an and are as at be been by can could did do does for from had has have he her his how i in into is it
        its me my of on or our shall she should so than that the their them then there these they this those to
        was we were what when where which who whom why will with would you your""",
    )
)
_NAME: Final = re.compile(
    r"(?:[A-Z][\w'.-]*|\d{4})(?:\s+(?:(?:of|the|and|de|von|van|in|for|la|du)\s+)*(?:[A-Z][\w'.-]*|\d+))*"
)
_ASKED: Final = re.compile(
    r"Rank (?P<limit>\d+) passages\.\nQuestion: (?P<question>.*?)\nFound before:(?P<found>.*)", re.S
)


class Passage(NamedTuple):
    """One file of the folder."""

    file: str
    """Its name."""
    title: str
    """Its first line."""
    text: str
    """All of it, on one line."""


def ranked(passages: Sequence[Passage], question: str, *, found: str = "", limit: int = 10) -> list[Passage]:
    """The passages that fit a question best, best first; ties by their order.

    Args:
        passages: All of them.
        question: What is asked.
        found: The text of passages that were found before; they are not handed in again.
        limit: The most that are handed in.

    >>> capital, river = Passage("1", "Oslo", "Oslo is a city."), Passage("2", "Akerselva", "A river in Oslo.")
    >>> [one.title for one in ranked([capital, river], "Which river is there?", found="", limit=1)]
    ['Akerselva']
    """
    seen = set(_stems(found))
    open_words = [word for word in _stems(question) if word not in seen]
    scores = _bm25(passages, open_words)
    if found:
        asked = set(_stems(question))
        bridge = [word for name in _names(found) if not (words := set(_stems(name))) <= asked for word in sorted(words)]
        around = f" {_plain(found)} "
        for place, (passage, more) in enumerate(zip(passages, _bm25(passages, bridge), strict=True)):
            title = _plain(re.sub(r"\(.*?\)", "", passage.title))
            scores[place] += NAMES * more + (NAMED if title and f" {title} " in around else 0.0)
    order = sorted(range(len(passages)), key=lambda place: (-round(scores[place], 12), place))
    return [passages[place] for place in order if not (found and passages[place].text in found)][:limit]


def joined(rankings: Sequence[Sequence[str]], most: int) -> list[str]:
    """In turns, what is best in each ranking and not there yet, so many of them.

    >>> joined([["a", "b", "c"], ["a", "d"]], 3)
    ['a', 'd', 'b']
    """
    handed_in: list[str] = []
    while any(set(ranking) - set(handed_in) for ranking in rankings):
        for ranking in rankings:
            handed_in += [name for name in ranking if name not in handed_in][:1]
    return handed_in[:most]


@tool
def rank_passages(workspace: Workspace, question: str, found: str, limit: int) -> str:
    """Rank the passages of the folder for a question.

    Args:
        workspace: The copy.
        question: What is asked.
        found: What was found before.
        limit: How many to hand in.
    """
    best = ranked(passages_of(workspace.root), question, found=found, limit=limit)
    return json.dumps({"ranking": [one.file for one in best], "text": best[0].text if best else ""})


def passages_of(folder: Path) -> list[Passage]:
    """The files of a folder, by name."""
    read = [(path.name, path.read_text(encoding="utf-8").splitlines()) for path in sorted(folder.glob("*.md"))]
    return [
        Passage(name, lines[0].lstrip("# "), " ".join([lines[0].lstrip("# ") + ".", *lines[1:]]))
        for name, lines in read
    ]


async def _search(desk: Desk, plan: Plan) -> str:
    asked = _ASKED.search(desk.task.goal)
    assert asked is not None, desk.task.goal
    return json.dumps(await _ranking(desk, asked["question"], asked["found"].strip(), int(asked["limit"])))


async def _ranking(desk: Desk, question: str, found: str, limit: int) -> dict[str, Any]:
    arguments = json.dumps({"question": question, "found": found, "limit": limit})
    result = await desk.use(rank_passages, ToolCall(id="rank", name=rank_passages.spec.name, arguments=arguments))
    if not result.ok:
        raise AgentError("searcher", result.text)
    ranking: dict[str, Any] = json.loads(result.text)
    return ranking


async def _search_twice(desk: Desk, plan: Plan) -> str:
    """What the graph of two hops does, by one agent in one task."""
    asked = _ASKED.search(desk.task.goal)
    assert asked is not None, desk.task.goal
    limit = int(asked["limit"])
    first = await _ranking(desk, asked["question"], "", limit)
    second = await _ranking(desk, asked["question"], first["text"], limit)
    return json.dumps({"ranking": joined([first["ranking"], second["ranking"]], limit)})


async def _join(desk: Desk, plan: Plan) -> str:
    first, *rest = desk.task.goal.splitlines()
    rankings: list[list[str]] = [json.loads(line) for line in rest]
    return json.dumps({"ranking": joined(rankings, int(first.split()[1]))})


def agents() -> list[FunctionAgent]:
    """Who works on the questions."""
    searcher = Plan(text="1. rank the passages of the folder by BM25", tokens=0)
    twice = Plan(text="1. rank the passages\n2. rank them again with what was found", steps=2, tokens=0)
    joiner = Plan(text="1. take the rankings in turns", tokens=0)
    return [
        FunctionAgent("searcher", _search, plan=searcher, skills=["search"]),
        FunctionAgent("twice", _search_twice, plan=twice, skills=["search twice"]),
        FunctionAgent("joiner", _join, plan=joiner, skills=["join"]),
    ]


def _bm25(passages: Sequence[Passage], words: Sequence[str]) -> list[float]:
    counts = [Counter(_stems(f"{one.title} " * (TITLE - 1) + one.text)) for one in passages]
    lengths = [sum(count.values()) for count in counts]
    mean = sum(lengths) / len(lengths)
    rarity: Mapping[str, float] = {word: _rarity(sum(word in count for count in counts), len(counts)) for word in words}
    return [
        sum(
            weight * count[word] * (K1 + 1) / (count[word] + K1 * (1 - B + B * length / mean))
            for word, weight in rarity.items()
        )
        for count, length in zip(counts, lengths, strict=True)
    ]


def _rarity(holds: int, of: int) -> float:
    return math.log(1 + (of - holds + 0.5) / (holds + 0.5))


def _stems(text: str) -> list[str]:
    return [_stem(word) for word in re.findall(r"\w+", text.lower()) if word not in _STOP_WORDS]


def _stem(word: str) -> str:
    return next((word[: -len(end)] for end in _ENDINGS if word.endswith(end) and len(word) - len(end) >= 4), word)


def _names(text: str) -> list[str]:
    """Runs of words with capitals, and years; each once."""
    found = (
        match.group().strip(".,'")
        for sentence in re.split(r"(?<=[.!?])\s+", text)
        for match in _NAME.finditer(sentence)
    )
    return [name for name in dict.fromkeys(found) if _stems(name)]


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))
