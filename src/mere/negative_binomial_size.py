"""The size theta of a negative binomial distribution by maximum likelihood, the means given."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["MOST", "likelihood_size", "moment_size"]

MOST = 1e6  # a larger size is Poisson's to six digits of the variance
_STEPS = 100


def moment_size(y: np.ndarray, mu: np.ndarray) -> float:
    """From the moments, Var = mu + mu^2 / theta.

    Examples
    --------
    >>> moment_size(np.array([0.0, 4.0]), np.array([2.0, 2.0]))
    2.0
    """
    excess = float(np.sum((y - mu) ** 2 - mu) / np.sum(mu**2))
    return min(1 / excess, MOST) if excess > 0 else MOST


def likelihood_size(y: np.ndarray, mu: np.ndarray, weights: np.ndarray, start: float) -> float:
    """The theta that zeroes sum w (psi(y + t) - psi(t) + log t + 1 - log(mu + t) - (y + t)/(mu + t)).

    By Newton's method in log theta, with steps of at most one; `MOST` where the likelihood grows without bound.

    Parameters
    ----------
    y, mu, weights : (n,) arrays
    start : float
    """
    from scipy.special import digamma, polygamma

    x = math.log(start)
    for _ in range(_STEPS):
        t = math.exp(x)
        ratio = (y + t) / (mu + t)
        score = t * float(weights @ (digamma(y + t) - digamma(t) + x + 1 - np.log(mu + t) - ratio))
        bend = polygamma(1, y + t) - polygamma(1, t) + 1 / t - 2 / (mu + t) + ratio / (mu + t)
        second = score + t * t * float(weights @ bend)
        step = score / abs(second) if second else math.copysign(1.0, score)
        step = max(-1.0, min(1.0, step))
        x = min(x + step, math.log(MOST))
        if abs(step) < 1e-10 or (x >= math.log(MOST) and score > 0):
            break
    return math.exp(x)
