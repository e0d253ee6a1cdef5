"""Satterthwaite's degrees of freedom from exact derivatives.

The covariance V of beta is a function of the parameters (par, sigma). To first order the variance v = l'Vl of a
contrast is estimated with variance g'Ag, where g is the gradient of v and A the covariance of the parameters, twice the
inverse Hessian of the deviance (REML criterion or -2 log L, sigma not profiled out). Matching the first two moments of
a chi-squared gives

    df = 2 v^2 / (g'A g).

Everything is exact up to the Hessian, which with few parameters is a central difference of exact gradients, and with
many is exact too (components.py):

    dV/dt = sigma^2 C (W'E_t W) C,    dV/dsigma = 2 sigma C,    C = (X'H^-1 X)^-1,
    d(par, sigma) = profiled d + nu log-terms: Hess_tt = Hess(profiled) + (nu/rho^2) r r',
    Hess_ts = -2 r / sigma^3,   Hess_ss = 4 nu / sigma^2,   r = d rho/d par,   rho = nu sigma^2.

Directions in which the deviance is flat (a singular fit) are left out of the inverse, and so are correlations on a
bound.

References: Giesbrecht and Burns (1985), Biometrics 41, 477-486; Fai and Cornelius (1996); Kuznetsova, Brockhoff and
Christensen (2017), J. Stat. Soft. 82(13).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..objective import LMMObjective
from .components import components_at, likelihood_hessian
from .pieces import Pieces, pieces_at
from .reference import Reference

__all__ = ["Satterthwaite", "deviance_hessian", "inverse_on_range", "satterthwaite"]


@dataclass(frozen=True, eq=False)
class Satterthwaite(Reference):
    """Estimates with Satterthwaite's degrees of freedom.

    Attributes
    ----------
    slopes : (m, p, p) array
        Derivatives of V by the m parameters (par, then sigma).
    parameters : (m, m) array
        Covariance of the parameters.
    """

    slopes: np.ndarray
    parameters: np.ndarray
    title = "Satterthwaite's method"

    def df(self, L: np.ndarray) -> np.ndarray:
        L = np.atleast_2d(np.asarray(L, float))
        v = np.einsum("ij,ij->i", L @ self.V, L)
        g = np.einsum("mij,ij->im", L @ self.slopes, L)
        spread = np.einsum("im,im->i", g @ self.parameters, g)
        with np.errstate(divide="ignore", invalid="ignore"):
            out: np.ndarray = 2 * v**2 / spread
        return out


def satterthwaite(
    objective: LMMObjective,
    par: np.ndarray,
    beta: np.ndarray,
    sigma: float,
    C: np.ndarray,
    hessian: np.ndarray | None = None,
) -> Satterthwaite:
    """Satterthwaite's method at the optimum of a criterion.

    Parameters
    ----------
    objective : LMMObjective
    par : (n_par,) array
        The optimum.
    beta : (p,) array
    sigma : float
    C : (p, p) array
        (X'H^-1 X)^-1.
    hessian : (n_par, n_par) array, optional
        Of the profiled criterion at `par`; by default central differences of the exact gradient.
    """
    nu = _nu(objective)
    plain = objective.layout.linear and objective.layout.n_par == objective.layout.n_theta
    joint, pieces = None, None
    if hessian is None and plain and _many_parameters(objective):
        components = components_at(objective, par, np.linalg.inv(C), nu * sigma**2)
        joint, pieces = likelihood_hessian(components, sigma, objective.reml), components.pieces
    if pieces is None:
        pieces = pieces_at(objective, par)  # first: the workspace stands at `par` until differences move it
    units = objective.units()
    if joint is None and hessian is None:
        hessian = objective.hessian(par, units)
    jacobian = None if plain else objective.jacobian(par)
    slopes = sigma**2 * C @ pieces.cross_slopes() @ C
    if jacobian is not None:
        slopes = np.tensordot(jacobian.T, slopes, axes=1)
    slopes = np.concatenate([slopes, 2 * sigma * C[None]])
    if joint is None:
        joint = deviance_hessian(np.asarray(hessian), _rss_slopes(pieces, jacobian), sigma, nu)
    unit = np.append(units, sigma)  # what is flat may not depend on units of measurement
    unit = np.outer(unit, unit)
    parameters = 2 * unit * _inverse_of_free(unit * joint, objective, par)
    return Satterthwaite(beta, sigma**2 * C, _metric(objective), slopes, parameters)


def _inverse_of_free(joint: np.ndarray, objective: LMMObjective, par: np.ndarray) -> np.ndarray:
    """Inverse over what can move: a correlation on its bound is held there. (At a zero SD the deviance is even.)"""
    lower, upper = objective.layout.lower, objective.layout.upper
    held = (np.isfinite(upper) & (par >= upper - 1e-6)) | ((lower < 0) & np.isfinite(lower) & (par <= lower + 1e-6))
    if not held.any():
        return inverse_on_range(joint)
    free = np.flatnonzero(np.append(~held, True))
    out = np.zeros_like(joint)
    out[np.ix_(free, free)] = inverse_on_range(joint[np.ix_(free, free)])
    return out


def _many_parameters(objective: LMMObjective) -> bool:
    """Is the exact Hessian, a few products of all random effects, cheaper than two gradients a parameter?"""
    factors = {objective.plan.place(t)[0] for t in range(len(objective.structures))}
    return objective.layout.n_par > 6 and (len(factors) == 1 or objective.plan.q < 4000)


def _rss_slopes(pieces: Pieces, jacobian: np.ndarray | None) -> np.ndarray:
    slopes = pieces.rss_slopes()
    return slopes if jacobian is None else slopes @ jacobian


def _nu(objective: LMMObjective) -> int:
    n, p = objective.design.X.shape
    return n - p if objective.reml else n


def _metric(objective: LMMObjective) -> np.ndarray:
    out: np.ndarray = np.linalg.inv(objective.plan.cross())
    return out


def deviance_hessian(profiled: np.ndarray, slopes: np.ndarray, sigma: float, nu: int) -> np.ndarray:
    """Hessian of the deviance in (par, sigma) from that of the profiled criterion.

    Parameters
    ----------
    profiled : (m, m) array
    slopes : (m,) array
        Derivative of the penalized residual sum of squares rho by par.
    sigma : float
        At its optimum, sqrt(rho / nu).
    nu : int
        n, or n - p for REML.
    """
    m = len(profiled)
    out = np.empty((m + 1, m + 1))
    out[:m, :m] = profiled + np.outer(slopes, slopes) / (nu * sigma**4)
    out[:m, m] = out[m, :m] = -2 * slopes / sigma**3
    out[m, m] = 4 * nu / sigma**2
    return out


def inverse_on_range(H: np.ndarray, tolerance: float = 1e-8) -> np.ndarray:
    """Inverse on the eigenvectors with eigenvalues above `tolerance`: flat directions are left out.

    Examples
    --------
    >>> inverse_on_range(np.diag([4.0, 0.0]))
    array([[0.25, 0.  ],
           [0.  , 0.  ]])
    """
    values, vectors = np.linalg.eigh((H + H.T) / 2)
    keep = values > tolerance
    kept = vectors[:, keep]
    out: np.ndarray = (kept / values[keep]) @ kept.T
    return out
