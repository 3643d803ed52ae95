"""How a recorded call is known again, and what it gives. Pure, but for the files of the copy."""

from __future__ import annotations

import hashlib
import shutil
import stat
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Final

from agora.errors import BadReplyError, ContextOverflowError, ModelError, ModelTimeoutError, ReplyCutError, SandboxError
from agora.events import Called, Reserved
from agora.ledger.canonical import decode, encode
from agora.messages import Request
from agora.models.replies import LostConnectionError
from agora.protocols import Workspace
from agora.tasks import Change, Patch

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


def put_back(patch: Patch, copy: Workspace, source: Path | None, *, wholly: bool = True) -> None:
    """Bring a fresh copy into the state that a use left the lost one in.

    A recorded patch is made from the folder that was copied, so what differs from that and is not in the patch goes
    back first. No link in the copy is followed.

    Args:
        patch: What differed then, as it was recorded; its paths were taken from the copy itself.
        copy: The fresh copy.
        source: The folder that it was made from, where it is known.
        wholly: False: something works in the copy now, so only what is in the patch is touched.

    Raises:
        SandboxError: What a file held at first cannot be had any more.
    """
    named = {change.path for change in patch.changes}
    differs = [change for change in copy.patch().changes if change.path not in named] if wholly else []
    first = [(change.path, *_original(change, source)) for change in differs if change.before is not None]
    for change in (*differs, *patch.changes):
        if change.after is None or change in differs:
            _remove(copy.root, change.path)
    for path, content, mode in first:
        _write(copy.root, path, content, mode)
    for change in patch.changes:
        if change.after is not None:
            _write(copy.root, change.path, change.after, change.mode)


def _original(change: Change, source: Path | None) -> tuple[bytes, int]:
    """What a file held when it was copied, and its permission bits."""
    try:
        if source is not None:
            file = source / change.path
            content = file.read_bytes()
            if hashlib.sha256(content).hexdigest() == change.before:
                return content, stat.S_IMODE(file.stat().st_mode) & 0o777 | 0o600
    except OSError:
        pass
    raise SandboxError(
        f"the copy cannot be made again as it was: {change.path!r} is not in the folder as it was copied"
    )


def _remove(root: Path, path: str) -> None:
    target = root / path
    if any((root / parent).is_symlink() for parent in Path(path).parents):
        return  # what is behind a link is another file
    with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
        target.unlink()


def _write(root: Path, path: str, content: bytes, mode: int) -> None:
    for parent in reversed(Path(path).parents):
        folder = root / parent
        if folder.is_symlink() or not folder.is_dir():
            folder.unlink(missing_ok=True)
            folder.mkdir()
    target = root / path
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    target.unlink(missing_ok=True)
    target.write_bytes(content)
    target.chmod(mode)
