"""Estimates and how their uncertainty is judged: one interface for every kind of degrees of freedom.

A `Reference` holds an estimate beta and its covariance V and answers two questions: how many degrees of freedom has the
single contrast l'beta, ``df(L)``; and how is L beta = r tested jointly, ``joint(L, r)``. Satterthwaite, Kenward-Roger,
cluster-robust, residual and asymptotic are its kinds. Nothing here knows a model.

The joint F test of Fai and Cornelius takes q independent contrasts apart, the eigenvectors of L V L', and matches
moments of their one-dimensional degrees of freedom. Eigenvectors depend on the basis that L is written in. Here L is
first made orthonormal in a metric that belongs to the design, (X'X)^-1: then neither the basis of the hypothesis nor
the coding of the factors matters. The eigenvalues are then ratios of each contrast's variance to what it would be
without random effects, so that in a balanced design they separate the strata.

References: Fai and Cornelius (1996), J. Stat. Comput. Simul. 54, 363-378; Kuznetsova, Brockhoff and Christensen (2017),
J. Stat. Soft. 82(13).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Asymptotic", "JointTest", "Reference", "Residual", "moment_df", "orthonormal_rows", "p_of_f", "p_of_t"]

_RANK = 1e-8
#: Eigenvalues that are rounding errors of zero.
_SINGULAR = 1e-14


@dataclass(frozen=True)
class JointTest:
    """An F test: statistic, numerator and denominator degrees of freedom, p-value.

    Attributes
    ----------
    F : float
        Scaled, as it is compared with the F distribution.
    ndf, ddf, p_value : float
    scaling : float
        What the Wald statistic over `ndf` was multiplied by (Kenward and Roger), else 1.
    """

    F: float
    ndf: float
    ddf: float
    p_value: float
    scaling: float = 1.0

    @property
    def unscaled(self) -> float:
        """The Wald statistic over its degrees of freedom."""
        return self.F / self.scaling


def p_of_t(t: np.ndarray, df: np.ndarray) -> np.ndarray:
    """Two-sided p-values of t statistics; infinite df mean the normal distribution."""
    from scipy.special import ndtr, stdtr

    t, df = np.broadcast_arrays(np.abs(np.asarray(t, float)), np.asarray(df, float))
    with np.errstate(invalid="ignore"):
        out: np.ndarray = np.where(np.isinf(df), 2 * ndtr(-t), 2 * stdtr(np.where(np.isinf(df), 1.0, df), -t))
    return out


def p_of_f(F: float, ndf: float, ddf: float) -> float:
    """Upper tail of F; an infinite `ddf` means chi-squared over `ndf`."""
    from scipy.special import chdtrc, fdtrc

    if not (ndf > 0 and ddf > 0) or np.isnan(F):
        return float("nan")
    return float(chdtrc(ndf, ndf * F)) if np.isinf(ddf) else float(fdtrc(ndf, ddf, F))


def quantile_of_t(level: float, df: np.ndarray) -> np.ndarray:
    """Two-sided quantiles for confidence `level`."""
    from scipy.special import ndtri, stdtrit

    df = np.asarray(df, float)
    with np.errstate(invalid="ignore"):
        finite = stdtrit(np.where(np.isfinite(df), df, 1.0), (1 + level) / 2)
    out: np.ndarray = np.where(np.isinf(df), ndtri((1 + level) / 2), np.where(np.isnan(df), np.nan, finite))
    return out


def orthonormal_rows(L: np.ndarray, metric: np.ndarray | None = None) -> np.ndarray:
    """Rows that span those of L, orthonormal in the metric: A with A = B L and A metric A' = I.

    Parameters
    ----------
    L : (r, p) array
    metric : (p, p) array, optional
        Positive definite; the identity by default.

    Examples
    --------
    >>> abs(orthonormal_rows(np.array([[2.0, 0.0], [4.0, 0.0]]))).round(3)
    array([[1., 0.]])
    """
    L = np.atleast_2d(np.asarray(L, float))
    cross = L @ L.T if metric is None else L @ metric @ L.T
    scale = np.sqrt(np.diag(cross))
    keep = scale > 0
    if len(L) == 1 and keep[0]:
        return np.asarray(L / scale)
    L = _independent(L[keep] / scale[keep, None], metric)
    cross = L @ L.T if metric is None else L @ metric @ L.T
    values, vectors = np.linalg.eigh((cross + cross.T) / 2)
    use = values > _SINGULAR * max(values.max(initial=0.0), 1e-300)
    out: np.ndarray = (vectors[:, use] / np.sqrt(values[use])).T @ L
    return out


def _independent(L: np.ndarray, metric: np.ndarray | None) -> np.ndarray:
    """Rows that span those of L: as they are where they are independent.

    Judged by the coefficients in units of their standard errors, not by the metric: estimates that are hardly told
    apart make hypotheses no fewer.
    """
    B = L if metric is None else L * np.sqrt(np.diag(metric))
    size = np.linalg.norm(B, axis=1)
    U, d, _ = np.linalg.svd(B / size[:, None], full_matrices=False)
    rank = int((d > _RANK * d.max(initial=0.0)).sum())
    return L if rank == len(L) else (U[:, :rank].T / size) @ L


def moment_df(df: np.ndarray) -> float:
    """Denominator df of F from the df of q independent t statistics.

    E = sum nu/(nu - 2), ddf = 2E/(E - q); 2 when one of them is at most 2; their common value when they agree.

    Examples
    --------
    >>> moment_df(np.array([10.0, 10.0])), round(moment_df(np.array([10.0, 20.0])), 4)
    (10.0, 13.0769)
    """
    df = np.asarray(df, float)
    if len(df) == 0 or np.isnan(df).any():
        return float("nan")
    if np.isinf(df).all() or np.ptp(df) <= 1e-8 * df.min():
        return float(df[0])
    if (df <= 2).any():
        return 2.0
    ratio = np.where(np.isinf(df), 1.0, df / np.where(np.isinf(df), 1.0, df - 2))
    E = float(ratio.sum())
    return 2 * E / (E - len(df))


@dataclass(frozen=True, eq=False)
class Reference:
    """Estimate, covariance, and degrees of freedom of any contrast.

    Attributes
    ----------
    beta : (p,) array
    V : (p, p) array
    metric : (p, p) array or None
        In which contrasts are orthogonalized for joint tests.
    """

    beta: np.ndarray
    V: np.ndarray
    metric: np.ndarray | None

    #: How headings go on after "with" and "use".
    title = ""

    def df(self, L: np.ndarray) -> np.ndarray:
        """Degrees of freedom of each row of L, (r,)."""
        raise NotImplementedError

    def deviation(self, A: np.ndarray, L: np.ndarray, rhs: np.ndarray | None) -> np.ndarray:
        """A beta less what L beta = rhs makes of it, for A = B L."""
        out: np.ndarray = A @ self.beta
        if rhs is not None and np.any(rhs):
            out = out - np.linalg.lstsq(L.T, A.T, rcond=None)[0].T @ np.asarray(rhs, float)
        return out

    def joint(self, L: np.ndarray, rhs: np.ndarray | None = None) -> JointTest:
        """F test of L beta = rhs by moments of the one-dimensional degrees of freedom."""
        L = np.atleast_2d(np.asarray(L, float))
        A = orthonormal_rows(L, self.metric)
        if not len(A):
            return JointTest(np.nan, 0, np.nan, np.nan)
        values, vectors = np.linalg.eigh(A @ self.V @ A.T)
        ndf = len(A) if len(A) == len(L) else len(_independent(L[np.any(L != 0, axis=1)], self.metric))
        if len(A) < ndf or values[0] <= 10 * _SINGULAR * values[-1]:  # too near to singular for an F
            return JointTest(np.nan, ndf, np.nan, np.nan)
        contrasts = vectors.T @ A
        estimate = self.deviation(contrasts, L, rhs)
        F = float(np.sum(estimate**2 / values)) / ndf
        ddf = moment_df(self.df(contrasts))
        return JointTest(F, ndf, ddf, p_of_f(F, ndf, ddf))


@dataclass(frozen=True, eq=False)
class Residual(Reference):
    """The same degrees of freedom for everything: those of the residuals of a linear model.

    Examples
    --------
    >>> r = Residual(np.array([1.0, 2.0]), np.diag([0.25, 1.0]), None, 10)
    >>> r.joint(np.eye(2))
    JointTest(F=4.0, ndf=2, ddf=10.0, p_value=0.05292..., scaling=1.0)
    """

    residual_df: float = np.inf
    title = "residual degrees of freedom"

    def df(self, L: np.ndarray) -> np.ndarray:
        return np.full(len(np.atleast_2d(L)), float(self.residual_df))


@dataclass(frozen=True, eq=False)
class Asymptotic(Reference):
    """Infinite degrees of freedom: z and chi-squared tests."""

    title = "normal approximations"

    def df(self, L: np.ndarray) -> np.ndarray:
        return np.full(len(np.atleast_2d(L)), np.inf)
