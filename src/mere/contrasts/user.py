"""A matrix of the user: one row a level; completed to k − 1 columns if asked for.

``C(f, matrix)`` completes, the argument ``contrasts=`` does not: this is R's way. R fills
missing columns from the orthogonal factor of (1, M), so that together with the
intercept they span all of the levels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import MereValueError

__all__ = ["user_matrix"]


def user_matrix(
    levels: Sequence[str],
    values: np.ndarray,
    names: Sequence[str] | None = None,
    complete: bool = False,
) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """Check a contrast matrix (levels × columns) and complete it.

    Parameters
    ----------
    levels : sequence of str
    values : ndarray, (k, c)
        c ≤ k − 1 columns, linearly independent of each other and of the constant.
    names : sequence of str, optional
        Column names; numbers if absent.
    complete : bool
        Fill up to k − 1 columns.

    Examples
    --------
    >>> user_matrix(["a", "b"], np.array([[-0.5], [0.5]]))[0].tolist()
    [[-0.5], [0.5]]
    """
    k = len(levels)
    values = np.asarray(values, dtype=np.float64)
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2 or values.shape[0] != k:
        raise MereValueError(f"a contrast matrix for {k} levels needs {k} rows, this one has shape {values.shape}")
    count = values.shape[1]
    full = np.column_stack([np.ones(k), values])
    if count > k - 1 or np.linalg.matrix_rank(full) < count + 1:
        raise MereValueError("the columns of a contrast matrix must be independent of each other")
    labels = None if names is None else tuple(map(str, names))
    if count == k - 1 or not complete:
        return values, labels
    q = householder_q(full)
    if labels is not None:
        labels += ("",) * (k - 1 - count)
    return np.column_stack([values, q[:, count + 1 :]]), labels


def householder_q(a: np.ndarray) -> np.ndarray:
    """The full orthogonal factor of A = QR by Householder reflections with R_jj = −sign(a_jj)‖·‖.

    Written out, since the columns beyond the rank depend on this convention (LINPACK's).
    """
    a = np.array(a, dtype=np.float64)
    n, p = a.shape
    q = np.eye(n)
    for j in range(min(p, n - 1)):
        v = a[j:, j].copy()
        norm = np.linalg.norm(v)
        if norm == 0.0:
            continue
        v[0] += norm if v[0] >= 0 else -norm
        v /= np.linalg.norm(v)
        a[j:] -= 2.0 * np.outer(v, v @ a[j:])
        q[:, j:] -= 2.0 * np.outer(q[:, j:] @ v, v)
    return q
