"""The test kit: real, small stand-ins and a conformance check for every seam."""

from __future__ import annotations

from agora.testing.models import (
    Expecting,
    RuleModel,
    ScriptedModel,
    ScriptError,
    call,
    calls,
    check_chat_model,
    expecting,
    say,
)

__all__ = [
    "Expecting",
    "RuleModel",
    "ScriptError",
    "ScriptedModel",
    "call",
    "calls",
    "check_chat_model",
    "expecting",
    "say",
]
