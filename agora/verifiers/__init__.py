"""Verifiers: they look at work, never at who did it, and say passed, failed or unknown."""

from __future__ import annotations

from agora.verifiers.build import build_verifier
from agora.verifiers.stated import stated_check

__all__ = ["build_verifier", "stated_check"]
