"""Planning: one line of goal becomes a graph of tasks, written by an agent and checked before anything of it runs."""

from __future__ import annotations

from agora.workflows.planning.running import Edit, Proposal, plan_and_run, resume_plan

__all__ = ["Edit", "Proposal", "plan_and_run", "resume_plan"]
