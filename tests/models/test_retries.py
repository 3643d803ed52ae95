"""What is tried again, and when."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agora.errors import ModelError
from agora.models.replies import LostConnectionError
from agora.models.retries import Retries, attempt_id, call_of, may_heal, pause_s

draws = st.floats(min_value=0, max_value=1, exclude_max=True)


@given(st.integers(min_value=400, max_value=599))
def test_only_what_may_heal_is_tried_again(status: int) -> None:
    assert may_heal(ModelError("m", "x", status=status)) == (status in (408, 409, 429) or status >= 500)


def test_a_lost_connection_may_heal_and_an_answer_that_cannot_be_used_does_not() -> None:
    assert may_heal(LostConnectionError("m", "lost"))
    assert not may_heal(ModelError("m", "garbage"))


@given(attempt=st.integers(min_value=1, max_value=60), draw=draws, wait_s=st.none() | st.floats(0, 3600))
def test_a_pause_is_full_jitter_below_its_cap_and_never_less_than_was_asked_for(
    attempt: int, draw: float, wait_s: float | None
) -> None:
    waited = pause_s(Retries(), attempt, ModelError("m", "x", status=429, retry_after_s=wait_s), draw)
    jitter_s = draw * min(30.0, 0.5 * 2.0 ** (attempt - 1))
    assert waited == max(jitter_s, wait_s or 0.0)


@given(front=st.text(max_size=20), number=st.integers(min_value=1), attempt=st.integers(min_value=1, max_value=9))
def test_an_attempts_id_leads_back_to_its_call(front: str, number: int, attempt: int) -> None:
    call = f"{front}/{number}"
    assert call_of(attempt_id(call, attempt)) == call
    assert (attempt_id(call, attempt) == call) == (attempt == 1)
