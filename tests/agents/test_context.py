"""What is cut from a conversation: as little as makes it fit, in order, never a call from its result, all on record."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from agora.agents.context import KEPT_RESULTS, both, keep_last, older, trim, turns
from agora.agents.prompts import TRIMMED
from agora.messages import Message, ToolCall


def weight(messages: Sequence[Message]) -> int:
    return sum(10 + len(message.content) for message in messages)


def result(number: int, size: int = 1000) -> list[Message]:
    call = ToolCall(id=str(number), name="read", arguments="{}")
    answer = Message(role="tool", content=str(number % 10) * size, tool_call_id=str(number))
    return [Message(role="assistant", tool_calls=(call,)), answer]


OPENING = [Message(role="system", content="s" * 500), Message(role="user", content="u" * 500)]


@st.composite
def conversations(draw: st.DrawFn) -> list[Message]:
    messages = list(OPENING[: draw(st.integers(0, 2))])
    number = 0
    for _ in range(draw(st.integers(0, 9))):
        calls = draw(st.integers(0, 3))
        wishes = tuple(ToolCall(id=str(number + place), name="t", arguments="{}") for place in range(calls))
        messages.append(Message(role="assistant", content="a" * draw(st.integers(0, 400)), tool_calls=wishes))
        for wish in wishes:
            messages.append(Message(role="tool", content="r" * draw(st.integers(0, 900)), tool_call_id=wish.id))
        if not calls:
            messages.append(Message(role="user", content="again"))
        number += calls
    return messages


bounds = st.integers(0, 9_000)


@given(messages=conversations(), bound=bounds)
def test_it_fits_or_nothing_more_could_go(messages: list[Message], bound: int) -> None:
    cut = trim(messages, fits=lambda left: weight(left) <= bound)
    least = trim(messages, fits=lambda left: False)
    assert weight(cut.messages) <= bound or cut == least
    assert weight(least.messages) <= weight(cut.messages)


@given(messages=conversations(), bound=bounds)
def test_calls_and_their_results_stay_together(messages: list[Message], bound: int) -> None:
    left = trim(messages, fits=lambda left: weight(left) <= bound).messages
    asked = [call.id for message in left for call in message.tool_calls]
    told = [message.tool_call_id for message in left if message.role == "tool"]
    assert asked == told


@given(messages=conversations(), bound=bounds)
def test_system_task_and_the_last_turn_are_never_left_out(messages: list[Message], bound: int) -> None:
    left = trim(messages, fits=lambda left: weight(left) <= bound).messages
    first = next((place for place, message in enumerate(messages) if message.role == "assistant"), len(messages))
    assert list(left[:first]) == messages[:first]
    starts = [place for place, message in enumerate(messages) if message.role == "assistant"]
    last = messages[starts[-1] :] if starts else []
    assert [message.role for message in left[len(left) - len(last) :]] == [message.role for message in last]
    assert not last or left[len(left) - len(last)] == last[0]


@given(messages=conversations(), bound=bounds)
def test_everything_that_is_gone_is_on_record_and_nothing_else(messages: list[Message], bound: int) -> None:
    cut = trim(messages, fits=lambda left: weight(left) <= bound)
    gone = {item.index for item in cut.dropped if item.gone}
    shorter = {item.index for item in cut.dropped if not item.gone}
    stayed = [place for place in range(len(messages)) if place not in gone]
    assert len(stayed) == len(cut.messages)
    for place, left in zip(stayed, cut.messages, strict=True):
        assert (left != messages[place]) == (place in shorter)
    for item in cut.dropped:
        assert item.role == messages[item.index].role
        assert item.sha256 == hashlib.sha256(messages[item.index].content.encode()).hexdigest()
        assert 0 <= item.chars <= len(messages[item.index].content)
    assert [item.index for item in cut.dropped] == sorted(item.index for item in cut.dropped)


@given(messages=conversations(), bound=bounds)
def test_what_fits_is_left_alone_and_a_second_cut_takes_nothing(messages: list[Message], bound: int) -> None:
    cut = trim(messages, fits=lambda left: weight(left) <= bound)
    if weight(messages) <= bound:
        assert cut == (tuple(messages), ())
    again = trim(cut.messages, fits=lambda left: weight(left) <= max(bound, weight(cut.messages)))
    assert again == (cut.messages, ())


@given(messages=conversations(), small=bounds, large=bounds)
def test_more_room_never_means_a_larger_cut(messages: list[Message], small: int, large: int) -> None:
    small, large = sorted((small, large))
    tight = trim(messages, fits=lambda left: weight(left) <= small)
    loose = trim(messages, fits=lambda left: weight(left) <= large)
    assert {item.index for item in loose.dropped} <= {item.index for item in tight.dropped}


def test_old_results_are_shortened_oldest_first_and_the_newest_stay() -> None:
    messages = [*OPENING, *(message for number in range(6) for message in result(number))]
    cut = trim(messages, fits=lambda left: weight(left) <= 6_400)
    assert [item.index for item in cut.dropped] == [3]
    assert cut.messages[3].content == f"{'0' * 200} {TRIMMED}"
    assert cut.dropped[0].chars == 800
    more = trim(messages, fits=lambda left: weight(left) <= 5_700)
    assert [item.index for item in more.dropped] == [3, 5]
    assert len(turns(messages)) == 5
    assert KEPT_RESULTS == 4


def test_then_whole_turns_go_and_at_last_the_results_of_the_last_turn_are_emptied() -> None:
    messages = [*OPENING, *(message for number in range(6) for message in result(number))]
    cut = trim(messages, fits=lambda left: weight(left) <= 3_200)
    assert [item.index for item in cut.dropped if item.gone] == [2, 3, 4, 5, 6, 7, 8, 9]
    last = trim(messages, fits=lambda left: weight(left) <= 1_200)
    assert [message.content for message in last.messages[2:]] == ["", TRIMMED]
    assert last.messages[2].tool_calls[0].id == last.messages[3].tool_call_id == "5"


@given(messages=conversations(), left=st.integers(1, 10))
def test_of_the_turns_the_last_n_stay_whole_and_all_others_go(messages: list[Message], left: int) -> None:
    cut = keep_last(messages, turns_left=left)
    first = next((place for place, message in enumerate(messages) if message.role == "assistant"), len(messages))
    assert list(cut.messages[:first]) == messages[:first]
    assert cut.messages == tuple(messages[:first] + messages[len(messages) - len(cut.messages) + first :])
    assert sum(message.role == "assistant" for message in cut.messages) == min(
        left, sum(message.role == "assistant" for message in messages)
    )
    assert len(cut.messages) + len(cut.dropped) == len(messages)
    assert [item.index for item in cut.dropped] == [
        place for turn in older(messages, turns_left=left) for place in turn
    ]


@given(messages=conversations(), left=st.integers(1, 4), bound=bounds)
def test_two_cuts_are_on_record_by_the_places_before_the_first(messages: list[Message], left: int, bound: int) -> None:
    first = keep_last(messages, turns_left=left)
    second = trim(first.messages, fits=lambda some: weight(some) <= bound)
    cut = both(first, second, count=len(messages))
    assert cut.messages == second.messages
    gone = {item.index for item in cut.dropped if item.gone}
    assert len(messages) - len(gone) == len(cut.messages)
    for item in cut.dropped:
        assert item.sha256 == hashlib.sha256(messages[item.index].content.encode()).hexdigest()
    assert len({item.index for item in cut.dropped}) == len(cut.dropped)
