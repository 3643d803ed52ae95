"""What is cut from a conversation that no longer fits its model, and what is kept on record of it.

Old tool results go first, since they can be asked for again: shortened, oldest first. Then whole turns, oldest first:
an assistant's words together with the results that answer its calls, so that no call is ever parted from its result.
System messages, the task (everything up to the first answer) and the last turn always stay.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from agora.agents.prompts import TRIMMED
from agora.messages import Dropped, Message

KEPT_RESULTS = 4
"""So many tool results of the newest are shortened only after everything else."""
KEPT_CHARS = 200
"""What is left of a shortened result."""

Fits = Callable[[Sequence[Message]], bool]
"""Whether a conversation fits; fewer and shorter messages never make it fit less."""


class Trimmed(NamedTuple):
    """A conversation that was cut, and what it lost."""

    messages: tuple[Message, ...]
    """What is left, in order."""
    dropped: tuple[Dropped, ...]
    """What was shortened or left out, in order of place; empty: nothing was."""


def trim(messages: Sequence[Message], *, fits: Fits) -> Trimmed:
    """Cut as little as makes a conversation fit, in a fixed order; where nothing more can go, it may still not fit.

    Args:
        messages: The conversation.
        fits: Whether so many of them fit.

    >>> long = Message(role="user", content="do it")
    >>> trim([long], fits=lambda messages: False).messages == (long,)
    True
    """
    left: dict[int, Message] = dict(enumerate(messages))
    for cut in _cuts(messages):
        if fits(tuple(left.values())):
            break
        for index, message in cut.items():
            if message is None:
                left.pop(index, None)
            elif index in left:
                left[index] = message
    dropped = tuple(
        _record(index, old, left.get(index)) for index, old in enumerate(messages) if left.get(index) != old
    )
    return Trimmed(tuple(left.values()), dropped)


def turns(messages: Sequence[Message]) -> list[range]:
    """The turns that may go, oldest first: what an assistant said, and all that answers it up to its next words.

    Args:
        messages: The conversation.

    Returns:
        Places of the messages of each turn. What comes before the first answer, and the last turn, are not among them.
    """
    starts = [index for index, message in enumerate(messages) if message.role == "assistant"]
    return [range(start, end) for start, end in pairwise(starts)]


def keep_last(messages: Sequence[Message], *, turns_left: int, task: Message | None = None) -> Trimmed:
    """Leave out all turns but the last few (Keep-Last-N of AgentSwing, arXiv 2603.27490).

    Args:
        messages: The conversation.
        turns_left: How many turns stay, the last one among them.
        task: What the task's message becomes; None: it stays as it is.

    >>> said = [Message(role="user", content="do"), *(Message(role="assistant", content=c) for c in "abc")]
    >>> [message.content for message in keep_last(said, turns_left=2).messages]
    ['do', 'b', 'c']
    """
    gone = {place for turn in older(messages, turns_left=turns_left) for place in turn}
    first = next((place for place, message in enumerate(messages) if message.role == "assistant"), 0)
    left = tuple(
        task if task is not None and place == first - 1 else message
        for place, message in enumerate(messages)
        if place not in gone
    )
    return Trimmed(left, tuple(_record(place, messages[place], None) for place in sorted(gone)))


def older(messages: Sequence[Message], *, turns_left: int) -> list[range]:
    """The turns before the last few, oldest first."""
    may_go = turns(messages)
    return may_go[: max(0, len(may_go) - (turns_left - 1))]


def both(first: Trimmed, second: Trimmed, *, count: int) -> Trimmed:
    """Two cuts, one after the other, as one; the first left out whole turns only.

    Args:
        first: Of the conversation.
        second: Of what the first left.
        count: How many messages the conversation had.
    """
    gone = {item.index for item in first.dropped}
    stayed = [place for place in range(count) if place not in gone]
    then = [item.model_copy(update={"index": stayed[item.index]}) for item in second.dropped]
    return Trimmed(second.messages, tuple(sorted([*first.dropped, *then], key=lambda item: item.index)))


def _cuts(messages: Sequence[Message]) -> Iterator[dict[int, Message | None]]:
    """Each next cut: place -> the shorter message, or None where it goes."""
    results = [index for index, message in enumerate(messages) if message.role == "tool"]
    old, new = results[:-KEPT_RESULTS], results[-KEPT_RESULTS:]
    for index in old:
        yield from _shortened(index, messages[index], KEPT_CHARS)
    for turn in turns(messages):
        yield {index: None for index in turn if messages[index].role != "system"}
    for chars in (KEPT_CHARS, 0):  # of the last turn: the calls stay, and so must something that answers them
        for index in new:
            yield from _shortened(index, messages[index], chars)


def _shortened(index: int, message: Message, chars: int) -> Iterator[dict[int, Message | None]]:
    if len(message.content) > chars + len(TRIMMED):
        content = f"{message.content[:chars]} {TRIMMED}" if chars else TRIMMED
        yield {index: message.model_copy(update={"content": content})}


def _record(index: int, old: Message, new: Message | None) -> Dropped:
    kept = 0 if new is None else len(new.content.removesuffix(TRIMMED).removesuffix(" "))
    content = old.content.encode("utf-8", "surrogatepass")
    return Dropped(
        index=index,
        role=old.role,
        chars=len(old.content) - kept,
        sha256=hashlib.sha256(content).hexdigest(),
        gone=new is None,
    )
