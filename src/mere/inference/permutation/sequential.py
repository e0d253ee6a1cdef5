"""Draws until enough of them are as large as what was observed (Besag and Clifford).

With h of them at draw L the p-value is h / L; where h are not reached in all B draws it is (1 + number) / (1 + B) as
ever. Under the null hypothesis what was observed and the draws are exchangeable, so the p-value is valid whatever h; a
large p-value costs few draws, a small one all of them. Each hypothesis stops by itself.

Reference: Besag and Clifford (1991), Biometrika 78, 301-304.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ...errors import MereValueError

__all__ = ["draw_until", "read_stop"]

Range = Callable[[int, int, Sequence[int]], np.ndarray]
Sides = Sequence[Callable[[np.ndarray], np.ndarray]]


def read_stop(stop: int | None, n_perm: int) -> int | None:
    """The number h, checked."""
    if stop is None:
        return None
    if isinstance(stop, bool) or not isinstance(stop, (int, np.integer)) or not 1 <= stop <= n_perm:
        raise MereValueError(
            f"stop must be a whole number from 1 to n_perm={n_perm} (how many draws as large as observed are enough), "
            f"not {stop!r}"
        )
    return int(stop)


def draw_until(stop: int, count: int, extremes: Sides, draw: Range) -> np.ndarray:
    """Statistics (count, k), NaN from where a column had its `stop`-th extreme draw.

    Parameters
    ----------
    stop, count : int
    extremes : sequence of callables
        Of each column: which draws are as large as observed.
    draw : callable
        (first, last, columns) -> (last - first, len(columns)) statistics; a draw is a function of its number alone.
    """
    k = len(extremes)
    out = np.full((count, k), np.nan)
    seen, active, first, size = np.zeros(k, dtype=int), list(range(k)), 0, max(64, 4 * stop)
    while active and first < count:
        last = min(count, first + size)
        out[first:last, active] = draw(first, last, active)
        for j in list(active):
            at = first + np.flatnonzero(extremes[j](out[first:last, j]))
            if seen[j] + len(at) >= stop:
                out[at[stop - 1 - seen[j]] + 1 :, j] = np.nan
                active.remove(j)
            seen[j] += len(at)
        first, size = last, 2 * size
    return out
