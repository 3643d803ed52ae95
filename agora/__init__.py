"""Agora: a market for work done by LLM agents."""
