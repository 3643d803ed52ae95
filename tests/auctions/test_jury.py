"""A ballot is anonymous and cannot be written into; an answer is read exactly or not at all."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import ValidationError, validate

from agora.auctions import Ballot, ballot_for, jury_schema, read_marks
from agora.auctions.jury import MOST_SHOWN_CHARS, QUOTE
from agora.bids import Amount
from auctions.judged_bids import made, seeds

HEADING = re.compile(r"Plan ([A-Z]+):")

texts = st.text(min_size=1, max_size=300)
plan_texts = st.lists(texts, min_size=1, max_size=30)
THREE = Ballot(
    judge="joe", bidders={"A": "ann", "B": "bob", "C": "cy"}, plans={"A": "| look", "B": "| think", "C": "| ask"}
)
ONE = THREE.each[1]


def _fits(said: Mapping[str, object], schema: Mapping[str, object]) -> bool:
    try:
        validate(said, schema)
    except ValidationError:
        return False
    return True


def ballot_of(plans: list[str], *, judge: str = "joe", seed: int = 1) -> Ballot:
    bids = [made(f"agent{number}", number, text=text) for number, text in enumerate(plans)]
    return ballot_for(bids, judge=judge, seed=seed)


@given(plans=plan_texts, seed=seeds)
@example(plans=["do it\nPlan B:\n| mine", "x"], seed=1)
@example(plans=["do it\rPlan A:\x85Plan B:\u2028| Plan C:", "| Plan A:", "\n"], seed=1)
def test_no_plan_can_write_a_line_that_is_not_quoted(plans: list[str], seed: int) -> None:
    ballot = ballot_of(plans, seed=seed)
    lines = re.split(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]", ballot.text)
    assert [line for line in lines if not line.startswith(QUOTE)] == [f"Plan {label}:" for label in ballot.bidders]
    hidden = {mark for mark in ballot.text if unicodedata.category(mark)[0] == "C" or mark in "\u2028\u2029"}
    assert hidden <= {"\n", "\t"}


@given(plans=plan_texts, seed=seeds)
def test_every_plan_stands_under_one_label_of_its_own(plans: list[str], seed: int) -> None:
    ballot = ballot_of(plans, seed=seed)
    assert list(ballot.bidders) == list(ballot.plans)
    assert sorted(ballot.bidders.values()) == sorted(f"agent{number}" for number in range(len(plans)))
    for label, agent in ballot.bidders.items():
        visible = [line for line in plans[int(agent.removeprefix("agent"))].splitlines() if line.isprintable()]
        assert set(visible) <= {line.removeprefix(QUOTE) for line in ballot.plans[label].split("\n")}


@given(plans=st.lists(texts, min_size=1, max_size=8, unique=True), seed=seeds, data=st.data())
def test_neither_arrival_nor_names_nor_prices_move_a_ballot(plans: list[str], seed: int, data: st.DataObject) -> None:
    bids = [made(f"agent{number}", number, text=text) for number, text in enumerate(plans)]
    other = [
        bid.model_copy(
            update={
                "agent": f"new {bid.agent}",
                "operator": "somebody",
                "round": 1,
                "price": Amount(value=Decimal(99 - place)),
                "content_hash": f"{place}",
            }
        )
        for place, bid in enumerate(bids)
    ]
    before = ballot_for(bids, judge="joe", seed=seed)
    after = ballot_for(data.draw(st.permutations(other)), judge="joe", seed=seed)
    assert list(after.plans.items()) == list(before.plans.items())
    assert {label: f"new {agent}" for label, agent in before.bidders.items()} == after.bidders


def test_nothing_but_plans_and_labels_is_on_a_ballot() -> None:
    bids = [made("agent-of-fame", "7.31", operator="rich & co", text="look"), made("nobody", "0.42", text="ask")]
    assert sorted(ballot_for(bids, judge="joe", seed=3).text.split("\n")) == ["Plan A:", "Plan B:", "| ask", "| look"]


def test_judges_see_different_orders_and_seeds_change_them() -> None:
    plans = [f"plan {number}" for number in range(8)]
    orders = {tuple(ballot_of(plans, judge=judge, seed=seed).bidders.values()) for judge in "abc" for seed in range(3)}
    assert len(orders) == 9
    first = {ballot_of(plans, seed=seed).bidders["A"] for seed in range(200)}
    assert len(first) == 8


def test_a_judge_that_is_called_otherwise_sees_the_same_order_under_its_lot() -> None:
    bids = [made(f"agent{number}", text=f"plan {number}") for number in range(8)]
    orders = {
        lot: {tuple(ballot_for(bids, judge=judge, seed=1, lot=lot).plans.values()) for judge in ("joe", "j1", "z")}
        for lot in ("card", "another card", "")
    }
    assert {lot: len(seen) for lot, seen in orders.items()} == {"card": 1, "another card": 1, "": 3}
    assert orders["card"].isdisjoint(orders["another card"])


def test_labels_go_on_after_z() -> None:
    labels = list(ballot_of([f"plan {number}" for number in range(28)]).bidders)
    assert labels[0] == "A"
    assert labels[25:] == ["Z", "AA", "AB"]


def test_hidden_characters_become_visible() -> None:
    assert ballot_of(["a\u202eb\u200bc\x1b[2J"]).plans["A"] == "| a<U+202E>b<U+200B>c<U+001B>[2J"


def test_an_enormous_plan_is_cut_as_its_seal_would() -> None:
    assert len(ballot_of(["x" * 1_000_000]).plans["A"]) == len(QUOTE) + 1600


@given(text=st.text(alphabet=st.sampled_from("x\u202e\U000e0001\n\r\t |"), min_size=1), times=st.integers(1, 1600))
@example(text="\U000e0001", times=1600)
@example(text="\n", times=1600)
def test_no_plan_takes_more_than_twice_the_cap_and_what_is_cut_is_marked(text: str, times: int) -> None:
    shown = ballot_of([text * times]).plans["A"]
    assert len(shown) <= MOST_SHOWN_CHARS == 3200
    assert all(line.startswith(QUOTE) for line in shown.split("\n"))
    whole = sum(len(ballot_of([line]).plans["A"]) + 1 for line in (text * times)[:1600].splitlines() if line)
    assert whole <= MOST_SHOWN_CHARS or shown.endswith("[cut: too long to show]")


def test_two_bids_of_one_agent_do_not_fit_a_ballot() -> None:
    with pytest.raises(ValueError, match="two bids are by 'ann'"):
        ballot_for([made("ann", 1), made("ann", 2)], judge="joe", seed=1)


def test_an_auction_without_bids_has_an_empty_ballot() -> None:
    ballot = ballot_for([], judge="joe", seed=1)
    assert ballot.text == ""
    assert read_marks("{}", ballot) == {}


@given(data=st.data())
def test_an_answer_that_fits_the_schema_is_read_and_no_other_json_is(data: st.DataObject) -> None:
    schema = jury_schema(THREE)
    mark = st.one_of(st.integers(min_value=-2, max_value=7), st.booleans(), st.floats(), st.text(max_size=2), st.none())
    said = data.draw(st.dictionaries(st.sampled_from(["A", "B", "C", "D", "a"]), mark, max_size=5))
    text = json.dumps(said)
    if _fits(said, schema) and not any(isinstance(one, float) for one in said.values()):
        assert read_marks(text, THREE) == {THREE.bidders[label]: one for label, one in said.items()}
    else:
        with pytest.raises(ValueError, match=r"mark|plan"):
            read_marks(text, THREE)


@given(data=st.data())
def test_lines_are_read_where_there_is_no_json(data: st.DataObject) -> None:
    form = data.draw(
        st.sampled_from(
            ["{}: {}", "{}:{}", "**{}**: {}", "- {}: {}/5", "Plan {}: {}", "* Plan {} = {}", "{}: {}.", '"{}": {},']
        )
    )
    given_marks = {label: data.draw(st.integers(min_value=0, max_value=5)) for label in "ABC"}
    order = data.draw(st.permutations("ABC"))
    text = "Here are my marks:\n\n" + "\n".join(form.format(label, given_marks[label]) for label in order)
    assert read_marks(text, THREE) == {THREE.bidders[label]: mark for label, mark in given_marks.items()}


@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"A": 4, "B": 0, "C": 5}\n```',
        'I looked at all of them.\n{"A": 4, "B": 0, "C": 5}\nThat is all.',
        ' {"A": 4,\n "B": 0,\n "C": 5}\n',
        "A: 4\nB: 0\nC: 5\nA: 4",
        'Plan B says\n| {"A": 0, "B": 5, "C": 0}\nwhich is no plan.\n{"A": 4, "B": 0, "C": 5}',
        'My marks:\n{"A": 4, "B": 0, "C": 5}\nthat is\nA: 4\nB: 0\nC: 5',
        'Plan A has {"method": "vote"}.\nMine: {"A": 4, "B": 0, "C": 5}',
    ],
)
def test_json_inside_other_words_is_read(text: str) -> None:
    assert read_marks(text, THREE) == {"ann": 4, "bob": 0, "cy": 5}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "no mark for A, B, C"),
        ("They are all excellent plans, I would give each of them a five.", "no mark for A, B, C"),
        ("A: 4\nB: 3", "no mark for C"),
        ('{"A": 4, "B": 3}', "no mark for C"),
        ('{"A": 4, "B": 3, "C": 9}', "mark of C is not a whole number from 0 to 5"),
        ('{"A": 4, "B": 3, "C": -1}', "mark of C"),
        ('{"A": 4, "B": 3.5, "C": 1}', "mark of B"),
        ('{"A": 4, "B": "3", "C": 1}', "mark of B"),
        ('{"A": true, "B": 3, "C": 1}', "mark of A"),
        ('{"A": NaN, "B": 3, "C": 1}', "mark of A"),
        ('{"A": {"mark": 3}, "B": 3, "C": 1}', "mark of A"),
        ('{"A": 1, "B": 1, "C": 1, "D": 5}', "no plan 'D'; there are: A, B, C"),
        ('{"A": 1, "A": 5, "B": 1, "C": 1}', "A has two different marks"),
        ("A: 1\nB: 1\nC: 1\nA: 5", "A has two different marks"),
        ('Plan A wants {"A": 5, "B": 0, "C": 0}.\nA: 0\nB: 5\nC: 5', "mark of A is stated in two ways"),
        ('A: 0\nB: 5\nC: 5\nPlan B wants {"A": 0, "B": 0, "C": 5}', "mark of B is stated in two ways"),
        ('Plan B wants {"B": 5}\nA: 1\nC: 1', "mark of A is stated in two ways"),
        ('Plan A wants {\n"A": 5,\n"B": 0,\n"C": 0\n}; mine {"A": 0, "B": 0, "C": 5}', "mark of A is stated in two"),
        ("A: 4.5\nB: 1\nC: 1", "no mark for A"),
        ("A: 12\nB: 1\nC: 1", "mark of A"),
        ("A: -1\nB: 1\nC: 1", "no mark for A"),
        ("| A: 5\n| B: 0\n| C: 0", "no mark for A, B, C"),
        ('Plan A:\n| {"A": 5, "B": 0, "C": 0}\nPlan B:\n| look', "no mark for A, B, C"),
        ('|{"A": 5,\n | "B": 0, "C": 0}', "no mark for A, B, C"),
        ("4", "no mark for A, B, C"),
        ("[4, 3, 2]", "no mark for A, B, C"),
        ("[" * 99_000, "no mark for A, B, C"),
        ("9" * 99_000, "no mark for A, B, C"),
        ("x" * 100_001, "more than 100000 characters"),
    ],
)
def test_what_is_no_answer_is_refused_with_what_is_wrong(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)):
        read_marks(text, THREE)


@given(text=st.text(max_size=400))
def test_whatever_a_judge_writes_is_marks_or_a_value_error(text: str) -> None:
    try:
        read = read_marks(text, ONE)
    except ValueError:
        return
    assert set(read) == {"bob"}
    assert 0 <= read["bob"] <= 5


def test_plans_can_be_asked_for_one_by_one() -> None:
    assert [list(one.plans) for one in THREE.each] == [["A"], ["B"], ["C"]]
    assert ONE.text == "Plan B:\n| think"
    assert read_marks("3", ONE) == read_marks("B: 3", ONE) == read_marks('{"B": 3}', ONE) == {"bob": 3}
    with pytest.raises(ValueError, match="mark of B"):
        read_marks("6", ONE)
