"""The guard, with transports that only a test would write."""

from __future__ import annotations

from decimal import Decimal

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.bids import Price
from agora.errors import BadReplyError, ModelError, ModelTimeoutError, ReplyCutError
from agora.messages import Message, Request, ToolCall
from agora.models.limits import Guarded, clamp_usage
from agora.models.replies import Raw, checked, clean
from agora.models.tokens import bound_tokens, floor_tokens

counts = st.none() | st.integers(min_value=-(10**6), max_value=10**6)


def ask(text: str = "hi", **changes: object) -> Request:
    return Request(messages=(Message(role="user", content=text),), max_tokens=50).model_copy(update=changes)


class Line:
    """A transport that plays a list of answers and errors."""

    def __init__(self, *answers: Raw | ModelError | None) -> None:
        self.answers = list(answers)
        self.name = "fake/line"

    def price(self) -> Price:
        return Price(input_per_mtok=Decimal(1), output_per_mtok=Decimal(2))

    async def send(self, request: Request) -> Raw:
        answer = self.answers.pop(0)
        if answer is None:
            await anyio.sleep_forever()
            raise AssertionError("the deadline did not hold")
        if isinstance(answer, ModelError):
            raise answer
        return answer


GOOD = Raw("fine", "stop", 5, 2, "line")


@given(text=st.text(), wrote=st.text(), read_tokens=counts, wrote_tokens=counts)
def test_no_bill_is_below_the_floor_and_a_missing_one_is_the_worst_case(
    text: str, wrote: str, read_tokens: int | None, wrote_tokens: int | None
) -> None:
    request = ask(text)
    raw = Raw(wrote, "stop", read_tokens, wrote_tokens, "m")
    bound = bound_tokens(request)
    read, written = clamp_usage(request, raw, bound=bound)
    assert read >= floor_tokens(text)
    assert written >= max(floor_tokens(wrote), 1)
    if read_tokens is None or read_tokens < 0:
        assert read == bound
    if wrote_tokens is None or wrote_tokens < 0:
        assert written >= request.max_tokens
    if read_tokens is not None and read_tokens > floor_tokens(text):
        assert read == read_tokens


@given(st.text(alphabet=st.characters()))
def test_clean_text_can_be_written_anywhere_and_cleaning_twice_changes_nothing(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode()
    assert "\0" not in cleaned
    assert len(cleaned) == len(text)
    assert clean(cleaned) == cleaned


async def test_silence_ends_at_the_deadline() -> None:
    with pytest.raises(ModelTimeoutError, match="no whole answer"):
        await Guarded(Line(None)).complete(ask(deadline_s=0.05))


async def test_the_guard_makes_one_attempt_and_hands_its_error_on() -> None:
    refused = ModelError("m", "later", status=503)
    line = Line(refused, GOOD)
    with pytest.raises(ModelError) as caught:
        await Guarded(line).complete(ask())
    assert caught.value is refused
    assert line.answers == [GOOD]


async def test_no_structured_answer_is_taken_when_the_cap_ended_it() -> None:
    cut_call = Raw("", "length", 1, 1, "m", tool_calls=(ToolCall(id="1", name="x", arguments="{"),))
    empty, half = Raw("", "max_tokens", 1, 1, "m"), Raw("{", "length", 1, 1, "m")
    for raw, request in ((cut_call, ask()), (empty, ask()), (half, ask(output_schema={}))):
        with pytest.raises(ReplyCutError):
            checked("m", request, raw)


def test_odd_log_probabilities_are_made_finite() -> None:
    odd = Raw("x", "stop", 1, 1, "m", logprobs=(("x\0", float("-inf"), (float("nan"), 0.5)),))
    (row,) = checked("m", ask(), odd).logprobs
    assert (row.token, row.logprob, row.top) == ("x�", -9999.0, (-9999.0, 0.0))


def test_a_hidden_tool_that_carried_a_structured_answer_is_a_plain_end() -> None:
    assert checked("m", ask(), Raw("{}", "tool_use", 1, 1, "m")).finish == "stop"


def test_tool_arguments_count_towards_the_size_cap() -> None:
    big = Raw("", "stop", 1, 1, "m", tool_calls=(ToolCall(id="1", name="x", arguments="x" * 100),))
    with pytest.raises(BadReplyError, match="101 bytes"):
        checked("m", ask(), big, max_bytes=100)


async def test_the_bill_is_our_price_times_the_tokens() -> None:
    reply = await Guarded(Line(GOOD)).complete(ask())
    assert reply.usage.usd == (5 * 1 + 2 * 2) / Decimal(1_000_000)
