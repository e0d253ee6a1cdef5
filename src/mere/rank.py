"""Which columns of a matrix are aliased: R's limited pivoting at tolerance 1e-7.

R (LINPACK's dqrdc2) reflects column after column; a column whose norm has fallen below
tol times its own norm is moved to the end. So the dropped columns are those that the
columns kept before them explain.

For a full-rank X this costs one X'X: the diagonal of its Cholesky factor over the norms of the
columns is the ratio of those norms, accurate to about √(p ε). Only where a
ratio comes out below 1e-5 is the matrix itself decomposed, X = QR; the limited pivoting then
runs on R, which has the same norms.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .errors import MereValueError

__all__ = ["aliased_columns", "refuse_deficient"]

TOLERANCE = 1e-7
_DOUBTFUL = 1e-10  # squared ratio below which cross-products do not decide


def aliased_columns(X: np.ndarray, tolerance: float = TOLERANCE) -> tuple[int, ...]:
    """The columns that R would drop, in increasing order.

    Parameters
    ----------
    X : ndarray, (n, p)
        Finite; ValueError names nothing here: callers check names.
    tolerance : float

    Examples
    --------
    >>> x = np.arange(5.0)
    >>> aliased_columns(np.column_stack([np.ones(5), x, 2 * x + 1]))
    (2,)
    """
    n, p = X.shape
    if p == 0:
        return ()
    cross = X.T @ X
    squares = cross.diagonal().tolist()
    if p <= 2 and _clearly_full(cross.ravel().tolist(), p):
        return ()
    try:
        left = np.linalg.cholesky(cross).diagonal().tolist()
        if all(r * r > _DOUBTFUL * s for r, s in zip(left, squares)):
            return ()
    except np.linalg.LinAlgError:
        pass
    norms = np.sqrt(squares)
    if not np.isfinite(norms).all():
        raise MereValueError("the model matrix has infinite or missing values")
    scale = np.where(norms > 0, norms, 1.0)
    R = np.linalg.qr(X / scale, mode="r") if n > p else X / scale
    return _limited_pivoting(np.array(R), tolerance)


def refuse_deficient(X: np.ndarray, names: Sequence[str], weights: np.ndarray | None = None) -> None:
    """An error where some rows do not determine the coefficients of a model of more rows.

    Examples
    --------
    >>> refuse_deficient(np.array([[1.0, 0.0], [1.0, 0.0]]), ["(Intercept)", "gb"])
    Traceback (most recent call last):
        ...
    mere.errors.MereValueError: the rows that are left do not determine all fixed effects (gb)
    """
    lost = aliased_columns(X if weights is None else X[np.asarray(weights) > 0])
    if lost:
        raise MereValueError(
            f"the rows that are left do not determine all fixed effects ({', '.join(names[j] for j in lost)})"
        )


def _clearly_full(cross: list[float], p: int) -> bool:
    """One or two columns, without a call of LAPACK: most models of a few rows are of this kind."""
    if p == 1:
        return 0.0 < cross[0] < float("inf")
    return cross[0] * cross[3] - cross[1] ** 2 > 1e-6 * cross[0] * cross[3] > 0.0


def _limited_pivoting(A: np.ndarray, tolerance: float) -> tuple[int, ...]:
    """Householder reflections in order; columns that vanish are set aside."""
    original = np.sqrt((A * A).sum(axis=0))
    original[original == 0.0] = 1.0
    dropped: list[int] = []
    row = 0
    for j in range(A.shape[1]):
        v = A[row:, j].copy()
        norm = float(np.sqrt(v @ v))
        if row >= A.shape[0] or norm < tolerance * original[j]:
            dropped.append(j)
            continue
        v[0] += norm if v[0] >= 0 else -norm
        v /= np.sqrt(v @ v)
        rest = A[row:, j:]
        rest -= 2.0 * np.outer(v, v @ rest)
        row += 1
    return tuple(dropped)
