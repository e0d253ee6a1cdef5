"""Covariances of the estimates that do not trust the model's: heteroscedasticity- and cluster-robust.

With M = (sum X_i' V_i^-1 X_i)^-1, residuals e_i = y_i - X_i beta and V_i the working covariance of cluster i,

    V_CR = M [sum X_i' V_i^-1 A_i e_i e_i' A_i' V_i^-1 X_i] M,

    CR0  A = I;     CR1  times m / (m - 1);
    CR2  A_i = D_i' B_i^(+1/2) D_i,  V_i = D_i' D_i,  B_i = D_i (V_i - X_i M X_i') D_i': unbiased if V is right;
    CR3  A_i = (I - X_i M X_i' V_i^-1)^-1: close to the jackknife.

A variance l'V_CR l is a sum of squares of s_i'(y - X beta)_i with s_i = A_i' V_i^-1 X_i M l. Under the working model
these have covariances p_ij = [i = j] s_i'V_i s_i - s_i'X_i M X_j's_j, whence Satterthwaite's df = (sum p_ii)^2 /
sum p_ij^2. For q contrasts at once the robust covariance, standardized, is matched to a Wishart with eta degrees of
freedom (HTZ): then (eta - q + 1)/(eta q) times the Wald statistic is compared with F(q, eta - q + 1).

References: Bell and McCaffrey (2002), Survey Methodology 28, 169-181; Pustejovsky and Tipton (2018), J. Bus. Econ.
Stat. 36, 672-683; MacKinnon and White (1985), J. Econometrics 29, 305-325.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import MereValueError
from .reference import JointTest, Reference, orthonormal_rows, p_of_f

__all__ = ["Cluster", "ClusterRobust", "WithCovariance", "cluster_robust", "heteroscedastic"]


@dataclass(frozen=True, eq=False)
class Cluster:
    """The rows of one cluster: X (n, p), residuals e (n,), working covariance V (n, n)."""

    X: np.ndarray
    e: np.ndarray
    V: np.ndarray


@dataclass(frozen=True, eq=False)
class ClusterRobust(Reference):
    """Estimates with a cluster-robust covariance, Satterthwaite-type df and HTZ joint tests.

    Attributes
    ----------
    M : (p, p) array
        Covariance under the working model.
    Omega : (m, p, p) array
        S_i' V_i S_i per cluster, S_i = A_i' V_i^-1 X_i M.
    U : (m, p, p) array
        X_i' S_i.
    """

    M: np.ndarray
    Omega: np.ndarray
    U: np.ndarray
    title = "cluster-robust standard errors"

    def df(self, L: np.ndarray) -> np.ndarray:
        L = np.atleast_2d(np.asarray(L, float))
        root = np.linalg.cholesky(self.M).T
        out = np.empty(len(L))
        for r, c in enumerate(L):
            own = np.einsum("a,mab,b->m", c, self.Omega, c)
            v = self.U @ c @ root.T
            cross = np.einsum("ma,ma->m", v, v)
            total = float(np.sum(own - cross))
            squares = float(np.sum(own**2) - 2 * own @ cross + np.sum((v.T @ v) ** 2))
            known = total > 1e-10 * own.sum()  # else its variance is zero whatever the responses
            out[r] = total**2 / squares if known and squares > 0 else np.nan
        return out

    def joint(self, L: np.ndarray, rhs: np.ndarray | None = None) -> JointTest:
        L = np.atleast_2d(np.asarray(L, float))
        A = orthonormal_rows(L, self.M)
        q = len(A)
        if not q:
            return JointTest(np.nan, 0, np.nan, np.nan)
        estimate = self.deviation(A, L, rhs)
        values, vectors = np.linalg.eigh(A @ self.V @ A.T)
        eta = self._wishart_df(A)
        ddf = eta - q + 1
        if values[0] <= 1e-10 * values[-1] or not ddf > 0:  # fewer clusters than contrasts
            return JointTest(np.nan, q, np.nan, np.nan)
        wald = float(np.sum((vectors.T @ estimate) ** 2 / values))
        scaling = ddf / eta
        return JointTest(scaling * wald / q, q, ddf, p_of_f(scaling * wald / q, q, ddf), scaling)

    def _wishart_df(self, A: np.ndarray) -> float:
        """eta = q (q + 1) / sum of the variances of the entries of the standardized robust covariance."""
        root = np.linalg.cholesky(self.M).T
        own = A @ self.Omega @ A.T
        v = root @ self.U @ A.T
        expected = (own - v.transpose(0, 2, 1) @ v).sum(axis=0)
        values, vectors = np.linalg.eigh(expected)
        whiten = (vectors / np.sqrt(np.maximum(values, 1e-300))).T
        own, v = whiten @ own @ whiten.T, v @ whiten.T
        q = len(A)
        cross = v.transpose(0, 2, 1) @ v  # p_ii without the working covariance
        grams = np.einsum("mas,mbt->stab", v, v, optimize=True)
        total = 0.0
        for s in range(q):
            for t in range(q):
                # sum_ij p_ij^ss p_ij^tt + p_ij^st p_ij^ts, p_ij^st = [i = j] own - v_is'v_jt
                total += _pair_sum(own, cross, grams, (s, s), (t, t)) + _pair_sum(own, cross, grams, (s, t), (t, s))
        return q * (q + 1) / total


def _pair_sum(own: np.ndarray, cross: np.ndarray, grams: np.ndarray, a: tuple[int, int], b: tuple[int, int]) -> float:
    """sum over i, j of p_ij^a p_ij^b."""
    diagonal = own[:, a[0], a[1]] @ own[:, b[0], b[1]]
    mixed = own[:, a[0], a[1]] @ cross[:, b[0], b[1]] + own[:, b[0], b[1]] @ cross[:, a[0], a[1]]
    full = np.sum(grams[a[0], b[0]] * grams[a[1], b[1]])
    return float(diagonal - mixed + full)


@dataclass(frozen=True, eq=False)
class WithCovariance(Reference):
    """Another covariance with the degrees of freedom of a given reference."""

    inner: Reference

    @property
    def title(self) -> str:  # type: ignore[override]
        return f"the covariance given and {self.inner.title}"

    def df(self, L: np.ndarray) -> np.ndarray:
        return self.inner.df(L)


def cluster_robust(
    clusters: Iterable[Cluster], beta: np.ndarray, M: np.ndarray, type: str, small: tuple[int, int] | None = None
) -> ClusterRobust:
    """Cluster-robust covariance of the estimates.

    Parameters
    ----------
    clusters : iterable of Cluster
    beta : (p,) array
    M : (p, p) array
        (sum X_i' V_i^-1 X_i)^-1.
    type : {"CR0", "CR1", "CR1S", "CR2", "CR3"}
    small : (n, p), optional
        For CR1S: the factor is m (n - 1) / ((m - 1)(n - p)).
    """
    scores, Omega, U = [], [], []
    for c in clusters:
        WX = np.linalg.solve(c.V, c.X)
        S = _adjust(c, M, WX, type) @ M
        scores.append(S.T @ c.e)
        Omega.append(S.T @ c.V @ S)
        U.append(c.X.T @ S)
    G = np.array(scores)
    V = G.T @ G
    m = len(G)
    if type == "CR1":
        V *= m / (m - 1)
    elif type == "CR1S" and small is not None:
        n, p = small
        V *= m * (n - 1) / ((m - 1) * (n - p))
    return ClusterRobust(beta, V, None, M, np.array(Omega), np.array(U))


def _adjust(c: Cluster, M: np.ndarray, WX: np.ndarray, type: str) -> np.ndarray:
    """A' V^-1 X of one cluster."""
    if type == "CR2":
        D = np.linalg.cholesky(c.V).T
        DX = D @ c.X
        B = D @ c.V @ D.T - DX @ M @ DX.T
        values, vectors = np.linalg.eigh((B + B.T) / 2)
        keep = values > 1e-12 * values.max()
        kept = vectors[:, keep]
        root = (kept / np.sqrt(values[keep])) @ kept.T
        out: np.ndarray = D.T @ (root @ (D @ WX))
        return out
    if type == "CR3":
        root = np.linalg.cholesky(M)
        if np.linalg.eigvalsh(root.T @ c.X.T @ WX @ root)[-1] > 1 - 1e-10:
            raise MereValueError(
                "CR3 is near a jackknife, and without one of the clusters not every coefficient can be estimated: "
                "use 'CR2'"
            )
        return np.linalg.solve((np.eye(len(c.e)) - c.X @ M @ WX.T).T, WX)
    return WX


def heteroscedastic(X: np.ndarray, e: np.ndarray, C: np.ndarray, leverage: np.ndarray, type: str) -> np.ndarray:
    """White's covariance of least-squares estimates, rows already weighted.

    Parameters
    ----------
    X : (n, p) array
    e : (n,) array
        Residuals.
    C : (p, p) array
        (X'X)^-1.
    leverage : (n,) array
    type : {"HC0", "HC1", "HC2", "HC3"}
        e^2; times n / (n - p); e^2 / (1 - h); e^2 / (1 - h)^2.
    """
    n, p = X.shape
    power = {"HC0": 0, "HC1": 0, "HC2": 1, "HC3": 2}[type]
    G = (X * (e / (1 - leverage) ** (power / 2))[:, None]) @ C
    V = G.T @ G
    return V * (n / (n - p)) if type == "HC1" else V


def singletons(X: np.ndarray, e: np.ndarray, variance: np.ndarray) -> Sequence[Cluster]:
    """Every row a cluster of its own."""
    return [Cluster(X[i : i + 1], e[i : i + 1], variance[i : i + 1, None]) for i in range(len(e))]
