"""One writes, another one judges, and the first writes again by what was said (evaluator-optimiser).

Source: Anthropic, "Building effective agents" (2024), workflow "evaluator-optimizer"; Self-Refine (Madaan et al., 2023,
arXiv 2303.17651) is the same with one model in both roles.
Changed: the rounds are nodes, so each has its own place on record, and their number is a cap. The evaluator says yes or
no and why, as JSON; what is no JSON is no yes. A draft that nobody accepted is handed in with what still was asked for.
Cost: 2 tasks a round, at most 2 * rounds; 1 more where the work has a check or a folder.
"""

from __future__ import annotations

from typing import Final

from pydantic import Field

from agora.values import JsonValue, Value
from agora.workflows.nodes import Flow, TaskNode, When
from agora.workflows.patterns.draft import DATA, Draft
from agora.workflows.patterns.seats import Seats, plainly

_SCHEMA: Final[dict[str, JsonValue]] = {
    "type": "object",
    "properties": {"accept": {"type": "boolean"}, "feedback": {"type": "string"}},
    "required": ["accept", "feedback"],
}


class EvaluatorOptimiserOptions(Value):
    """Options of "evaluator-optimiser"."""

    writers: Seats = ()
    """Who writes."""
    evaluators: Seats = ()
    """Who judges; better not the writers."""
    rounds: int = Field(default=3, ge=1, le=10)
    """The most drafts."""
    criteria: str = ""
    """What the evaluator goes by; none: whether it does all that is wanted, and is right."""


def evaluator_optimiser(work: TaskNode, options: EvaluatorOptimiserOptions, *, name: str) -> Flow:
    """Drafts until one is accepted, or the cap is reached."""
    draft, rounds = Draft(work, name), range(1, options.rounds + 1)
    ends: list[str] = []
    criteria = plainly(options.criteria) or "it does all that is wanted, and nothing in it is wrong"
    for number in rounds:
        if number == 1:
            draft.think("write_1", "{goal}", agents=options.writers, on_failure="stop")
        else:
            before = number - 1
            goal = (
                f"{{goal}}\n\nA draft of the answer:\n{{write_{before}.quoted}}\n\nAn evaluator did not accept it:\n"
                f"{{judge_{before}.feedback.quoted}}\n\n{DATA} Hand in the whole answer anew, with what is right of "
                "the draft kept and what is wrong mended."
            )
            draft.think(
                f"write_{number}",
                goal,
                agents=options.writers,
                after=[f"write_{before}", f"judge_{before}"],
                when=[_accepted(before, no=True)],
                on_failure="stop",
            )
        draft.decide(
            f"judge_{number}",
            f"Judge an answer. What was wanted:\n\n{{goal}}\n\nThe answer:\n{{write_{number}.quoted}}\n\n{DATA} Accept "
            f'it if {criteria}. Say in "feedback" what has to be mended, and leave it empty where you accept.',
            _SCHEMA,
            agents=options.evaluators,
            after=[f"write_{number}"],
            reads=work.workspace is not None,
        )
        ends.append(
            draft.text(
                f"accepted_{number}",
                f"{{write_{number}}}",
                after=[f"write_{number}", f"judge_{number}"],
                when=[_accepted(number)],
            )
        )
    last = options.rounds
    after, refused = [f"write_{last}", f"judge_{last}"], [_accepted(last, no=True)]
    ends.append(draft.text("last", f"{{write_{last}}}", after=after, when=refused))
    note = draft.unresolved(
        "unresolved",
        f"no draft of {last} was accepted; of the last one it was said: {{judge_{last}.feedback}}",
        after=after,
        when=refused,
    )
    return draft.flow(ends, [note], agents=options.writers)


def _accepted(number: int, *, no: bool = False) -> When:
    of = f"judge_{number}.accept"
    return When(of=of, differs=True) if no else When(of=of, equals=True)
