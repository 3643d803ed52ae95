"""The guard of conftest.py is real."""

from __future__ import annotations

import os
import socket

import pytest


def test_the_suite_cannot_connect_beyond_this_machine() -> None:
    with socket.socket() as one, pytest.raises(ConnectionRefusedError, match="may not connect"):
        one.connect(("192.0.2.1", 443))


def test_the_suite_has_no_keys() -> None:
    assert not [name for name in os.environ if name.endswith("_API_KEY")]
