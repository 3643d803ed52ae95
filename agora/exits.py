"""The exit codes of the command line."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What a command ends with; those from 10 on are verdicts over a ledger."""

    PASSED = 0
    FAILED = 1
    USAGE = 2
    BUDGET = 3
    UNKNOWN = 4  # verification could not start or could not decide
    APPROVAL = 5  # refused by a person, or waiting for one
    SANDBOX = 6
    CHANGED = 10  # an entry is not what it was
    CUT = 11  # entries are missing at the end
    UNSIGNED = 12  # no checkpoint, or none that the given key has signed
    DIVERGED = 13  # another history than the one that was signed, or a replay that comes out otherwise
    INCOMPLETE = 14  # a body that is needed was erased, or a part of the ledger is not there
