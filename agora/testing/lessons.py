"""What is learned from tasks, as the market puts it on the ledger, for tests."""

from __future__ import annotations

from collections.abc import Mapping

from agora.events import Learned
from agora.values import JsonValue

__all__ = ["bids_update", "judge_update", "memory_update", "record_update"]


def record_update(*, agent: str = "scout", passed: int = 1, grounded: bool = True, whole: bool = True) -> Learned:
    """One settled attempt for an agent's record: 3 steps promised, 4 delivered, a tenth of a dollar, 75 % stated.

    Args:
        agent: Whose.
        passed: 1 or 0.
        grounded: Whether the verifier was grounded.
        whole: False: as the first versions of Agora wrote it, without what was asked and stated.
    """
    update: Mapping[str, JsonValue] = {
        "operator": "acme",
        "agent": agent,
        "skill": "python",
        "grounded": grounded,
        "passed": passed,
        "promised_steps": 3,
        "delivered_steps": 4,
        "promised_tokens": 100,
        "delivered_tokens": 90,
        "usd": "0.1",
        "seconds": 1.5,
    }
    if whole:
        more: Mapping[str, JsonValue] = {"promised_usd": "0.07", "stated": 0.75, "tool_calls": 5, "tool_calls_ok": 4}
        update = {**update, **more}
    return Learned(task="t1", what="record", key=f"acme/{agent}/python", update=update)


def bids_update(
    *,
    malformed: tuple[str, ...] = (),
    grounded: bool = True,
    entropy: float | None = None,
    surprisal_nats: float | None = None,
) -> Learned:
    """The bids of "scout" and "other" for one task, some of which did not fit.

    Args:
        malformed: Whose did not.
        grounded: Whether the verifier was grounded.
        entropy: Of scout's plan; None: as the first versions of Agora wrote it, without a word about entropy.
        surprisal_nats: Of scout's plan; None: as there.
    """
    scout: dict[str, JsonValue] = {"operator": "acme", "agent": "scout", "malformed": "scout" in malformed}
    measured = {"entropy": entropy, "surprisal_nats": surprisal_nats}
    scout |= {name: figure for name, figure in measured.items() if figure is not None}
    bidders: list[JsonValue] = [{"operator": "acme", "agent": "other", "malformed": "other" in malformed}, scout]
    update: Mapping[str, JsonValue] = {"skill": "python", "grounded": grounded, "bidders": bidders}
    return Learned(task="t1", what="bids", key="t1", update=update)


def judge_update(*bids: tuple[int, int], judge: str = "scout", grounded: bool = True) -> Learned:
    """A judge's marks for bids whose work was verified.

    Args:
        bids: (mark from 0 to 5, 1 where the work passed) of each.
        judge: Whose marks.
        grounded: Whether the verifier was grounded.
    """
    marked: list[JsonValue] = [{"mark": mark, "passed": passed} for mark, passed in bids]
    who: Mapping[str, JsonValue] = {"operator": "acme", "agent": judge, "skill": "python", "grounded": grounded}
    return Learned(task="t1", what="judge", key=f"acme/{judge}/python", update={**who, "bids": marked})


def memory_update(
    *,
    task: str = "t1",
    goal: str = "fix the parser",
    agent: str = "scout",
    grounded: bool = True,
    won: bool = True,
    passed: bool = True,
    auction: int | None = None,
) -> Learned:
    """One bid of a verified task, to be remembered; `auction=None`: as the first versions of Agora wrote it."""
    update: Mapping[str, JsonValue] = {
        "goal": goal,
        "agent": agent,
        "plan": "read, change, test",
        "won": won,
        "passed": passed,
        "grounded": grounded,
    }
    if auction is not None:
        update = {**update, "auction": auction}
    return Learned(task=task, what="memory", key=task, update=update)
