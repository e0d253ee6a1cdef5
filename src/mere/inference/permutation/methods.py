"""How a permutation test makes its draws: one function a method, the statistic the same for what was observed.

Rows are those of a null model, made independent (`nulls.py`). With the other columns X_0, their residual projection
M_0 = I - X_0 (X_0'X_0)^-1 X_0', orthonormal bases Q_0 of X_0 and Q_1 of M_0 X_1, an arrangement pi and the null
residuals e = M_0 y:

score           a = Q_1' pi(e), with the residual sum of squares of pi(e): one matrix product for all arrangements
freedman-lane   the response X_0 b_0 + pi(e), fitted in full; equal to the score, since Q_1' X_0 = 0
ter-braak       the response X b + pi(residuals of the full fit), its estimate less the observed one
kennedy         pi(M_0 X_1) in place of X_1
manly           the response itself: a test that it has nothing to do with any column
one-step        as the score, but the coefficients (X'X)^-1 X' pi(e) themselves, not studentized
sign-flip       signs s: Q_1' (s e), standardized by the length of M_0 (s Q_1)

For one column the statistic is t, for several F.

References: Freedman and Lane (1983), J. Bus. Econ. Stat. 1, 292-298; ter Braak (1992), in Bootstrapping and Related
Techniques, 79-85; Kennedy (1995), J. Bus. Econ. Stat. 13, 85-94; Manly (1986), Res. Popul. Ecol. 28, 201-218; Winkler
et al. (2014), NeuroImage 92, 381-397; Hemerik, Goeman and Finos (2020), J. R. Stat. Soc. B 82, 841-864.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...errors import MereValueError

__all__ = ["INVERTIBLE", "METHODS", "Geometry", "Statistic", "estimated", "geometry"]

#: Methods whose draws are of t less its value: the test can be inverted.
INVERTIBLE = ("score", "freedman-lane", "ter-braak")

Draw = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Geometry:
    """The tested columns beside the others.

    Attributes
    ----------
    Q0 : (n, r) array
        Orthonormal basis of the other columns.
    Q1 : (n, q) array
        Of what the tested columns add.
    R1 : (q, q) array
        M_0 X_1 = Q_1 R_1, for one column its length.
    y : (n,) array
    df : int
        n - r - q.
    raw : callable
        Rows of arranged responses (b, n), arranged before the rows were made independent.
    """

    Q0: np.ndarray
    Q1: np.ndarray
    R1: np.ndarray
    y: np.ndarray
    df: int
    raw: Draw

    @property
    def q(self) -> int:
        return self.Q1.shape[1]

    @property
    def null_residuals(self) -> np.ndarray:
        out: np.ndarray = self.y - self.Q0 @ (self.Q0.T @ self.y)
        return out - self.Q0 @ (self.Q0.T @ out)

    @property
    def null_fit(self) -> np.ndarray:
        return self.y - self.null_residuals


def geometry(X: np.ndarray, y: np.ndarray, tested: np.ndarray, raw: Draw | None = None) -> Geometry:
    """Bases of the tested columns and of the others.

    Examples
    --------
    >>> x = np.arange(4.0)
    >>> f = geometry(np.column_stack([np.ones(4), x]), x**2, np.array([1]))
    >>> f.q, f.df, f.R1.round(4).tolist()
    (1, 2, [[2.2361]])
    """
    others = np.setdiff1d(np.arange(X.shape[1]), tested)
    Q0 = np.linalg.qr(X[:, others])[0] if len(others) else np.zeros((len(X), 0))
    own = X[:, tested]
    left = own - Q0 @ (Q0.T @ own)
    left -= Q0 @ (Q0.T @ left)
    Q1, R1 = np.linalg.qr(left)
    sign = np.where(np.diag(R1) < 0, -1.0, 1.0)
    if (np.abs(np.diag(R1)) <= 1e-10 * np.linalg.norm(own, axis=0)).any():
        raise MereValueError("the tested columns are linear combinations of the others")
    return Geometry(Q0, Q1 * sign, R1 * sign[:, None], y, len(X) - X.shape[1], raw or (lambda block: y[block]))


@dataclass(frozen=True, eq=False)
class Statistic:
    """The observed statistic, and its value under a block of arrangements (b, n)."""

    observed: float
    draw: Draw


def estimated(f: Geometry) -> tuple[float, float]:
    """The coefficient of one tested column and its standard error, by least squares."""
    a = float(f.Q1[:, 0] @ f.y)
    variance = max(float(f.null_residuals @ f.null_residuals) - a * a, 0.0) / f.df
    return a / float(f.R1[0, 0]), float(np.sqrt(variance)) / float(f.R1[0, 0])


def _ratio(a: np.ndarray, rss: np.ndarray, df: int) -> np.ndarray:
    """t of one column, F of several: a (b, q), residual sums of squares (b,)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        if a.shape[1] == 1:
            out: np.ndarray = a[:, 0] / np.sqrt(rss / df)
        else:
            out = np.einsum("bq,bq->b", a, a) / a.shape[1] / (rss / df)
    return out


def _fitted(f: Geometry, Y: np.ndarray, shift: np.ndarray | float = 0.0) -> np.ndarray:
    """The statistic of responses (b, n), their coordinates along Q_1 less `shift`."""
    a, inside = Y @ f.Q1, Y @ f.Q0
    total = np.einsum("bn,bn->b", Y, Y)
    rss = total - np.einsum("bq,bq->b", a, a) - np.einsum("br,br->b", inside, inside)
    return _ratio(a - shift, np.maximum(rss, 1e-14 * total), f.df)


def _of_responses(f: Geometry, response: Draw, shift: np.ndarray | float = 0.0) -> Statistic:
    return Statistic(float(_fitted(f, f.y[None])[0]), lambda block: _fitted(f, response(block), shift))


def _score(f: Geometry) -> Statistic:
    e = f.null_residuals
    basis, total, q = np.hstack([f.Q1, f.Q0]), float(e @ e), f.q

    def draw(block: np.ndarray) -> np.ndarray:
        inside = np.take(e, block, mode="clip") @ basis
        rss = total - np.einsum("bp,bp->b", inside, inside)
        return _ratio(inside[:, :q], np.maximum(rss, 1e-14 * total), f.df)

    return Statistic(float(_fitted(f, f.y[None])[0]), draw)


def _freedman_lane(f: Geometry) -> Statistic:
    e, fit = f.null_residuals, f.null_fit
    return _of_responses(f, lambda block: fit + e[block])


def _ter_braak(f: Geometry) -> Statistic:
    a = f.Q1.T @ f.y
    full = f.null_residuals - f.Q1 @ a
    fit = f.y - full
    return _of_responses(f, lambda block: fit + full[block], a)


def _manly(f: Geometry) -> Statistic:
    return _of_responses(f, f.raw)


def _kennedy(f: Geometry) -> Statistic:
    e, left = f.null_residuals, f.Q1 @ f.R1
    total = float(e @ e)

    def draw(block: np.ndarray) -> np.ndarray:
        moved = left[block]  # (b, n, q)
        b = np.einsum("bnq,n->bq", moved, e)
        inside = np.einsum("bnq,nr->bqr", moved, f.Q0, optimize=True)
        gram = np.einsum("bnq,bns->bqs", moved, moved, optimize=True) - inside @ inside.transpose(0, 2, 1)
        if f.q == 1:
            a = b / np.sqrt(gram[:, :, 0])
            return _ratio(a, total - a[:, 0] ** 2, f.df)
        explained = np.einsum("bq,bq->b", b, np.linalg.solve(gram, b[..., None])[..., 0])
        out: np.ndarray = explained / f.q / ((total - explained) / f.df)
        return out

    return Statistic(float(_fitted(f, f.y[None])[0]), draw)


def _one_step(f: Geometry) -> Statistic:
    e = f.null_residuals

    def coefficients(Y: np.ndarray) -> np.ndarray:
        a = Y @ f.Q1
        if f.q == 1:
            out: np.ndarray = a[:, 0] / f.R1[0, 0]
        else:
            out = np.einsum("bq,bq->b", a, a) / f.q
        return out

    return Statistic(float(coefficients(e[None])[0]), lambda block: coefficients(e[block]))


def _sign_flip(f: Geometry) -> Statistic:
    e = f.null_residuals
    scale = float(np.sqrt(e @ e / (len(e) - f.Q0.shape[1])))
    products = f.Q1 * e[:, None]

    def draw(signs: np.ndarray) -> np.ndarray:
        a = signs @ products / scale
        inside = np.einsum("bn,nr,nq->brq", signs, f.Q0, f.Q1, optimize=True)
        gram = np.eye(f.q) - inside.transpose(0, 2, 1) @ inside
        with np.errstate(divide="ignore", invalid="ignore"):
            if f.q == 1:
                out: np.ndarray = a[:, 0] / np.sqrt(gram[:, 0, 0])
            else:
                out = np.einsum("bq,bq->b", a, np.linalg.solve(gram, a[..., None])[..., 0]) / f.q
        return out

    return Statistic(float(draw(np.ones((1, len(e))))[0]), draw)


METHODS: dict[str, Callable[[Geometry], Statistic]] = {
    "score": _score,
    "freedman-lane": _freedman_lane,
    "ter-braak": _ter_braak,
    "kennedy": _kennedy,
    "manly": _manly,
    "one-step": _one_step,
    "sign-flip": _sign_flip,
}
