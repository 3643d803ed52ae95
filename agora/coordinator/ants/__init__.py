"""Ant colony routing (AMRO-S, arXiv 2603.12933, changed as docs/policies.md says): pure decisions, one writer."""

from __future__ import annotations

from agora.coordinator.ants.choosing import Candidate, Considered, Step, decide
from agora.coordinator.ants.colony import Colony
from agora.coordinator.ants.intent import Intent, PrototypeIntent
from agora.coordinator.ants.learning import (
    COLONY_EVENT,
    AntJoined,
    AntLeft,
    AntsLearned,
    ColonyEvent,
    Gate,
    Ignored,
    applied,
    joining,
    leaving,
    replayed,
    weigh,
)
from agora.coordinator.ants.rules import RULES, AntRules, goes_to_gate
from agora.coordinator.ants.state import ColonyState, restored

__all__ = [
    "COLONY_EVENT",
    "RULES",
    "AntJoined",
    "AntLeft",
    "AntRules",
    "AntsLearned",
    "Candidate",
    "Colony",
    "ColonyEvent",
    "ColonyState",
    "Considered",
    "Gate",
    "Ignored",
    "Intent",
    "PrototypeIntent",
    "Step",
    "applied",
    "decide",
    "goes_to_gate",
    "joining",
    "leaving",
    "replayed",
    "restored",
    "weigh",
]
