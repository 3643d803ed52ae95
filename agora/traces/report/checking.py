"""The ledger's state on a page, and the commands by which a reader checks all that the page says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from agora.records import Recorded
from agora.traces.pages.parts import command, facts, joined, paragraph, state

if TYPE_CHECKING:
    from markupsafe import Markup


class Checked(NamedTuple):
    """What checking the ledger gave when the page was written."""

    holds: bool | None
    """True: nothing was changed; None: it was not checked."""
    says: str
    """In words, with the first bad entry where there is one."""
    size: int = 0
    """How many entries the ledger has; 0: not known."""
    root: str = ""
    """Root of the Merkle tree over them, hexadecimal; empty: not known."""


UNCHECKED = Checked(None, "it was not checked when this page was written")
"""Nobody looked."""


def checking_part(run: str, entries: Sequence[Recorded], checked: Checked) -> Markup:
    """Where the run stands on its ledger, whether that holds, and how to check it."""
    word = "unknown" if checked.holds is None else "passed" if checked.holds else "failed"
    erased = sum(one.event is None for one in entries)
    pairs: list[tuple[str, Markup | str]] = [("The ledger", joined(state(word, _WORDS[word]), checked.says))]
    if entries:
        pairs += [
            ("Entries of this run", f"{len(entries)}, from {entries[0].seq} to {entries[-1].seq}"),
            ("Hash of its last entry", entries[-1].hash),
        ]
    if erased:
        pairs.append(("Erased", f"{erased} bodies; what stood there is missing from this page"))
    if checked.root:
        pairs.append((f"Root over {checked.size:,} entries", checked.root))
    return joined(
        facts(pairs),
        paragraph(
            "A page can be changed by whoever passes it on; a ledger whose checkpoint you hold cannot. Compare it "
            "with the ledger:"
        ),
        *(
            command(line)
            for line in (
                f"agora trace verify {run}",
                f"agora trace replay {run} --strict",
                f"agora explain {run}",
                f"agora trace export {run} -o {run}.jsonl",
                f"agora trace report {run}",
            )
        ),
    )


_WORDS = {"unknown": "not checked", "passed": "holds", "failed": "does not hold"}
