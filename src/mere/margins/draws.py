"""Draws of coefficients, and intervals of draws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import MereTypeError, MereValueError
from ..simulation import read_seed
from .grid import EmmGrid

__all__ = ["coefficient_draws", "draws_of", "hpd_intervals", "normal_draws"]


def normal_draws(count: int, mean: np.ndarray, V: np.ndarray, seed: Any = None) -> np.ndarray:
    """Draws from a normal distribution: mean + z V^(1/2) with the symmetric root of the covariance.

    Parameters
    ----------
    count : int
    mean : (p,) array
    V : (p, p) array
        May be singular.
    seed : int or Generator, optional

    Returns
    -------
    (count, p) array

    Examples
    --------
    >>> draws = normal_draws(5, np.array([1.0, 2.0]), np.zeros((2, 2)), seed=1)
    >>> draws.shape, bool((draws == [1.0, 2.0]).all())
    ((5, 2), True)
    """
    values, vectors = np.linalg.eigh(V)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    z = np.random.default_rng(read_seed(seed)).standard_normal((count, len(mean)))
    out: np.ndarray = mean + z @ root
    return out


def coefficient_draws(
    count: Any, mean: np.ndarray, V: np.ndarray, sim: Callable[..., Any] | None = None, seed: Any = None
) -> np.ndarray:
    """So many draws of the coefficients by a function of the user's, or from their normal distribution."""
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 2:
        raise MereValueError(f"N_sim must be a whole number of draws, at least 2, not {count!r}")
    if sim is None:
        return normal_draws(int(count), mean, V, seed)
    if not callable(sim):
        raise MereTypeError(f"sim must be a function of the number of draws, the mean and the covariance, not {sim!r}")
    draws = np.asarray(sim(int(count), mean.copy(), V.copy()), dtype=float)
    if draws.shape != (count, len(mean)):
        raise MereValueError(f"sim must give an array of shape {(count, len(mean))}, not {draws.shape}")
    if not np.isfinite(draws).all():
        raise MereValueError("sim gave draws that are not finite")
    return draws


def hpd_intervals(draws: np.ndarray, prob: float) -> tuple[np.ndarray, np.ndarray]:
    """The shortest interval that holds a share of the draws, column by column; the first of several.

    Reference: Chen and Shao (1999), Monte Carlo estimation of Bayesian credible and HPD intervals, Journal of
    Computational and Graphical Statistics 8.

    Parameters
    ----------
    draws : (N, k) array
    prob : float

    Examples
    --------
    >>> low, high = hpd_intervals(np.array([[0.0], [4.0], [5.0], [6.0], [20.0]]), 0.4)
    >>> low.tolist(), high.tolist()
    ([4.0], [6.0])
    """
    ordered = np.sort(draws, axis=0)
    n = len(ordered)
    gap = max(1, min(n - 1, round(n * prob)))
    start = np.argmin(ordered[gap:] - ordered[: n - gap], axis=0)
    column = np.arange(ordered.shape[1])
    return ordered[start, column], ordered[start + gap, column]


def draws_of(grid: EmmGrid, rows: np.ndarray) -> np.ndarray:
    """(N, n) draws of the estimates of some rows, NaN where not estimable."""
    estimates = grid.estimates
    if estimates.draws is None:
        raise MereValueError("these estimates have no draws: regrid(..., N_sim=) makes them")
    L = grid.L[rows]
    out = estimates.draws @ L[:, estimates.kept].T
    if grid.offset is not None:
        out = out + grid.offset[rows]
    out[:, ~estimates.estimable(L)] = np.nan
    return out
