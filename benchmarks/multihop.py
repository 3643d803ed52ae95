"""HotpotQA and MuSiQue as search workflows over their own passages: one task against a planned graph of hops.

    python benchmarks/multihop.py --data FOLDER            # the questions that are reported
    python benchmarks/multihop.py --data FOLDER --choose   # those on which the agents' parameters were chosen

FOLDER holds `hotpotqa.jsonl.gz` and `musique.jsonl.gz`, one question a line: `task_id`, `question`, `passages` (`title`
and `sentences`, or `text`), and `supporting_facts` ([title, sentence]) or `decomposition` (`question`, `answer`,
`paragraph_support_idx`). What supports an answer is used for measuring alone, and in the two arms named oracle.

Every question is a folder with one file a passage, and every arm a `Flow` that the market and the executor follow, with
agents that call no model (`multihop_agents.py`). All arms hand in the same number of passages, k.

    single           one task ranks the passages for the question and hands in the first k
    hops             the first task does the same; the second is shown the first's best passage, and looks for what the
                     question still asks and for the names in it; a third takes the two rankings in turns
    two looks        what `hops` does, by one agent in one task: what the graph adds to the second look is seen by it
    oracle plan      the data set's own sub-questions in place of the plan, in its own order; `#1` is left out, and what
                     the sub-question's task found is shown in its place
    oracle answers   the same with the right answers in place of `#1`: nothing has to be found for the next hop
    random           k passages drawn evenly, in expectation, computed and not drawn
    all              every passage

Recall is of supporting facts (HotpotQA: sentences; MuSiQue: passages): a fact is found where its passage is handed in.
Parameters, split and seeds stood in this file before the first reported run.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import math
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import anyio
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora import Check, Market, Workflow
from agora.protocols import Sandbox
from agora.sandbox import BestSandbox
from agora.values import JsonValue
from agora.workflows.executor import run_flow
from agora.workflows.nodes import Flow
from benchmarks.multihop_agents import agents

SETS: Final[Mapping[str, int]] = {"hotpotqa": 45, "musique": 15}
"""Questions of each set on which the agents were chosen; the others are reported."""
PASSAGES: Final[Mapping[str, int]] = {"hotpotqa": 10, "musique": 20}
"""Questions with fewer are left out: nothing has to be searched in them."""
SPLIT, SEED = "multihop-1", 20_261_123
HANDED_IN: Final = (2, 4, 6)
RESAMPLES: Final = 4_000
ARMS: Final = ("single", "hops", "two looks", "oracle plan", "oracle answers")


@dataclass(frozen=True)
class Question:
    """One question of either set, in one form."""

    id: str
    text: str
    passages: tuple[tuple[str, ...], ...]
    """The title, then the sentences."""
    facts: tuple[int, ...]
    """The passage in which each supporting fact stands."""
    steps: tuple[tuple[str, str], ...] = ()
    """The data set's own sub-questions with their answers."""


@dataclass(frozen=True)
class Measured:
    """What an arm came to on one question."""

    found: float
    """1 where all facts were found."""
    share: float
    """The share of facts that were found."""
    precision: float
    """The share of passages handed in that hold a fact."""
    tasks: float = 0
    calls: float = 0
    seconds: float = 0


def question_of(row: Mapping[str, Any]) -> Question:
    """A row of either file."""
    titles = [passage["title"] for passage in row["passages"]]
    passages = tuple((one["title"], *_sentences(one)) for one in row["passages"])
    steps: Sequence[Mapping[str, Any]] = row.get("decomposition", ())
    if steps:
        facts = tuple(sorted({int(step["paragraph_support_idx"]) for step in steps}))
    else:
        facts = tuple(titles.index(title) for title, _ in row["supporting_facts"])
    asked = tuple((str(step["question"]), str(step["answer"])) for step in steps)
    return Question(str(row["task_id"]), str(row["question"]), passages, facts, asked)


def _sentences(passage: Mapping[str, Any]) -> list[str]:
    parts = passage.get("sentences") or re.split(r"(?<=[.!?])\s+", passage["text"])
    return [" ".join(part.split()) for part in parts if part.strip()]


def read(file: Path, name: str, *, choose: bool) -> list[Question]:
    """The questions of one side of the split, which a hash of their ids decides."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    rows.sort(key=lambda row: hashlib.sha256(f"{SPLIT}:{row['task_id']}".encode()).hexdigest())
    side = rows[: SETS[name]] if choose else rows[SETS[name] :]
    return [question_of(row) for row in side if len(row["passages"]) == PASSAGES[name]]


def planned(arm: str, question: Question, k: int) -> tuple[Flow, dict[str, JsonValue]]:
    """The workflow of an arm, and its inputs but the folder.

    Texts of the question are inputs, so that braces in them mean nothing.
    """
    names = [file_name(place) for place in range(len(question.passages))]
    ranking: JsonValue = {"type": "array", "items": {"enum": [*names]}, "minItems": k, "maxItems": k}
    check = Check(
        kind="schema",
        options={"schema": {"type": "object", "properties": {"ranking": ranking}, "required": ["ranking"]}},
    )
    if arm.startswith("oracle"):
        asked, refers = oracle(question.steps, answers=arm == "oracle answers")
    else:
        asked, refers = [question.text] * (2 if arm == "hops" else 1), [[], [0]]
    skill = "search twice" if arm == "two looks" else "search"
    inputs: dict[str, JsonValue] = {f"asked{number}": text for number, text in enumerate(asked)}
    flow = Workflow(arm.replace(" ", "-"), inputs=["folder", "k", *inputs])
    hops: list[str] = []
    for number in range(len(asked)):
        found = " ".join(f"{{hop{other}.text}}" for other in refers[number])
        goal = f"Rank {{k}} passages.\nQuestion: {{asked{number}}}\nFound before: {found}"
        after = [hops[other] for other in refers[number]]
        hops.append(flow.task(f"hop{number}", goal, after=after, skill=skill, workspace="{folder}", verify=check))
    if len(hops) > 1:
        goal = "\n".join(["Join {k} of:", *(f"{{{hop}.ranking}}" for hop in hops)])
        flow.task("join", goal, after=hops, skill="join", verify=check)
    return flow.build(), {**inputs, "k": k}


def oracle(steps: Sequence[tuple[str, str]], *, answers: bool) -> tuple[list[str], list[list[int]]]:
    """The data set's sub-questions, and which of those before them each refers to.

    >>> oracle([("A >> composer", "Mozart"), ("What did #1 write?", "")], answers=True)
    (['A >> composer', 'What did Mozart write?'], [[], []])
    """
    asked: list[str] = []
    refers: list[list[int]] = []
    for text, _ in steps:
        named = sorted({int(number) - 1 for number in re.findall(r"#(\d)", text)})
        asked.append(re.sub(r"#(\d)", lambda match: steps[int(match[1]) - 1][1] if answers else "", text))
        refers.append([] if answers else named)
    return asked, refers


def file_name(place: int) -> str:
    """The file of a passage: it says nothing of what stands in it."""
    return f"p{place:02}.md"


def write(question: Question, folder: Path) -> None:
    """A file for each passage: its title, then a sentence a line."""
    for place, (title, *sentences) in enumerate(question.passages):
        (folder / file_name(place)).write_text("\n".join([f"# {title}", *sentences]) + "\n", encoding="utf-8")


async def followed(arm: str, question: Question, k: int, folder: Path, sandbox: Sandbox) -> Measured:
    """One arm on one question, through the market and the executor.

    Raises:
        RuntimeError: The workflow did not pass, or handed in another number of passages.
    """
    flow, inputs = planned(arm, question, k)
    market = Market(agents(), seed=SEED, learn=False, attempts=1, sandbox=sandbox)
    began = time.perf_counter()
    report = await run_flow(market, flow, {**inputs, "folder": str(folder)})
    seconds = time.perf_counter() - began
    if report.verdict != "passed":
        raise RuntimeError(f"{question.id}: {arm} ended as {report.verdict}: {report.reason}")
    handed_in = {int(name[1:3]) for name in json.loads(report.output)["ranking"]}
    if len(handed_in) != k:
        raise RuntimeError(f"{question.id}: {arm} handed in {len(handed_in)} passages in place of {k}")
    found = [fact in handed_in for fact in question.facts]
    results = report.report.results
    return Measured(
        found=float(all(found)),
        share=sum(found) / len(found),
        precision=len(handed_in & set(question.facts)) / k,
        tasks=len(results),
        calls=report.report.usage.steps,
        seconds=seconds,
    )


def by_chance(question: Question, k: int) -> Measured:
    """What k passages drawn evenly come to in expectation.

    >>> q = Question("q", "?", (("a",), ("b",), ("c",), ("d",)), (0, 1))
    >>> by_chance(q, 2).share, round(by_chance(q, 2).found, 3)
    (0.5, 0.167)
    """
    of, hold = len(question.passages), len(set(question.facts))
    found = math.comb(of - hold, k - hold) / math.comb(of, k) if k >= hold else 0.0
    return Measured(found=found, share=k / of, precision=hold / of)


async def measure(questions: Sequence[Question], k: int) -> dict[str, list[Measured]]:
    """All arms on all questions, for one k."""
    sandbox = BestSandbox()
    arms = [arm for arm in ARMS if not arm.startswith("oracle") or questions[0].steps]
    measured: dict[str, list[Measured]] = {arm: [] for arm in arms}
    for question in questions:
        with tempfile.TemporaryDirectory() as folder:
            write(question, Path(folder))
            for arm in arms:
                measured[arm].append(await followed(arm, question, k, Path(folder), sandbox))
    measured["random"] = [by_chance(question, k) for question in questions]
    return measured


def interval(values: Iterable[float]) -> tuple[float, float, float]:
    """The mean and its 95% interval by the percentile bootstrap over questions."""
    held = np.array(list(values))
    drawn = np.random.default_rng(SEED).integers(0, len(held), (RESAMPLES, len(held)))
    low, high = np.percentile(held[drawn].mean(axis=1), [2.5, 97.5])
    return float(held.mean()), float(low), float(high)


def table(measured: Mapping[str, Sequence[Measured]], k: int) -> list[str]:
    """Rows of one k: shares in percent with their intervals, and the difference to the single task, paired."""
    chance = measured["random"]
    drawn = [f"{_mean(chance, figure):.1%}" for figure in ("found", "share", "precision")]
    rows = [f"| {k} | random | {drawn[0]} | | {drawn[1]} | {drawn[2]} | | | |"]
    single = measured["single"]
    for arm, ones in measured.items():
        if arm == "random":
            continue
        figures: list[Callable[[Measured], float]] = [lambda one: one.found, lambda one: one.share]
        shown = ["{:.1%} ({:.1%} to {:.1%})".format(*interval(map(figure, ones))) for figure in figures]
        gain = interval(one.found - other.found for one, other in zip(ones, single, strict=True))
        more = "" if arm == "single" else "{:+.1f} ({:+.1f} to {:+.1f})".format(*(100 * part for part in gain))
        effort = f"{_mean(ones, 'tasks'):.1f} | {_mean(ones, 'calls'):.1f} | {1000 * _mean(ones, 'seconds'):.0f} ms"
        rows.append(f"| {k} | {arm} | {shown[0]} | {more} | {shown[1]} | {_mean(ones, 'precision'):.1%} | {effort} |")
    return rows


def _mean(ones: Sequence[Measured], figure: str) -> float:
    return sum(float(getattr(one, figure)) for one in ones) / len(ones)


async def main(data: Path, *, choose: bool, most: int) -> None:
    """Measure, and print a table a set."""
    for name in SETS:
        questions = read(data / f"{name}.jsonl.gz", name, choose=choose)[:most]
        print(f"\n{name}: {len(questions)} questions\n")
        print("| k | arm | all facts found | less single, points | share of facts | precision | tasks | calls | time |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
        for k in HANDED_IN:
            print("\n".join(table(await measure(questions, k), k)), flush=True)
        every = _mean([by_chance(one, len(one.passages)) for one in questions], "precision")
        print(f"| {PASSAGES[name]} | all | 100.0% | | 100.0% | {every:.1%} | | | |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="HotpotQA and MuSiQue as search workflows.")
    parser.add_argument(
        "--data", type=Path, required=True, help="the folder with hotpotqa.jsonl.gz and musique.jsonl.gz"
    )
    parser.add_argument("--choose", action="store_true", help="the questions on which the parameters were chosen")
    parser.add_argument("--most", type=int, default=10**6, help="no more questions of each set than these")
    given = parser.parse_args()
    anyio.run(partial(main, given.data, choose=given.choose, most=given.most))
