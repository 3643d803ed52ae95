"""The file of the signing key: made when something is first signed, readable by its owner only, shown nowhere.

It stands in the user's data folder, neither in a project nor in a database, so that whoever gets hold of these cannot
sign. Whoever can read the file can.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from agora.errors import SignatureError
from agora.ledger.notes import PublicKey, SecretKey

NAME: Final = "agora"
"""What the key is called in signatures."""
FILE: Final = "signing.key"
"""The file's name in the user's data folder."""
_SEED_BYTES: Final = 32
_MOST_BYTES: Final = 10_000


def signing_key(path: Path) -> SecretKey:
    """The key in a file; it is made there where nothing is yet.

    Raises:
        SignatureError: It cannot be read or written, others may read it, or it is no key.
    """
    return _read(path) or _made(path)


def public_key(path: Path) -> PublicKey | None:
    """The public part of the key in a file; None: there is no such file.

    Raises:
        SignatureError: It cannot be read, others may read it, or it is no key.
    """
    secret = _read(path)
    return None if secret is None else secret.public


def named_key(text: str) -> PublicKey:
    """The public key that somebody names: itself, or a file that holds it.

    Raises:
        SignatureError: It is neither.
    """
    try:  # what is a key is that key: a file of its name, in a folder of somebody else, is not asked
        return PublicKey.parse(text)
    except SignatureError as problem:
        wrong = problem
    try:
        file = Path(text).expanduser()
        if not file.is_file():
            raise wrong
        content = file.read_bytes()[:_MOST_BYTES].decode()
    except (OSError, RuntimeError, ValueError) as problem:
        raise SignatureError(f"the key in {text!r} cannot be read: {_why(problem)}") from None
    try:
        return PublicKey.parse(content)
    except SignatureError as problem:
        raise SignatureError(f"{text!r}: {problem}") from None


def _read(path: Path) -> SecretKey | None:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(_MOST_BYTES)
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise SignatureError(f"the signing key {str(path)!r} cannot be read: {_why(problem)}") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SignatureError(f"the signing key {str(path)!r} is open to others: chmod 600 it, if none of them has it")
    try:
        return SecretKey.parse(content.decode())
    except (SignatureError, ValueError) as problem:
        why = problem if isinstance(problem, SignatureError) else "it is no text"
        raise SignatureError(f"{str(path)!r} is {why}; restore it, or move it away for a new one") from None


def _made(path: Path) -> SecretKey:
    key = SecretKey(NAME, os.urandom(_SEED_BYTES))
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(key.text() + "\n")
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)  # whole or not at all, and never over another process's
        finally:
            draft.unlink()
    except FileExistsError:
        return _read(path) or key
    except OSError as problem:
        raise SignatureError(
            f"the signing key {str(path)!r} cannot be written: {_why(problem)}; AGORA_SIGNING_KEY names another place"
        ) from None
    return key


def _why(problem: Exception) -> str:
    if isinstance(problem, OSError) and problem.errno:
        return os.strerror(problem.errno)
    return "it is no text" if isinstance(problem, UnicodeError) else str(problem)
