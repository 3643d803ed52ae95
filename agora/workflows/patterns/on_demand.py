"""A cheap look first: is the answer plain, does it need thought, or does it need tools (reasoning on demand).

Source: the three modes of A2FM (arXiv 2510.12838), instant, reasoning and agentic; that a classifier in front pays is
"When to Reason" (arXiv 2510.08731) and RoutingGen (arXiv 2512.14048), from which the words of the reasoning mode come:
first what is meant and by which method, then the steps.
Changed: the classifier is any agent with a prompt, where the papers train one; no answer of it that fits means
`default`, never the cheapest mode; an answer that fails the work's check is made once more in the agentic mode.
Cost: 2 tasks; 3 where a check failed.
"""

from __future__ import annotations

import json
from typing import Final, Literal

from agora.values import JsonValue, Value
from agora.workflows.nodes import Flow, TaskNode, When
from agora.workflows.patterns.draft import DATA, Draft
from agora.workflows.patterns.seats import Seats

Mode = Literal["instant", "reasoning", "agentic"]
_MODES: Final[tuple[Mode, ...]] = ("instant", "reasoning", "agentic")
_WORDS: Final[dict[Mode, str]] = {
    "instant": "\n\nAnswer at once, in as few words as it needs.",
    "reasoning": (
        "\n\nFirst say what exactly is asked, and by which method you will find it. Then go step by step, check the "
        "result against the question, and end with the answer."
    ),
    "agentic": "\n\nUse your tools: look things up and try them out, and do not go by memory alone.",
}


class OnDemandOptions(Value):
    """Options of "on-demand"."""

    classifiers: Seats = ()
    """Who takes the look: a cheap one."""
    instant: Seats = ()
    """Who answers at once."""
    reasoning: Seats = ()
    """Who thinks."""
    agentic: Seats = ()
    """Who uses tools."""
    default: Mode = "reasoning"
    """Where no mode that fits was named."""


def on_demand(work: TaskNode, options: OnDemandOptions, *, name: str) -> Flow:
    """The look, and one of three."""
    draft = Draft(work, name)
    modes: list[JsonValue] = list(_MODES)
    properties: dict[str, JsonValue] = {"why": {"type": "string"}, "mode": {"enum": modes}}
    draft.decide(
        "look",
        f"What does this take? Do not do it.\n\n{{goal.quoted}}\n\n{DATA}\ninstant: it is plain, and anybody knows it. "
        "reasoning: it takes several steps of thought, but nothing from outside. agentic: it takes tools, as looking "
        'things up, running something or changing files. Say in "why" what decides it, then name the "mode"; where you '
        "are not sure, the later one.",
        {"type": "object", "properties": properties, "required": ["mode"]},
        agents=options.classifiers,
        otherwise=json.dumps({"mode": options.default}),
    )
    seats: dict[Mode, Seats] = {
        "instant": options.instant,
        "reasoning": options.reasoning,
        "agentic": options.agentic,
    }
    for mode in _MODES:
        again = "" if mode == "agentic" or work.verify is None else f"after_{mode}"
        draft.answer(
            mode,
            "{goal}" + _WORDS[mode],
            agents=seats[mode],
            after=["look"],
            when=[When(of="look.mode", equals=mode)],
            tools=None if mode == "agentic" or work.workspace is not None else (),
            fallback=again,
        )
        if again:
            draft.answer(again, "{goal}" + _WORDS["agentic"], agents=options.agentic)
    return draft.flow(list(_MODES))
