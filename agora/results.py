"""What a market hands back: one result a task, one report a run."""

from __future__ import annotations

from decimal import Decimal

from agora.bids import Award, Bid, Clearing, Shortlist
from agora.events import Performed, Step
from agora.routing import HardFailure
from agora.tasks import Outcome, Patch, Task, Usage, Verdict, Work
from agora.values import Value


class Attempt(Value):
    """One award and what came of it."""

    award: Award
    """To whom, for what, and why."""
    outcome: Outcome
    """What the verifier found."""
    output: str = ""
    """What the agent handed in, in words."""
    patch: Patch = Patch()
    """What it changed."""
    delivered: Usage = Usage()
    """What it took."""
    error: str = ""
    """Why it broke off, where it did."""
    blameless: bool = False
    """True: it could not work, by no doing of its own."""
    failure: HardFailure | None = None
    """Where nothing usable came back at all."""
    tool_calls: int = 0
    """Calls of tools that ended."""
    tool_calls_ok: int = 0
    """Those that ran without an error."""
    steps: tuple[Step, ...] = ()
    """Which of its two models each call went to; empty of an agent that has one."""


def attempt_of(award: Award, performed: Performed, outcome: Outcome) -> Attempt:
    """An attempt from the events that it left."""
    work = performed.work or Work(output="")
    return Attempt(
        award=award,
        outcome=outcome,
        output=work.output,
        patch=work.patch,
        delivered=performed.usage,
        error=performed.error,
        blameless=performed.blameless,
        failure=performed.failure,
        tool_calls=performed.tool_calls,
        tool_calls_ok=performed.tool_calls_ok,
        steps=performed.steps,
    )


class Result(Value):
    """What came of one task."""

    run: str
    """The run's id: `agora show RUN`."""
    task: Task
    """What was asked."""
    verdict: Verdict
    """passed, failed or unknown."""
    attempts: tuple[Attempt, ...] = ()
    """In order; the last one counts."""
    shortlist: Shortlist = Shortlist(members={})
    """Who could bid and who was kept out."""
    bids: tuple[Bid, ...] = ()
    """As opened in the auction that counts: that of the last attempt, or the last one where there was no attempt."""
    clearing: Clearing | None = None
    """How they were scored; None where nobody bid."""
    usage: Usage = Usage()
    """Everything the task took."""
    overhead: Usage = Usage()
    """The part that went into bids, marks and second plans."""
    applied: bool = False
    """Whether the patch was written to the workspace."""
    reason: str = ""
    """Why it ended, where no attempt passed."""
    budget_short: bool = False
    """Whether money or tokens were what kept it from being done."""
    parked: bool = False
    """True: several agents failed; it is set aside with its trace for a person to look at."""

    @property
    def passed(self) -> bool:
        """Whether the verifier said so."""
        return self.verdict is Verdict.PASSED

    @property
    def award(self) -> Award | None:
        """The award that counts."""
        return self.attempts[-1].award if self.attempts else None

    @property
    def output(self) -> str:
        """The answer in words."""
        return self.attempts[-1].output if self.attempts else ""

    @property
    def patch(self) -> Patch:
        """What would change, or has changed, in the workspace."""
        return self.attempts[-1].patch if self.attempts else Patch()

    @property
    def cost_usd(self) -> Decimal:
        """Dollars, bids included."""
        return self.usage.usd

    @property
    def trace(self) -> str:
        """The run's id, by which the ledger knows it."""
        return self.run


class Report(Value):
    """What came of a run."""

    run: str
    """Its id."""
    results: tuple[Result, ...]
    """One a task, in order."""
    usage: Usage
    """Everything it took."""
    overhead: Usage
    """The part that went into bids."""
    seconds: float
    """Wall time."""

    @property
    def passed(self) -> int:
        """How many tasks passed."""
        return sum(result.passed for result in self.results)
