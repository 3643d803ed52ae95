"""Conformance of verifiers: what the loop relies on, for built-in ones and plug-ins alike."""

from __future__ import annotations

from agora.protocols import Sandbox, Verifier
from agora.tasks import Change, Patch, Task, Verdict, Work
from agora.verifiers.evidence import MAX_EVIDENCE_CHARS


async def check_verifier(verifier: Verifier, task: Task, good: Work, bad: Work, sandbox: Sandbox) -> None:
    """Check that a verifier keeps its contract on one task.

    Args:
        verifier: The one to check.
        task: A task that it can verify.
        good: Work that must pass.
        bad: Work that must fail, with evidence.
        sandbox: Where commands run.

    Raises:
        AssertionError: It does not; the message says in what.
    """
    assert verifier.name, "a verifier has a name"
    first = await verifier.verify(task, good, sandbox=sandbox)
    assert first.verdict is Verdict.PASSED, f"good work must pass: {first.evidence}"
    assert first.verifier == verifier.name, "an outcome names its verifier"
    failed = await verifier.verify(task, bad, sandbox=sandbox)
    assert failed.verdict is Verdict.FAILED, "bad work must fail"
    assert failed.evidence.strip(), "a failure says why"
    again = await verifier.verify(task, good, sandbox=sandbox)
    assert again.verdict is Verdict.PASSED, "a verdict must not depend on what was verified before"
    for work in (Work(output=""), Work(output="\x00\x1b[31m\ufffd" * 200_000), _misfit(good)):
        outcome = await verifier.verify(task, work, sandbox=sandbox)
        assert len(outcome.evidence) <= MAX_EVIDENCE_CHARS, "evidence is capped"
        assert not any(ord(sign) < 32 and sign not in "\n\t" for sign in outcome.evidence), "evidence is clean"
        assert outcome.seconds >= 0, "seconds are not negative"


def _misfit(good: Work) -> Work:
    """The same answer with a patch that was made from other files."""
    change = Change(path="agora-conformance.txt", before="0" * 64, after=b"x")
    return Work(output=good.output, patch=Patch(changes=(change,)))
