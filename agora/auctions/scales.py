"""Entropy on one scale, for pools of mixed families (note on SALE, section 1.5).

Tokenizers differ, so 0.3 says something else of one family than of another. What can be compared is how far a plan
lies from the agent's own past plans:

    z = (H - mean of its past H) / max(deviation of its past H, 0.01)          value = Phi(z)

with Phi the distribution function of the standard normal: bounded in (0, 1), rising, 0.5 for a plan like all before.
Both forms of entropy (entropy.py) have such a scale, each from past plans of the same form; of one auction all bids are
of one form, or the term is dropped. What this gives up: an agent whose plans are always less certain than another's is
no better for it, and one that bids for it can lower its own past first.

Lengths need no such scale: `plan_length` counts characters and no tokens.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from agora.bids import Bid

LEAST_PAST: Final = 5
"""From how many past plans on an agent has a scale of its own."""
LEAST_DEVIATION: Final = 0.01
"""A deviation below this is taken for this one: finer differences of entropy say nothing."""

_SHOWN: Final = 5
_MAKER: Final = re.compile(r"(?:ft:|[a-z]+\.(?=[a-z])|meta-)*")
_LETTERS: Final = re.compile(r"[a-z]+")


class Entropies(NamedTuple):
    """The figure of each bid for the term entropy, and what to know of it."""

    values: list[float | None]
    """One a bid, in their order, all on one scale; None where there is none that compares."""
    notes: tuple[str, ...] = ()
    """Why they are not, or not simply, as measured."""


def entropies(bids: Sequence[Bid]) -> Entropies:
    """The entropies of one auction: on one scale, or none.

    Bids of one family count as measured. Of several families, each counts on its bidder's own scale where all have one
    (`Bid.entropy_scaled`); else all count as measured, since a raw figure beside standardised ones would be compared
    with what it is not comparable to. Measured in two forms they do not compare at all, and there is none.

    Args:
        bids: Those that take part.
    """
    measured = _sound(bid.entropy for bid in bids)
    if None in measured:
        return Entropies(measured)
    if len(forms := {bid.entropy_form or "unknown" for bid in bids}) > 1:
        said = f"entropy is left out: it was measured in different forms ({', '.join(sorted(forms))})"
        return Entropies([None] * len(bids), (said,))
    if len(families := {bid.family or "unknown" for bid in bids}) < 2:
        return Entropies(measured)
    several = f"the bidders are of several families ({_listed(families)})"
    own = _sound(bid.entropy_scaled for bid in bids)
    if lacking := [bid.agent for bid, value in zip(bids, own, strict=True) if value is None]:
        said = f"entropy is as measured, though {several}: too few past plans of {_listed(lacking)}"
        return Entropies(measured, (said,))
    return Entropies(own, (f"entropy is on each bidder's own scale, since {several}",))


def standardised(value: float, past: Sequence[float], *, least: int = LEAST_PAST) -> float | None:
    """One entropy on its agent's own scale.

    Args:
        value: In [0, 1] in the top-k form, in nats in the sampled one.
        past: The agent's earlier figures of the same form; what is no number is left out.
        least: From how many past values on there is a scale, >= 2.

    Returns:
        A number in [0, 1], rising with the value; None where the past is too short.

    >>> round(standardised(0.4, [0.2, 0.3, 0.4, 0.2, 0.4]), 3)  # z = 0.1 / 0.1
    0.841
    """
    usable = [one for one in past if math.isfinite(one)]
    if len(usable) < max(2, least):
        return None
    mean = math.fsum(usable) / len(usable)
    variance = math.fsum((one - mean) ** 2 for one in usable) / (len(usable) - 1)
    z = (value - mean) / max(math.sqrt(variance), LEAST_DEVIATION)
    return min(1.0, max(0.0, 0.5 * (1.0 + math.erf(z / math.sqrt(2.0)))))


def family_of(model: str) -> str:
    """Whose tokenizer a model most likely has, by its name: the first letters of what comes after the last slash.

    A guess, since nothing that is answered with a plan says it. Taking one family for two is the safe mistake: then
    figures are brought to one scale that would have compared without. Known to be wrong: a model distilled into
    another's tokenizer ("deepseek-r1-distill-qwen-7b"), and two generations of one name with different tokenizers.

    Args:
        model: As it is configured, with or without its provider; empty: not a chat model.

    Returns:
        Lower-case letters, the whole name where it begins with none; empty for an empty name.

    >>> family_of("openai/gpt-5-mini"), family_of("bedrock/anthropic.claude-opus-4-8"), family_of("ollama/qwen3:4b")
    ('gpt', 'claude', 'qwen')
    """
    name = model.lower().rsplit("/", 1)[-1].strip()
    maker = _MAKER.match(name)
    letters = _LETTERS.match(name, maker.end() if maker else 0)
    return letters[0] if letters else name


def _sound(values: Iterable[float | None]) -> list[float | None]:
    """Figures that are some, even where what is none was forced into a bid."""
    return [value if value is not None and 0 <= value <= 1 else None for value in values]


def _listed(names: Sequence[str] | set[str]) -> str:
    shown = sorted(names)
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + more
