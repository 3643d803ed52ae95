"""Helpers for a notebook."""
