"""Unequal variances in the cells of a linear model: Welch's t and Johansen's F.

A cell k is a combination of the levels of the factors, with n_k rows and residual variance s_k^2. With the rows X_k,

    V = sum V_k,   V_k = s_k^2 (X'X)^-1 X_k'X_k (X'X)^-1.

A contrast l'beta has df = (sum v_k)^2 / sum v_k^2 / (n_k - 1), v_k = l'V_k l: for two groups Welch's t test. L beta
with q rows is tested by the statistic T = (L beta)' (L V L')^-1 (L beta), where with P_k = L V_k L' (L V L')^-1

    A = 1/2 sum [tr(P_k^2) + tr(P_k)^2] / (n_k - 1),   T / (q + 2A - 6A / (q + 2)) ~ F(q, q (q + 2) / (3A)),

for one factor Welch's analysis of variance. `WelchMoments` has Fai and Cornelius's F instead, as Satterthwaite's method
has it in mixed models; for several groups that is an approximation of Welch's.

References: Welch (1951), Biometrika 38, 330-336; Johansen (1980), Biometrika 67, 85-92.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import MereValueError
from .reference import JointTest, Reference, orthonormal_rows, p_of_f

__all__ = ["Welch", "WelchMoments", "welch"]


@dataclass(frozen=True, eq=False)
class Welch(Reference):
    """Estimates of a linear model whose cells have variances of their own.

    Attributes
    ----------
    parts : (m, p, p) array
        V_k of each cell.
    cell_df : (m,) array
        n_k - 1.
    """

    parts: np.ndarray
    cell_df: np.ndarray
    title = "Welch's degrees of freedom"

    def df(self, L: np.ndarray) -> np.ndarray:
        L = np.atleast_2d(np.asarray(L, float))
        v = np.einsum("ra,mab,rb->rm", L, self.parts, L)
        total, squares = v.sum(axis=1) ** 2, (v**2 / self.cell_df).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(squares > 0, total / squares, np.nan)

    def joint(self, L: np.ndarray, rhs: np.ndarray | None = None) -> JointTest:
        L = np.atleast_2d(np.asarray(L, float))
        A = orthonormal_rows(L, self.metric)
        q = len(A)
        if not q:
            return JointTest(np.nan, 0, np.nan, np.nan)
        estimate = self.deviation(A, L, rhs)
        own = A @ self.parts @ A.T
        V = own.sum(axis=0)
        values = np.linalg.eigvalsh(V)
        if values[0] <= 1e-12 * values[-1]:
            return JointTest(np.nan, q, np.nan, np.nan)
        inverse = np.linalg.inv(V)
        shares = own @ inverse
        traces = np.einsum("mii->m", shares)
        a = 0.5 * float(((np.einsum("mij,mji->m", shares, shares) + traces**2) / self.cell_df).sum())
        scaling = q / (q + 2 * a - 6 * a / (q + 2))
        F, ddf = scaling * float(estimate @ inverse @ estimate) / q, q * (q + 2) / (3 * a)
        return JointTest(F, q, ddf, p_of_f(F, q, ddf), scaling)


class WelchMoments(Welch):
    """The same with Fai and Cornelius's joint test: degrees of freedom of independent contrasts, matched by moments."""

    title = "Welch's degrees of freedom, joined by moments"

    def joint(self, L: np.ndarray, rhs: np.ndarray | None = None) -> JointTest:
        return Reference.joint(self, L, rhs)


def welch(
    X: np.ndarray, e: np.ndarray, beta: np.ndarray, C: np.ndarray, cells: np.ndarray, labels: Sequence[str]
) -> Welch:
    """Welch's reference of a least-squares fit.

    Parameters
    ----------
    X : (n, p) array
    e : (n,) array
        Residuals.
    beta : (p,) array
    C : (p, p) array
        (X'X)^-1.
    cells : (n,) array of int
        The cell of each row.
    labels : sequence of str
        Names of the cells, for errors.
    """
    parts, df = [], []
    for k, label in enumerate(labels):
        rows = np.flatnonzero(cells == k)
        if len(rows) < 2:
            raise MereValueError(
                f"the cell {label} has {len(rows)} row: a variance needs two; join levels, or leave out the cell"
            )
        G = X[rows] @ C
        parts.append(np.var(e[rows], ddof=1) * (G.T @ G))
        df.append(len(rows) - 1.0)
    stacked = np.array(parts)
    return Welch(beta, stacked.sum(axis=0), C, stacked, np.array(df))
