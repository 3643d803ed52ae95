"""Graphs of tasks: what runs when, in which topology, and what becomes of the outputs."""
