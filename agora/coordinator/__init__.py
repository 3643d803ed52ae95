"""Who may bid: screening and policies."""

from __future__ import annotations

from agora.coordinator.screening import NOBODY, Everyone, reason_to_keep_out

__all__ = ["NOBODY", "Everyone", "reason_to_keep_out"]
