"""Ways to solve it are planned first; how sure the plan is says how many of them are tried (plan, then verify).

Source: PRISM, "Plan before solving" (arXiv 2509.24377): one strategy where the router is sure, two that verify each
other where two compete, all of them where it is unsure.
Changed: the strategies and the confidence are what a planning agent states, where the paper trains an adapter for four
fixed ones; the bands are of the stated confidence alone, in per cent, and are ours, since the paper's come with its
adapter; two that differ are joined by one more; no plan that fits counts as unsure. Nothing calibrates what is stated.
Cost: 2 tasks (sure), 3 (verified), 4 (the two differ, or unsure); 1 more where the work has a check or a folder.
"""

from __future__ import annotations

import json
from typing import Final

from pydantic import Field, model_validator

from agora.values import JsonValue, Value
from agora.workflows.nodes import Flow, TaskNode, When
from agora.workflows.patterns.draft import DATA, SHORT, Draft
from agora.workflows.patterns.seats import Seats, seat

_USUAL: Final = (
    "Reason in words, one step after the other.",
    "Compute it: write the steps as a program or as formulas, and follow them exactly.",
    "Work backwards: assume an answer, and check whether all that is said holds of it.",
)
_SCHEMA: Final[dict[str, JsonValue]] = {
    "type": "object",
    "properties": {
        "strategies": {"type": "array", "minItems": 3, "maxItems": 3, "items": {"type": "string", "minLength": 1}},
        "confidence": {"type": "integer", "minimum": 0, "maximum": 100},
    },
    "required": ["strategies", "confidence"],
}


class PrismOptions(Value):
    """Options of "prism"."""

    planners: Seats = ()
    """Who plans."""
    solvers: Seats = ()
    """Who solves, in turns: the n-th strategy is the n-th's."""
    sure: int = Field(default=80, ge=1, le=100)
    """From this stated confidence on, in per cent, one strategy is enough."""
    unsure: int = Field(default=50, ge=0, le=100)
    """Below it, all three are tried at once; between, two verify each other."""

    @model_validator(mode="after")
    def _in_order(self) -> PrismOptions:
        if self.unsure > self.sure:
            raise ValueError("`unsure` cannot be above `sure`")
        return self


def prism(work: TaskNode, options: PrismOptions, *, name: str) -> Flow:
    """The plan, as many solvers as its confidence calls for, and what they agree on."""
    draft = Draft(work, name)
    draft.decide(
        "plan",
        "How should this be solved? Do not solve it.\n\n{goal.quoted}\n\n"
        f'{DATA} Put three different strategies under "strategies", each in one sentence, the best first, and under '
        '"confidence" how sure you are, in per cent, that the first alone leads to the right answer.',
        _SCHEMA,
        agents=options.planners,
        otherwise=json.dumps({"strategies": _USUAL, "confidence": 0}),
        reads=work.workspace is not None,
    )
    doubtful, unsure = When(of="plan.confidence", below=options.sure), When(of="plan.confidence", below=options.unsure)
    torn = [When(of="plan.confidence", above=options.unsure - 1), When(of="pair.agree", equals=False)]
    solve = f"{{goal}}\n\nSolve it by this strategy:\n{{plan.strategies.%d.quoted}}{SHORT}"

    def solver(id: str, place: int, *after: str, when: list[When]) -> str:
        goal = solve % place
        return draft.think(id, goal, agents=seat(options.solvers, place), after=["plan", *after], when=when)

    solver("solve_1", 0, when=[])
    solver("solve_2", 1, when=[doubtful])
    solver("solve_3", 2, when=[unsure])
    draft.compare("pair", ["solve_1", "solve_2"], when=[doubtful])
    solver("decide", 2, "pair", when=torn)
    draft.compare("all", ["solve_1", "solve_2", "solve_3", "decide"], when=[doubtful])
    draft.text("third", "{solve_3}{decide}", after=["solve_3", "decide"], needs="any")
    verified = [torn[0], When(of="pair.agree", equals=True)]
    ends = [
        draft.text("sure", "{solve_1}", after=["solve_1"], when=[When(of="plan.confidence", above=options.sure - 1)]),
        draft.text("verified", "{pair.majority}", after=["plan", "pair"], when=verified),
        draft.text("explored", "{all.majority}", after=["all", "third"]),
    ]
    notes = [
        draft.unresolved(
            "unresolved",
            "no two strategies led to the same answer",
            after=["all", "third"],
            when=[When(of="all.votes", below=2)],
        ),
        draft.unresolved(
            "unsolved",
            "whoever was to solve it failed",
            after=["solve_1"],
            when=[When(of="plan.confidence", above=options.sure - 1), When(of="solve_1.verdict", equals="failed")],
        ),
    ]
    return draft.flow(ends, notes, agents=options.solvers)
