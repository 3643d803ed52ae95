"""The test kit: real, small stand-ins and a conformance check for every seam."""

from __future__ import annotations

from agora.testing.clocks import FakeClock, SeededChance
from agora.testing.desk import desk_for
from agora.testing.endpoint import FaultyEndpoint
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
    "FakeClock",
    "FaultyEndpoint",
    "RuleModel",
    "ScriptError",
    "ScriptedModel",
    "SeededChance",
    "call",
    "calls",
    "check_chat_model",
    "desk_for",
    "expecting",
    "say",
]
