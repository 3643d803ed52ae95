"""The routing benchmark: arms keep the budget, and a fact counts only where it arrived whole."""

from __future__ import annotations

import pytest

from agora.workflows.context_routing import tokens_of
from benchmarks.context_routing import BUDGETS, Case, arms, arrived, hotpot_case, measured, role_case, routed


def test_every_arm_keeps_the_budget() -> None:
    case = role_case(3)
    for tokens in BUDGETS:
        assert tokens_of(routed(case, tokens).shown) <= tokens
        for shown in arms(case, tokens, range(len(case.outputs))).values():
            assert tokens_of(shown) <= tokens + len(case.outputs)


def test_a_fact_arrives_where_its_whole_sentence_stands_whatever_the_lines() -> None:
    case = Case("", "?", ("",), ("The mill burnt down.", "It was rebuilt in 1907."))
    assert arrived(case, "x. The mill\nburnt down. It was") == 0.5


def test_a_question_is_dealt_to_predecessors_and_its_marked_sentences_are_the_facts() -> None:
    passages = [{"title": f"T{number}", "sentences": [f"A{number}.", f" B{number}."]} for number in range(10)]
    row = {"question": "who?", "passages": passages, "supporting_facts": [["T1", 1], ["T4", 0], ["T4", 9]]}
    case = hotpot_case(row, list(range(10)))
    assert case.facts == ("B1.", "A4.")
    assert case.outputs[1] == "T1: A1. B1.\nT6: A6. B6."


def test_measuring_twice_gives_the_same() -> None:
    cases = [role_case(seed) for seed in range(3)]
    assert measured(cases, 400, 1) == measured(cases, 400, 1)
    assert measured(cases, 400, 1)["routed"] == pytest.approx(measured(cases, 400, 2)["routed"])
