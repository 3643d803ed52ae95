"""The suite cannot reach a hosted model: no keys in its environment, no connection beyond this machine."""

from __future__ import annotations

import ipaddress
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

if TYPE_CHECKING:
    from browser import Chromium

_KEYS = ("_API_KEY", "_TOKEN", "_SECRET")

for _name in [name for name in os.environ if name.endswith(_KEYS)]:
    del os.environ[_name]


def _only_this_machine(event: str, arguments: tuple[object, ...]) -> None:
    if event != "socket.connect":
        return
    address = arguments[1]
    if not isinstance(address, tuple):
        return  # a socket file
    host = str(cast("tuple[object, ...]", address)[0])
    try:
        local = ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        local = host == "localhost"
    if not local:
        raise ConnectionRefusedError(f"the test suite may not connect to {host!r}")


sys.addaudithook(_only_this_machine)

_LONG_S = 300


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests first: at the end, one worker would be at them while the others have nothing left to do."""
    items.sort(key=lambda item: not _is_long(item))


def _is_long(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("timeout")
    return marker is not None and float(marker.args[0]) > _LONG_S


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A new folder that a sandbox's user can reach; pytest's own stand below folders that are closed to others."""
    with tempfile.TemporaryDirectory(prefix="test-of-agora-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """A real browser without a window; begun where the first test of a page needs it."""
    from browser import Chromium

    running = Chromium()
    yield running
    running.close()
