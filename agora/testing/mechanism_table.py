"""Write the table of mechanisms into a page: `python -m agora.testing.mechanism_table docs/mechanisms.md`.

The table is the claims that stand on the mechanisms' classes, and the tests check every one of them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from agora.auctions.claims import claims
from agora.auctions.properties import table
from agora.errors import ConfigError

START = "<!-- table of mechanisms: written by python -m agora.testing.mechanism_table docs/mechanisms.md -->"
END = "<!-- end of the table -->"


def with_table(text: str) -> str:
    """The page with its table as it is now.

    Raises:
        ConfigError: The page has no two lines between which the table stands.
    """
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ConfigError("page", f"no place for the table: put the lines {START!r} and {END!r} into it")
    return f"{before}{start}\n{table(claims())}{end}{after}"


def _main() -> None:
    page = Path(sys.argv[1])
    page.write_text(with_table(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    _main()
