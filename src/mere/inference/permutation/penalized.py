"""Fits of arranged responses of a generalized model with the variance parameters of the null fit held fixed.

The null fit is the linear model of its working response z with the covariance V; its whitened residuals are arranged,
as for the score: z* = X_0 b_0 + V^(1/2) pi(V^(-1/2) (z - X_0 b_0)). The random effects u* that z* says move the linear
predictor, eta* = eta_0 + Z Lambda (u* - u_0), and what is left of z* is a Pearson residual r*; the response is

    y* = mu(eta*) + r* sqrt(V(mu*) / w).

The identity gives y itself; where the null model says no more than an intercept and random intercepts of the cells
that rows are arranged within, y* is y in another order. In general it is no possible response (a binary one is not 0
or 1), but the estimating equations of penalized quasi-likelihood need none: with D = diag(w (dmu/deta) / V(mu)),

    X'D(y* - mu) = 0,   Lambda'Z'D(y* - mu) = u.

Reference: Breslow and Clayton (1993), J. Am. Stat. Assoc. 88, 9-25.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import MereValueError
from ...generalized_objective import GLMMObjective
from .estimating_equations import PenalizedFits, System, is_simple
from .methods import Geometry, Statistic
from .nulls import NullRows

__all__ = ["arranged_responses", "penalized_fits", "penalized_statistic"]


def penalized_fits(m: Any, rows: NullRows) -> PenalizedFits:
    """The full model of `m` at the variance parameters and weights of a null fit.

    Parameters
    ----------
    m : GLM or GLMM
    rows : NullRows
    """
    from scipy.sparse import diags_array

    X, w = np.ascontiguousarray(m.design.X), rows.root**2
    Z = None if rows.whiten.U is None else (diags_array(1.0 / rows.root) @ rows.whiten.U).tocsr()
    return PenalizedFits(X, Z, m.response.weights, rows.offset, m.model_family, w, System.of(X, Z, w))


def penalized_statistic(
    m: Any, rows: NullRows, f: Geometry, tested: np.ndarray, alternative: str = "two-sided"
) -> Statistic:
    """The coefficient of one tested column, for several b'R_1'R_1 b / q, of the fits to arranged responses.

    A response without a fit (separated classes, say) counts as more extreme than what was observed: infinite.

    Parameters
    ----------
    m : GLM or GLMM
    rows : NullRows
        Of the null fit.
    f : Geometry
        Of the same rows.
    tested : array of int
    alternative : str
    """
    fits = penalized_fits(m, rows)
    e = f.null_residuals
    respond = arranged_responses(fits, rows, e)

    beyond = -np.inf if alternative == "less" and f.q == 1 else np.inf
    kernels = Kernels(m, rows.par) if rows.par is not None and is_simple(m.model_family) else None

    def coefficients(residuals: np.ndarray) -> np.ndarray:
        Y, working = respond(residuals)
        own = (fits.solve(Y, working) if kernels is None else kernels(Y))[tested]
        size = f.R1 @ own
        out = own[0] if f.q == 1 else np.einsum("qb,qb->b", size, size) / f.q
        return np.where(np.isnan(out), beyond, out)

    observed = float(coefficients(e[None])[0])
    if not np.isfinite(observed):
        raise MereValueError(
            "method='pql-fixed': the observed response has no fit (a predictor separates the outcomes); use 'score'"
        )
    return Statistic(observed, lambda block: coefficients(e[block]))


class Kernels:
    """The same fits by the kernels, for the families whose equations know of no impossible response.

    Parameters
    ----------
    m : GLMM
    par : (n_par,) array
        Variance parameters of the null fit.
    """

    def __init__(self, m: Any, par: np.ndarray):
        self.model, self.par = m, par
        self.spare: list[GLMMObjective] = []  # one workspace a thread

    def __call__(self, Y: np.ndarray) -> np.ndarray:
        """Fixed effects (p, b) of responses (n, b); NaN where there is no solution."""
        m = self.model
        o = self.spare.pop() if self.spare else GLMMObjective(m.design, m.model_family, m.response, 0, 1e-20)
        try:
            with o.threads:
                par = o.kernel_par(np.concatenate([self.par, m.beta]))
                out: np.ndarray = o.work.joint_each(par, np.ascontiguousarray(Y.T)).T
        finally:
            self.spare.append(o)
        return out


def arranged_responses(
    fits: PenalizedFits, rows: NullRows, e: np.ndarray
) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Whitened residuals (b, n) of a null fit with residuals `e` -> responses and working responses (n, b)."""
    family, link, root, Z, corner = fits.family, fits.family.link, rows.root[:, None], fits.Z, fits.system.corner
    assert rows.eta is not None
    eta0, weights = rows.eta[:, None], np.maximum(fits.weights, 1e-300)[:, None]
    fixed = rows.offset[:, None] + rows.whiten.back((rows.y - e)[:, None]) / root  # X_0 b_0
    observed = rows.whiten.back(e[:, None]) / root

    def effects(z: np.ndarray) -> np.ndarray | float:
        return 0.0 if Z is None or corner is None else Z @ corner(Z.T @ (root**2 * z))

    at_null = effects(observed)

    def respond(residuals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        z = rows.whiten.back(residuals.T) / root
        eta = eta0 + (effects(z) - at_null)
        pearson = root * (fixed + z - eta)
        with np.errstate(all="ignore"):
            mu = link.inverse(eta)
            Y = mu + np.sign(link.derivative(eta)) * pearson * np.sqrt(family.variance(mu) / weights)
        return Y, fixed + z - rows.offset[:, None]

    return respond
