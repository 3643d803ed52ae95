"""Where an agent works: the only way to models, tools and the sandbox.

    seat.py           whose desk it is, its purse, and what it has on record
    calls.py          calls of models: reserved, recorded, tried again, settled
    uses.py           tools and commands
    asking.py         a workspace in which commands are asked for
    remembering.py    how a recorded call is known again
    transcripts.py    what stands on the ledger of an answer

Nothing an agent says about its own spend is believed. In a run that is gone on with, what is on record is not asked
for again: an equal request gets the recorded reply, and a tool or command that worked on the lost copy works on the
new one, with the recorded result.
"""

from agora.desk.desk import MeteredDesk

__all__ = ["MeteredDesk"]
