"""Standing: from the record on this skill alone, gated, and never lifted by what was earned elsewhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agora.auctions.posterior import lower_bound
from agora.auctions.standing import RULE, StandingRule, record_of, standing
from agora.bids import Standing
from agora.records import AgentRecord

OPERATORS, AGENTS, SKILLS = ("acme", "umbra"), ("scout", "other"), ("python", "law", "")


def record(operator: str, agent: str, skill: str, *, tried: int, passed: int) -> AgentRecord:
    """A tenth of a dollar and two seconds an attempt."""
    return AgentRecord(operator, agent, skill, tried, passed, 0, 0, 0, 0, f"{tried / 10}", 2.0 * tried)


@st.composite
def markets(draw: st.DrawFn) -> list[AgentRecord]:
    """Records of up to four agents on up to three skills, each at most once."""
    who = st.tuples(st.sampled_from(OPERATORS), st.sampled_from(AGENTS), st.sampled_from(SKILLS))
    found: list[AgentRecord] = []
    for operator, agent, skill in draw(st.lists(who, unique=True, max_size=12)):
        tried = draw(st.integers(0, 30))
        found.append(record(operator, agent, skill, tried=tried, passed=draw(st.integers(0, tried))))
    return found


def scouts(records: list[AgentRecord], rule: StandingRule = RULE) -> Standing:
    return standing(records, operator="acme", agent="scout", skill="python", rule=rule)


@given(records=markets(), data=st.data())
def test_the_order_of_records_says_nothing(records: list[AgentRecord], data: st.DataObject) -> None:
    assert scouts(data.draw(st.permutations(records))) == scouts(records)


@given(records=markets())
def test_no_record_on_another_skill_or_of_anyone_else_moves_what_is_known_of_an_agent(
    records: list[AgentRecord],
) -> None:
    mine = [one for one in records if (one.operator, one.agent, one.skill) == ("acme", "scout", "python")]
    assert scouts(records).model_copy(update={"share": 0.0}) == scouts(mine).model_copy(update={"share": 0.0})


@given(records=markets())
def test_a_thousand_passes_on_an_easy_skill_leave_a_newcomer_a_newcomer(records: list[AgentRecord]) -> None:
    bare = [one for one in records if (one.operator, one.agent, one.skill) != ("acme", "scout", "python")]
    laundered = [*bare, record("acme", "scout", "easy", tried=1000, passed=1000)]
    assert scouts(laundered) == Standing()


@given(tried=st.integers(0, 60), data=st.data(), gate=st.integers(0, 10), level=st.floats(0.5, 0.99))
def test_figures_are_those_of_the_record_and_the_bound_waits_for_the_gate(
    tried: int, data: st.DataObject, gate: int, level: float
) -> None:
    passed = data.draw(st.integers(0, tried))
    found = scouts(
        [record("acme", "scout", "python", tried=tried, passed=passed)], StandingRule(level=level, gate=gate)
    )
    assert (found.tried, found.passed) == (tried, passed)
    assert found.success == pytest.approx((passed + 1) / (tried + 2))
    if tried and tried >= gate:
        assert found.success_low == pytest.approx(lower_bound(passed, tried - passed, level=level))
        assert 0 < found.success_low < 1
    else:
        assert found.success_low == 0
    if tried:
        assert found.usd == pytest.approx(0.1)
        assert found.seconds == pytest.approx(2.0)
    else:
        assert (found.usd, found.seconds, found.share) == (None, None, 0)


@given(records=markets())
def test_the_shares_of_all_who_were_tried_on_a_skill_add_up_to_one(records: list[AgentRecord]) -> None:
    shares = [
        standing(records, operator=operator, agent=agent, skill="python").share
        for operator in OPERATORS
        for agent in AGENTS
    ]
    tried = any(one.tried for one in records if one.skill == "python")
    assert sum(shares) == pytest.approx(1.0 if tried else 0.0)


def test_who_only_bid_and_was_never_tried_stands_as_a_newcomer() -> None:
    assert scouts([record("acme", "scout", "python", tried=0, passed=0)._replace(bids=7)]) == Standing()


def test_where_older_attempts_count_for_less_an_agent_that_broke_is_seen_to() -> None:
    whole = record("acme", "scout", "python", tried=200, passed=150)
    broken = whole._replace(recent_tried=49.0, recent_passed=18.0)
    assert scouts([broken], StandingRule(recent=True)).success < 0.4 < 0.7 < scouts([broken]).success


def test_an_agent_of_the_same_name_with_another_operator_is_another_agent() -> None:
    records = [record("umbra", "scout", "python", tried=50, passed=50)]
    assert scouts(records) == Standing()
    assert record_of(records, operator="acme", agent="scout", skill="python") is None
    assert record_of(records, operator="umbra", agent="scout", skill="python") == records[0]


@pytest.mark.parametrize("wrong", [{"level": 0.0}, {"level": 1.0}, {"gate": -1}])
def test_a_rule_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        StandingRule.model_validate(wrong)
