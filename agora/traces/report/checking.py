"""The ledger's state on a page, and the commands by which a reader checks all that the page says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from agora.records import Recorded
from agora.traces.pages.parts import command, facts, joined, paragraph, state

if TYPE_CHECKING:
    from markupsafe import Markup


_STATES: Final = {"holds": "passed", "not checked": "unknown", "unsigned": "unknown", "incomplete": "unknown"}


class Checked(NamedTuple):
    """What checking the ledger gave when the page was written."""

    word: str
    """"holds", or what is wrong: "changed", "cut", "diverged", "incomplete", "unsigned"; "not checked"."""
    says: str = ""
    """In words, with the first bad entry where there is one."""
    size: int = 0
    """How many entries were checked."""
    root: str = ""
    """Root of the Merkle tree over them, base64; empty: not known."""


UNCHECKED = Checked("not checked", "nobody looked when this page was written")
"""Nobody looked."""


def checking_part(run: str, entries: Sequence[Recorded], checked: Checked) -> Markup:
    """Where the run stands on its ledger, whether that holds, and how to check it."""
    word = _STATES.get(checked.word, "failed")
    erased = sum(one.event is None for one in entries)
    pairs: list[tuple[str, Markup | str]] = [("The ledger", joined(state(word, checked.word), checked.says))]
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
