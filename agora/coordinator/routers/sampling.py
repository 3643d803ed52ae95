"""Thompson sampling with chances that are known: one row of a fixed table of noise decides (Thompson, 1933).

    drawn_m = value_m + width_m noise_rm,   r = floor(256 draw)

The chance of each arm is its share of the rows in which it comes first, counted: what is stated is what happens.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from agora.coordinator.routers.draws import normals
from agora.coordinator.routers.seam import Choice

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix, Vector

ROWS: Final = 256
"""Of noise."""
_SEED: Final = 0.5


class Noise:
    """Tables of standard normal noise, made when they are first asked for; the same on every machine."""

    def __init__(self) -> None:
        self._tables: dict[int, Matrix] = {}  # arms -> (ROWS, m)

    def sampled(
        self,
        value: Vector,
        width: Vector,
        draw: float,
        *,
        terms: Mapping[str, Vector],
        rungs: int = 1,
        note: str = "",
    ) -> Choice:
        """The highest of what is drawn first, then the likeliest and the best.

        Args:
            value: Expected reward; -inf: never first, not everyone, (m,).
            width: Standard deviation of what it may be, (m,).
            draw: In [0, 1).
            terms: The figures behind it; the noise of the row is added.
            rungs: How many of the order are worth asking in turn.
            note: What else decided.
        """
        import numpy as np

        noise, row = self._of(len(value)), int(draw * ROWS)
        drawn = value + width * noise
        chances = np.bincount(drawn.argmax(axis=1), minlength=len(value)) / ROWS
        first = int(drawn[row].argmax())
        order = [first, *(place for place in np.lexsort((-value, -chances)).tolist() if place != first)]
        return Choice(order, chances, {**terms, "noise": noise[row]}, rungs, note)

    def _of(self, m: int) -> Matrix:
        if m not in self._tables:
            self._tables[m] = normals(_SEED, ROWS * m).reshape(ROWS, m)
        return self._tables[m]
