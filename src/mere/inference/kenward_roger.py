"""Kenward and Roger's adjusted covariance and F test, without a matrix of the order of the rows.

With Phi = (X'V^-1 X)^-1, parameters psi of V with derivatives G_m, and

    P_m  = -X'V^-1 G_m V^-1 X,   Q_mn = X'V^-1 G_m V^-1 G_n V^-1 X,   R_mn = X'V^-1 (d2V/dm dn) V^-1 X,
    I_mn = tr(V^-1 G_m V^-1 G_n) - 2 tr(Phi Q_mn) + tr(Phi P_m Phi P_n),   W = 2 I^-1,

the adjusted covariance is Phi_A = Phi + 2 Phi [sum W_mn (Q_mn - P_m Phi P_n - R_mn / 4)] Phi. The F statistic with
Phi_A is scaled by lambda and compared with F(q, m); lambda and m match its first two moments. For one contrast
lambda = 1 and m = 2 / (a'W a), a_m = l'Phi P_m Phi l / l'Phi l.

V is linear in the entries of unstructured, diagonal and homogeneous compound-symmetric covariance matrices, so R = 0.
For heterogeneous compound symmetry and autoregression the parameters are standard deviations and the correlation. The
estimates of such parameters are biased by the curvature of V, which cancels the part of R that another parametrization
would not have: of the second derivatives of V only what is orthogonal, in the metric of the information, to the first
ones remains. So a structure that is the unstructured one in disguise has the unstructured one's results. Parameters of
these structures that are on a bound are held there.

References: Kenward and Roger (1997), Biometrics 53, 983-997; Kenward and Roger (2009), Comput. Stat. Data Anal. 53,
2583-2595; Halekoh and Hojsgaard (2014), J. Stat. Soft. 59(9).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..covariances import Covariance
from ..errors import MereWarning, tell
from ..objective import LMMObjective
from .components import Components, components_at
from .reference import JointTest, Reference, orthonormal_rows, p_of_f

__all__ = ["KenwardRoger", "adjusted", "kenward_roger", "moments_of_f"]


_UNKNOWN = 1e-10  # of the information of a parameter that is left beside the fixed effects


@dataclass(frozen=True, eq=False)
class KenwardRoger(Reference):
    """Estimates with Kenward and Roger's covariance (V) and degrees of freedom.

    Attributes
    ----------
    Phi : (p, p) array
        The covariance before adjustment.
    P : (m, p, p) array
        Derivatives of Phi^-1 by the parameters of V.
    W : (m, m) array
        Covariance of the parameters.
    """

    Phi: np.ndarray
    P: np.ndarray
    W: np.ndarray
    title = "Kenward-Roger's method"

    def df(self, L: np.ndarray) -> np.ndarray:
        L = np.atleast_2d(np.asarray(L, float))
        LPhi = L @ self.Phi
        v = np.einsum("ij,ij->i", LPhi, L)
        with np.errstate(divide="ignore", invalid="ignore"):
            a = np.einsum("mij,ij->im", LPhi @ self.P, LPhi) / v[:, None]
            out: np.ndarray = 2 / np.einsum("im,im->i", a @ self.W, a)
        return out

    def joint(self, L: np.ndarray, rhs: np.ndarray | None = None) -> JointTest:
        L = np.atleast_2d(np.asarray(L, float))
        A = orthonormal_rows(L, self.Phi)
        q = len(A)
        if not q:
            return JointTest(np.nan, 0, np.nan, np.nan)
        estimate = self.deviation(A, L, rhs)
        wald = float(estimate @ np.linalg.solve(A @ self.V @ A.T, estimate)) / q
        slopes = (A @ self.Phi) @ self.P @ (A @ self.Phi).T  # A Phi A' = I
        traces = np.einsum("mii->m", slopes)
        A1 = float(traces @ self.W @ traces)
        A2 = float(np.einsum("mn,mij,nji->", self.W, slopes, slopes))
        ddf, scaling = moments_of_f(q, A1, A2)
        return JointTest(scaling * wald, q, ddf, p_of_f(scaling * wald, q, ddf), scaling)


def moments_of_f(q: int, A1: float, A2: float) -> tuple[float, float]:
    """Denominator df and scaling of the F statistic (Kenward and Roger 1997, section 4).

    Examples
    --------
    >>> moments_of_f(1, 0.1, 0.1)
    (20.0, 1.0)
    """
    if A2 <= 0:
        return float("inf"), 1.0
    if q == 1:
        return 2 / A2, 1.0
    g = ((q + 1) * A1 - (q + 4) * A2) / ((q + 2) * A2)
    denominator = 3 * q + 2 * (1 - g)
    c1, c2, c3 = g / denominator, (q - g) / denominator, (q + 2 - g) / denominator
    B = (A1 + 6 * A2) / (2 * q)
    v0, v1, v2 = 1 + c1 * B, 1 - c2 * B, 1 - c3 * B
    one = 1 - A2 / q
    ratio = one / v1 if abs(v1) > 1e-10 else (1.0 if abs(one) <= 1e-10 else float("inf"))
    rho = ratio**2 * (v0 if abs(v0) > 1e-10 else 0.0) / v2 / q
    ddf = 4 + (q + 2) / (q * rho - 1)
    scaling = 1.0 if abs(ddf - 2) < 1e-2 else ddf * one / (ddf - 2)
    return ddf, scaling


def adjusted(
    Phi: np.ndarray, P: np.ndarray, Q: np.ndarray, T: np.ndarray, R: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Phi_A and W from P (m, p, p), Q (m, m, p, p), the traces T (m, m) and the second derivatives R (m, m, p, p).

    A parameter of which the fixed effects leave no information, such as the variance of a factor that is among them,
    is held.
    """
    PhiP = Phi @ P
    information = restricted_information(Phi, P, Q, T)
    known = np.diag(information) > _UNKNOWN * np.diag(T)
    W = np.zeros_like(information)
    W[np.ix_(known, known)] = 2 * _inverse(information[np.ix_(known, known)])
    inner = np.einsum("mn,mnij->ij", W, Q) - np.einsum("mij,mjk->ik", np.tensordot(W, P, axes=1), PhiP)
    if R is not None:
        inner = inner - 0.25 * np.einsum("mn,mnij->ij", W, R)
    out = Phi + 2 * Phi @ inner @ Phi
    return (out + out.T) / 2, W


def restricted_information(Phi: np.ndarray, P: np.ndarray, Q: np.ndarray, T: np.ndarray) -> np.ndarray:
    """Twice the expected information of the parameters of V in the restricted likelihood, (m, m)."""
    PhiP = Phi @ P
    out = T - 2 * np.einsum("ij,mnji->mn", Phi, Q) + np.einsum("mij,nji->mn", PhiP, PhiP)
    return (out + out.T) / 2


def _normal_part(second: np.ndarray, J: np.ndarray, metric: np.ndarray) -> np.ndarray:
    """Second derivatives of gamma without their part in the span of the first ones."""
    m = J.shape[1]
    weighted = J.T @ metric
    along = np.linalg.lstsq(weighted @ J, weighted @ second.reshape(len(J), m * m), rcond=None)[0]
    out: np.ndarray = second - (J @ along).reshape(second.shape)
    return out


def _inverse(A: np.ndarray) -> np.ndarray:
    """Inverse, or the generalized one where A is singular in units of its own diagonal."""
    scale = np.sqrt(np.abs(np.diag(A)))
    scale[scale == 0] = 1.0
    unit = A / np.outer(scale, scale)
    values, vectors = np.linalg.eigh(unit)
    keep = values > 1e-10 * values.max()
    kept = vectors[:, keep] / scale[:, None]
    if keep.all():
        return (kept / values) @ kept.T
    out: np.ndarray = np.linalg.pinv(A, rcond=1.5e-8, hermitian=True)
    return out


def kenward_roger(
    objective: LMMObjective, par: np.ndarray, beta: np.ndarray, sigma: float, C: np.ndarray
) -> KenwardRoger:
    """Kenward and Roger's method at the optimum of a REML criterion.

    Parameters
    ----------
    objective : LMMObjective
    par : (n_par,) array
    beta : (p,) array
    sigma : float
    C : (p, p) array
        (X'H^-1 X)^-1.
    """
    p = len(beta)
    n = len(objective.design.y)
    c = components_at(objective, par, np.linalg.inv(C) if p else C, (n - p) * sigma**2)
    J, second = _parameters(objective, par, sigma, c)
    P = -np.tensordot(J.T, c.B[:, :p, :p], axes=1) / sigma**4
    Q = np.einsum("am,bn,abij->mnij", J, J, c.Q[:, :, :p, :p], optimize=True) / sigma**6
    T = J.T @ c.T @ J / sigma**4
    R = None
    if second is not None:
        second = _normal_part(second, J, restricted_information(C, c.B[:, :p, :p], c.Q[:, :, :p, :p], c.T))
        R = np.einsum("amn,aij->mnij", second, c.B[:, :p, :p]) / sigma**4
    Phi = sigma**2 * C
    V, W = adjusted(Phi, P, Q, T, R)
    if p and np.linalg.eigvalsh(V)[0] <= 0:
        tell(
            "Kenward and Roger's adjustment leaves no covariance here (V is estimated on its boundary): "
            "the covariance is not adjusted, degrees of freedom are theirs",
            MereWarning,
        )
        V = Phi
    return KenwardRoger(beta, V, None, Phi, P, W)


# ------------------------------------------------------------------ parameters of V


def _parameters(
    objective: LMMObjective, par: np.ndarray, sigma: float, c: Components
) -> tuple[np.ndarray, np.ndarray | None]:
    """First and second derivatives of gamma (residual first) by the parameters of V; None if V is linear in them."""
    index = {entry: b + 1 for b, entry in enumerate(c.base)}
    blocks: list[tuple[list[int], np.ndarray, np.ndarray | None]] = [([0], np.ones((1, 1)), None)]
    at = objective.layout.par_at
    for t, structure in enumerate(objective.structures):
        factor, first = objective.plan.place(t)[:2]
        pairs = [(i, j) for j in range(structure.k) for i in range(j, structure.k)]
        pairs = [(i, j) for i, j in pairs if (factor, first + i, first + j) in index]
        rows = [index[factor, first + i, first + j] for i, j in pairs]
        derivatives = _structure_derivatives(structure, np.asarray(par[at[t] : at[t + 1]], float), sigma, pairs)
        blocks.append((rows, *derivatives))
    m = sum(J.shape[1] for _, J, _ in blocks)
    J_all = np.zeros((len(c.base) + 1, m))
    second_all = np.zeros((len(c.base) + 1, m, m)) if any(s is not None for _, _, s in blocks) else None
    column = 0
    for rows, J, second in blocks:
        end = column + J.shape[1]
        J_all[rows, column:end] = J
        if second is not None and second_all is not None:
            second_all[rows, column:end, column:end] = second
        column = end
    return J_all, second_all


def _structure_derivatives(
    structure: Covariance, par: np.ndarray, sigma: float, pairs: list[tuple[int, int]]
) -> tuple[np.ndarray, np.ndarray | None]:
    """d gamma / d psi of one term: patterns where that is constant, else by standard deviations and correlation."""
    if structure.name in ("us", "diag") or structure.k == 1:
        return np.eye(len(pairs)), None
    if structure.name == "cs" and getattr(structure, "hom", False):
        diagonal = np.array([float(i == j) for i, j in pairs])
        return np.column_stack([diagonal, 1.0 - diagonal]), None
    psi = par.copy()
    psi[:-1] *= sigma

    def slopes(point: np.ndarray) -> np.ndarray:
        L = np.zeros((structure.k, structure.k))
        rows, columns = np.asarray(structure.entries).T
        L[rows, columns] = structure.theta(point)
        out = np.empty((len(pairs), len(point)))
        for m, column in enumerate(structure.jacobian(point).T):
            D = np.zeros_like(L)
            D[rows, columns] = column
            both = D @ L.T + L @ D.T
            out[:, m] = [both[i, j] for i, j in pairs]
        return out

    second = np.empty((len(pairs), len(psi), len(psi)))
    for m in range(len(psi)):
        h = 1e-5 * max(1.0, abs(psi[m]))
        up, down = psi.copy(), psi.copy()
        up[m], down[m] = psi[m] + h, psi[m] - h
        second[:, :, m] = (slopes(up) - slopes(down)) / (2 * h)
    free = np.flatnonzero((par > structure.lower() + 1e-6) & (par < structure.upper() - 1e-6))  # others are held
    second = (second + second.transpose(0, 2, 1)) / 2
    return slopes(psi)[:, free], second[np.ix_(np.arange(len(pairs)), free, free)]
