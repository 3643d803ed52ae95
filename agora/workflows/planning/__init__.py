"""Planning: one line of goal becomes a graph of tasks, written by an agent and checked before anything of it runs."""

from __future__ import annotations
