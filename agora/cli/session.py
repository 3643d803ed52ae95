"""What every command begins with: the project, its settings, its shared memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from agora.abilities import Archive
from agora.ambient import SystemClock
from agora.cli.guarding import guard_output
from agora.cli.paint import err, safe
from agora.cli.project import find_project
from agora.errors import LedgerError
from agora.ledger.redact import secret_values
from agora.memory.location import database_url
from agora.models.health import SHARED
from agora.protocols import Store
from agora.settings import Settings, environment, exposed_keys, load_settings

if TYPE_CHECKING:
    from agora.memory.embeddings import Embedder
    from agora.memory.ledger_file import LedgerFile


@dataclass(kw_only=True)
class Session:
    """Where a command works and how."""

    project: Path | None
    """The project's folder; None outside of any."""
    settings: Settings
    """All four places together."""
    ledger: Path | None = None
    """An exported ledger that is read instead of the shared memory."""

    @cached_property
    def ledger_file(self) -> LedgerFile | None:
        """The exported ledger, read once; what is not whole about it is said on standard error.

        Raises:
            LedgerError: It cannot be read.
        """
        if self.ledger is None:
            return None
        from agora.memory.ledger_file import LedgerFile

        found = LedgerFile.open(self.ledger.expanduser())
        for line in found.remarks:
            err().print(f"warning: {safe(line)}")
        return found

    @property
    def root(self) -> Path:
        """The project's folder, or where the process stands."""
        return self.project or Path.cwd()

    @cached_property
    def environ(self) -> Mapping[str, str]:
        """The process's variables, with the keys of the project's .env."""
        return environment(self.project)

    @cached_property
    def secrets(self) -> tuple[str, ...]:
        """What must not leave this process."""
        return secret_values(self.environ)

    @property
    def database(self) -> str:
        """URL or path of the shared memory."""
        env = {**environment(), "AGORA_DB_URL": self.settings.db_url}
        return database_url(env=env, cwd=self.root, home=Path.home())


def open_session(
    *, project: Path | None = None, flags: Mapping[str, object] | None = None, ledger: Path | None = None
) -> Session:
    """Find the project and read the settings.

    Args:
        project: What --project says.
        flags: Field of the settings -> what the command line says.
        ledger: What --ledger says.

    Raises:
        ConfigError: Something in one of the places cannot be used.
    """
    found = find_project(project)
    session = Session(project=found, settings=load_settings(flags=flags, project=found), ledger=ledger)
    SHARED.bound(session.settings.calls_at_once)
    guard_output(session.secrets)
    if found is not None and (warning := exposed_keys(found)):
        err().print(f"warning: {safe(warning)}")
    return session


@asynccontextmanager
async def opened_store(session: Session) -> AsyncGenerator[Store]:
    """The shared memory, or the exported ledger that the session names, closed afterwards.

    Raises:
        LedgerError: It cannot be opened.
    """
    if session.ledger_file is not None:
        yield session.ledger_file
        return
    from agora.memory.recall import Recalling
    from agora.memory.sql_store import SQLStore

    url, settings = session.database, session.settings
    if "://" not in url:
        Path(url).parent.mkdir(parents=True, exist_ok=True)
    recalling = Recalling(
        floor=settings.recall_floor,
        capacity=settings.recall_capacity,
        duplicate=settings.recall_duplicate,
        trusted=settings.recall_trust,
    )
    store = SQLStore.open(
        url, clock=SystemClock(), secrets=session.secrets, recalling=recalling, embedder=_embedder_or_a_line
    )
    try:
        yield store
    finally:
        await store.close()


def archive_of(store: Store) -> Archive:
    """The same store, for whole entries.

    Raises:
        LedgerError: It has none to give.
    """
    if not isinstance(store, Archive):
        raise LedgerError("this store gives no whole entries: use the project's memory or an exported ledger")
    return store


def _embedder_or_a_line() -> Embedder | None:
    """The embedding model of this machine; where it is installed and broken, a line on standard error says so."""
    from agora.memory.embeddings import absence, loaded

    model, trouble = loaded()
    if trouble and not absence():
        err().print(f"recall goes by words only: {safe(trouble)}")
    return model
