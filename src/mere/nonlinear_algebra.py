"""The matrix I + M'M of a nonlinear mixed model, and what is asked of it, for rows with k entries each.

Row i of M (n, q) has K entries, in the columns ``cols[i]``. With one grouping factor I + M'M is a block for each level
(`Blocks`, everything batched over the levels); otherwise it is dense (`Dense`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .errors import ConvergenceError, MereValueError

__all__ = ["Blocks", "Dense", "matrix_of_terms", "rows_by", "rows_into", "rows_times", "shared"]

_LARGEST = 8000  # random effects of models whose matrix is dense: 0.5 GB


# Rows A_i of matrices (n, s, k) are mostly one and the same, which is then a view with a stride of 0: one product does.


def shared(A: np.ndarray) -> np.ndarray:
    """The same rows, as a view of one where they are equal."""
    return np.broadcast_to(A[0], A.shape) if len(A) and (A[0] == A).all() else A


def rows_by(x: np.ndarray, A: np.ndarray) -> np.ndarray:
    """x_i'A_i of each row, (n, s) and (n, s, k) to (n, k)."""
    return x @ A[0] if _one(A) else np.einsum("ns,nsk->nk", x, A)


def rows_into(A: np.ndarray, x: np.ndarray) -> np.ndarray:
    """A_i x_i of each row, (n, s, k) and (n, k) to (n, s)."""
    return x @ A[0].T if _one(A) else np.einsum("nsk,nk->ns", A, x)


def rows_times(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """A_i B_i of each row, (n, a, s) and (n, s, k) to (n, a, k); B may be one matrix (s, k) or column (s,)."""
    if B.ndim < 3:
        return np.broadcast_to(A[0] @ B, (len(A), *(A[0] @ B).shape)) if _one(A) else A @ B
    return (A.reshape(-1, A.shape[2]) @ B[0]).reshape(*A.shape[:2], -1) if _one(B) else np.matmul(A, B)


def _one(A: np.ndarray) -> bool:
    return A.strides[0] == 0 and len(A) > 1


def _sandwich_rows(left: np.ndarray, middle: np.ndarray) -> np.ndarray:
    if not _one(left):
        return np.matmul(left.transpose(0, 2, 1), np.matmul(middle, left))
    n, s, k = left.shape
    return (middle.reshape(n, s * s) @ np.kron(left[0], left[0])).reshape(n, k, k)


class Blocks:
    """One grouping factor with `levels` levels and K random effects each; effects go level by level."""

    def __init__(self, codes: np.ndarray, levels: int, K: int):
        self.codes, self.levels, self.K, self.q = codes, levels, K, levels * K
        self.cols = codes[:, None].astype(np.int64) * K + np.arange(K)
        order = np.argsort(codes, kind="stable")
        self.order = None if np.array_equal(order, np.arange(len(codes))) else order
        self.starts = np.searchsorted(codes[order], np.arange(levels))

    def gather(self, rows: np.ndarray) -> np.ndarray:
        """Sums over the rows of each level."""
        out: np.ndarray = np.add.reduceat(rows if self.order is None else rows[self.order], self.starts, axis=0)
        return out

    def effects(self, u: np.ndarray) -> np.ndarray:
        """The effects of each row, (n, K)."""
        out: np.ndarray = u.reshape(self.levels, self.K)[self.codes]
        return out

    def cross(self, M: np.ndarray, Y: np.ndarray) -> np.ndarray:
        """M'Y, (q,) or (q, m)."""
        if Y.ndim == 1:
            return self.gather(M * Y[:, None]).ravel()
        return self.gather(M[:, :, None] * Y[:, None, :]).reshape(self.q, -1)

    def cross_rows(self, rows: np.ndarray) -> np.ndarray:
        """Sums of rows (n, K, m) by effect, (q, m)."""
        return self.gather(rows).reshape(self.q, -1)

    def gram(self, M: np.ndarray) -> np.ndarray:
        """M'M as blocks."""
        return self.gather(M[:, :, None] * M[:, None, :])

    def sandwich(self, left: np.ndarray, middle: np.ndarray) -> np.ndarray:
        """Sums of left_i' middle_i left_i, as blocks; left (n, s, K), middle (n, s, s)."""
        return self.gather(_sandwich_rows(left, middle))

    def plus_identity(self, A: np.ndarray) -> np.ndarray:
        return A + np.eye(self.K)

    def solve(self, A: np.ndarray, rhs: np.ndarray) -> np.ndarray:
        """A^-1 rhs; an error where A is singular."""
        shaped = rhs.reshape(self.levels, self.K, -1)
        return np.linalg.solve(A, shaped).reshape(rhs.shape)

    def logdet(self, A: np.ndarray) -> float:
        sign, value = np.linalg.slogdet(A)
        if (sign <= 0).any():
            raise ConvergenceError("the matrix of the random effects is not positive definite")
        return float(value.sum())

    def inverse_rows(self, A: np.ndarray) -> np.ndarray:
        """The block of A^-1 that belongs to each row, (n, K, K)."""
        out: np.ndarray = np.linalg.inv(A)[self.codes]
        return out


class Dense:
    """Several grouping factors: effects go term by term."""

    def __init__(self, cols: np.ndarray, q: int):
        if q > _LARGEST:
            raise MereValueError(
                f"nlmer() with several grouping factors takes at most {_LARGEST} random effects; this model has {q}"
            )
        self.cols, self.q = cols, q
        self.flat = cols.ravel()
        self.indptr = np.arange(0, cols.size + 1, cols.shape[1])

    def _sparse(self, M: np.ndarray) -> Any:
        import scipy.sparse as sp

        return sp.csr_array((M.ravel(), self.flat, self.indptr), shape=(len(M), self.q))

    def effects(self, u: np.ndarray) -> np.ndarray:
        out: np.ndarray = u[self.cols]
        return out

    def cross(self, M: np.ndarray, Y: np.ndarray) -> np.ndarray:
        if Y.ndim == 1:
            return np.bincount(self.flat, (M * Y[:, None]).ravel(), self.q)
        return np.asarray(self._sparse(M).T @ Y)

    def cross_rows(self, rows: np.ndarray) -> np.ndarray:
        out = np.zeros((self.q, rows.shape[2]))
        np.add.at(out, self.cols, rows)
        return out

    def gram(self, M: np.ndarray) -> np.ndarray:
        S = self._sparse(M)
        return np.asarray((S.T @ S).todense())

    def sandwich(self, left: np.ndarray, middle: np.ndarray) -> np.ndarray:
        rows = _sandwich_rows(left, middle)
        place = self.cols[:, :, None] * self.q + self.cols[:, None, :]
        return np.bincount(place.ravel(), rows.ravel(), self.q * self.q).reshape(self.q, self.q)

    def plus_identity(self, A: np.ndarray) -> np.ndarray:
        return A + np.eye(self.q)

    def solve(self, A: np.ndarray, rhs: np.ndarray) -> np.ndarray:
        return np.linalg.solve(A, rhs)

    def logdet(self, A: np.ndarray) -> float:
        try:
            return 2.0 * float(np.log(np.diag(np.linalg.cholesky(A))).sum())
        except np.linalg.LinAlgError:
            raise ConvergenceError("the matrix of the random effects is not positive definite") from None

    def inverse_rows(self, A: np.ndarray) -> np.ndarray:
        inverse = np.linalg.inv(A)
        out: np.ndarray = inverse[self.cols[:, :, None], self.cols[:, None, :]]
        return out


def matrix_of_terms(random: Sequence[Any]) -> tuple[Blocks | Dense, np.ndarray]:
    """The matrix for these terms, and where each effect in the order of terms is in its order."""
    sizes = [(len(t.levels), t.covariance.k) for t in random]
    if len({t.group for t in random}) == 1:
        K, levels = sum(k for _, k in sizes), sizes[0][0]
        first = np.concatenate([[0], np.cumsum([k for _, k in sizes])])
        place = [(np.arange(n)[:, None] * K + first[t] + np.arange(k)).ravel() for t, (n, k) in enumerate(sizes)]
        return Blocks(np.asarray(random[0].codes), levels, K), np.concatenate(place)
    starts = np.concatenate([[0], np.cumsum([n * k for n, k in sizes])])
    cols = [
        starts[t] + np.asarray(term.codes, dtype=np.int64)[:, None] * k + np.arange(k)
        for t, (term, (_, k)) in enumerate(zip(random, sizes, strict=True))
    ]
    return Dense(np.hstack(cols), int(starts[-1])), np.arange(int(starts[-1]))
