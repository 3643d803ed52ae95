"""What a policy knows when a run begins: the events of all runs before it, in the ledger's order.

Reading starts from what was kept at an earlier position, where that fits. What is kept is always the knowledge at a
position of the ledger, never that of a run in progress, so that it is the same whoever keeps it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from agora.abilities import Keeping, Learning, Stated
from agora.errors import LedgerError
from agora.past import Past
from agora.protocols import Mechanism, Policy, Store

KEPT_EVERY: Final = 200
"""So many events are read at most again and again before what they say is kept."""


def knowing(policy: Policy, store: Store, *, up_to: int | None = None) -> tuple[Policy, int]:
    """The policy with what it learned from all runs; one that does not learn, as it is.

    Args:
        policy: Whose knowledge does not matter: it gets a fresh one.
        store: With the ledger.
        up_to: The position up to which the run knew it when it began; None: it begins now.

    Returns:
        A policy of the run's own, and the position up to which it knows the ledger.
    """
    if not isinstance(policy, Learning):
        return policy, 0
    own, seq, read, key = policy.fresh(), 0, 0, f"{policy.name} {policy.settings}".strip()
    kept = store.learned(key) if isinstance(store, Keeping) else None
    if kept is not None and (up_to is None or kept[0] <= up_to) and own.restored(kept[1]):
        seq = kept[0]
    for recorded in store.events(after=seq, kinds=policy.kinds):
        if up_to is not None and recorded.seq > up_to:
            break
        if recorded.event is not None:
            own.learn(recorded.run, recorded.event)
        seq, read = recorded.seq, read + 1
    if up_to is None and read >= KEPT_EVERY and isinstance(store, Keeping):
        with suppress(LedgerError):  # it can be read again
            store.keep_learned(key, seq, own.saved())
    return own, seq if up_to is None else up_to


def settings_of(rule: Policy | Mechanism) -> str:
    """The options of a policy or a mechanism, as they stand on record; empty of one that does not say them."""
    return rule.settings if isinstance(rule, Stated) else ""


def taken_up(policy: Policy, run: str, past: Past) -> None:
    """Let a policy take in what its own run has on record."""
    if isinstance(policy, Learning):
        for event in past.of_kinds(policy.kinds):
            policy.learn(run, event)
