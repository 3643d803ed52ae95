"""One reads what each agent is for and names a few; these answer, and one refines (candidate set, TCAR).

Source: TCAndon-Router (arXiv 2601.04544): a reasoned list of agents, answers of each alone, a refining agent.
Changed: the router is any agent with a prompt, where the paper trains one; it sees descriptions under letters in an
order that is drawn, and no names; no answer of it that fits means the first of that order; answers that are the same
are not refined, unless the work has a check or a folder, which is the refining agent's. That nobody fits is said.
Cost: 1 task for the choice, 1 for each that was chosen, 1 that refines: at most most + 2.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from string import ascii_uppercase

from pydantic import Field

from agora.values import JsonValue, Value
from agora.workflows.nodes import Flow, TaskNode, When
from agora.workflows.patterns.draft import ANSWER, DATA, Draft
from agora.workflows.patterns.seats import Seats, plainly


class CandidatesOptions(Value):
    """Options of "candidates"."""

    candidates: Mapping[str, str] = Field(min_length=2, max_length=len(ascii_uppercase))
    """Agent -> what it is for, in words."""
    routers: Seats = ()
    """Who chooses."""
    refiners: Seats = ()
    """Who makes one answer of several."""
    most: int = Field(default=3, ge=1, le=10)
    """The most candidates that answer."""


def candidates(work: TaskNode, options: CandidatesOptions, *, name: str) -> Flow:
    """The choice, those chosen, the refining agent."""
    draft = Draft(work, name)
    drawn = sorted(options.candidates.items(), key=lambda one: (_lot(work.goal, one[1]), one))
    letters = dict(zip(ascii_uppercase, drawn, strict=False))
    most = min(options.most, len(letters))
    listed = "\n".join(f"{letter}: {plainly(about)}" for letter, (_, about) in letters.items())
    names: list[JsonValue] = list(letters)
    ids: dict[str, JsonValue] = {"type": "array", "maxItems": most, "items": {"enum": names}}
    properties: dict[str, JsonValue] = {"reason": {"type": "string"}, "ids": ids}
    draft.decide(
        "choose",
        f'Who should work on this?\n\n{{goal.quoted}}\n\n{DATA} There are:\n{listed}\n\nSay in "reason" why, then put '
        f'the letters of those who are fit for it under "ids", the best first, at most {most}; none where nobody is.',
        {"type": "object", "properties": properties, "required": ["reason", "ids"]},
        agents=options.routers,
        otherwise=json.dumps({"reason": "no usable choice was made", "ids": list(letters)[:most]}),
    )
    asked = [
        draft.think(
            f"ask_{letter}",
            "{goal}",
            agents=[agent],
            after=["choose"],
            when=[When(of="choose.ids", contains=f'"{letter}"')],
        )
        for letter, (agent, _) in letters.items()
    ]
    draft.compare("answers", asked)
    goal = (
        f"{{goal}}\n\nThose who were asked answered:\n{{answers.quoted}}\n\n{DATA} Make one answer of these: where "
        "they contradict each other say so and decide, bring together what completes each other, and add nothing."
    )
    several = [] if draft.checked else [When(of="answers.distinct", above=1)]
    draft.answer(ANSWER, goal, agents=options.refiners, after=["answers"], when=several)
    ends = [ANSWER]
    if not draft.checked:
        one = [When(of="answers.distinct", equals=1)]
        ends.append(draft.text("alone", "{answers.majority}", after=["answers"], when=one))
    notes = [
        draft.unresolved(
            "unfit",
            "nobody is fit for this: {choose.reason}",
            after=["choose"],
            when=[When(of="choose.ids", empty=True)],
        ),
        draft.unresolved(
            "silent",
            "none of those who were asked came to an answer",
            after=["answers"],
            when=[When(of="answers.distinct", equals=0)],
        ),
    ]
    return draft.flow(ends, notes)


def _lot(goal: str, about: str) -> str:
    return hashlib.sha256(f"{len(goal)} {goal}{about}".encode("utf-8", "surrogatepass")).hexdigest()
