"""Every error that Agora raises on purpose, in one tree.

    AgoraError
    ├── UsageError            (exit 2)  something the user wrote cannot be used
    │   ├── ConfigError                 a TOML file, a flag or a definition is malformed
    │   ├── NoAgentsError               the pool is empty
    │   ├── UnknownNameError            no agent, model, verifier, mechanism, run, ... of that name
    │   ├── MissingKeyError             a provider's API key is not set
    │   └── WorkspaceError              the workspace is not there or cannot be read
    ├── NoBidsError           (exit 1)  nobody may, can or wants to do the task
    ├── BudgetError           (exit 3)  a cost cannot be covered
    │   ├── BudgetExceededError         the worst case does not fit into the purse
    │   └── UnpricedModelError          nobody can say what a call costs
    ├── VerifierError         (exit 4)  the verifier could not start, so nothing is known
    ├── ApprovalError         (exit 5)  it did not happen, because of a person
    │   ├── ApprovalRefusedError        who said no
    │   └── ApprovalPendingError        nobody could be asked: the question waits on the ledger
    ├── SandboxError          (exit 6)  no sandbox, or not one of the tier that the task demands
    ├── ModelError            (exit 1)  a model call gave nothing that can be used
    │   ├── ModelTimeoutError           the total deadline passed
    │   ├── ReplyCutError               the reply ended before its end
    │   ├── ContextOverflowError        the prompt does not fit the model
    │   ├── BadReplyError               empty, oversized or malformed
    │   ├── ProviderDownError           not called, since its provider fails; says when it is tried next
    │   └── ProviderBusyError           not called, since too many wait for it already
    ├── AgentError            (exit 1)  an agent broke its contract (plan, limits, command)
    ├── PatchError            (exit 1)  a diff does not fit the files it was made from
    │   └── FolderBusyError             another process is writing a patch to the folder
    ├── WebError              (exit 1)  a page or a search gave nothing that can be used
    │   └── WebRefusedError             the guard did not let it be asked for
    └── LedgerError           (exit 1)  the record is damaged or was asked for the impossible
        ├── LeaseError                  a run is another process's to write
        ├── ChangedError      (exit 10) an entry or a body is not what was recorded
        ├── DivergedError     (exit 13) two ledgers that should be one have different histories
        ├── SignatureError    (exit 12) a key, a checkpoint or a signature cannot be used
        └── IncompleteError   (exit 14) what was asked for needs a part that is not there any more

Each message names the thing and the mend; `exit_code` is what the command line ends with (`Exit` lists them).
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import cast

from agora.exits import Exit as Exit

_SHOWN_NAMES = 12


class AgoraError(Exception):
    """The root. Catch it to catch everything that Agora raises on purpose."""

    exit_code: int = Exit.FAILED


class UsageError(AgoraError):
    """Something the user wrote cannot be used."""

    exit_code = Exit.USAGE


class ConfigError(UsageError, ValueError):
    """A definition is malformed.

    Args:
        where: The file, flag or field.
        what: What is wrong with it and how to mend it.
    """

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where, self.what = where, what


class NoAgentsError(UsageError):
    """The pool is empty."""

    def __init__(self, where: str = "the market") -> None:
        super().__init__(f"{where} has no agents: define one in agents/NAME.toml or pass Agent(...) to Market")


class UnknownNameError(UsageError, LookupError):
    """A name that nothing answers to; the nearest known names are offered.

    Args:
        what: The kind of thing, as "agent" or "verifier".
        name: What was asked for.
        known: What there is.
    """

    def __init__(self, what: str, name: str, known: Iterable[str] = ()) -> None:
        names = sorted(known)
        near = get_close_matches(name, names, n=1)
        more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names[:_SHOWN_NAMES]) or 'none'}{more}"
        super().__init__(f"no {what} named {name!r}; {hint}")
        self.what, self.name = what, name


class MissingKeyError(UsageError):
    """A provider's API key is not set."""

    def __init__(self, model: str, variable: str) -> None:
        super().__init__(f"model {model!r} needs an API key: set {variable}")
        self.model, self.variable = model, variable


class WorkspaceError(UsageError):
    """The workspace is not there or cannot be read."""

    def __init__(self, path: str, why: str = "is not a folder") -> None:
        super().__init__(f"workspace {path!r} {why}: name a folder that is there (--workspace, or a workflow's input)")
        self.path = path


class NoBidsError(AgoraError):
    """Nobody may, can or wants to do the task."""

    def __init__(self, task: str, why: str = "") -> None:
        super().__init__(f"no agent bid on task {task!r}" + (f": {why}" if why else ""))
        self.task = task


class BudgetError(AgoraError):
    """A cost cannot be covered."""

    exit_code = Exit.BUDGET


class BudgetExceededError(BudgetError):
    """The worst case of a call does not fit into a purse.

    Args:
        purse: Whose purse, as "run" or "agent scout".
        what: The dimension: usd, tokens, steps or seconds.
        need: What the call may cost at worst.
        left: What the purse still holds.
    """

    def __init__(self, purse: str, what: str, need: object, left: object) -> None:
        super().__init__(f"{purse}: the next call may need {need} {what}, and {left} are left; raise the {what} limit")
        self.purse, self.what, self.need, self.left = purse, what, need, left


class UnpricedModelError(BudgetError):
    """Nobody can say what a call costs, so it is not made."""

    def __init__(self, model: str) -> None:
        super().__init__(f"model {model!r} has no known price: state one in the agent's `price`")
        self.model = model


class VerifierError(AgoraError):
    """The verifier could not start or could not decide; the outcome is unknown."""

    exit_code = Exit.UNKNOWN


class ApprovalError(AgoraError):
    """It did not happen, because of a person."""

    exit_code = Exit.APPROVAL


class ApprovalRefusedError(ApprovalError):
    """A person said no."""


class ApprovalPendingError(ApprovalError):
    """A question waits on the ledger for a person; the run goes on when it is answered.

    Args:
        run: The run's id.
        questions: Ids of the questions.
    """

    def __init__(self, run: str, questions: Iterable[str]) -> None:
        self.run, self.questions = run, tuple(questions)
        waiting = ", ".join(self.questions)
        super().__init__(f"run {run} waits for an answer ({waiting}): `agora approve {run}`, then `agora resume {run}`")


class SandboxError(AgoraError):
    """There is no sandbox, or none of the tier that the task demands."""

    exit_code = Exit.SANDBOX


class ModelError(AgoraError):
    """A model call gave nothing that can be used.

    Args:
        model: The model's name.
        what: What went wrong.
        paid: Whether the provider may charge for it. True books the reservation.
        status: The provider's HTTP status, where there was one.
        retry_after_s: How long the provider asked us to wait, where it did.
    """

    again: bool = True
    """Whether the provider's retry budget allows the same call once more; the guard says so."""

    def __init__(
        self, model: str, what: str, *, paid: bool = True, status: int | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(f"model {model!r}: {what}")
        self.model, self.what, self.paid = model, what, paid
        self.status, self.retry_after_s = status, retry_after_s


class ModelTimeoutError(ModelError, TimeoutError):
    """The total deadline of a call passed; the provider may have been paid."""


class ReplyCutError(ModelError):
    """The reply ended before its end: no finish reason, or the output cap inside a structured answer."""


class ContextOverflowError(ModelError):
    """The prompt does not fit into the model's context."""


class BadReplyError(ModelError):
    """The reply is empty, oversized or malformed."""


class ProviderDownError(ModelError):
    """The call was not made: too many before it failed.

    Args:
        model: The model's name.
        why: What failed.
        next_s: Seconds until one call is let through to see whether it works again.
    """

    def __init__(self, model: str, why: str, *, next_s: float) -> None:
        super().__init__(model, f"not called: {why}", paid=False, retry_after_s=next_s)
        self.next_s = next_s


class ProviderBusyError(ModelError):
    """The call was not made: it would have waited for others past its deadline, or the queue is full."""

    def __init__(self, model: str, why: str) -> None:
        super().__init__(model, f"not called: {why}; run fewer at once or raise `deadline_s`", paid=False)


class AgentError(AgoraError):
    """An agent broke its contract: no plan, a limit passed, a command that cannot start."""

    def __init__(self, agent: str, what: str) -> None:
        super().__init__(f"agent {agent!r}: {what}")
        self.agent, self.what = agent, what


class PatchError(AgoraError):
    """A diff does not fit the files it was made from; nothing was written."""


class FolderBusyError(PatchError):
    """Another process is writing a patch to the folder, and has not done so in time; nothing was written here."""


class WebError(AgoraError):
    """A page or a search gave nothing that can be used.

    Args:
        where: The URL (shortened) or the provider; never a key.
        what: What went wrong and what to do.
    """

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where, self.what = where, what


class WebRefusedError(WebError):
    """A URL that the guard does not let anyone ask for; no connection was made to it."""


class LedgerError(AgoraError):
    """The record is damaged, or a write to it was refused."""


class LeaseError(LedgerError):
    """A run is another process's to write, or was this one's and is no longer; nothing was written.

    Args:
        run: The run's id.
        holder: Who has the lease: host, process id and when it started.
        lost: Whether this process had the lease and lost it.
    """

    def __init__(self, run: str, holder: str, *, lost: bool = False) -> None:
        super().__init__(
            f"run {run}: the lease ran out while this process was stopped; "
            f"another may have gone on: `agora resume {run}`"
            if lost
            else f"run {run} is being written by {holder}: wait until it is done, or end that process"
        )
        self.run, self.holder, self.lost = run, holder, lost


class ChangedError(LedgerError):
    """An entry (the first, by its position) or a body is not what was recorded; and what follows from that."""

    exit_code = Exit.CHANGED

    def __init__(self, seq: int, what: str) -> None:
        super().__init__(f"entry {seq} of the ledger or its body was changed: {what}")
        self.seq = seq


class DivergedError(LedgerError):
    """Two ledgers that should be one have different histories."""

    exit_code = Exit.DIVERGED


class SignatureError(LedgerError):
    """A key, a checkpoint or a signature cannot be used."""

    exit_code = Exit.UNSIGNED


class IncompleteError(LedgerError):
    """What was asked for needs a part of the ledger that was erased, or was never in the file."""

    exit_code = Exit.INCOMPLETE


def described(error: Exception) -> str:
    """One line for the record: Agora's own errors speak for themselves, others are named.

    >>> described(ValueError("boom"))
    'ValueError: boom'
    """
    text = str(error) if isinstance(error, AgoraError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:2000]


def only(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """What a task group failed with: the one error inside, or the group where there are several."""
    if len(failures.exceptions) != 1:
        return failures
    one = failures.exceptions[-1]
    return only(cast("BaseExceptionGroup[BaseException]", one)) if isinstance(one, BaseExceptionGroup) else one
