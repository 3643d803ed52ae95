"""What arrives of the facts that a node needs, where its predecessors' outputs do not all fit its token budget.

    python benchmarks/context_routing.py DATA            # DATA holds hotpotqa.jsonl.gz; these figures are reported
    python benchmarks/context_routing.py DATA --trial    # the questions and seeds on which this file was made

No model is called. Two scenes:

hotpotqa: a question's ten passages are dealt to five predecessors, two to an output, in an order drawn by a seed; the
node's goal is the question, and the facts are the sentences that the data set marks as supporting. The second of them
often shares no word with the question: no choice by words finds it but by luck.

roles: six outputs of twelve notes each, every note about one of eight subjects, which it names with a chance of .8; the
node's role names two subjects and its goal none. The facts are the notes on these subjects, so that one in five cannot
be found by words. This scene is made up, and made for routing: it shows that the budget goes to the role, and no more.

Arms, all within the same number of tokens (four bytes each):
routed       `agora.workflows.context_routing.route`, as nodes with `context` get it
whole items  the same scores, but an item that does not fit is left out (greedy, as in RCR-Router)
even cut     every output cut to the same length, as {references} are
end cut      all outputs one after the other, cut at the end
last only    the last output, cut at the end
random       whole outputs in an order that is drawn, as long as they fit

Reported is the share of facts that arrive whole, with 95% intervals by the bootstrap over questions (roles: over
draws), and the paired difference of `routed` to `even cut`. The weights of the score are those of the paper's reading;
that lines are placed and not whole items was chosen on the questions and draws of --trial.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora.workflows.context_routing import Candidate, Chosen, route, tokens_of

BUDGETS: Final = (200, 400, 800)
TRIAL: Final = 30
"""So many questions, by a hash of their ids, were looked at while this file was made."""
SPLIT, SEED, TRIAL_SEED = "context-routing-1", 20_261_124, 7
OUTPUTS, ROLE_OUTPUTS, NOTES, DRAWS, NAMED = 5, 6, 12, 300, 0.8
RESAMPLES: Final = 4_000
SUBJECTS: Final = ("parser", "billing", "search", "login", "export", "cache", "mail", "theme")
FILLER: Final = (
    "after the change of last week", "on the second run", "with the larger file", "in both versions", "as was expected",
    "for one user in ten", "since the update", "without a warning", "in the nightly job", "only under load",
)  # fmt: skip


class Case(NamedTuple):
    """One node with what comes before it."""

    role: str
    goal: str
    outputs: tuple[str, ...]
    facts: tuple[str, ...]


def questions(file: Path, *, trial: bool) -> list[Mapping[str, Any]]:
    """The rows of one side of the split."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows: list[Mapping[str, Any]] = [json.loads(line) for line in lines]
    rows.sort(key=lambda row: hashlib.sha256(f"{SPLIT}:{row['task_id']}".encode()).hexdigest())
    return rows[:TRIAL] if trial else rows[TRIAL:]


def hotpot_case(row: Mapping[str, Any], order: Sequence[int]) -> Case:
    """A question as a node after five others."""
    passages: list[Mapping[str, Any]] = row["passages"]
    texts = [f"{one['title']}: {' '.join(_plain(part) for part in one['sentences'])}" for one in passages]
    dealt = [[texts[place] for place in order[start::OUTPUTS]] for start in range(OUTPUTS)]
    by_title: dict[str, list[str]] = {one["title"]: one["sentences"] for one in passages}
    marked: list[tuple[str, int]] = row["supporting_facts"]
    facts = [by_title[title][number] for title, number in marked if number < len(by_title.get(title, ()))]
    return Case("", str(row["question"]), tuple("\n".join(one) for one in dealt), tuple(map(_plain, facts)))


def role_case(seed: int) -> Case:
    """A node with a role, after six others that noted all kinds of things."""
    chance = np.random.default_rng(seed)
    wanted = {SUBJECTS[int(place)] for place in chance.permutation(len(SUBJECTS))[:2]}
    outputs: list[str] = []
    facts: list[str] = []
    for _ in range(ROLE_OUTPUTS):
        notes: list[str] = []
        for _ in range(NOTES):
            subject = SUBJECTS[int(chance.integers(len(SUBJECTS)))]
            named = subject if chance.random() < NAMED else "part"
            first, second = (int(place) for place in chance.permutation(len(FILLER))[:2])
            note = f"The {named} took {chance.integers(10_000)} ms {FILLER[first]}, {FILLER[second]}."
            notes.append(note)
            facts += [note] * (subject in wanted)
        outputs.append("\n".join(notes))
    role = "keeper of the " + " and the ".join(sorted(wanted))
    return Case(role, "Write down all figures that are yours", tuple(outputs), tuple(facts))


def routed(case: Case, tokens: int) -> Chosen:
    """As a node with `context` gets it."""
    candidates = [
        Candidate(source=f"n{place}", heading=f"From n{place}:", text=text, distance=1)
        for place, text in enumerate(case.outputs)
    ]
    return route(candidates, role=case.role, goal=case.goal, tokens=tokens)


def arms(case: Case, tokens: int, order: Sequence[int]) -> dict[str, str]:
    """Arm -> what the node is shown."""
    chosen = routed(case, tokens)
    items = chosen.items
    by_score = sorted(
        range(len(items)), key=lambda place: -items[place].score / max(1, items[place].whole_tokens) ** 0.5
    )
    most = 4 * tokens
    return {
        "routed": "\n".join(line.removeprefix("| ") for line in chosen.shown.splitlines()),
        "whole items": _while_they_fit(by_score, case.outputs, tokens),
        "even cut": "\n".join(_cut(text, most // len(case.outputs)) for text in case.outputs),
        "end cut": _cut("\n".join(case.outputs), most),
        "last only": _cut(case.outputs[-1], most),
        "random": _while_they_fit(order, case.outputs, tokens),
    }


def arrived(case: Case, shown: str) -> float:
    """The share of facts that stand in a text."""
    text = _plain(shown)
    return sum(fact in text for fact in case.facts) / len(case.facts)


def interval(values: Iterable[float]) -> tuple[float, float, float]:
    """The mean and its 95% interval by the percentile bootstrap."""
    held = np.array(list(values))
    drawn = np.random.default_rng(SEED).integers(0, len(held), (RESAMPLES, len(held)))
    low, high = np.percentile(held[drawn].mean(axis=1), [2.5, 97.5])
    return float(held.mean()), float(low), float(high)


def measured(cases: Sequence[Case], tokens: int, seed: int) -> dict[str, list[float]]:
    """Arm -> the share of facts that arrive, case by case."""
    chance = np.random.default_rng(seed)
    shares: dict[str, list[float]] = {}
    for case in cases:
        order = [int(place) for place in chance.permutation(len(case.outputs))]
        for arm, shown in arms(case, tokens, order).items():
            shares.setdefault(arm, []).append(arrived(case, shown))
    return shares


def main(data: Path, *, trial: bool) -> None:
    """Measure, and print a table a scene."""
    seed = TRIAL_SEED if trial else SEED
    chance = np.random.default_rng(seed)
    rows = questions(data / "hotpotqa.jsonl.gz", trial=trial)
    deals = [[int(place) for place in chance.permutation(len(row["passages"]))] for row in rows]
    hotpot = [case for row, deal in zip(rows, deals, strict=True) if (case := hotpot_case(row, deal)).facts]
    scenes: dict[str, Callable[[], list[Case]]] = {
        "hotpotqa": lambda: hotpot,
        "roles": lambda: [role_case(seed + number) for number in range(20 if trial else DRAWS)],
    }
    for name, cases in scenes.items():
        held = [case for case in cases() if case.facts]
        whole = np.mean([tokens_of("\n".join(case.outputs)) for case in held])
        print(f"\n{name}: {len(held)} cases, {whole:.0f} tokens of outputs each")
        for tokens in BUDGETS:
            shares = measured(held, tokens, seed)
            for arm, ones in shares.items():
                mean, low, high = interval(ones)
                print(f"| {tokens} | {arm} | {mean:.1%} | {low:.1%} to {high:.1%} |")
            pairs = zip(shares["routed"], shares["even cut"], strict=True)
            mean, low, high = interval(one - other for one, other in pairs)
            print(f"| {tokens} | routed less even cut | {100 * mean:+.1f} | {100 * low:+.1f} to {100 * high:+.1f} |")


def _while_they_fit(order: Sequence[int], outputs: Sequence[str], tokens: int) -> str:
    shown: list[str] = []
    for place in order:
        if tokens_of("\n".join([*shown, outputs[place]])) <= tokens:
            shown.append(outputs[place])
    return "\n".join(shown)


def _cut(text: str, most: int) -> str:
    return text.encode()[:most].decode("utf-8", "ignore")


def _plain(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    main(Path(sys.argv[1]), trial="--trial" in sys.argv)
