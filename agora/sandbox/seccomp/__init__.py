"""The system-call filter: shipped as files, made by `build.py` (which alone needs libseccomp)."""

from __future__ import annotations

import platform
from importlib.resources import files

_FILES = {"x86_64": "x86_64.bpf", "aarch64": "aarch64.bpf", "arm64": "aarch64.bpf"}


def filter_bytes(machine: str = "") -> bytes | None:
    """The filter for a machine ("x86_64", "aarch64"; empty: this one), or None where there is none."""
    name = _FILES.get(machine or platform.machine())
    return None if name is None else (files(__name__) / name).read_bytes()
