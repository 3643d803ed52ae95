"""Three cheap answers say how hard a question is: agreement ends it, else strong agents are asked (sigma escalation).

Source: ACAR (arXiv 2602.21231), section 4: sigma = (different answers - 1) / 2 of three probes. 0: the answer stands
(single_agent); .5: two strong agents answer, and the majority of the probes is one voice more (arena_lite); 1: three
strong agents answer, and a judge chooses (full_arena). Modes only escalate.
Changed: sigma is read from how many probes agree (3, 2, less), so that a probe that failed makes it higher, never
lower; the judge is not asked where there is nothing to choose: two of three voices agree (arena_lite), all three do
(full_arena). Known from the paper: probes that agree on what is wrong cannot be found out by any such rule.
Cost: 3 tasks (sigma 0); 5, or 6 with the judge (.5); 6, or 7 with the judge (1); 1 more where the work has a check or a
folder.
"""

from __future__ import annotations

from agora.values import Value
from agora.workflows.nodes import Flow, TaskNode, When
from agora.workflows.patterns.draft import DATA, SHORT, Draft
from agora.workflows.patterns.seats import Seats, seat


class SigmaOptions(Value):
    """Options of "sigma"."""

    probes: Seats = ()
    """Who is asked first, three times in turns: cheap ones."""
    strong: Seats = ()
    """Who is asked where the probes differ, in turns."""
    judges: Seats = ()
    """Who chooses where the strong ones differ."""


def sigma(work: TaskNode, options: SigmaOptions, *, name: str) -> Flow:
    """Probes, the strong pair or all three, a judge: each only where it is called for."""
    draft, ask = Draft(work, name), "{goal}" + SHORT
    probes = [draft.think(f"probe_{place + 1}", ask, agents=seat(options.probes, place)) for place in range(3)]
    draft.compare("sigma", probes)
    lite, full = [When(of="sigma.votes", equals=2)], [When(of="sigma.votes", below=2)]
    strong = [
        draft.think(
            f"strong_{place + 1}",
            ask,
            agents=seat(options.strong, place),
            after=["sigma"],
            when=full if place == 2 else [When(of="sigma.votes", below=3)],
        )
        for place in range(3)
    ]
    draft.compare("pair", ["sigma.majority", *strong[:2]], when=lite)
    draft.compare("arena", strong, when=full)
    ends = [
        draft.text("single", "{sigma.majority}", after=["sigma"], when=[When(of="sigma.votes", equals=3)]),
        draft.text("verified", "{pair.majority}", after=["pair"], when=[When(of="pair.votes", above=1)]),
        draft.text("unanimous", "{arena.majority}", after=["arena"], when=[When(of="arena.votes", equals=3)]),
    ]
    for among, least in (("pair", 2), ("arena", 3)):
        goal = (
            f"Several answered this, and differ:\n\n{{goal}}\n\n{{{among}.quoted}}\n\n{DATA} Work it out for yourself, "
            "then hand in the best of these answers alone, as it stands there."
        )
        when = [When(of=f"{among}.votes", below=least)]
        ends.append(
            draft.think(
                f"judge_{among}",
                goal,
                agents=options.judges,
                after=[among],
                when=when,
                tools=(),
                skilled=False,
                on_failure="stop",
            )
        )
    return draft.flow([*ends[:3], *(draft.text(f"{one}_chose", f"{{{one}}}", after=[one]) for one in ends[3:])])
