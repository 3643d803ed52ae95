"""Each pattern takes the branch that it should, asks nobody beside it, and says what it could not resolve."""

from __future__ import annotations

import json

import pytest

from agora.tasks import Check, Task, Verdict
from agora.workflows.patterns import pattern
from pattern_plays import FAILS, played

FOUR = Check(kind="exact", options={"answer": "4"})
CHECKED = Task(id="t", goal="q", verify=FOUR)


def judged(accept: bool, feedback: str = "") -> str:
    return json.dumps({"accept": accept, "feedback": feedback})


def view(answer: str, why: str = "so") -> str:
    return json.dumps({"answer": answer, "why": why})


def chosen(*ids: str) -> str:
    return json.dumps({"reason": "they know", "ids": list(ids)})


def planned(confidence: int) -> str:
    return json.dumps({"strategies": ["by words", "by sums", "backwards"], "confidence": confidence})


def test_a_draft_that_is_accepted_ends_it_and_the_next_one_sees_what_was_said() -> None:
    flow = pattern("evaluator-optimiser", "q", rounds=3, criteria="it is {short}")
    said = {"write_1": "long", "judge_1": judged(False, "too\nlong"), "write_2": "brief", "judge_2": judged(True)}
    play = played(flow, said)
    assert play.output == "brief"
    assert "| too\n| long" in play.goals["write_2"]
    assert "| long" in play.goals["write_2"]
    assert "it is {short}" in play.goals["judge_1"]
    assert played(flow, {"write_1": "w", "judge_1": judged(True)}).output == "w"


def test_at_the_cap_the_last_draft_is_handed_in_with_what_was_still_asked_for() -> None:
    flow = pattern("evaluator-optimiser", "q", rounds=2)
    said = {"write_1": "a", "judge_1": "no JSON", "write_2": "b", "judge_2": judged(False, "sources")}
    play = played(flow, said)
    assert play.output.startswith("b\n\n[not resolved: no draft of 2 was accepted")
    assert "sources" in play.output


def test_with_a_check_what_was_found_is_carried_out_by_one_task_more() -> None:
    flow = pattern("evaluator-optimiser", CHECKED, rounds=1)
    play = played(flow, {"write_1": "4", "judge_1": judged(True), "answer": "4"})
    assert (play.verdict, play.output) == (Verdict.PASSED, "4")
    assert "| 4" in play.goals["answer"]
    failed = played(flow, {"write_1": "4", "judge_1": judged(True), "answer": "5"})
    assert (failed.verdict, failed.stopped) == (Verdict.FAILED, True)


@pytest.mark.parametrize(
    ("votes", "output"),
    [
        (("4", "5", "4."), "4"),
        (("5", "4", "3"), "5\n\n[not resolved: 1 of 3 votes are for this answer, and 2 are needed]"),
        (("4", FAILS, "4"), "4"),
        (("4", FAILS, FAILS), "4\n\n[not resolved: 1 of 3 votes are for this answer, and 2 are needed]"),
    ],
)
def test_the_majority_of_all_votes_is_the_answer_or_it_is_said_that_there_is_none(
    votes: tuple[str, ...], output: str
) -> None:
    play = played(pattern("voting", "q"), {f"voter_{place}": said for place, said in enumerate(votes, 1)})
    assert play.output == output
    assert play.verdict is Verdict.UNKNOWN, "votes are no proof"


def test_a_quorum_can_be_all() -> None:
    said = {"voter_1": "4", "voter_2": "4", "voter_3": "5"}
    assert "3 are needed" in played(pattern("voting", "q", quorum=0.99), said).output


def test_parts_are_done_and_put_together() -> None:
    said = {"split": '{"parts": ["left", "right"]}', "part[0]": "L", "part[1]": "R", "answer": "LR"}
    play = played(pattern("orchestrator-workers", "q"), said)
    assert play.output == "LR"
    assert "| left" in play.goals["part[0]"]
    assert "| L" in play.goals["answer"]
    assert "| R" in play.goals["answer"]


def test_what_cannot_be_split_is_done_as_one_and_a_part_that_failed_is_said() -> None:
    flow = pattern("orchestrator-workers", "q")
    assert played(flow, {"split": '{"parts": []}', "answer": "whole"}).output == "whole"
    unfit = played(flow, {"split": "left and right", "answer": "whole"})
    assert unfit.output == "whole\n\n[not resolved: no split that fits was made; it was done as one task]"
    said = {"split": '{"parts": ["left", "right"]}', "part[0]": "L", "part[1]": FAILS, "answer": "LR"}
    assert "a part failed" in played(flow, said).output


def test_a_debate_ends_when_they_agree() -> None:
    flow = pattern("debate", "q", places=2, rounds=3)
    at_once = played(flow, {"say_0_1": view("4"), "say_0_2": view("4.")})
    assert at_once.output == "4"
    later = {"say_0_1": view("4", "two twos"), "say_0_2": view("5"), "say_1_1": view("4"), "say_1_2": view("4")}
    play = played(flow, later)
    assert play.output == "4"
    assert "two twos" in play.goals["say_1_2"]


def test_a_debate_without_agreement_says_so_or_has_a_judge() -> None:
    differ = {f"say_{turn}_{place}": view(str(place)) for turn in (0, 1) for place in (1, 2)}
    play = played(pattern("debate", "q", places=2, rounds=1), differ)
    assert play.output == "1\n\n[not resolved: after 1 rounds 1 of 2 hold this, of 2 answers]"
    judged_one = played(pattern("debate", "q", places=2, rounds=1, judges="ann"), {**differ, "judge": "2"})
    assert judged_one.output == "2"
    assert "Answer 2:" in judged_one.goals["judge"]
    agreed = {"say_0_1": view("4"), "say_0_2": view("4")}
    assert played(pattern("debate", "q", places=2, judge=True), agreed).output == "4"


def test_a_layer_sees_the_one_before_and_the_last_task_makes_one_of_it() -> None:
    said = {f"propose_{layer}_{place}": f"{layer}{place}" for layer in (1, 2) for place in (1, 2)}
    play = played(pattern("mixture", CHECKED, places=2, layers=2), {**said, "propose_1_2": FAILS, "answer": "4"})
    assert "| 11" in play.goals["propose_2_1"]
    assert "Answer 2" not in play.goals["propose_2_1"], "who fails is left out"
    assert "| 21" in play.goals["answer"]
    assert "| 11" not in play.goals["answer"]
    assert (play.verdict, play.output) == (Verdict.PASSED, "4")


PEOPLE = {"candidates": {"ann": "sums", "bob": "words", "cid": "maps"}}


def test_those_who_were_chosen_answer_and_several_answers_are_refined() -> None:
    flow = pattern("candidates", "q", **PEOPLE)
    play = played(flow, {"choose": chosen("A", "C"), "ask_A": "x", "ask_C": "y", "answer": "xy"})
    assert play.output == "xy"
    assert "| x" in play.goals["answer"]
    assert played(flow, {"choose": chosen("B"), "ask_B": "x"}).output == "x", "one answer is not refined"
    assert played(flow, {"choose": chosen("A", "B"), "ask_A": "x", "ask_B": "X."}).output == "x"
    assert "B: " in play.goals["choose"]
    assert not {"ann", "bob", "cid"} & set(play.goals["choose"].replace(":", " ").split())


def test_nobody_fits_nobody_answers_or_no_choice_fits() -> None:
    flow = pattern("candidates", "q", most=2, **PEOPLE)
    assert played(flow, {"choose": chosen()}).output.strip() == "[not resolved: nobody is fit for this: they know]"
    silent = played(flow, {"choose": chosen("A"), "ask_A": FAILS})
    assert silent.output.strip() == "[not resolved: none of those who were asked came to an answer]"
    usual = played(flow, {"choose": "ask ann", "ask_A": "x", "ask_B": "y", "answer": "xy"})
    assert usual.output == "xy"


def test_with_a_check_the_refining_agent_gives_the_answer() -> None:
    flow = pattern("candidates", CHECKED, **PEOPLE)
    play = played(flow, {"choose": chosen("B"), "ask_B": "5", "answer": "4"})
    assert (play.verdict, play.output) == (Verdict.PASSED, "4")


PROBES = ("probe_1", "probe_2", "probe_3")
STRONG = ("strong_1", "strong_2", "strong_3")


def probes(*said: str) -> dict[str, str]:
    return dict(zip(PROBES, said, strict=True))


def strong(*said: str) -> dict[str, str]:
    return dict(zip(STRONG, said, strict=False))


def test_sigma_0_is_answered_by_the_probes() -> None:
    play = played(pattern("sigma", "q"), probes("4", "4.", " 4 "))
    assert (play.asked, play.output) == (PROBES, "4")


def test_sigma_a_half_asks_the_strong_pair_and_their_judge_only_where_all_differ() -> None:
    flow = pattern("sigma", "q")
    two_of_three = played(flow, {**probes("4", "5", "4"), **strong("4", "6")})
    assert (two_of_three.asked, two_of_three.output) == ((*PROBES, *STRONG[:2]), "4")
    overruled = played(flow, {**probes("4", "5", "4"), **strong("5", "5")})
    assert overruled.output == "5"
    differ = played(flow, {**probes("4", "5", "4"), **strong("6", "7"), "judge_pair": "7"})
    assert differ.output == "7"
    assert all(f"| {said}" in differ.goals["judge_pair"] for said in "467")


def test_sigma_1_asks_three_strong_ones_and_a_judge_unless_they_are_of_one_mind() -> None:
    flow = pattern("sigma", "q")
    play = played(flow, {**probes("4", "5", "6"), **strong("7", "7", "8"), "judge_arena": "7"})
    assert (play.asked, play.output) == ((*PROBES, *STRONG, "judge_arena"), "7")
    assert "| 4" not in play.goals["judge_arena"], "the judge chooses among the strong ones"
    unanimous = played(flow, {**probes("4", "5", "6"), **strong("7", "7", "7")})
    assert unanimous.output == "7"


def test_a_probe_that_fails_makes_sigma_higher_and_never_lower() -> None:
    flow = pattern("sigma", "q")
    assert len(played(flow, {**probes("4", "4", FAILS), **strong("4", "5")}).asked) == 5
    assert len(played(flow, {**probes("4", FAILS, FAILS), **strong("4", "4", "4")}).asked) == 6


@pytest.mark.parametrize(
    ("confidence", "solved", "output"),
    [
        (80, {"solve_1": "4"}, "4"),
        (79, {"solve_1": "4", "solve_2": "4"}, "4"),
        (50, {"solve_1": "4", "solve_2": "5", "decide": "5"}, "5"),
        (49, {"solve_1": "4", "solve_2": "4", "solve_3": "5"}, "4"),
        (
            0,
            {"solve_1": "4", "solve_2": "5", "solve_3": "6"},
            "4\n\n[not resolved: no two strategies led to the same answer]",
        ),
    ],
)
def test_how_sure_the_plan_is_says_how_many_strategies_are_tried(
    confidence: int, solved: dict[str, str], output: str
) -> None:
    play = played(pattern("prism", "q"), {"plan": planned(confidence), **solved})
    assert play.output == output
    assert set(play.asked) == {"plan", *solved}
    assert "| by words" in play.goals["solve_1"]


def test_a_plan_that_does_not_fit_counts_as_unsure() -> None:
    solved = {"solve_1": "4", "solve_2": "4", "solve_3": "4"}
    play = played(pattern("prism", "q"), {"plan": "I am 100 % sure", **solved})
    assert play.output == "4"
    assert "| Work backwards" in play.goals["solve_3"]


@pytest.mark.parametrize("mode", ["instant", "reasoning", "agentic"])
def test_one_mode_is_taken(mode: str) -> None:
    play = played(pattern("on-demand", "q"), {"look": json.dumps({"mode": mode}), mode: "4"})
    assert (play.asked, play.output) == (("look", mode), "4")


def test_a_look_that_does_not_fit_is_never_the_cheapest_mode() -> None:
    assert played(pattern("on-demand", "q"), {"look": "instant!", "reasoning": "4"}).output == "4"
    careful = pattern("on-demand", "q", default="agentic")
    assert played(careful, {"look": FAILS, "agentic": "4"}).output == "4"


def test_an_answer_that_fails_its_check_is_made_once_more_with_tools() -> None:
    flow = pattern("on-demand", CHECKED)
    play = played(flow, {"look": '{"mode": "instant"}', "instant": "5", "after_instant": "4"})
    assert (play.verdict, play.output) == (Verdict.PASSED, "4")
    failed = played(flow, {"look": '{"mode": "reasoning"}', "reasoning": "5", "after_reasoning": "5"})
    assert (failed.verdict, failed.stopped) == (Verdict.FAILED, True)
