"""Intervals for outcomes of generalized models: quantiles of the family's distribution, its mean uncertain.

The linear predictor is normal about its estimate with the standard error of the prediction; the distribution of an
outcome is the family's, averaged over it by Gauss-Hermite quadrature.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .families import Family
from .quadrature import gauss_hermite

__all__ = ["outcome_quantile"]

Distribution = Callable[[np.ndarray], np.ndarray]

_POINTS = 61
_BISECTIONS = 80


def outcome_quantile(
    family: Family, eta: np.ndarray, se: np.ndarray, weights: np.ndarray, dispersion: float, p: float
) -> np.ndarray:
    """The smallest outcome y with P(Y <= y) >= p, for each row.

    Examples
    --------
    >>> from mere.families import poisson
    >>> log_mean, known, one = np.log([4.0, 4.0]), np.array([0.0, 0.5]), np.ones(2)
    >>> outcome_quantile(poisson(), log_mean, known, one, 1.0, 0.975)
    array([ 8., 12.])
    """
    nodes, log_weights = gauss_hermite(_POINTS)
    share = np.exp(log_weights)
    missing = ~(np.isfinite(eta) & np.isfinite(se))
    eta, se = np.where(missing, 0.0, eta), np.where(missing, 0.0, se)
    mu = family.link.inverse(eta[:, None] + se[:, None] * nodes)

    def below(y: np.ndarray) -> np.ndarray:
        out: np.ndarray = family.probability(y[:, None], mu, weights[:, None], dispersion) @ share
        return out

    step = family.spacing(weights)
    if (step > 0).all():
        out = _least_step(below, step, p)
    else:
        out = _continuous(below, np.median(mu, axis=1), np.abs(mu).max(axis=1) + 1.0, p)
    out[missing] = np.nan
    return out


def _least_step(below: Distribution, step: np.ndarray, p: float) -> np.ndarray:
    """By whole steps from zero."""
    low, high = np.full(len(step), -1.0), np.ones(len(step))
    for _ in range(60):
        short = below(high * step) < p
        if not short.any():
            break
        low, high = np.where(short, high, low), np.where(short, 2 * high, high)
    while (high - low > 1).any():
        middle = np.floor((low + high) / 2)
        reached = below(middle * step) >= p
        low, high = np.where(reached | (high - low <= 1), low, middle), np.where(reached, middle, high)
    return high * step


def _continuous(below: Distribution, centre: np.ndarray, size: np.ndarray, p: float) -> np.ndarray:
    """By bisection, from a bracket that is widened as far as it must be."""
    low, high = centre - size, centre + size
    for _ in range(60):
        short, beyond = below(high) < p, below(low) > p
        if not (short | beyond).any():
            break
        size = 2 * size
        low, high = np.where(beyond, centre - size, low), np.where(short, centre + size, high)
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        reached = below(middle) >= p
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    return 0.5 * (low + high)
