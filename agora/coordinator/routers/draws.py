"""Many draws from the one that is on record: SplitMix64 (Steele, Lea and Flood, 2014) over a counter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Vector

_STEP: Final = 0x9E3779B97F4A7C15
_MIX: Final = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
_MASK: Final = (1 << 64) - 1


def uniforms(draw: float, n: int) -> Vector:
    """Independent draws in (0, 1), the same for the same draw, (n,).

    >>> bool((uniforms(0.25, 3) == uniforms(0.25, 3)).all()), bool(uniforms(0.25, 1)[0] == uniforms(0.5, 1)[0])
    (True, False)
    """
    import numpy as np

    seed = (int(draw * (1 << 53)) * _MIX[1]) & _MASK
    z = np.arange(1, n + 1, dtype=np.uint64) * np.uint64(_STEP) + np.uint64(seed)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(_MIX[0])
    z = (z ^ (z >> np.uint64(27))) * np.uint64(_MIX[1])
    z ^= z >> np.uint64(31)
    return ((z >> np.uint64(11)).astype(np.float64) + 0.5) / (1 << 53)


def normals(draw: float, n: int) -> Vector:
    """Independent standard normal draws (Box and Muller, 1958), (n,)."""
    import numpy as np

    pairs = uniforms(draw, 2 * n)
    value: Vector = np.sqrt(-2.0 * np.log(pairs[:n])) * np.cos(2.0 * np.pi * pairs[n:])
    return value
