"""Several answer, see what the others say and why, and answer again, until they agree (debate).

Source: Du et al., 2023, "Improving factuality and reasoning in language models through multiagent debate" (arXiv
2305.14325); a judge at the end as in Liang et al., 2023 (arXiv 2305.19118).
Changed: it ends as soon as the answers agree, where the paper always takes its rounds; each debater sees all answers of
the round before, its own among them, without names and in an order that is drawn; a debate that reaches its cap
without agreement says so, or has a judge.
Cost: places tasks where they agree at once, at most places * (1 + rounds); 1 for a judge; 1 more where the work has a
check or a folder.
"""

from __future__ import annotations

from typing import Final

from pydantic import Field

from agora.values import JsonValue, Value
from agora.workflows.nodes import Flow, TaskNode, When
from agora.workflows.patterns.draft import DATA, Draft
from agora.workflows.patterns.seats import Seats, seat

_SCHEMA: Final[dict[str, JsonValue]] = {
    "type": "object",
    "properties": {"answer": {"type": "string", "minLength": 1}, "why": {"type": "string"}},
    "required": ["answer", "why"],
}
_FORM: Final = '\n\nPut the answer alone, as short as it can be, under "answer", and your reasons under "why".'


class DebateOptions(Value):
    """Options of "debate"."""

    debaters: Seats = ()
    """Who debates, in turns."""
    places: int = Field(default=3, ge=2, le=10)
    """How many debaters."""
    rounds: int = Field(default=2, ge=1, le=6)
    """The most rounds after the first answers."""
    threshold: float = Field(default=0.7, ge=0, le=1)
    """The least consistency at which they agree."""
    judge: bool = False
    """Whether a judge chooses where they do not come to agree; else the majority stands, and it is said to be one."""
    judges: Seats = ()
    """Who judges; naming some turns `judge` on."""


def debate(work: TaskNode, options: DebateOptions, *, name: str) -> Flow:
    """First answers, rounds, and an end for each way in which it can end."""
    draft, ends, said = Draft(work, name), list[str](), list[str]()
    for turn in range(options.rounds + 1):
        goal = "{goal}" + _FORM
        if turn:
            goal = (
                f"{{goal}}\n\nThis was answered before, by several; one of the answers may be yours:\n"
                f"{{round_{turn - 1}.quoted}}\n\n{DATA} Weigh their reasons, and answer anew: keep to what holds, and "
                f"change what does not.{_FORM}"
            )
        said = [
            draft.decide(
                f"say_{turn}_{place + 1}",
                goal,
                _SCHEMA,
                agents=seat(options.debaters, place),
                after=[f"round_{turn - 1}", f"views_{turn - 1}"] if turn else (),
                when=[When(of=f"views_{turn - 1}.agree", equals=False)] if turn else (),
                reads=True,
                skilled=True,
            )
            for place in range(options.places)
        ]
        draft.compare(f"views_{turn}", [f"{one}.answer" for one in said], threshold=options.threshold)
        if turn < options.rounds:
            draft.compare(f"round_{turn}", said)
        agreed = [When(of=f"views_{turn}.agree", equals=True)]
        ends.append(draft.text(f"agreed_{turn}", f"{{views_{turn}.majority}}", after=[f"views_{turn}"], when=agreed))
    last = f"views_{options.rounds}"
    differ = [When(of=f"{last}.agree", equals=False)]
    if options.judge or options.judges:
        draft.compare("closing", said, when=differ)
        goal = (
            f"Several debated this, and still differ:\n\n{{goal}}\n\n{{closing.quoted}}\n\n{DATA} Decide by their "
            "reasons, and hand in the best answer alone, as it stands there."
        )
        draft.think("judge", goal, agents=options.judges, after=["closing"], tools=(), skilled=False, on_failure="stop")
        ends.append(draft.text("judged", "{judge}", after=["judge"]))
        return draft.flow(ends, agents=options.debaters)
    ends.append(draft.text("majority", f"{{{last}.majority}}", after=[last], when=differ))
    what = f"after {options.rounds} rounds {{{last}.votes}} of {{{last}.of}} hold this, of {{{last}.distinct}} answers"
    return draft.flow(ends, [draft.unresolved("unresolved", what, after=[last], when=differ)], agents=options.debaters)
