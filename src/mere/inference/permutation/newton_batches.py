"""Newton's method for concave log-likelihoods of many data sets at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["Batch", "Fits", "indicators", "maximize"]

_GAIN = 1e-11
_STEPS, _HALVINGS = 60, 30


@dataclass(frozen=True, eq=False)
class Batch:
    """Log-likelihoods (b,), gradients (b, k), Hessians (b, k, k)."""

    loglik: np.ndarray
    gradient: np.ndarray
    hessian: np.ndarray


@dataclass(frozen=True, eq=False)
class Fits:
    """Maxima: parameters (b, k), log-likelihoods (b,), Hessians there."""

    par: np.ndarray
    loglik: np.ndarray
    hessian: np.ndarray


def indicators(y: np.ndarray, levels: int) -> np.ndarray:
    """Which rows are of which class, (b, levels, n)."""
    return (y[:, None, :] == np.arange(levels)[:, None]).astype(float)


def maximize(evaluate: Callable[[np.ndarray, np.ndarray], Batch], start: np.ndarray) -> Fits:
    """The maxima from start (b, k).

    A data set is done when a step would gain less than 1e-11: where a maximum does not exist, because the classes are
    separated, the log-likelihood is then as good as at its supremum.

    Parameters
    ----------
    evaluate : callable
        (parameters (m, k), numbers of the data sets (m,)) -> Batch.
    start : array (b, k)
    """
    par = np.array(start, dtype=float)
    at = evaluate(par, np.arange(len(par)))
    loglik, gradient, hessian = at.loglik.copy(), at.gradient.copy(), at.hessian.copy()
    left = np.arange(len(par))
    for _ in range(_STEPS):
        step = _steps(gradient[left], hessian[left])
        going = np.einsum("bk,bk->b", gradient[left], step) > _GAIN
        left, step = left[going], step[going]
        if not len(left):
            break
        t, todo = np.ones(len(left)), np.arange(len(left))
        for _ in range(_HALVINGS):
            own = left[todo]
            new = par[own] + t[todo, None] * step[todo]
            at = evaluate(new, own)
            better = at.loglik >= loglik[own] - 1e-12 * (1 + np.abs(loglik[own]))  # not for NaN
            to = own[better]
            par[to], loglik[to] = new[better], at.loglik[better]
            gradient[to], hessian[to] = at.gradient[better], at.hessian[better]
            todo = todo[~better]
            if not len(todo):
                break
            t[todo] /= 2
        left = np.setdiff1d(left, left[todo])  # no step is uphill: at the rounding of the log-likelihood
    return Fits(par, loglik, hessian)


def _steps(gradient: np.ndarray, hessian: np.ndarray) -> np.ndarray:
    """Newton steps; a trace of the diagonal keeps flat directions finite."""
    k = np.arange(hessian.shape[1])
    information = -hessian
    information[:, k, k] += 1e-12 * np.einsum("bkk->b", information)[:, None] + 1e-300
    out: np.ndarray = np.linalg.solve(information, gradient[..., None])[..., 0]
    return out
