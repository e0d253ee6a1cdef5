"""Orthogonal polynomials over the levels: R's default for ordered factors.

The columns are the orthonormal polynomials of degree 1 … k−1 at the scores, each with a positive
leading coefficient, by the three-term recurrence.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import MereValueError

__all__ = ["poly"]


def poly(levels: Sequence[str], scores: Sequence[float] | None = None) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """R's ``contr.poly``.

    Parameters
    ----------
    levels : sequence of str
    scores : sequence of float, optional
        Where the levels lie; 1, 2, … by default.

    Examples
    --------
    >>> values, names = poly(["low", "mid", "high"])
    >>> values.round(4).tolist(), names
    ([[-0.7071, 0.4082], [0.0, -0.8165], [0.7071, 0.4082]], ('.L', '.Q'))
    """
    k = len(levels)
    x = np.arange(1.0, k + 1) if scores is None else np.asarray(scores, dtype=np.float64)
    if x.shape != (k,) or len(np.unique(x)) != k:
        raise MereValueError(f"scores must be {k} different numbers, one for each level")
    x = x - x.mean()
    # QR with the signs of the leading coefficients is the recurrence, stable also for many levels
    q, r = np.linalg.qr(np.vander(x / max(np.abs(x).max(), 1.0), k, increasing=True))
    values = (q * np.sign(np.diag(r)))[:, 1:]
    values[np.abs(values) < 4 * np.finfo(float).eps] = 0.0
    names = [".L", ".Q", ".C"][: k - 1] + [f"^{d}" for d in range(4, k)]
    return values, tuple(names)
