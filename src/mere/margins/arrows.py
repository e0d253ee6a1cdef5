"""Comparison arrows: two means differ significantly where their arrows do not overlap.

For means i < j in order, the right arrow of i and the left arrow of j should together be as long as the
difference that would just be significant, R_i + L_j = c SE_ij. There are more pairs than arrows, so this
is solved by weighted least squares with weights that fall off with |d_ij - c SE_ij|, and overlap that
contradicts a test is reported.

Reference: Lenth, Comparisons and contrasts in emmeans (the documentation of the R package emmeans).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..errors import MarginsMessage, tell
from .contrasting import contrast
from .grid import EmmGrid, by_groups
from .summarizing import summarize

__all__ = ["comparison_arrows"]


_MARGIN = 0.02  # of the range: no arrow goes farther than this beyond the outermost means


def comparison_arrows(grid: EmmGrid, alpha: float = 0.05, adjust: str = "tukey", **options: Any) -> pd.DataFrame:
    """The summary with the ends of the arrows, ``lcmpl`` and ``rcmpl``.

    Examples
    --------
    >>> from mere import lm, emmeans
    >>> from mere.datasets import warpbreaks
    >>> arrows = comparison_arrows(emmeans(lm("breaks ~ tension", warpbreaks), "tension"))
    >>> bool(arrows["lcmpl"][0] > arrows["rcmpl"][1])  # L and M differ
    True
    """
    summary = summarize(grid, infer=(True, False), **options)
    frame = summary.table.copy()
    link = summarize(grid, infer=(False, False), type="link")
    value = link.table[link.name].to_numpy(dtype=float)
    level = 1.0 - alpha
    pairs = summarize(contrast(grid, "pairwise"), infer=(True, True), level=level, adjust=adjust, type="link")
    est = pairs.table[pairs.name].to_numpy(dtype=float)
    low = pairs.table.iloc[:, [c.endswith("CL") for c in map(str, pairs.table.columns)]].to_numpy(dtype=float)[:, 0]
    p = pairs.table["p.value"].to_numpy(dtype=float)
    left, right = np.full(len(value), np.nan), np.full(len(value), np.nan)
    at = 0
    for mine in by_groups(frame, summary.by, np.arange(len(frame))):
        k = len(mine)
        i, j = np.triu_indices(k, 1)
        use = slice(at, at + len(i))
        at += len(i)
        lengths = _solve(value[mine], i, j, est[use] - low[use], p[use] < alpha)
        left[mine], right[mine] = value[mine] - lengths[0], value[mine] + lengths[1]
        nearest, farthest = value[mine].min(), value[mine].max()
        margin = _MARGIN * (farthest - nearest)
        left[mine] = np.maximum(left[mine], nearest - margin)
        right[mine] = np.minimum(right[mine], farthest + margin)
    back = grid.about.scale if (options.get("type") or grid.about.type).startswith("r") else None
    frame["lcmpl"] = left if back is None else back.back(left)
    frame["rcmpl"] = right if back is None else back.back(right)
    return frame


def _ordered(value: np.ndarray, a: Any, b: Any) -> tuple[int, int]:
    """The smaller mean of two, then the larger."""
    return (int(a), int(b)) if value[a] <= value[b] else (int(b), int(a))


def _solve(
    value: np.ndarray, i: np.ndarray, j: np.ndarray, gap: np.ndarray, significant: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Lengths to the left and to the right; NaN for those that point away from all others."""
    k = len(value)
    A, b, w = [], [], []
    for n in range(len(i)):
        lo, hi = _ordered(value, i[n], j[n])
        row = np.zeros(2 * k)
        row[k + lo], row[hi] = 1.0, 1.0
        A.append(row)
        b.append(gap[n])
        d = value[hi] - value[lo]
        w.append(1.0 / (0.05 + abs(d - gap[n]) / max(gap[n], 1e-300)))
    matrix, target, weight = np.array(A), np.array(b), np.array(w)
    good = np.isfinite(target)
    if not good.any():
        return np.full(k, np.nan), np.full(k, np.nan)
    # a small pull to equal halves makes the solution unique
    full = np.vstack([matrix[good] * weight[good, None], 1e-3 * np.eye(2 * k)])
    goal = np.concatenate([target[good] * weight[good], np.full(2 * k, 1e-3 * target[good].mean() / 2)])
    lengths = np.linalg.lstsq(full, goal, rcond=None)[0]
    lengths = np.maximum(lengths, 0.0)
    missed = 0
    for n in map(int, np.flatnonzero(good)):
        lo, hi = _ordered(value, i[n], j[n])
        overlap = lengths[k + lo] + lengths[hi] > value[hi] - value[lo]
        missed += bool(overlap == significant[n])
    if missed:
        tell(f"{missed} comparison arrows disagree with the tests", MarginsMessage)
    used = matrix[good].any(axis=0)
    lengths[~used] = np.nan
    left, right = lengths[:k], lengths[k:]
    left[np.argmin(value)], right[np.argmax(value)] = np.nan, np.nan
    return left, right
