"""Several answer the same question alone, and the answer that is given most often counts (voting).

Source: self-consistency (Wang et al., 2023, arXiv 2203.11171); Anthropic, "Building effective agents" (2024), "voting".
Changed: votes are those of several agents where several are named, and not only samples of one model; answers are
compared as short texts, but for case and marks; a majority that is too small is said to be.
Cost: `votes` tasks, at the same time; 1 more where the work has a check or a folder.
For questions with a short answer: two essays are never the same.
"""

from __future__ import annotations

import math

from pydantic import Field

from agora.values import Value
from agora.workflows.nodes import Flow, TaskNode, When
from agora.workflows.patterns.draft import SHORT, Draft
from agora.workflows.patterns.seats import Seats, seat


class VotingOptions(Value):
    """Options of "voting"."""

    voters: Seats = ()
    """Who votes, in turns."""
    votes: int = Field(default=3, ge=2, le=25)
    """How many."""
    quorum: float = Field(default=0.5, ge=0, lt=1)
    """The share of all votes that the majority has to be above."""


def voting(work: TaskNode, options: VotingOptions, *, name: str) -> Flow:
    """All votes at once, then the tally."""
    draft = Draft(work, name)
    voters = [
        draft.think(f"voter_{number + 1}", "{goal}" + SHORT, agents=seat(options.voters, number))
        for number in range(options.votes)
    ]
    draft.compare("tally", voters)
    most = draft.text("majority", "{tally.majority}", after=["tally"], when=[When(of="tally.votes", above=0)])
    needed = math.floor(options.quorum * options.votes + 1e-9) + 1
    note = draft.unresolved(
        "unresolved",
        f"{{tally.votes}} of {options.votes} votes are for this answer, and {needed} are needed",
        after=["tally"],
        when=[When(of="tally.votes", below=needed)],
    )
    return draft.flow([most], [note], agents=options.voters)
