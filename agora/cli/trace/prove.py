"""`agora trace prove`: that an event stands on the ledger, for somebody who has nothing but the public key."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agora.cli.options import Json, Ledger, Project
from agora.cli.trace.verify import Key

if TYPE_CHECKING:
    from agora.abilities import Archive
    from agora.cli.forms import Form
    from agora.cli.session import Session
    from agora.ledger.notes import Note
    from agora.traces.trust.proving import Proof


def prove(
    event: Annotated[
        int | None, typer.Argument(metavar="[EVENT]", min=1, help="Its position, as `agora trace events` lists it.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to.", show_default="standard output")
    ] = None,
    check: Annotated[
        Path | None, typer.Option("--check", metavar="FILE", help="Check a proof; no ledger is needed.")
    ] = None,
    key: Key = None,
    json: Json = False,
    project: Project = None,
    ledger: Ledger = None,
) -> None:
    """Prove that an event stands on the ledger, or check such a proof.

    The proof says when and in which run an event of which kind was recorded, and nothing of what stands in it.
    """
    import anyio

    from agora.cli.session import open_session
    from agora.errors import ConfigError

    if (event is None) == (check is None):
        raise ConfigError("EVENT", "name the event to prove, or a proof with --check")
    session = open_session(project=project, ledger=ledger)
    if check is not None:
        _check(session, check, key, json=json)
    elif event is not None:
        anyio.run(partial(_prove, session, event, output, key))


async def _prove(session: Session, seq: int, output: Path | None, key: str | None) -> None:
    from agora.cli.session import archive_of, opened_store
    from agora.traces.trust.proving import prove as proof_of

    async with opened_store(session) as store:
        archive = archive_of(store)
        note = _of_file(session, seq, key) if session.ledger is not None else await _of_database(session, archive, seq)
        proof = proof_of(archive, seq, note)
    _write(proof, output)


def _write(proof: Proof, output: Path | None) -> None:
    from agora.cli.paint import err, safe
    from agora.errors import ConfigError

    if output is None:
        sys.stdout.write(str(proof))
        return
    try:
        output.expanduser().write_text(str(proof), encoding="utf-8")
    except OSError as problem:
        raise ConfigError(str(output), f"cannot be written: {problem.strerror}") from None
    name, size = safe(str(output)), len(proof.core())
    err().print(f"[quiet]{name}: a proof of {size} bytes, with the entry and the checkpoint it is under[/]")


async def _of_database(session: Session, archive: Archive, seq: int) -> Note:
    """The latest checkpoint that is over an event and still holds; the ledger is signed anew where there is none."""
    from agora.cli.signing import kept, key_file, publisher_of
    from agora.errors import LedgerError, UnknownNameError
    from agora.traces.trust.attesting import go_on
    from agora.traces.trust.checkpoints import sift
    from agora.traces.trust.keys import public_key
    from agora.traces.trust.rooted import whole

    ledger, own = whole(archive), public_key(key_file(session))
    if seq > ledger.size:
        raise UnknownNameError("event", str(seq), [f"1 to {ledger.size}"])
    known = sift([("", kept().text(ledger.origin))], own).signed if own is not None else ()
    for one in reversed(known):
        go_on(archive, ledger, one.checkpoint)
        if one.checkpoint.size >= seq:
            return one.note
    publisher = publisher_of(session, archive)
    if publisher is None:
        raise LedgerError(f"no checkpoint is over event {seq}: `agora trace checkpoint` signs the ledger")
    return (await publisher.publish()).note


def _of_file(session: Session, seq: int, key: str | None) -> Note:
    """The first checkpoint in an exported ledger that is over an event."""
    from agora.cli.signing import key_file
    from agora.errors import SignatureError
    from agora.traces.trust.checkpoints import sift
    from agora.traces.trust.keys import named_key, public_key

    file = session.ledger_file
    trusted = named_key(key) if key is not None else public_key(key_file(session))
    if file is None or trusted is None:
        raise SignatureError("there is no key here: name one with --key")
    sifted = sift([("the header", note) for note in file.header.checkpoints], trusted)
    for one in sifted.signed:
        if one.checkpoint.size >= seq:
            return one.note
    raise SignatureError(f"the file has no checkpoint over event {seq} that the key has signed")


def _check(session: Session, file: Path, key: str | None, *, json: bool) -> None:
    from datetime import UTC, datetime

    from agora.cli.forms import print_form
    from agora.cli.paint import out, safe
    from agora.cli.signing import key_file
    from agora.errors import SignatureError
    from agora.traces.trust.checkpoints import read_text
    from agora.traces.trust.keys import named_key, public_key
    from agora.traces.trust.proving import Proof

    trusted = named_key(key) if key is not None else public_key(key_file(session))
    if trusted is None:
        raise SignatureError("there is no key here: name one with --key")
    proof = Proof.parse(read_text(file.expanduser()))
    checkpoint, entry = proof.check(trusted), proof.entry()
    if json:
        fields: Form = {
            "event": entry.seq,
            "run": entry.run,
            "kind": entry.kind,
            "at_us": entry.at_us,
            "body": entry.body,
        }
        signed: Form = {"origin": checkpoint.origin, "entries": checkpoint.size, "root": checkpoint.root.hex()}
        print_form("agora.trace.prove/1", {**fields, **signed, "key": str(trusted)})
        return
    when = datetime.fromtimestamp(entry.at_us / 1e6, tz=UTC).isoformat(sep=" ", timespec="seconds")
    what = f"event {entry.seq}, {safe(entry.kind)} of run {safe(entry.run)}, recorded {when}"
    out().print(f"[passed]proven[/]: {what}")
    out().print(f"[quiet]under the checkpoint of {checkpoint.size} entries of {safe(checkpoint.origin)}[/]")
    out().print(f"[quiet]signed by {safe(str(trusted))}[/]")
