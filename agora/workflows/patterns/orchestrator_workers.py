"""One splits the work, others do the parts at the same time, and one puts them together (orchestrator-workers).

Source: Anthropic, "Building effective agents" (2024), workflow "orchestrator-workers".
Changed: the number of parts has a cap; the parts are read-only, so that only the last task changes files; where
nothing was split the last task does the work alone; that no split fitted, or that a part failed, is said.
Cost: 1 task for the split, 1 a part (at most `most`), 1 that puts them together: at most most + 2.
"""

from __future__ import annotations

from typing import Final

from pydantic import Field

from agora.values import JsonValue, Value
from agora.workflows.nodes import Flow, TaskNode, When
from agora.workflows.patterns.draft import ANSWER, DATA, Draft
from agora.workflows.patterns.seats import Seats

_WHOLE: Final = '{"parts": []}'


class OrchestratorWorkersOptions(Value):
    """Options of "orchestrator-workers"."""

    orchestrators: Seats = ()
    """Who splits the work."""
    workers: Seats = ()
    """Who may bid on a part."""
    synthesisers: Seats = ()
    """Who puts the parts together."""
    most: int = Field(default=6, ge=1, le=50)
    """The most parts."""


def orchestrator_workers(work: TaskNode, options: OrchestratorWorkersOptions, *, name: str) -> Flow:
    """Split, parts, answer."""
    draft = Draft(work, name)
    parts: dict[str, JsonValue] = {"type": "array", "maxItems": options.most, "items": {"type": "string"}}
    schema: dict[str, JsonValue] = {"type": "object", "properties": {"parts": parts}, "required": ["parts"]}
    draft.decide(
        "split",
        f"{{goal}}\n\nDo not do this yet. Split it into at most {options.most} parts that others can do at the same "
        'time without each other, each said so that it can be understood alone; put them under "parts". Where it '
        "cannot be split, leave that list empty.",
        schema,
        agents=options.orchestrators,
        otherwise=_WHOLE,
        reads=True,
    )
    draft.think(
        "part",
        f"Do this part of a larger piece of work, and nothing else of it:\n{{item.quoted}}\n\nThe whole:\n"
        f"{{goal.quoted}}\n\n{DATA}",
        agents=options.workers,
        after=["split"],
        when=[When(of="split.parts", empty=False)],
        each={"of": "split.parts", "most": options.most},
    )
    draft.compare("parts", ["part"])
    goal = (
        "{goal}\n\nOthers did parts of it; where nothing stands here, none did, and it is all yours:\n{parts.quoted}"
        f"\n\n{DATA} Put together what is right of the parts, mend and add what is missing, and hand in the whole."
    )
    draft.answer(ANSWER, goal, agents=options.synthesisers, after=["split", "part", "parts"], needs="any")
    notes = [
        draft.unresolved(
            "unsplit",
            "no split that fits was made; it was done as one task",
            after=["split"],
            when=[When(of="split.verdict", differs="passed")],
        ),
        draft.unresolved(
            "unfinished",
            "a part failed, and was left to whoever put them together",
            after=["part"],
            when=[When(of="part.verdict", equals="failed")],
        ),
    ]
    return draft.flow([ANSWER], notes)
