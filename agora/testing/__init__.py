"""The test kit: real, small stand-ins and a conformance check for every seam."""

from __future__ import annotations

from agora.testing.audit import audit
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
from agora.testing.seams import (
    check_agent,
    check_chance,
    check_clock,
    check_mechanism,
    check_policy,
    check_sandbox,
    check_tool,
)
from agora.testing.stores import check_shared_store, check_store
from agora.testing.verifiers import check_judge, check_verifier

__all__ = [
    "Expecting",
    "FakeClock",
    "FaultyEndpoint",
    "RuleModel",
    "ScriptError",
    "ScriptedModel",
    "SeededChance",
    "audit",
    "call",
    "calls",
    "check_agent",
    "check_chance",
    "check_chat_model",
    "check_clock",
    "check_judge",
    "check_mechanism",
    "check_policy",
    "check_sandbox",
    "check_shared_store",
    "check_store",
    "check_tool",
    "check_verifier",
    "desk_for",
    "expecting",
    "say",
]
