"""The patch and the user's folder: written wholly or not at all, once, and only if someone says so."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import anyio.from_thread
import anyio.to_thread

from agora.errors import FolderBusyError, PatchError
from agora.events import Applied, Applying, Asked
from agora.lots import House, Lot
from agora.questions import Question
from agora.results import Attempt
from agora.sandbox import apply_patch
from agora.tasks import Verdict

_HALF = "; it was being written when Agora ended, and the old files stand in .agora-patch-* below the workspace"


async def apply(house: House, lot: Lot) -> bool:
    """Write the last attempt's patch to the user's workspace, unless it failed; the intent is on record first.

    A run that died in between goes on with the same application: files that are written already are left as they are.
    The intent is recorded while the folder is held, so whoever has lost the run's lease fails there and writes nothing;
    and while a process that was stopped in the middle still holds the folder, nobody says what came of it.

    Raises:
        ApprovalPendingError: Nobody can be asked now.
        FolderBusyError: An earlier process of this run is still writing.
    """
    last = lot.attempts[-1] if lot.attempts else None
    begun = house.run.past.find(Applying, lot.task.id) is not None
    if last is None or lot.task.workspace is None or not last.patch.changes:
        return False
    if not begun and (last.outcome.verdict is Verdict.FAILED or not _somebody_asks(house, lot)):
        return False
    applied = house.run.past.find(Applied, lot.task.id)
    if applied is None:
        reason = await _apply(house, lot, last)
        paths = tuple(change.path for change in last.patch.changes)
        applied = Applied(task=lot.task.id, paths=paths, applied=not reason, reason=reason)
        await house.record(applied)
    return applied.applied


def _somebody_asks(house: House, lot: Lot) -> bool:
    """Whether patches are applied here at all, or one already waits for its answer."""
    return house.run.approve is not None or house.run.past.find(Asked, lot.task.id, f"{lot.task.id}/diff") is not None


async def _apply(house: House, lot: Lot, attempt: Attempt) -> str:
    """Why it was not applied; empty where it was."""
    root = Path(str(lot.task.workspace))
    begun = house.run.past.find(Applying, lot.task.id) is not None
    if not attempt.patch.whole:
        return "it held a secret, which is not on record: make a new attempt" + (_HALF if begun else "")
    if not begun:
        question = Question(
            id=f"{lot.task.id}/diff",
            about="diff",
            task=lot.task.id,
            agent=attempt.award.agent,
            patch=attempt.patch,
            workspace=str(root),
        )
        if not await house.run.granted(question):
            return "not approved"
    intent = Applying(task=lot.task.id, attempt=attempt.award.attempt)

    def announce() -> None:
        anyio.from_thread.run(house.record, intent)

    try:
        await anyio.to_thread.run_sync(partial(apply_patch, attempt.patch, root, resuming=begun, announce=announce))
    except FolderBusyError as busy:
        if begun:
            raise
        return str(busy)
    except PatchError as error:
        return str(error)
    return ""
