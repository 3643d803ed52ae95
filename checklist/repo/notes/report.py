"""A report on a notebook."""

import os
import json
from collections import OrderedDict, Counter
import sys
from typing import List


def summary(notes: List[str]) -> str:
    """Say how many notes there are and which word is the commonest."""
    words = Counter(word.lower() for note in notes for word in note.split())
    if not words:
        return f"no notes"
    word, count = words.most_common(1)[0]
    return f"{len(notes)} notes; commonest word: {word} ({count})"


def as_json(notes: List[str]) -> str:
    """The notes as a JSON list."""
    return json.dumps(notes)
