"""What a policy knows, made again from the ledger by the policy itself, found by the name that its knowledge has."""

from __future__ import annotations

from collections.abc import Iterator

from agora.abilities import Learning
from agora.errors import AgoraError
from agora.records import Recorded
from agora.traces.replay.making import policy_from


def relearned(learner: str, events: Iterator[Recorded]) -> str | None:
    """What a policy knows after some events, as text; None: there is no such policy here, and it learns anew itself.

    Args:
        learner: Its name and its settings, as `agora.learning` keeps knowledge by.
        events: The ledger from its beginning.

    Raises:
        LedgerError: The ledger cannot be read.
    """
    name, _, settings = learner.partition(" ")
    try:
        policy = policy_from(name, settings)
    except AgoraError:  # a plug-in that is not installed, or other options than it takes now
        return None
    if not isinstance(policy, Learning) or f"{policy.name} {policy.settings}".strip() != learner:
        return None
    own = policy.fresh()
    for one in events:
        if one.event is not None and one.event.kind in policy.kinds:
            own.learn(one.run, one.event)
    return own.saved()
