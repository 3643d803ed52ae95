"""Signing the ledger at the end of a run, and putting what was signed where the database's writer does not write.

First it is looked up what was signed last: a ledger that does not go on from there is not signed, so that a cut or
rewritten one never gets a good signature. Then the note goes into the file of the ledger, and, where the user wants it,
to git and to a command of theirs, which can take it off this machine. Nothing of this changes what came of the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

import anyio.to_thread

from agora.abilities import Archive
from agora.errors import AgoraError, SignatureError, described
from agora.events import Posted
from agora.ledger.canonical import decode
from agora.ledger.notes import Note
from agora.traces.trust.attesting import at_home, attested
from agora.traces.trust.checkpoints import Checkpoints, Signed, sift
from agora.traces.trust.git_notes import add_note, repository
from agora.traces.trust.handing import COMMAND_S, hand
from agora.traces.trust.keys import signing_key
from agora.traces.trust.rooted import name_of

Where = Literal["off", "file", "git"]
"""Where checkpoints are published: nowhere; in the file; there and as a git note."""
_POSTED: Final = frozenset({"posted"})


class Publisher:
    """Signs and publishes a ledger; given to a market, it does so when a run's terminal row is durable.

    Args:
        archive: With the ledger.
        key: The file of the signing key; made when it is first needed.
        kept: The files of checkpoints.
        place: Where the ledger is: URL or path of its database.
        where: Where to.
        project: The project's folder, whose repository takes the note where no task has a workspace in one.
        command: A program and its arguments; gets the note on its standard input. None where empty.
        anew: Set aside what was signed here before, if this is not that ledger: its owner restored or began another.
    """

    def __init__(
        self,
        archive: Archive,
        *,
        key: Path,
        kept: Checkpoints,
        place: str,
        where: Where = "file",
        project: Path | None = None,
        command: Sequence[str] = (),
        anew: bool = False,
    ) -> None:
        self._archive, self._key, self._kept, self._place = archive, key, kept, place
        self._where, self._project, self._command, self._anew = where, project, tuple(command), anew
        self.signed: Signed | None = None
        """The latest checkpoint; None where there is none yet."""
        self.places: list[str] = []
        """Where it was published, for a person."""
        self.warnings: list[str] = []
        """What could not be done."""

    async def __call__(self, run: str) -> None:
        """Sign and publish; what cannot be done becomes a warning.

        Args:
            run: The run that is done.
        """
        if self._where == "off":
            return
        try:
            await self.publish(run)
        except (AgoraError, OSError) as problem:
            self.warnings.append(f"the ledger was not signed: {described(problem)}")

    async def publish(self, run: str | None = None) -> Signed:
        """Sign the ledger as it is now and publish that; what goes wrong after the file is a warning.

        Args:
            run: Whose workspaces' repositories take a note; None: only the project's.

        Raises:
            DivergedError: It is not the ledger that was signed before.
            SignatureError: The key or the file cannot be used.
            LedgerError: It is empty, or cannot be read.
        """
        self.signed = await anyio.to_thread.run_sync(self._sign)
        self.places.append(self.signed.where)
        if self._where == "git":
            for folder in await anyio.to_thread.run_sync(self._repositories, run):
                await self._to_git(folder, str(self.signed.note))
        if self._command:
            await self._to_command(str(self.signed.note))
        return self.signed

    def _sign(self) -> Signed:
        origin, key = name_of(next(iter(self._archive.stored()), None)), signing_key(self._key)
        if self._anew:
            self.places += [f"{file}: set aside" for file in self._kept.set_aside(self._place, origin)]
        at_home(self._kept, self._place, origin)
        file = self._kept.file(origin)
        earlier = sift([(str(file), self._kept.text(origin))], key.public).signed
        checkpoint = attested(self._archive, earlier)
        for one in earlier:
            if one.checkpoint == checkpoint:
                return one
        note = key.sign(checkpoint.text())
        self._kept.append(origin, note)
        self._kept.remember(self._place, origin)
        return Signed(checkpoint, note, str(file))

    def _repositories(self, run: str | None) -> Sequence[Path]:
        folders: list[Path] = []
        for one in self._archive.stored(run, kinds=_POSTED) if run is not None else ():
            event = None if one.body is None else decode(one.body)
            if isinstance(event, Posted) and event.spec.workspace:
                folders.append(Path(event.spec.workspace))
        found = [top for folder in dict.fromkeys(folders) if (top := repository(folder)) is not None]
        if not found and self._project is not None and (top := repository(self._project)) is not None:
            found = [top]
        return tuple(dict.fromkeys(found))

    async def _to_git(self, folder: Path, note: str) -> None:
        try:
            commit = await anyio.to_thread.run_sync(add_note, folder, note)
        except SignatureError as problem:
            self.warnings.append(f"the checkpoint is not in git: {problem}")
        else:
            self.places.append(f"git note on {commit[:12]} in {folder}")

    async def _to_command(self, note: str) -> None:
        name = self._command[0]
        try:
            done = await anyio.to_thread.run_sync(hand, self._command, note, abandon_on_cancel=True)
        except OSError as problem:
            self.warnings.append(f"checkpoint_command {name!r} could not be run: {problem.strerror}")
        else:
            if done.code is None:
                self.warnings.append(f"checkpoint_command {name!r} was ended after {COMMAND_S:.0f} s")
            elif done.code:
                self.warnings.append(f"checkpoint_command {name!r} ended with exit code {done.code}: {done.said}")
            else:
                self.places.append(f"command {name}")


def note_at(archive: Archive, size: int, *, key: Path, kept: Checkpoints, place: str) -> Note:
    """A signed checkpoint over the first entries of a ledger, as the export of a run has them; it is not published.

    Raises:
        DivergedError: It is not the ledger that was signed before.
        SignatureError: The key cannot be used.
        LedgerError: There are not so many entries.
    """
    origin = name_of(next(iter(archive.stored()), None))
    at_home(kept, place, origin)
    secret = signing_key(key)
    earlier = sift([("", kept.text(origin) if origin else "")], secret.public).signed
    return secret.sign(attested(archive, earlier, size).text())
