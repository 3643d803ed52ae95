"""The search benchmark, on generated questions of the data sets' form: real market, executor and sandbox."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.multihop import SETS, Measured, by_chance, interval, measure, oracle, question_of, read
from benchmarks.multihop_agents import Passage, joined, ranked

ROOT = Path(__file__).parents[2]
MAKERS = [
    ("Vellum Road", "Anna Quist", "Bergby"),
    ("Copper {Sky}", "Ode Marrow", "Tolmin"),
    ("Salt", "Ira Fenn", "Lund"),
]


def hotpot(number: int, film: str, director: str, town: str) -> dict[str, Any]:
    """A bridge question: the town stands with the director, whom the question does not name."""
    decoys = [
        {"title": f"Film {place}", "sentences": [f"Film {place} is a film.", " The director was born in a town."]}
        for place in range(8)
    ]
    maker = {"title": director, "sentences": [f"{director} grew up in {town}."]}
    made = {"title": film, "sentences": [f"{film} is a film of 1971.", f" {film} was made by {director}."]}
    passages = [*decoys[:4], maker, *decoys[4:], made]
    asked = f"In which town was the director of {film} born?"
    facts = [[film, 1], [director, 0]]
    return {"task_id": f"mini/{number}", "question": asked, "passages": passages, "supporting_facts": facts}


def musique(number: int, film: str, director: str, town: str) -> dict[str, Any]:
    row = hotpot(number, film, director, town)
    passages = [{"title": one["title"], "text": "".join(one["sentences"])} for one in row.pop("passages")]
    more = [{"title": f"Town {place}", "text": "A town where somebody was born."} for place in range(10)]
    steps = [
        {"question": f"{film} >> director", "answer": director, "paragraph_support_idx": 9},
        {"question": "Where did #1 grow up?", "answer": town, "paragraph_support_idx": 4},
    ]
    del row["supporting_facts"]
    return {**row, "passages": passages + more, "decomposition": steps}


async def test_the_second_hop_finds_what_the_question_does_not_name() -> None:
    questions = [question_of(hotpot(number, *maker)) for number, maker in enumerate(MAKERS)]
    measured = await measure(questions, 2)
    assert [one.found for one in measured["single"]] == [0, 0, 0]
    assert [one.share for one in measured["single"]] == [0.5, 0.5, 0.5]
    assert [(one.found, one.precision, one.tasks, one.calls) for one in measured["hops"]] == [(1, 1, 3, 2)] * 3
    assert [(one.found, one.tasks, one.calls) for one in measured["two looks"]] == [(1, 1, 2)] * 3
    assert "oracle plan" not in measured


async def test_the_data_sets_own_steps_are_followed_with_and_without_their_answers() -> None:
    questions = [question_of(musique(number, *maker)) for number, maker in enumerate(MAKERS)]
    measured = await measure(questions, 2)
    for arm in ("oracle plan", "oracle answers"):
        assert [(one.found, one.tasks) for one in measured[arm]] == [(1, 3)] * 3, arm


def test_sub_questions_refer_to_those_before_them_unless_their_answers_are_given() -> None:
    steps = [("A >> composer", "Mozart"), ("B >> country", "Italy"), ("Did #1 go to #2?", "yes")]
    assert oracle(steps, answers=False) == (["A >> composer", "B >> country", "Did  go to ?"], [[], [], [0, 1]])
    assert oracle(steps, answers=True)[0][2] == "Did Mozart go to Italy?"


def test_what_was_found_is_not_handed_in_again_and_its_names_are_looked_for() -> None:
    folder = [
        Passage("1", "Vellum Road", "Vellum Road. It was made by Anna Quist."),
        Passage("2", "Film", "Film. The director was born."),
        Passage("3", "Anna Quist", "Anna Quist. She grew up in Bergby."),
    ]
    asked = "Where was the director of Vellum Road born?"
    assert ranked(folder, asked)[0].file == "1"
    assert [one.file for one in ranked(folder, asked, found=folder[0].text)] == ["3", "2"]
    assert joined([["1", "2"], ["1", "3"]], 9) == ["1", "3", "2"]


def test_chance_is_the_mean_over_all_hands() -> None:
    question = question_of(hotpot(1, *MAKERS[0]))
    assert by_chance(question, 2) == Measured(found=1 / 45, share=0.2, precision=0.2)
    assert by_chance(question, 10).found == 1
    mean, low, high = interval([0, 1] * 50)
    assert mean == 0.5
    assert 0.38 < low < 0.42 < 0.58 < high < 0.62


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Both files, with two questions more than are kept for choosing."""
    for name, make in (("hotpotqa", hotpot), ("musique", musique)):
        rows = [make(number, *MAKERS[number % 3]) for number in range(SETS[name] + 2)]
        with gzip.open(tmp_path / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
    return tmp_path


def test_no_question_is_both_chosen_with_and_reported(data: Path) -> None:
    for name, kept in SETS.items():
        chosen, reported = (read(data / f"{name}.jsonl.gz", name, choose=choose) for choose in (True, False))
        assert (len(chosen), len(reported)) == (kept, 2)
        assert not {one.id for one in chosen} & {one.id for one in reported}


def test_the_command_prints_a_table_for_each_set(data: Path) -> None:
    argv = [sys.executable, str(ROOT / "benchmarks" / "multihop.py"), "--data", str(data), "--most", "1"]
    ran = subprocess.run(argv, capture_output=True, text=True, timeout=100)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("| 4 | hops | 100.0% (100.0% to 100.0%) |") == 2
    assert "| 10 | all | 100.0% | | 100.0% | 20.0% | | | |" in ran.stdout
