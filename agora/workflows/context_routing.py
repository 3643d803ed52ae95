"""Context routing: which outputs and memories a node is shown, by its role and a token budget (RCR-Router, 2508.04903).

RCR-Router scores each item of a shared memory for each agent by the agent's role, the stage of the task and how recent
the item is, and takes items greedily while the role's token budget lasts. The weights are those of our reading of it
(.4 role, .2 stage, .1 exp(-age/10), .3 similarity; greedy by score / sqrt(tokens)). What differs here:

- role and similarity are shares of the role's and the goal's words, rare words counting more (idf over the
  candidates), unless a cosine is given with the candidate: nothing is embedded here. Without a role its weight goes to
  the goal;
- stage is 1/distance in the graph, and age the waves between; what is remembered has no stage;
- what the node prefers comes first; what is farther than its predecessors and shares no word with it is not shown;
- where not all fits, lines are placed and not items, by what each says for the role and the goal besides its item's
  stage and age: an item is then shown whole, shortened to some of its lines, or left out. On questions kept for that
  choice, whole items alone brought fewer of the needed facts (`docs/context.md`);
- ties go by a place in a text and a hash of the content, never by a name or by arrival.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from pydantic import Field

from agora.agents.prompts import context_item
from agora.flow_events import ContextItem
from agora.memory.words import stems, words
from agora.values import Value

ROLE, GOAL, STAGE, RECENT = 0.4, 0.3, 0.2, 0.1
"""What each term weighs in a score, which is in [0, 1]."""
AGE: Final = 10.0
"""Waves after which recency has fallen to 1/e."""
MOST_CANDIDATES: Final = 256
"""So many are looked at, the nearest first."""
LOOKED_AT_CHARS, ALL_CHARS = 20_000, 500_000
"""So much of each is looked at, and of all together, in equal parts; what comes after is shown only with the whole."""
PASSAGE_CHARS: Final = 400
"""Longer lines are taken apart at the ends of their sentences."""
GAP: Final = "[...]"
"""Stands where lines of an item were left out."""

_BYTES_A_TOKEN: Final = 4
_SAY_NOTHING: Final = frozenset(
    words(
        "a an and are as at be but by do for from has have how if in into is it its no not of on or so that the their"
    )
    + words("then there these they this to was what when which who will with you your")
)
_SENTENCE_END: Final = re.compile(r"(?<=[.!?;])\s+")


class Candidate(Value):
    """Something that could be shown."""

    source: str
    """Where it comes from: "find", "find.2" (an item of a map), "memory:RUN/TASK"."""
    heading: str
    """How it is introduced, in words of our own."""
    text: str
    """What a model or a tool wrote; shown quoted."""
    distance: int = Field(default=0, ge=0)
    """Edges between it and the node; 0: it has no place in the graph."""
    age: float = Field(default=0.0, ge=0)
    """How old it is, in waves."""
    prefer: bool = False
    """Whether the node asks for it before all others."""
    similarity: float | None = Field(default=None, ge=-1, le=1)
    """Cosine to the goal, where somebody has embeddings; below 0 counts as 0."""


class Chosen(NamedTuple):
    """What a node is shown."""

    shown: str
    """The chosen items, quoted, each under its heading; empty: none."""
    items: tuple[ContextItem, ...]
    """What became of each candidate, in their order."""


def tokens_of(text: str) -> int:
    """How many tokens a text is taken for: a quarter of its bytes in UTF-8, rounded up."""
    return -(-_bytes(text) // _BYTES_A_TOKEN)


def route(candidates: Sequence[Candidate], *, role: str, goal: str, tokens: int) -> Chosen:
    """Choose what a node is shown: a function of the arguments, the same for candidates in any order.

    Args:
        candidates: At most `MOST_CANDIDATES`; they are shown in this order.
        role: What the node is, in words.
        goal: What it is to do.
        tokens: What all that is shown may take.

    >>> near = Candidate(source="spec", heading="From spec:", text="The parser reads dates.", distance=1)
    >>> far = Candidate(source="logo", heading="From logo:", text="Blue on white.", distance=3)
    >>> chosen = route([near, far], role="tester", goal="test the parser", tokens=100)
    >>> [(item.source, item.taken) for item in chosen.items]
    [('spec', 'whole'), ('logo', 'left out')]
    """
    most = min(LOOKED_AT_CHARS, ALL_CHARS // max(1, len(candidates)))
    looked = [_Looked.at(one, most_chars=most) for one in candidates]
    asked = _Asked.of(looked, role=role, goal=goal)
    scores = [asked.score(one) for one in looked]
    reasons = _set_aside(looked, asked)
    shown = _placed([place for place in range(len(looked)) if place not in reasons], looked, asked, tokens)
    items = tuple(
        ContextItem(
            source=one.of.source,
            taken="left out" if place not in shown else "whole" if shown[place] == one.whole else "shortened",
            tokens=tokens_of(shown.get(place, "")),
            whole_tokens=one.tokens,
            score=round(scores[place], 6),
            why=reasons.get(place, "") if place in shown or place in reasons else "no room in the budget",
        )
        for place, one in enumerate(looked)
    )
    return Chosen("".join(shown[place] for place in sorted(shown)), items)


class _Looked(NamedTuple):
    """A candidate, taken apart."""

    of: Candidate
    whole: str
    tokens: int
    passages: tuple[str, ...]
    words: tuple[frozenset[str], ...]
    more: bool
    """Whether it goes on behind the passages."""

    @property
    def heading_bytes(self) -> int:
        """What its heading takes, with a mark at the end of its lines and what rounding to tokens may cost."""
        return _bytes(f"{self.of.heading}\n| {GAP}\n") + _BYTES_A_TOKEN

    @classmethod
    def at(cls, one: Candidate, *, most_chars: int) -> _Looked:
        whole = context_item(one.heading, one.text)
        passages = tuple(_passages(one.text[:most_chars]))
        return cls(one, whole, tokens_of(whole), passages, tuple(map(_words, passages)), len(one.text) > most_chars)


class _Asked:
    """What the node is after: its words, and how much each says."""

    def __init__(self, role: frozenset[str], goal: frozenset[str], idf: dict[str, float]) -> None:
        self._role = {word: idf[word] for word in sorted(role) if word in idf}
        self._goal = {word: idf[word] for word in sorted(goal) if word in idf}
        self._by_role, self._by_goal = (ROLE, GOAL) if self._role else (0.0, ROLE + GOAL)

    @classmethod
    def of(cls, looked: Sequence[_Looked], *, role: str, goal: str) -> _Asked:
        found = Counter(word for one in looked for word in frozenset[str]().union(*one.words))
        idf = {word: math.log((len(looked) + 1) / count) for word, count in found.items()}
        return cls(_words(role), _words(goal), idf)

    def relevance(self, words: frozenset[str], similarity: float | None = None) -> float:
        """In [0, ROLE + GOAL]."""
        goal = _share(self._goal, words) if similarity is None else max(0.0, similarity)
        return self._by_role * _share(self._role, words) + self._by_goal * goal

    def score(self, one: _Looked) -> float:
        """Of a whole item, in [0, 1]."""
        return self.relevance(frozenset[str]().union(*one.words), one.of.similarity) + _position(one)

    def worth(self, one: _Looked, line: int) -> float:
        """Of one line of it; a cosine that is given says something of all its lines."""
        stated = 0.0 if one.of.similarity is None else self._by_goal * max(0.0, one.of.similarity)
        return self.relevance(one.words[line]) + stated + _position(one)


def _position(one: _Looked) -> float:
    """What stage and recency add to a score, in [0, STAGE + RECENT]."""
    stage = STAGE / one.of.distance if one.of.distance else 0.0
    return stage + RECENT * math.exp(-one.of.age / AGE)


def _words(text: str) -> frozenset[str]:
    """What a text is about: its words without their endings, those that say nothing left out."""
    return frozenset(stems(text)) - _SAY_NOTHING


def _share(wanted: dict[str, float], words: frozenset[str]) -> float:
    total = math.fsum(wanted.values())
    return math.fsum(weight for word, weight in wanted.items() if word in words) / total if total else 0.0


def _set_aside(looked: Sequence[_Looked], asked: _Asked) -> dict[int, str]:
    """Place -> why it is not even considered."""
    reasons: dict[int, str] = {}
    first: dict[str, str] = {}
    for one in sorted(looked, key=lambda one: (not one.of.prefer, one.of.distance or math.inf, _hash(one.whole))):
        first.setdefault(one.of.text, one.of.source)
    for place, one in enumerate(looked):
        words = frozenset[str]().union(*one.words)
        if first[one.of.text] != one.of.source:
            reasons[place] = f"says the same as {first[one.of.text]}"
        elif one.of.distance > 1 and not one.of.prefer and asked.relevance(words, one.of.similarity) <= 0:
            reasons[place] = "has nothing in common with the role or the goal"
    return reasons


def _hash(content: str) -> str:
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def _placed(places: Sequence[int], looked: Sequence[_Looked], asked: _Asked, tokens: int) -> dict[int, str]:
    """Place -> what is shown of it."""
    if sum(looked[place].tokens for place in places) <= tokens:
        return {place: looked[place].whole for place in places}
    left = tokens * _BYTES_A_TOKEN
    kept: dict[int, set[int]] = {}
    taken: Counter[int] = Counter()  # place -> what of the budget its lines may take at most
    for place, line in _by_worth(places, looked, asked):
        one = looked[place]
        size = _bytes(f"| {GAP}\n| {one.passages[line]}\n") + (0 if place in kept else one.heading_bytes)
        if size <= left:  # whatever comes next may still be short enough
            kept.setdefault(place, set()).add(line)
            taken[place] += size
            left -= size
    return {place: _shortened(looked[place], lines, most_bytes=taken[place]) for place, lines in kept.items()}


def _by_worth(places: Sequence[int], looked: Sequence[_Looked], asked: _Asked) -> list[tuple[int, int]]:
    """The lines of all items as (place, line), what says most for its length first."""
    ranked: list[tuple[bool, float, int, int, str, tuple[int, int]]] = []
    for place in places:
        one, content = looked[place], _hash(looked[place].whole)
        for line, passage in enumerate(one.passages):
            size = _bytes(passage)
            worth = round(asked.worth(one, line) / math.sqrt(size), 12)
            ranked.append((not one.of.prefer, -worth, line, size, content, (place, line)))
    return [where for *_, where in sorted(ranked, key=lambda entry: entry[:-1])]


def _shortened(one: _Looked, kept: set[int], *, most_bytes: int) -> str:
    """Some lines of an item, with a mark where others were left out; the whole where that is no more."""
    if _bytes(one.whole) <= most_bytes - _BYTES_A_TOKEN:
        return one.whole
    lines: list[str] = []
    last = -1
    for line in sorted(kept):
        lines += [GAP] * (line > last + 1) + [one.passages[line]]
        last = line
    return context_item(one.of.heading, "\n".join([*lines, *[GAP] * (one.more or last + 1 < len(one.passages))]))


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _passages(text: str) -> Iterable[str]:
    for line in text.splitlines():
        if len(line) <= PASSAGE_CHARS:
            yield from [line] if line.strip() else []
            continue
        part = ""
        for sentence in _SENTENCE_END.split(line):
            if part and len(part) + len(sentence) > PASSAGE_CHARS:
                yield part
                part = ""
            part = f"{part} {sentence}" if part else sentence
            while len(part) > PASSAGE_CHARS:
                yield part[:PASSAGE_CHARS]
                part = part[PASSAGE_CHARS:]
        if part.strip():
            yield part
