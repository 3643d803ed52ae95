"""Extractive search over a folder of documents: SQLite FTS5 in memory, ranked by BM25, answers with path and line.

No model is needed. People's words are cut into tokens and quoted one by one, so that nothing they type is query syntax.
Source of the ranking: Robertson & Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009.
"""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from agora.agents import grep
from agora.agents.tools import tool
from agora.errors import WorkspaceError
from agora.protocols import Workspace

MAX_LINES: Final = 500_000
"""Lines that are indexed, at most."""
_CANDIDATES: Final = 200
_MAX_QUERY_WORDS: Final = 32
_CONTEXT_WEIGHT: Final = 0.4
_WORD: Final = re.compile(r"[^\W_][^\W_+#]*[+#]*")
_ENDINGS: Final = (
    "ations",
    "ation",
    "ingly",
    "ings",
    "ing",
    "edly",
    "ies",
    "ied",
    "ers",
    "ed",
    "er",
    "es",
    "ly",
    "s",
    "e",
    "y",
)
_STOP_WORDS: Final = frozenset(
    re.findall(
        r"\w+",
        """a an and are as at be been by can could did do does for from had has have how i in into is it its me my of on
        or our shall should so than that the their them then there these they this those to was we were what when where
        which who whom why will with would you your""",
    )
)


class Passage(NamedTuple):
    """One line of a document."""

    path: str
    """Relative to the folder, with forward slashes."""
    line: int
    """From 1."""
    text: str
    """The line, without spaces at its ends."""
    score: float
    """Higher is better; comparable within one search only."""


def search_folder(root: Path, query: str, limit: int = 5) -> list[Passage]:
    """The lines of a folder's documents that fit a question best, best first; ties by path and line.

    Args:
        root: The folder; links are not followed.
        query: Words as people type them.
        limit: How many lines.

    Raises:
        WorkspaceError: There is no such folder.
    """
    if not root.is_dir():
        raise WorkspaceError(str(root))
    stems = _stems(query)
    if not stems or limit < 1:
        return []
    lines = list(_lines(root))
    with closing(sqlite3.connect(":memory:")) as index:
        candidates = _candidates(index, lines, stems)
        weights = {stem: _rarity(index, stem, len(lines)) for stem in stems}
    scored = [_scored(lines[number], weights, rank) for number, rank in candidates]
    return sorted(scored, key=lambda passage: (-passage.score, passage.path, passage.line))[:limit]


def answer_with_citation(root: Path, question: str) -> str:
    """The line that answers a question best, and where it stands: the line, then `path:line` on a line of its own.

    Empty where no line has a word of the question.

    Raises:
        WorkspaceError: There is no such folder.
    """
    best = search_folder(root, question, 1)
    return f"{best[0].text}\n{best[0].path}:{best[0].line}" if best else ""


@tool(name="search_folder", thread=True)
def search_documents(workspace: Workspace, query: str, folder: str = ".", limit: int = 5) -> str:
    """Find the lines of the workspace's documents that fit a question best; answers with path:line: text.

    Args:
        workspace: The attempt's copy, filled in by the market.
        query: The question, or its words.
        folder: Where to look, relative to the workspace.
        limit: How many lines to show.
    """
    inside = folder.strip("/") in ("", ".")
    found = search_folder(workspace.root if inside else workspace.path(folder), query, min(limit, 50))
    prefix = "" if inside else folder.strip("/") + "/"
    return "\n".join(f"{prefix}{hit.path}:{hit.line}: {hit.text}" for hit in found) or "nothing found"


class _Line(NamedTuple):
    path: str
    number: int
    text: str
    context: str
    """The lines around it, its heading and its file's name."""


def _lines(root: Path) -> Iterator[_Line]:
    count = 0
    for path in grep.files_under(str(root), "*"):
        text = grep.text_of(str(root / path))
        if text is None:
            continue
        rows = [row.strip() for row in text.splitlines()]
        heading = ""
        for at, row in enumerate(rows):
            if row.startswith("#"):
                heading = row
            if not any(character.isalnum() for character in row):
                continue
            around = " ".join(rows[max(at - 1, 0) : at] + rows[at + 1 : at + 2])
            yield _Line(path, at + 1, row, f"{around} {heading} {path}")
            count += 1
            if count == MAX_LINES:
                return


def _stems(query: str) -> list[str]:
    """The words that count, without their endings; all words, where only stop words were typed."""
    words = list(dict.fromkeys(_words(query)))
    kept = [word for word in words if word not in _STOP_WORDS] or words
    return list(dict.fromkeys(_stem(word) for word in kept))[:_MAX_QUERY_WORDS]


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def _stem(word: str) -> str:
    """A word's beginning, to compare by prefix; short words stay whole.

    >>> _stem("retries"), _stem("retry"), _stem("limit")
    ('retr', 'retr', 'limit')
    """
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word


def _matches(stem: str, word: str) -> bool:
    return word == stem or (len(stem) >= 4 and word.startswith(stem))


def _term(stem: str) -> str:
    """A stem as an FTS5 term: quoted, so that nothing in it is syntax; longer ones match as a prefix."""
    quoted = '"' + stem.replace('"', '""') + '"'
    return quoted + "*" if len(stem) >= 4 else quoted


def _candidates(index: sqlite3.Connection, lines: Sequence[_Line], stems: Sequence[str]) -> list[tuple[int, float]]:
    """Line numbers with their BM25 (higher is better)."""
    index.execute("CREATE VIRTUAL TABLE passages USING fts5(line, context, tokenize = \"unicode61 tokenchars '+#'\")")
    rows = ((number, line.text, line.context) for number, line in enumerate(lines))
    index.executemany("INSERT INTO passages(rowid, line, context) VALUES (?, ?, ?)", rows)
    found = index.execute(
        "SELECT rowid, -bm25(passages, 1.0, 0.4) FROM passages WHERE passages MATCH ? ORDER BY 2 DESC, 1 LIMIT ?",
        (" OR ".join(_term(stem) for stem in stems), _CANDIDATES),
    )
    return [(int(row[0]), float(row[1])) for row in found]


def _rarity(index: sqlite3.Connection, stem: str, total: int) -> float:
    """Inverse document frequency over lines: rarer words say more."""
    row = index.execute("SELECT count(*) FROM passages WHERE passages MATCH ?", (f"line : {_term(stem)}",)).fetchone()
    return math.log(1 + total / (1 + int(row[0])))


def _scored(line: _Line, weights: dict[str, float], rank: float) -> Passage:
    """Overlap by rarer words, in the line itself and less around it; BM25 breaks ties (it is below 1 of a word)."""
    words, around = _words(line.text), _words(line.context)
    total = 0.0
    for stem, weight in weights.items():
        if any(_matches(stem, word) for word in words):
            total += weight
        elif any(_matches(stem, word) for word in around):
            total += weight * _CONTEXT_WEIGHT
    bonus = 0.01 * rank - (0.5 if line.text.endswith("?") or line.text.startswith("#") else 0.0)
    return Passage(line.path, line.number, line.text, round(total + bonus, 9))
