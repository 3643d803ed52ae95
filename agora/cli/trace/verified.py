"""What `agora trace verify` looks at, and how it says what it found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from agora.abilities import Archive, Rooted
from agora.cli.forms import Form
from agora.cli.paint import inset, out, safe
from agora.cli.session import Session, archive_of, opened_store
from agora.cli.signing import kept, key_file, place_of
from agora.errors import Exit, SignatureError
from agora.ledger.notes import PublicKey
from agora.records import Stored
from agora.traces.trust.checkpoints import By, Sifted, as_copied, read_text, sift, together
from agora.traces.trust.git_notes import read_notes
from agora.traces.trust.keys import named_key, public_key
from agora.traces.trust.ledger_lines import Lines
from agora.traces.trust.rooted import name_of
from agora.traces.trust.verifying import Checked, Finding, by_gravity, examine

if TYPE_CHECKING:
    from agora.values import JsonValue

Texts = list[tuple[str, str]]
"""Where notes come from, and what they say."""
_MOST_NAMED = 20


class Subject(NamedTuple):
    """A ledger with all that is known of it."""

    name: str
    """Where it is, for a person."""
    key: PublicKey | None
    """Whose signatures count; None: there is none here."""
    checked: Checked
    """What was found."""
    run: str = ""
    """The run that was asked about; empty: none."""
    missing: tuple[int, ...] = ()
    """Entries of this run whose bodies are not there."""


async def of_database(session: Session, ref: str | None, key: str | None, files: Sequence[Path]) -> Subject:
    """Verify the shared memory.

    Raises:
        LedgerError: It cannot be read.
        UnknownNameError: There is no such run.
        SignatureError: The key or a file of checkpoints cannot be used.
    """
    async with opened_store(session) as store:
        archive, trusted = archive_of(store), _key(session, key)
        run = "" if ref is None else store.find_run(ref)
        named = _named(files)
        known = _kept(session, name_of(next(islice(archive.stored(), 1), None)))
        sifted = _sifted({By.NAMED: named, **known}, trusted)
        checked = examine(archive.stored(), sifted.signed)
        findings = [*checked.findings, *_useless(named, trusted), *_subtrees(archive, checked)]
        checked = _with(checked, findings=findings, remarks=[*sifted.remarks, *checked.remarks])
        return _about(Subject(place_of(session), trusted, checked), run, archive.stored(run) if run else ())


def of_file(session: Session, file: Path, ref: str | None, key: str | None, files: Sequence[Path]) -> Subject:
    """Verify an exported ledger, by the checkpoints in it and those that are named.

    Raises:
        LedgerError: It cannot be read.
        SignatureError: The key or a file of checkpoints cannot be used.
    """
    lines, trusted = Lines(file.expanduser()), _key(session, key)
    within = [(f"the header of {file.name}", note) for note in lines.header.checkpoints]
    own = kept().text(lines.header.origin) if key is None and lines.header.origin else ""
    named, header = _named(files), lines.header
    sifted = _sifted({By.NAMED: named, By.FOUND: [*within, ("your own checkpoints", own)]}, trusted)
    part = header.run is not None
    checked = examine(lines.stored(), sifted.signed, first=lines.first, promised=header.last, part=part)
    findings = [*checked.findings, *_useless(named, trusted)]
    remarks = [*sifted.remarks, *checked.remarks]
    if lines.torn:
        remarks.append(lines.torn)
    if lines.wrong and not any(one.kind is Exit.CHANGED for one in findings):
        findings = [one for one in findings if one.kind is not Exit.CUT]
        findings.append(Finding(Exit.CHANGED, checked.entries + 1, f"{lines.wrong}; nothing after it was looked at"))
    subject = Subject(str(file), trusted, _with(checked, findings=findings, remarks=remarks))
    if ref is None:
        return subject
    whole = session.ledger_file
    run = "" if whole is None else whole.find_run(ref)
    return _about(subject, run, whole.stored(run) if whole is not None else ())


def form_of(subject: Subject) -> Form:
    """The same as JSON."""
    checked = subject.checked
    findings: list[JsonValue] = [
        {"kind": one.kind.name.lower(), "event": one.seq or None, "what": one.what} for one in checked.findings
    ]
    held: list[JsonValue] = [{"entries": one.checkpoint.size, "where": one.where} for one in checked.held]
    remarks: list[JsonValue] = list(checked.remarks)
    missing: list[JsonValue] = list(subject.missing)
    about: Form = {"run": subject.run, "missing_bodies": missing} if subject.run else {}
    return {
        "ledger": subject.name,
        "origin": checked.origin or None,
        "key": None if subject.key is None else str(subject.key),
        "verdict": _word(checked.exit),
        "entries": checked.entries,
        "bodies": checked.bodies,
        "head": checked.head,
        "root": checked.root.hex() or None,
        "checkpoints": held,
        "findings": findings,
        "remarks": remarks,
        **about,
    }


def print_checked(subject: Subject) -> None:
    """Say what was found."""
    from base64 import b64encode

    console, checked = out(), subject.checked
    console.print(f"[quiet]ledger[/]      {safe(subject.name)} [quiet]{safe(checked.origin)}[/]")
    gone = checked.entries - checked.bodies
    bodies = f"{checked.bodies} bodies" + (f", {gone} not there (erased, or not exported)" if gone else "")
    console.print(f"[quiet]entries[/]     {checked.entries} follow one from another, with {bodies}")
    if checked.root:
        console.print(f"[quiet]root[/]        {b64encode(checked.root).decode()}")
    if checked.held:
        last = checked.held[-1]
        count = len(checked.held)
        which = "1 holds, " if count == 1 else f"{count} hold, the last "
        console.print(f"[quiet]checkpoints[/] {which}over {last.checkpoint.size} entries ({safe(last.where)})")
    if subject.key is not None:
        console.print(f"[quiet]key[/]         {safe(str(subject.key))}")
    for line in checked.remarks:
        console.print(inset(f"[unknown]{safe(line)}[/]"))
    for finding in checked.findings:
        console.print(f"[failed]{_word(finding.kind)}[/]: {safe(finding.what)}")
    if not checked.findings:
        console.print(f"[passed]verified[/]: {_sure(checked)}")


def _sure(checked: Checked) -> str:
    """What of a ledger without findings is signed."""
    signed = checked.held[-1].checkpoint.size if checked.held else 0
    if signed == checked.entries:
        return "this is the ledger that was signed"
    return f"entries 1 to {signed} are those that were signed; what comes after them is not signed"


def _word(kind: Exit) -> str:
    return "verified" if kind is Exit.PASSED else kind.name.lower()


def _key(session: Session, stated: str | None) -> PublicKey | None:
    return public_key(key_file(session)) if stated is None else named_key(stated)


def _named(files: Iterable[Path]) -> Texts:
    return [(str(file), as_copied(read_text(file.expanduser()))) for file in files]


def _kept(session: Session, origin: str) -> dict[By, Texts]:
    """What is known on this machine: the files of the ledger and of the one that was signed here before, and git."""
    files, texts, notes = kept(), Texts(), Texts()
    for name in dict.fromkeys((origin, files.origin_at(place_of(session)))):
        if name:
            texts.append((str(files.file(name)), files.text(name)))
    if session.project is not None:
        try:
            notes = [(f"git note on {commit[:12]}", text) for commit, text in read_notes(session.project)]
        except SignatureError:  # git refuses: there is nothing to be had from it
            notes = []
    return {By.PLACE: texts, By.FOUND: notes}


def _sifted(texts: Mapping[By, Texts], key: PublicKey | None) -> Sifted:
    if key is None:
        return Sifted((), ("there is no key here: name one with --key",))
    return together(sift(some, key, by=by) for by, some in texts.items())


def _useless(named: Texts, key: PublicKey | None) -> Iterable[Finding]:
    """The files that were named, and hold nothing that the key has signed."""
    if key is None:
        return
    for name, text in named:
        if not sift([(name, text)], key).signed:
            yield Finding(Exit.UNSIGNED, 0, f"{name} holds no checkpoint that the key has signed")


def _subtrees(archive: Archive, checked: Checked) -> Sequence[Finding]:
    """Whether the stored part of the tree is the one over the entries."""
    if not isinstance(archive, Rooted) or any(one.kind is Exit.CHANGED for one in checked.findings):
        return ()
    for level in sorted({level for level, _, _ in checked.subtrees}):
        due = [found for at, _, found in checked.subtrees if at == level]
        if list(archive.hashes(level, 0, len(due) + 1)) != due:
            what = f"the stored subtrees of level {level} are not those of the entries: `agora memory rebuild`"
            return (Finding(Exit.CHANGED, 0, what),)
    return ()


def _about(subject: Subject, run: str, stored: Iterable[Stored]) -> Subject:
    if not run:
        return subject
    missing = tuple(one.entry.envelope.seq for one in stored if one.body is None)
    if not missing:
        return subject._replace(run=run)
    named = ", ".join(map(str, missing[:_MOST_NAMED])) + (" ..." if len(missing) > _MOST_NAMED else "")
    what = f"run {run}: {len(missing)} of its events have no body any more ({named})"
    finding = Finding(Exit.INCOMPLETE, missing[0], what)
    checked = _with(subject.checked, findings=[*subject.checked.findings, finding], remarks=subject.checked.remarks)
    return subject._replace(run=run, missing=missing, checked=checked)


def _with(checked: Checked, *, findings: Sequence[Finding], remarks: Sequence[str]) -> Checked:
    return checked._replace(findings=by_gravity(findings), remarks=tuple(dict.fromkeys(remarks)))
