"""Every provider fault, many rounds, through the real path; the short form of this runs with the tests.

Run: python benchmarks/soak_providers.py [ROUNDS]     (50 rounds by default)
"""

from __future__ import annotations

import sys
import time

import anyio

from agora.testing.chaos_matrix import play_all, table

ROUNDS = 50


async def main(rounds: int) -> int:
    """Print the table; the exit code says whether every promise held."""
    began_s = time.monotonic()
    rows = await play_all(rounds=rounds)
    print(table(rows))
    print(f"{len(rows)} faults x {rounds} rounds in {time.monotonic() - began_s:.0f} s")
    return int(any(row.broken for row in rows))


if __name__ == "__main__":
    sys.exit(anyio.run(main, int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS))
