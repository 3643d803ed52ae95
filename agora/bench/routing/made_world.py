"""The world that the generated outcomes come from: tasks with topics, words that go with each, models with prices.

Invented, and simple on purpose: what a router can gain here is known. A task's tag tells a part of who is good at it, a
text's words tell more (topics within one task have different specialists), and the rest is noise that tells nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class Topic(NamedTuple):
    """What a query can be about."""

    task: str
    """The tag that its owner gives it."""
    domain: str
    """As `domain` in the tidy form; of "code" a check is at hand."""
    level: float
    """How hard its queries are on average, in logits."""
    words: tuple[str, ...]
    """What its queries are made of."""


class MadeModel(NamedTuple):
    """A model that is numbers."""

    price_in: float
    """Dollars a million tokens read."""
    price_out: float
    """Dollars a million tokens written."""
    ability: float
    """Logits that it has over the level of a query."""
    tokens: int
    """How much it writes, on average."""
    better_at: Mapping[str, float] = {}
    """Topic -> further logits."""


COMMON: Final = ("please", "explain", "given", "which", "answer", "short", "find", "the", "best", "for", "this", "one")
"""Words of every topic."""
HARD: Final = ("prove", "every", "worst", "case", "without", "exactly", "constraint", "optimal", "derive", "concurrent")
"""Words that hard queries have more of."""

TOPICS: Final[Mapping[str, Topic]] = {
    "strings": Topic("programming", "code", -0.6, ("string", "split", "join", "regex", "letter", "replace", "python")),
    "graphs": Topic("programming", "code", 0.9, ("graph", "edge", "shortest", "path", "cycle", "tree", "python")),
    "queries": Topic("programming", "code", 0.3, ("table", "select", "group", "index", "rows", "sql", "sum")),
    "sums": Topic("arithmetic", "maths", -1.0, ("apples", "price", "total", "each", "costs", "buys", "dollars")),
    "rates": Topic("arithmetic", "maths", 0.6, ("speed", "train", "hours", "rate", "pump", "tank", "minutes")),
    "places": Topic(
        "trivia", "knowledge", -0.8, ("river", "capital", "country", "mountain", "city", "border", "island")
    ),
    "people": Topic("trivia", "knowledge", 0.2, ("king", "poet", "born", "painter", "century", "wrote", "treaty")),
    "cells": Topic("trivia", "knowledge", 0.8, ("enzyme", "protein", "cell", "membrane", "gene", "acid", "blood")),
    "letters": Topic("writing", "text", -1.2, ("email", "polite", "tone", "customer", "reply", "thanks", "draft")),
    "abstracts": Topic(
        "writing", "text", 0.1, ("summary", "paper", "abstract", "claims", "method", "findings", "cite")
    ),
}
"""By name; every tag has easy and hard ones."""

MODELS: Final[Mapping[str, MadeModel]] = {
    "made/pocket": MadeModel(0.05, 0.10, -0.6, 120),
    "made/quick": MadeModel(0.15, 0.60, -0.1, 180, {"letters": 0.8, "sums": 0.6}),
    "made/coder": MadeModel(0.30, 1.20, -0.2, 260, {"strings": 1.8, "graphs": 1.8, "queries": 1.7, "rates": 0.3}),
    "made/scholar": MadeModel(0.40, 1.60, -0.1, 220, {"cells": 1.9, "people": 1.2, "abstracts": 1.2}),
    "made/large": MadeModel(2.50, 10.00, 0.7, 300),
    "made/giant": MadeModel(5.00, 25.00, 1.2, 420, {"rates": 0.4}),
}
"""By name, the cheapest first."""
