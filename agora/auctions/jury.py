"""The jury's ballot: every judge marks every plan from 0 to 5, not knowing whose it is (SALE, arXiv 2602.02751).

A judge gets all plans of an auction in one ballot (or one ballot a plan), in an order of its own that a seeded hash of
its lot and the plan decides: no name, no price, no round, no time of arrival is on it. Every line of a plan is quoted,
so that no plan can write a line that passes for another plan's heading or for the end of the ballot. What the marks
are worth is decided in consensus.py.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final, cast

from pydantic import Field

from agora.auctions.sealing import PLAN_CAP_TOKENS, cut_plan
from agora.bids import Bid
from agora.values import JsonValue, Value

MOST_MARK: Final = 5
"""The best mark; 0 is the worst."""
QUOTE: Final = "| "
"""What every line of a plan begins with on a ballot, and nothing else does."""

MOST_SHOWN_CHARS: Final = 2 * 4 * PLAN_CAP_TOKENS
"""The most characters that a plan takes on a ballot, quotes and code points of hidden characters with it."""

_CUT: Final = " [cut: too long to show]"
_BAR: Final = QUOTE.strip()
_MOST_CHARS: Final = 100_000
_SHOWN_CHARS: Final = 40
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_OBJECT: Final = re.compile(r"\{[^{}]*\}")
_LINE: Final = re.compile(
    r"""[\s*_`"'(\[{\-•]*(?:(?i:plan|bid)\s+)?(?P<label>[A-Z]+)["'`*_)\]]*\s*[:=]\s*["'`*_]*(?P<mark>[0-9]{1,3})"""
    r"""(?:\s*/\s*5)?["'`*_.,;}\s]*"""
)


class Ballot(Value):
    """What one judge is to mark, and whose each plan is, which the judge is not told."""

    judge: str
    """Who marks."""
    bidders: Mapping[str, str] = Field(default_factory=dict)
    """Label -> agent, for the market alone."""
    plans: Mapping[str, str] = Field(default_factory=dict)
    """Label -> quoted plan, in the order in which they are shown."""

    @property
    def text(self) -> str:
        """All plans under their labels, for a prompt."""
        return "\n".join(f"Plan {label}:\n{plan}" for label, plan in self.plans.items())

    @property
    def each(self) -> tuple[Ballot, ...]:
        """One ballot a plan, with the same labels, for judges that are asked one by one."""
        return tuple(
            Ballot(judge=self.judge, bidders={label: self.bidders[label]}, plans={label: plan})
            for label, plan in self.plans.items()
        )


def ballot_for(bids: Sequence[Bid], *, judge: str, seed: int, lot: str = "") -> Ballot:
    """The plans of one auction, shuffled for one judge and without names.

    Args:
        bids: At most one of each agent; their order does not matter.
        judge: Who marks.
        seed: Of the auction; bidders do not know it.
        lot: What the order is drawn by besides, another for each judge: what the judge is and not what it is called,
            so that a new name gives no new order. Empty: the name.

    Raises:
        ValueError: Two bids are by one agent.

    >>> from decimal import Decimal
    >>> from agora.bids import Amount, Plan
    >>> bid = Bid(agent="ann", plan=Plan(text="look"), length_tokens=1, projected_tokens=1,
    ...           price=Amount(value=Decimal(1)), content_hash="h")
    >>> print(ballot_for([bid], judge="joe", seed=7).text)
    Plan A:
    | look
    """
    agents = [bid.agent for bid in bids]
    if twice := next((agent for agent in agents if agents.count(agent) > 1), None):
        raise ValueError(f"two bids are by {twice!r}: a ballot takes one of each agent")
    ordered = sorted(bids, key=lambda bid: (_lot(seed, lot or judge, bid.plan.text), bid.content_hash, bid.agent))
    labelled = {_label(place): bid for place, bid in enumerate(ordered)}
    return Ballot(
        judge=judge,
        bidders={label: bid.agent for label, bid in labelled.items()},
        plans={label: _quoted(cut_plan(bid.plan).text) for label, bid in labelled.items()},
    )


def jury_schema(ballot: Ballot) -> dict[str, JsonValue]:
    """The JSON schema of an answer: one whole number from 0 to 5 for each label.

    >>> jury_schema(Ballot(judge="joe", bidders={"A": "ann"}, plans={"A": "| look"}))["required"]
    ['A']
    """
    return {
        "type": "object",
        "properties": {label: {"type": "integer", "minimum": 0, "maximum": MOST_MARK} for label in ballot.bidders},
        "required": list(ballot.bidders),
        "additionalProperties": False,
    }


def read_marks(text: str, ballot: Ballot) -> dict[str, int]:
    """A judge's answer as marks: JSON as asked for, else lines like "A: 4"; nothing is guessed.

    Lines behind the quote mark are not the judge's words: one that repeats what it was shown gives no marks by it,
    whatever a plan says. One that states marks in several places (an object and lines, or two objects) must state the
    same ones: which of them are its own, and which a plan's that it repeats, cannot be told.

    Args:
        text: What the judge wrote.
        ballot: What it was asked.

    Returns:
        Agent -> mark from 0 to 5, one for each bid on the ballot.

    Raises:
        ValueError: A mark is missing, no whole number from 0 to 5, there twice, for a label that is not on the
            ballot, or another in one place than in another; the message says which, in words that the judge may be
            shown.

    >>> read_marks("A: 4", Ballot(judge="joe", bidders={"A": "ann"}, plans={"A": "| look"}))
    {'ann': 4}
    """
    if len(text) > _MOST_CHARS:
        raise ValueError(f"the answer has more than {_MOST_CHARS} characters")
    stated = _stated("\n".join(line for line in text.splitlines() if not line.lstrip().startswith(_BAR)), ballot)
    marks: dict[str, int] = {}
    for label, mark in stated:
        if label not in ballot.bidders:
            raise ValueError(f"there is no plan {label[:_SHOWN_CHARS]!r}; there are: {_listed(ballot.bidders)}")
        if not isinstance(mark, int) or isinstance(mark, bool) or not 0 <= mark <= MOST_MARK:
            raise ValueError(f"the mark of {label} is not a whole number from 0 to {MOST_MARK}")
        if marks.setdefault(label, mark) != mark:
            raise ValueError(f"{label} has two different marks")
    if missing := [label for label in ballot.bidders if label not in marks]:
        raise ValueError(f"no mark for {_listed(missing)}: each plan needs a whole number from 0 to {MOST_MARK}")
    return {agent: marks[label] for label, agent in ballot.bidders.items()}


def _stated(text: str, ballot: Ballot) -> list[tuple[str, object]]:
    """Label and mark, as often as they were said in the first place that states any; other places must agree."""
    whole = _parsed(text)
    if isinstance(whole, _Pairs):
        return list(whole)
    if isinstance(whole, int) and len(ballot.bidders) == 1:
        return [(label, whole) for label in ballot.bidders]
    objects = [said for found in _OBJECT.findall(text) if isinstance(said := _parsed(found), _Pairs)]
    if len(objects) > 1:
        objects = [said for said in objects if any(label in ballot.bidders for label, _ in said)]
    beside = _OBJECT.sub(lambda found: "" if isinstance(_parsed(found[0]), _Pairs) else found[0], text)
    lines = [line for line in map(_LINE.fullmatch, beside.splitlines()) if line and line["label"] in ballot.bidders]
    places = [list(said) for said in objects] + [[(line["label"], int(line["mark"])) for line in lines]]
    for label, mark in (said for place in places[1:] for said in place):
        if (label, mark) not in places[0]:
            raise ValueError(f"the mark of {label[:_SHOWN_CHARS]} is stated in two ways: write the marks once")
    return places[0]


class _Pairs(tuple[tuple[str, object], ...]):
    """A JSON object that keeps what it says twice."""

    __slots__ = ()


def _parsed(text: str) -> object:
    try:
        return cast("object", json.loads(text.strip(), object_pairs_hook=_Pairs))
    except (ValueError, RecursionError):
        return None


def _lot(seed: int, drawn_by: str, text: str) -> bytes:
    content = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return hashlib.sha256(f"{seed}\0{content}\0{drawn_by}".encode("utf-8", "surrogatepass")).digest()


def _label(place: int) -> str:
    """A to Z, then AA, AB and so on."""
    label = ""
    place += 1
    while place:
        place, letter = divmod(place - 1, 26)
        label = chr(ord("A") + letter) + label
    return label


def _listed(labels: Sequence[str] | Mapping[str, str]) -> str:
    shown = list(labels)[:_SHOWN_CHARS]
    more = f" and {len(labels) - len(shown)} more" if len(labels) > len(shown) else ""
    return ", ".join(shown) + more


def _quoted(text: str) -> str:
    """Every line behind the quote mark, with hidden characters as their code points; cut where that is too long."""
    shown: list[str] = []
    room = MOST_SHOWN_CHARS - len(QUOTE) - len(_CUT) - 1
    for line in text.splitlines() or [""]:
        quoted = QUOTE + _visible(line)
        if len(quoted) > room:
            shown.append(quoted[: max(room, len(QUOTE))] + _CUT)
            break
        shown.append(quoted)
        room -= len(quoted) + 1
    return "\n".join(shown)


def _visible(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(
        f"<U+{ord(mark):04X}>" if mark != "\t" and unicodedata.category(mark) in _HIDDEN else mark for mark in line
    )
