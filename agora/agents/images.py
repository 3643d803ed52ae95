"""Pictures of a task: found and checked before anything is spent, and read once."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from agora.errors import ConfigError
from agora.messages import Image, ImageType
from agora.tasks import Task

MOST_IMAGES = 20
"""So many may belong to one task."""
MOST_BYTES = 5_000_000
"""The largest one."""
MOST_ALL_BYTES = 20_000_000
"""All of one task together: as text they take a third more, and a body of the ledger holds 32 MB."""

_HEAD = 16
_CACHED = 2 * MOST_IMAGES


def media_type(head: bytes) -> ImageType | None:
    r"""What a file is, by its first 16 bytes; None: no image that models take.

    >>> media_type(b"GIF89a"), media_type(b"<svg>")
    ('image/gif', None)
    """
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    return None


def checked_images(task: Task, *, base: Path | None = None) -> tuple[str, ...]:
    """The images of a task as they are named from now on; nothing is read but their first bytes.

    Args:
        task: With its workspace resolved.
        base: Where images are looked for that belong to no workspace; None: the current folder.

    Returns:
        Paths relative to the workspace; without one, absolute paths.

    Raises:
        ConfigError: Naming the image and the mend.
    """
    where = f"task {task.id!r}: images"
    if len(task.images) > MOST_IMAGES:
        raise ConfigError(where, f"are {len(task.images)}, and {MOST_IMAGES} is the most: leave some out")
    total, named = 0, list[str]()
    for image in task.images:
        path = _found(image, Path(task.workspace) if task.workspace else None, base or Path.cwd(), where)
        total += _size(path, image, where)
        named.append(path.relative_to(task.workspace).as_posix() if task.workspace else str(path))
    if total > MOST_ALL_BYTES:
        raise ConfigError(
            where, f"hold {total:,} bytes together, and {MOST_ALL_BYTES:,} is the most: make them smaller"
        )
    return tuple(named)


def read_images(task: Task) -> tuple[Image, ...]:
    """The images of a task, as they were when the first agent asked for them.

    Raises:
        ConfigError: One is gone or is no image any more.
    """
    where = f"task {task.id!r}: images"
    images: list[Image] = []
    for image in task.images:
        path = _found(image, Path(task.workspace) if task.workspace else None, Path.cwd(), where)
        _size(path, image, where)
        told = path.stat()
        images.append(_read(path, told.st_mtime_ns, told.st_size))
    return tuple(images)


@lru_cache(maxsize=_CACHED)
def _read(path: Path, _mtime_ns: int, size: int) -> Image:
    with path.open("rb") as file:
        data = file.read(size)
    kind = media_type(data[:_HEAD])
    if kind is None:
        raise ConfigError(str(path), "is no image any more: put it back")
    return Image(media_type=kind, data=data)


def _found(image: str, workspace: Path | None, base: Path, where: str) -> Path:
    path = ((workspace or base) / Path(image).expanduser()).resolve()
    if workspace is not None and not path.is_relative_to(workspace):
        raise ConfigError(where, f"{image!r} is outside of the workspace: put it inside, or name no workspace")
    if not path.is_file():
        looked = "in the workspace" if workspace is not None else f"in {str(base)!r}"
        raise ConfigError(where, f"{image!r} is not a file; it is looked for {looked}")
    return path


def _size(path: Path, image: str, where: str) -> int:
    """Bytes of an image that can be used."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise ConfigError(where, f"{image!r} cannot be read: {error.strerror or error}") from None
    if media_type(head) is None:
        raise ConfigError(where, f"{image!r} is no PNG, JPEG, GIF or WebP by its content: convert it")
    if size > MOST_BYTES:
        raise ConfigError(where, f"{image!r} has {size:,} bytes, and {MOST_BYTES:,} is the most: make it smaller")
    return size
