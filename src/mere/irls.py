"""Maximum likelihood of a generalized linear model by iteratively reweighted least squares.

At eta the working response z = eta - offset + (y - mu) / (dmu/deta) is regressed on X with the weights
w (dmu/deta)^2 / V(mu); the iteration stops when the deviance changes by less than 1e-8 of itself, and steps that leave
the family's range or raise the deviance without bound are halved.

Reference: McCullagh and Nelder (1989), Generalized Linear Models, section 2.5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .design import Design
from .errors import ConvergenceWarning, MereValueError, tell
from .families import Family
from .linear import least_squares
from .response import Response, read_response

__all__ = ["GeneralizedFit", "fit_glm", "irls"]


_LEFT = "the iterations leave the range of the family: give start=, one value per coefficient, or take another link"
_TAILS = ("logit", "probit", "cloglog", "log")  # links whose means of 0 or 1 lie at infinity


@dataclass(frozen=True, eq=False)
class GeneralizedFit:
    """A generalized linear model at its optimum.

    Attributes
    ----------
    beta : ndarray (p,)
    R : ndarray (p, p)
        Upper triangular, R'R = X'WX of the last iteration.
    eta, mu, working : ndarray (n,)
        Linear predictor, mean, working weights of the last iteration.
    deviance : float
    iterations : int
    converged : bool
    """

    beta: np.ndarray
    R: np.ndarray
    eta: np.ndarray
    mu: np.ndarray
    working: np.ndarray
    deviance: float
    iterations: int
    converged: bool


def irls(
    X: np.ndarray,
    response: Response,
    family: Family,
    offset: np.ndarray | None = None,
    epsilon: float = 1e-8,
    maxit: int = 25,
    start: np.ndarray | None = None,
) -> GeneralizedFit:
    """Fit a generalized linear model to a matrix of full column rank.

    Parameters
    ----------
    X : ndarray (n, p)
    response : Response
    family : Family
    offset : ndarray (n,), optional
    epsilon, maxit
        When to stop.
    start : ndarray (p,), optional
    """
    y, wt, link = response.y, response.weights, family.link
    shift = np.zeros(len(y)) if offset is None else offset
    eta = link.link(family.start(y, wt)) if start is None else shift + X @ start
    with np.errstate(all="ignore"):
        mu = link.inverse(eta)
    beta = np.zeros(X.shape[1]) if start is None else np.asarray(start, dtype=np.float64)
    if not (family.valid_mu(mu) and link.valid(eta)):
        raise MereValueError("no valid means to start from: give start=, one value per coefficient")
    deviance = float((wt * family.unit_deviance(y, mu)).sum())
    height = family.descent(y, mu, wt, deviance)
    steps, converged, first = 0, False, start is None
    R, working = np.zeros((X.shape[1],) * 2), np.zeros(len(y))
    for _ in range(maxit):
        steps += 1
        with np.errstate(over="ignore", invalid="ignore"):
            slope = link.derivative(eta)
            working = wt * slope**2 / family.variance(mu)
        used = working > 0
        if not np.isfinite(working).all() or (not used.any() and wt.any()):
            raise MereValueError(_LEFT)
        z = eta - shift + (y - mu) / slope
        solution = least_squares(X[used], z[used], working[used])
        R, old, before, top = solution.R, beta, deviance, height
        beta = solution.beta
        eta, mu, deviance, height = _at(X, beta, shift, y, wt, family)
        halvings = 0
        while not np.isfinite(deviance) or (not first and height > top and not _close(height, top, epsilon)):
            if first or halvings == maxit:
                raise MereValueError(_LEFT)
            beta = (beta + old) / 2
            eta, mu, deviance, height = _at(X, beta, shift, y, wt, family)
            halvings += 1
        first = False
        if _close(deviance, before, epsilon):
            converged = True
            break
    return GeneralizedFit(beta, R, eta, mu, working, deviance, steps, converged)


def _close(deviance: float, before: float, epsilon: float) -> bool:
    return abs(deviance - before) / (abs(deviance) + 0.1) < epsilon


def _at(
    X: np.ndarray, beta: np.ndarray, shift: np.ndarray, y: np.ndarray, wt: np.ndarray, family: Family
) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Linear predictor, mean, deviance, and what the steps lower."""
    eta = shift + X @ beta
    with np.errstate(all="ignore"):
        mu = family.link.inverse(eta)
        if not (family.link.valid(eta) and family.valid_mu(mu)):
            return eta, mu, float("inf"), float("inf")
        deviance = float((wt * family.unit_deviance(y, mu)).sum())
        return eta, mu, deviance, family.descent(y, mu, wt, deviance)


def null_deviance(design: Design, response: Response, family: Family) -> float:
    """Deviance of the model with an intercept and the offset only (without an intercept: the offset only)."""
    y, wt = response.y, response.weights
    if not (np.asarray(design.assign_full) == 0).any():
        eta = np.zeros(len(y)) if design.offset is None else design.offset
        return float((wt * family.unit_deviance(y, family.link.inverse(eta))).sum())
    if design.offset is not None:
        return irls(np.ones((len(y), 1)), response, family, design.offset).deviance
    mu = np.full(len(y), float((wt * y).sum() / wt.sum()))
    return float((wt * family.unit_deviance(y, mu)).sum())


def fit_glm(
    design: Design, family: Family, start: np.ndarray | None = None, epsilon: float = 1e-8, maxit: int = 25,
) -> tuple[Response, GeneralizedFit]:  # fmt: skip
    """Fit the generalized linear model of a design; warns when it did not converge or fits zeros and ones."""
    if design.random:
        raise MereValueError(f"glm() has no random effects: take ({design.random[0].text}) out, or use glmer()")
    if not len(design.y):
        raise MereValueError("no rows are left after subset, zero weights and missing values")
    response = read_response(design, family)
    fit = irls(design.X, response, family, design.offset, epsilon, maxit, start)
    if not fit.converged:
        tell(f"glm: no convergence in {maxit} iterations; raise maxit", ConvergenceWarning)
    eps = 10 * np.finfo(float).eps
    if family.edges == "proportion" and ((fit.mu > 1 - eps) | (fit.mu < eps)).any():
        tell(
            "fitted probabilities numerically 0 or 1 occurred: a predictor separates the outcomes, and its coefficient "
            "grows without bound; leave it out, or penalize it",
            ConvergenceWarning,
        )
    elif endless := _endless(design, family, fit):
        tell(
            f"{endless} without bound: the outcomes of some rows are all alike (0, or 0 and 1 separated), and standard "
            "errors mean nothing there; leave the predictor out, join levels, or penalize it",
            ConvergenceWarning,
        )
    return response, fit


_ENDLESS = 30.0  # standard errors of a linear predictor: a mean that may be anything


def _endless(design: Design, family: Family, fit: GeneralizedFit) -> str:
    """Which coefficients run off to infinity, as the start of a sentence; empty if there are none."""
    if not family.edges or family.link.name not in _TAILS:
        return ""
    used = fit.working > 0
    if not fit.R.size or not used.any() or fit.working[used].min() > _ENDLESS**-2.0:
        return ""
    try:
        inverse = np.linalg.inv(fit.R)
    except np.linalg.LinAlgError:
        return ""
    if np.sqrt(((design.X[used] @ inverse) ** 2).sum(axis=1).max()) < _ENDLESS:
        return ""
    reach = np.sqrt((inverse**2).sum(axis=1)) * np.abs(design.X).max(axis=0)
    names = [repr(name) for name, size in zip(design.names, reach, strict=True) if size >= _ENDLESS]
    if len(names) == 1:
        return f"the estimate of {names[0]} grows"
    return f"the estimates of {', '.join(names[:3])}{', ...' * (len(names) > 3)} grow"
