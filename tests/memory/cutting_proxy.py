"""A line to a PostgreSQL server that breaks just after a COMMIT: it is made, and nobody hears of it."""

from __future__ import annotations

import select
import shutil
import socket
import tempfile
import threading
from pathlib import Path
from typing import Final

_SOCKET: Final = ".s.PGSQL.5432"


class CuttingProxy:
    """Passes everything on, until `cuts` COMMITs were passed on and their answers were not.

    Args:
        folder: Where the server's socket file is.
        cuts: How many connections are cut.
    """

    def __init__(self, folder: str, *, cuts: int) -> None:
        self._server = str(Path(folder) / _SOCKET)
        self.folder = tempfile.mkdtemp(prefix="agora-cut-", dir="/tmp")
        self.left = cuts
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(str(Path(self.folder) / _SOCKET))
        self._door.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let nobody in any more."""
        self._door.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._door.close()
        shutil.rmtree(self.folder)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(self._server)
            while True:
                for ready in select.select([client, server], [], [])[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    if ready is client and b"COMMIT\0" in data and self.left:
                        self.left -= 1
                        server.sendall(data)
                        server.recv(65536)  # the answer: it is committed
                        return
                    (server if ready is client else client).sendall(data)
