"""Conformance of verifiers: what the loop relies on, for built-in ones and plug-ins alike."""

from __future__ import annotations

from collections.abc import Callable

from agora.abilities import Judge
from agora.protocols import Desk, Sandbox, Verifier
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


async def check_judge(judge: Judge, task: Task, good: Work, bad: Work, desk: Callable[[], Desk]) -> None:
    """Check that a verifier that asks models keeps its contract on one task.

    Args:
        judge: The one to check.
        task: A task that it can judge.
        good: Work that must pass.
        bad: Work that must fail, with evidence.
        desk: A fresh desk for each judgement, as `desk_for(task, agent="judge")`.

    Raises:
        AssertionError: It does not; the message says in what.
    """
    passed = await judge.judge(task, good, desk=desk())
    assert passed.verdict is Verdict.PASSED, f"good work must pass: {passed.evidence}"
    failed = await judge.judge(task, bad, desk=desk())
    assert failed.verdict is Verdict.FAILED, "bad work must fail"
    assert failed.evidence.strip(), "a failure says why"
    empty = await judge.judge(task, Work(output=" :\n"), desk=desk())
    assert empty.verdict is Verdict.FAILED, "an answer without content must fail"
    for outcome in (passed, failed, empty):
        assert not outcome.grounded, "a model's opinion is not grounded"
        assert len(outcome.evidence) <= MAX_EVIDENCE_CHARS, "evidence is capped"
        assert not any(ord(sign) < 32 and sign not in "\n\t" for sign in outcome.evidence), "evidence is clean"


def _misfit(good: Work) -> Work:
    """The same answer with a patch that was made from other files."""
    change = Change(path="agora-conformance.txt", before="0" * 64, after=b"x")
    return Work(output=good.output, patch=Patch(changes=(change,)))
