"""Who may bid: screening and policies."""

from __future__ import annotations

from agora.coordinator.screening import Everyone, enforced, filtered, reason_to_keep_out

__all__ = ["Everyone", "enforced", "filtered", "reason_to_keep_out"]
