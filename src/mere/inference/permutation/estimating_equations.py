"""The equations of penalized quasi-likelihood at fixed variances, for many responses at once.

With D = diag(w (dmu/deta) / V(mu)) and the coefficients (beta, u),

    X'D(y - mu) = 0,   Lambda'Z'D(y - mu) = u.

First all responses take Newton steps whose matrix M = [X'WX X'WZ; Z'WX Z'WZ + I] is that of the null fit, factored
once. Those that do not come to rest take steps with matrices of their own: the products of columns of [X Z] that a row
has are few, so all matrices are one sparse product with the weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...families import Family, binomial, poisson

__all__ = ["PenalizedFits", "System", "is_simple"]

_TOLERANCE = 1e-12  # of a step, relative to linear predictors: ties must stay ties
_TOGETHER, _OWN = 40, 100
_SLOW = 0.6  # a step that is longer, relative to the one before, is of a response that needs its own matrix
_DENSE = 200  # coefficients; more are solved one response after another by sparse factors
_AT_ONCE = 20_000_000  # numbers held by a batch of matrices


def is_simple(family: Family) -> bool:
    """Binomial with logit or Poisson with log link, whose (dmu/deta) / V(mu) is 1."""
    return (family.code, family.link.code) in {(f.code, f.link.code) for f in (binomial(), poisson())}


@dataclass(frozen=True, eq=False)
class System:
    """M, factored by the Schur complement of its sparse corner.

    Attributes
    ----------
    corner : callable or None
        (Z'WZ + I)^-1 of (q, b).
    P : (q, p) array
        (Z'WZ + I)^-1 Z'WX.
    schur : factor of the complement
    """

    corner: Callable[[np.ndarray], np.ndarray] | None
    P: np.ndarray
    schur: Any

    @classmethod
    def of(cls, X: np.ndarray, Z: Any, working: np.ndarray) -> System:
        from scipy.linalg import cho_factor

        XW = X * working[:, None]
        A = X.T @ XW
        if Z is None:
            return cls(None, np.zeros((0, X.shape[1])), cho_factor(A))
        from scipy.sparse import diags_array, eye_array
        from scipy.sparse.linalg import splu

        corner = splu((Z.T @ (diags_array(working) @ Z) + eye_array(Z.shape[1])).tocsc()).solve
        C = np.asarray(Z.T @ XW)
        P = corner(C)
        return cls(corner, P, cho_factor(A - C.T @ P))

    def solve(self, g: np.ndarray) -> np.ndarray:
        """M^-1 g, g (p + q, b)."""
        from scipy.linalg import cho_solve

        p = self.P.shape[1]
        step = cho_solve(self.schur, g[:p] - self.P.T @ g[p:])
        return step if self.corner is None else np.vstack([step, self.corner(g[p:]) - self.P @ step])


@dataclass(frozen=True, eq=False)
class PenalizedFits:
    """The equations of one model.

    Attributes
    ----------
    X : (n, p) array
    Z : sparse (n, q) matrix or None
        Z Lambda.
    weights, offset : (n,) arrays
    family : Family
    working : (n,) array
        Weights of the null fit.
    system : System
        Of the null fit.
    """

    X: np.ndarray
    Z: Any
    weights: np.ndarray
    offset: np.ndarray
    family: Family
    working: np.ndarray
    system: System

    def solve(self, Y: np.ndarray, working: np.ndarray) -> np.ndarray:
        """Fixed effects (p, b) of responses (n, b).

        Parameters
        ----------
        Y : (n, b) array
            They need not be possible responses of the family.
        working : (n, b) array
            Working responses less the offset, to start from.

        Returns
        -------
        array (p, b)
            NaN where there is no solution.
        """
        start = self.system.solve(self._products(self.working[:, None] * working))
        out = self._by_one_matrix(Y, start)
        lost = np.flatnonzero(np.isnan(out[0]))
        size = max(1, _AT_ONCE // len(start) ** 2)
        for first in range(0, len(lost), size):
            own = lost[first : first + size]
            out[:, own] = self._by_own_matrices(Y[:, own], start[:, own])
        return out[: self.X.shape[1]]

    def _by_one_matrix(self, Y: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Coefficients (k, b); NaN for those that do not come to rest."""
        out = np.full_like(x, np.nan)
        left, before = np.arange(Y.shape[1]), np.full(Y.shape[1], np.inf)
        for _ in range(_TOGETHER):
            valid = self._valid(x)
            left, x, Y, before = left[valid], x[:, valid], Y[:, valid], before[valid]
            if not len(left):
                break
            step = self.system.solve(self._score(x, Y))
            x, moved = x + step, self._length(step)
            resting = moved < _TOLERANCE * (1 + self._length(x))
            out[:, left[resting]] = x[:, resting]
            going = ~resting & (moved < _SLOW * before)
            left, x, Y, before = left[going], x[:, going], Y[:, going], moved[going]
        return out

    def _by_own_matrices(self, Y: np.ndarray, start: np.ndarray) -> np.ndarray:
        """Scoring steps with matrices of their own; halved until score'M^-1 score falls."""
        out = np.full_like(start, np.nan)
        x = np.where(self._valid(start), start, 0.0)
        left, step, t = np.arange(Y.shape[1]), np.zeros_like(x), np.ones(Y.shape[1])
        size = np.full(Y.shape[1], np.inf)
        for _ in range(_OWN):
            if not len(left):
                break
            new = x + t * step
            valid = np.flatnonzero(self._valid(new))
            score = self._score(new[:, valid], Y[:, valid])
            ahead = self._own_steps(new[:, valid], score)
            gain = np.einsum("kb,kb->b", score, ahead)
            better = np.isfinite(gain) & (gain < size[valid])
            took = valid[better]
            x[:, took], step[:, took], size[took], t[took] = new[:, took], ahead[:, better], gain[better], 2.0
            t /= 2  # whole steps for those that got better
            resting = np.zeros(len(left), dtype=bool)
            resting[took] = self._length(ahead[:, better]) < _TOLERANCE * (1 + self._length(x[:, took]))
            out[:, left[resting]] = (x + step)[:, resting]
            going = ~resting & (t > 1e-10)
            left, x, step, t, size, Y = left[going], x[:, going], step[:, going], t[going], size[going], Y[:, going]
        return out

    def _own_steps(self, x: np.ndarray, score: np.ndarray) -> np.ndarray:
        """M^-1 score, M at each x; NaN where it is singular."""
        W, k = self._weights_at(x), len(x)
        out = np.full_like(score, np.nan)
        if k > _DENSE:
            for b in range(x.shape[1]):
                try:
                    out[:, b] = System.of(self.X, self.Z, W[:, b]).solve(score[:, [b]])[:, 0]
                except (np.linalg.LinAlgError, RuntimeError):  # weights of zero
                    continue
            return out
        first, second, products = self._pairs
        values = (products @ W).T
        M = np.zeros((x.shape[1], k, k))
        M[:, first, second] = M[:, second, first] = values
        j = np.arange(k)
        M[:, j, j] += 1e-14 * np.einsum("bkk->b", M)[:, None] + 1e-300
        M[:, j[self.X.shape[1] :], j[self.X.shape[1] :]] += 1.0
        fine = np.isfinite(M).all(axis=(1, 2))
        out[:, fine] = np.linalg.solve(M[fine], score.T[fine][..., None])[..., 0].T
        return out

    @cached_property
    def _pairs(self) -> tuple[np.ndarray, np.ndarray, Any]:
        """Pairs of columns of C = [X Z], and the sparse matrix (pairs, n) of their products in each row."""
        from scipy.sparse import coo_array, csr_array, hstack

        C = csr_array(self.X) if self.Z is None else csr_array(hstack([csr_array(self.X), self.Z]))
        counts, k = np.diff(C.indptr), C.shape[1]
        keys, rows, values = [], [], []
        for count in np.unique(counts):
            own = np.flatnonzero(counts == count)
            at = C.indptr[own][:, None] + np.arange(count)
            a, b = np.triu_indices(count)
            columns, entries = C.indices[at].astype(np.int64), C.data[at]
            low, high = np.minimum(columns[:, a], columns[:, b]), np.maximum(columns[:, a], columns[:, b])
            keys.append((low * k + high).ravel())
            values.append((entries[:, a] * entries[:, b]).ravel())
            rows.append(np.repeat(own, len(a)))
        pairs, number = np.unique(np.concatenate(keys), return_inverse=True)
        products = coo_array((np.concatenate(values), (number, np.concatenate(rows))), shape=(len(pairs), len(self.X)))
        return pairs // k, pairs % k, products.tocsr()

    def _products(self, e: np.ndarray) -> np.ndarray:
        """[X Z]'e."""
        fixed = self.X.T @ e
        return fixed if self.Z is None else np.vstack([fixed, self.Z.T @ e])

    def _predictor(self, x: np.ndarray) -> np.ndarray:
        p = self.X.shape[1]
        out: np.ndarray = self.X @ x[:p] if self.Z is None else self.X @ x[:p] + self.Z @ x[p:]
        return out

    def _length(self, step: np.ndarray) -> np.ndarray:
        out: np.ndarray = np.abs(self._predictor(step)).max(axis=0, initial=0.0)
        return out

    def _weights_at(self, x: np.ndarray) -> np.ndarray:
        eta = self.offset[:, None] + self._predictor(x)
        slope = self.family.link.derivative(eta)
        out: np.ndarray = self.weights[:, None] * slope**2 / self.family.variance(self.family.link.inverse(eta))
        return out

    def _valid(self, x: np.ndarray) -> np.ndarray:
        """Which columns have means that the family can have?"""
        link, family = self.family.link, self.family
        with np.errstate(all="ignore"):
            eta = self.offset[:, None] + self._predictor(x)
            if link.valid(eta) and family.valid_mu(link.inverse(eta)):
                return np.ones(eta.shape[1], dtype=bool)
            return np.array([link.valid(e) and family.valid_mu(link.inverse(e)) for e in eta.T])

    def _score(self, x: np.ndarray, Y: np.ndarray) -> np.ndarray:
        family, link = self.family, self.family.link
        eta = self.offset[:, None] + self._predictor(x)
        mu = link.inverse(eta)
        e = self.weights[:, None] * (Y - mu)
        if not is_simple(family):
            e *= link.derivative(eta) / family.variance(mu)
        out = self._products(e)
        out[self.X.shape[1] :] -= x[self.X.shape[1] :]
        return out
