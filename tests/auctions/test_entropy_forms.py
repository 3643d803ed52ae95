"""Both forms of a plan's entropy by their formulas, whatever a provider sends, and one temperature for all bids."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.agents.llm import BID_TEMPERATURE, LLMAgent
from agora.agents.sampler import SamplerAgent
from agora.auctions import Entropy, mean_surprisal, measured_entropy, plan_entropy, running_scale
from agora.auctions.entropy import DEFAULT_SCALE_NATS, LEAST_SEEN
from agora.bids import Lesson
from agora.messages import TokenLogprob
from agora.tasks import Task
from agora.testing import ScriptedModel, desk_for

logprobs = st.floats(min_value=-50, max_value=0)


def written(*values: float) -> list[TokenLogprob]:
    return [TokenLogprob(token="x", logprob=value) for value in values]


def forced(logprob: float, *top: float) -> TokenLogprob:
    """A token as no checked reply has it, but as one could be made without checks."""
    return TokenLogprob.model_construct(token="x", logprob=logprob, top=top)


@given(values=st.lists(logprobs, min_size=1, max_size=50), scale=st.floats(min_value=0.01, max_value=100))
def test_the_sampled_form_is_the_mean_surprisal_over_its_scale(values: list[float], scale: float) -> None:
    by_hand = min(1.0, -math.fsum(values) / len(values) / scale)
    measured = measured_entropy(written(*values), scale_nats=scale)
    assert measured is not None
    assert measured.form == "sampled"
    assert measured.value == pytest.approx(by_hand)


def test_alternatives_are_preferred_and_the_form_is_said() -> None:
    half = math.log(0.5)
    both = [TokenLogprob(token="x", logprob=-3.0, top=(half, half)), *written(-3.0)]
    measured = measured_entropy(both)
    assert measured is not None
    assert (measured.form, measured.value) == ("top_k", plan_entropy(both))
    assert measured.value == pytest.approx(math.log(2) / math.log(3))


def test_a_plan_without_log_probabilities_has_no_entropy() -> None:
    assert measured_entropy([]) is None
    assert mean_surprisal([]) is None
    assert plan_entropy([]) is None


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_reply_cannot_hold_what_is_no_number(bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        TokenLogprob(token="x", logprob=bad)
    with pytest.raises(ValueError, match="finite"):
        TokenLogprob(token="x", logprob=0.0, top=(bad,))


@pytest.mark.parametrize(
    ("tokens", "mean"),
    [
        ([forced(math.nan)], None),
        ([forced(-math.inf)], None),
        ([forced(math.nan), forced(-math.inf), forced(-2.0)], 2.0),
        ([forced(math.inf), forced(-1.0)], 0.5),
        ([forced(3.0), forced(-1.0)], 0.5),
    ],
    ids=["nan", "a token without mass", "beside a usable one", "infinite is certain", "positive is certain"],
)
def test_written_tokens_that_are_no_probabilities(tokens: list[TokenLogprob], mean: float | None) -> None:
    assert mean_surprisal(tokens) == mean
    measured = measured_entropy(tokens, scale_nats=4.0)
    assert measured == (None if mean is None else Entropy(value=mean / 4, form="sampled"))


@pytest.mark.parametrize(
    ("top", "value"),
    [
        ((math.nan,), None),
        ((math.nan, math.log(0.5), math.log(0.5)), math.log(2) / math.log(3)),
        ((math.log(0.5), -math.inf), math.log(2) / math.log(3)),
        ((math.inf,), 0.0),
        ((7.0,), 0.0),
    ],
    ids=["nan alone is not given", "nan beside others", "no mass", "infinite is certain", "positive is certain"],
)
def test_alternatives_that_are_no_probabilities(top: tuple[float, ...], value: float | None) -> None:
    assert plan_entropy([forced(-1.0, *top)]) == (None if value is None else pytest.approx(value))


@given(rows=st.lists(st.tuples(st.floats(), st.lists(st.floats(), max_size=5)), max_size=9))
def test_an_entropy_is_between_zero_and_one_whatever_floats_come(rows: list[tuple[float, list[float]]]) -> None:
    measured = measured_entropy([forced(own, *top) for own, top in rows])
    assert measured is None or 0 <= measured.value <= 1


@pytest.mark.parametrize("scale", [0.0, -1.0, math.nan])
def test_a_scale_that_is_none_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        measured_entropy(written(-1.0), scale_nats=scale)


@given(seen=st.lists(st.floats(min_value=0.001, max_value=20), min_size=LEAST_SEEN, max_size=200))
def test_the_running_scale_has_a_twentieth_of_what_was_seen_above_it(seen: list[float]) -> None:
    scale = running_scale(seen)
    assert scale in seen
    assert sum(mean > scale for mean in seen) <= len(seen) * 0.05
    assert sum(mean >= scale for mean in seen) > len(seen) * 0.05


def test_before_enough_was_seen_the_scale_is_the_stated_one() -> None:
    assert running_scale([9.0] * (LEAST_SEEN - 1)) == DEFAULT_SCALE_NATS == pytest.approx(1.7917595)
    assert running_scale([9.0] * (LEAST_SEEN - 1) + [math.nan, math.inf, -1.0], default_nats=2.5) == 2.5
    assert running_scale([0.0] * LEAST_SEEN) == DEFAULT_SCALE_NATS


async def test_every_request_for_a_plan_has_the_one_temperature() -> None:
    task = Task(id="t", goal="mend it", skill="function", files=("a.py",))
    lesson = Lesson(goal="mend that", lost="1. mend", won="1. look\n2. mend", own="lost")
    large = ScriptedModel("large", ["1. mend", "1. look\n2. mend"])
    small = ScriptedModel("small", ['{"plan":"greedy 1 0 96"}'])
    agent = LLMAgent("a", large, tools=[])
    plan = await agent.bid(desk_for(task))
    await agent.refine(desk_for(task), plan, [lesson])
    await SamplerAgent("s", small, skills=["function"]).bid(desk_for(task))
    asked = [*large.requests, *small.requests]
    assert [request.temperature for request in asked] == [BID_TEMPERATURE] * 3
    assert all(request.top_logprobs for request in asked)
