"""Fits of arranged responses of a generalized model with the variance parameters of the null fit held fixed.

The null fit is the linear model of its working response z with the covariance V; its whitened residuals are arranged,
as for the score: z* = X_0 b_0 + V^(1/2) pi(V^(-1/2) (z - X_0 b_0)). The random effects u* that z* says move the linear
predictor, eta* = eta_0 + Z Lambda (u* - u_0), and what is left of z* is a Pearson residual r*; the response is

    y* = mu(eta*) + r* sqrt(V(mu*) / w).

The identity gives y itself; where the null model says no more than an intercept and random intercepts of the cells
that rows are arranged within, y* is y in another order. In general it is no possible response (a binary one is not 0
or 1), but the estimating equations of penalized quasi-likelihood need none: with D = diag(w (dmu/deta) / V(mu)),

    X'D(y* - mu) = 0,   Lambda'Z'D(y* - mu) = u.

All arrangements are solved together by Newton steps whose matrix is that of the null fit, factored once; the few that
do not come to rest get a matrix of their own.

Reference: Breslow and Clayton (1993), J. Am. Stat. Assoc. 88, 9-25.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...families import Family, binomial, poisson
from ...generalized_objective import GLMMObjective
from .methods import Geometry, Statistic
from .nulls import NullRows

__all__ = ["PenalizedFits", "penalized_fits", "penalized_statistic"]

_TOLERANCE = 1e-10  # of a step, in linear predictors
_TOGETHER, _ALONE = 60, 100


@dataclass(frozen=True, eq=False)
class PenalizedFits:
    """The estimating equations of one model at fixed variance parameters.

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

    def start(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients (p, b), (q, b) of the linear model of working responses (n, b), less the offset."""
        scaled = self.working[:, None] * z
        return self.system.solve(self.X.T @ scaled, np.zeros((0, z.shape[1])) if self.Z is None else self.Z.T @ scaled)

    def coefficients(self, Y: np.ndarray, working: np.ndarray) -> np.ndarray:
        """Fixed effects (p, b) of responses (n, b), from their working responses; NaN where there is no solution."""
        beta, u = self.start(working)
        out = np.full_like(beta, np.nan)
        left = np.arange(Y.shape[1])
        for _ in range(_TOGETHER):
            if not len(left):
                return out
            valid = self._valid(beta, u)
            if not valid.all():
                left, beta, u, Y = left[valid], beta[:, valid], u[:, valid], Y[:, valid]
            step, move = self.system.solve(*self._score(beta, u, Y))
            beta, u = beta + step, u + move
            moved = np.abs(self._predictor(step, move)).max(axis=0, initial=0.0)
            resting = moved < _TOLERANCE
            out[:, left[resting]] = beta[:, resting]
            left, beta, u, Y = left[~resting], beta[:, ~resting], u[:, ~resting], Y[:, ~resting]
        return out

    def all(self, Y: np.ndarray, working: np.ndarray) -> np.ndarray:
        """`coefficients`, and what it has not found by steps alone."""
        beta = self.coefficients(Y, working)
        for b in np.flatnonzero(np.isnan(beta[0])):
            beta[:, b] = self.alone(Y[:, b], working[:, b])
        return beta

    def alone(self, y: np.ndarray, working: np.ndarray) -> np.ndarray:
        """Fixed effects (p,) of one response (n,) by scoring steps with a matrix of their own, halved where needed."""
        start = self.start(working[:, None])
        beta, u = np.zeros_like(start[0]), np.zeros_like(start[1])
        if self._valid(*start).all():
            beta, u = start
        if not self._valid(beta, u).all():
            return np.full(len(beta), np.nan)
        size = np.inf
        step, move, t = np.zeros_like(beta), np.zeros_like(u), 1.0
        for _ in range(_ALONE):
            new = beta + t * step, u + t * move
            if self._valid(*new).all():
                score = self._score(*new, y[:, None])
                try:
                    own = System.of(self.X, self.Z, self._weights_at(*new))
                except (np.linalg.LinAlgError, RuntimeError):  # weights of zero: there is no step
                    t /= 2
                    continue
                ahead = own.solve(*score)
                gain = float((score[0] * ahead[0]).sum() + (score[1] * ahead[1]).sum())
                if np.isfinite(gain) and gain < size:
                    (beta, u), size = new, gain
                    (step, move), t = ahead, 1.0
                    if np.abs(self._predictor(step, move)).max(initial=0.0) < _TOLERANCE:
                        out: np.ndarray = (beta + step)[:, 0]
                        return out
                    continue
            t /= 2
        return np.full(len(beta), np.nan)

    def _predictor(self, beta: np.ndarray, u: np.ndarray) -> np.ndarray:
        out = self.X @ beta
        return out if self.Z is None else out + self.Z @ u

    def _weights_at(self, beta: np.ndarray, u: np.ndarray) -> np.ndarray:
        eta = self.offset + self._predictor(beta, u)[:, 0]
        slope = self.family.link.derivative(eta)
        out: np.ndarray = self.weights * slope**2 / self.family.variance(self.family.link.inverse(eta))
        return out

    def _valid(self, beta: np.ndarray, u: np.ndarray) -> np.ndarray:
        """Which columns have means that the family can have?"""
        eta = self.offset[:, None] + self._predictor(beta, u)
        link, family = self.family.link, self.family
        with np.errstate(all="ignore"):
            if link.valid(eta) and family.valid_mu(link.inverse(eta)):
                return np.ones(eta.shape[1], dtype=bool)
            return np.array([link.valid(e) and family.valid_mu(link.inverse(e)) for e in eta.T])

    def _score(self, beta: np.ndarray, u: np.ndarray, Y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        family, link = self.family, self.family.link
        eta = self.offset[:, None] + self._predictor(beta, u)
        with np.errstate(all="ignore"):
            mu = link.inverse(eta)
        e = self.weights[:, None] * (Y - mu)
        if not _simple(family):  # of these the ratio is 1
            e *= link.derivative(eta) / family.variance(mu)
        return self.X.T @ e, u[:0] if self.Z is None else self.Z.T @ e - u


@dataclass(frozen=True, eq=False)
class System:
    """M = [X'WX X'WZ; Z'WX Z'WZ + I], factored by the Schur complement of its sparse corner.

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

    def solve(self, g: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """M^-1 of a right-hand side (p, b), (q, b)."""
        from scipy.linalg import cho_solve

        step = cho_solve(self.schur, g - self.P.T @ h)
        return step, h if self.corner is None else self.corner(h) - self.P @ step


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


def penalized_statistic(m: Any, rows: NullRows, f: Geometry, tested: np.ndarray) -> Statistic:
    """The coefficient of one tested column, for several b'R_1'R_1 b / q, of the fits to arranged responses.

    Parameters
    ----------
    m : GLM or GLMM
    rows : NullRows
        Of the null fit.
    f : Geometry
        Of the same rows.
    tested : array of int
    """
    fits = penalized_fits(m, rows)
    e = f.null_residuals
    respond = arranged_responses(fits, rows, e)

    kernels = Kernels(m, rows.par) if rows.par is not None and _simple(m.model_family) else None

    def coefficients(residuals: np.ndarray) -> np.ndarray:
        Y, working = respond(residuals)
        own = (fits.all(Y, working) if kernels is None else kernels(Y))[tested]
        if f.q == 1:
            return own[0]
        size = f.R1 @ own
        out: np.ndarray = np.einsum("qb,qb->b", size, size) / f.q
        return out

    return Statistic(float(coefficients(e[None])[0]), lambda block: coefficients(e[block]))


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


def _simple(family: Family) -> bool:
    return (family.code, family.link.code) in {(f.code, f.link.code) for f in (binomial(), poisson())}


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
