"""Task types that come with Agora, each with a few sentences of that type: enough to begin with, and nothing to train.

Whoever has other types passes their own examples to `PrototypeIntent`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

KINDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "code": (
            "Fix the failing test in this repository",
            "Write a Python function that passes these assertions",
            "Refactor the module and keep its public functions",
            "Find the bug that raises this exception and repair it",
            "Add a command line option and a test for it",
        ),
        "maths": (
            "Solve the equation and give the number",
            "How many are left after each child takes three, what is the sum",
            "Compute the probability and simplify the fraction",
            "Prove that the sequence converges",
            "What is the area of the triangle with these sides",
        ),
        "search": (
            "Find which document says when the company was founded",
            "Look through the folder and cite the passages that answer the question",
            "Who wrote the book that the film is based on",
            "Search the web for the latest release and give its source",
            "In which city was the author of this article born",
        ),
        "writing": (
            "Summarise this report in five sentences",
            "Rewrite the paragraph in plain words",
            "Translate the letter into German",
            "Draft an answer to this customer",
            "Write release notes from these commits",
        ),
        "data": (
            "Extract names and dates as JSON",
            "Classify each row of the table as spam or not",
            "Fill in the missing columns of this CSV file",
            "Turn the list into records that fit this schema",
            "Group the log lines by error and count them",
        ),
    }
)
"""Type -> examples."""
