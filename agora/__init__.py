"""Agora: a market for work done by LLM agents.

>>> from agora import Agent, Market, tool
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agora.agents.command import CommandAgent
    from agora.agents.function import FunctionAgent
    from agora.agents.llm import LLMAgent
    from agora.agents.llm import LLMAgent as Agent
    from agora.agents.tools import tool
    from agora.auctions import SALE, PostedPrice
    from agora.bids import Amount, Bid, Plan, Price, Profile
    from agora.errors import AgoraError
    from agora.market import Market
    from agora.results import Report, Result
    from agora.solo import solo
    from agora.tasks import Check, Limits, Outcome, Patch, Task, Tier, Usage, Verdict, Work
    from agora.workflows.executor import resume_flow, run_flow
    from agora.workflows.flow import Workflow
    from agora.workflows.patterns import pattern

__all__ = [
    "SALE",
    "Agent",
    "AgoraError",
    "Amount",
    "Bid",
    "Check",
    "CommandAgent",
    "FunctionAgent",
    "LLMAgent",
    "Limits",
    "Market",
    "Outcome",
    "Patch",
    "Plan",
    "PostedPrice",
    "Price",
    "Profile",
    "Report",
    "Result",
    "Task",
    "Tier",
    "Usage",
    "Verdict",
    "Work",
    "Workflow",
    "pattern",
    "resume_flow",
    "run_flow",
    "solo",
    "tool",
]

_HOMES = {
    "agora.agents.command": ["CommandAgent"],
    "agora.agents.function": ["FunctionAgent"],
    "agora.agents.llm": ["LLMAgent"],
    "agora.agents.tools": ["tool"],
    "agora.auctions": ["SALE", "PostedPrice"],
    "agora.bids": ["Amount", "Bid", "Plan", "Price", "Profile"],
    "agora.errors": ["AgoraError"],
    "agora.market": ["Market"],
    "agora.results": ["Report", "Result"],
    "agora.solo": ["solo"],
    "agora.tasks": ["Check", "Limits", "Outcome", "Patch", "Task", "Tier", "Usage", "Verdict", "Work"],
    "agora.workflows.executor": ["resume_flow", "run_flow"],
    "agora.workflows.flow": ["Workflow"],
    "agora.workflows.patterns": ["pattern"],
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    # public names come with their modules on first use, so that `import agora` costs a command line nothing
    if name == "Agent":
        return __getattr__("LLMAgent")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'agora' has no attribute {name!r}")
    value: object = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value
