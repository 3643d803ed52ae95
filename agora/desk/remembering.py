"""How a recorded call is known again, and what it gives. Pure, but for the files of the copy."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Final

from agora.errors import BadReplyError, ContextOverflowError, ModelError, ModelTimeoutError, ReplyCutError
from agora.events import Called, Reserved
from agora.ledger.canonical import decode, encode
from agora.messages import Request
from agora.models.replies import LostConnectionError
from agora.tasks import Patch

_FAILURES: Final[dict[str, type[ModelError]]] = {
    kind.__name__: kind
    for kind in (BadReplyError, ContextOverflowError, LostConnectionError, ModelTimeoutError, ReplyCutError)
}


def normalised(request: Request) -> Request:
    """A request as it is read back from the ledger: cleaned of what no text may hold."""
    intent = Reserved(call="", agent="", model="", request=request, usd=Decimal(0), tokens=0)
    event = decode(encode(intent))
    assert isinstance(event, Reserved)
    return event.request


def same_request(recorded: Request, asked: Request) -> bool:
    """Whether two requests ask the same; the output cap and the deadline are what was left then and is left now."""
    if recorded.max_tokens > asked.max_tokens:
        return False
    left = {"max_tokens": recorded.max_tokens, "deadline_s": recorded.deadline_s}
    return asked.model_copy(update=left) == recorded


def failure_of(ended: Called, model: str) -> ModelError:
    """The error that a recorded call ended with."""
    kind = _FAILURES.get(ended.failure, ModelError)
    what = ended.error.removeprefix(f"model {model!r}: ")
    return kind(model, what, paid=ended.usage.usd > 0 or ended.usage.tokens > 0, status=ended.status)


def put_back(patch: Patch, root: Path) -> None:
    """Bring a fresh copy into the state that a command left the lost one in.

    Args:
        patch: What the command had changed, as it was recorded; its paths were taken from the copy itself.
        root: The fresh copy.
    """
    for change in patch.changes:
        target = root / change.path
        if change.after is None:
            target.unlink(missing_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(change.after)
        target.chmod(change.mode)
