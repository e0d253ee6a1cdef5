"""Newton's method within bounds, for parameters in which the criterion is smooth up to its bounds.

Parameters on a bound whose slope points outward are held; the others take a Newton step with the Hessian by differences
of the exact gradient, its eigenvalues taken positive, shortened until the criterion falls and cut off at the bounds
(Nocedal and Wright 2006, ch. 16.7). A standard deviation of zero has no slope by itself, so a small one is tried before
the end.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .optimum import Optimum

__all__ = ["active_set"]

_MAX_STEPS = 60
_NEAR = 1e-8  # so close to a bound is on it
_NOISE = 1e-12  # of the criterion, relative


def active_set(objective: Any, start: np.ndarray, value: float, feval: int, enough: float, name: str) -> Optimum:
    """From `start`, where the criterion is `value`, to a point from which a Newton step gains less than `enough`."""
    layout = objective.layout
    lower, upper = layout.lower, layout.upper
    par = np.clip(start, lower, upper)
    message, converged, gain = "maxeval reached", False, float("nan")
    gradient = objective.gradient(par)
    for _ in range(_MAX_STEPS):
        low, high = (par - lower < _NEAR) & (gradient > 0), (upper - par < _NEAR) & (gradient < 0)
        par, held = np.where(low, lower, np.where(high, upper, par)), low | high
        step, gain = _newton_step(objective, par, gradient, ~held, lower, upper)
        if gain < enough:
            left, left_value = _leave_zero(objective, par, value)
            if left is None:
                message, converged = "converged", True
                break
            par, value = left, left_value
        else:
            trial, trial_value, tries = _shortened(objective, par, value, step, gain, lower, upper)
            feval += tries
            if trial is None:
                message, converged = "stalled: the criterion is flat or not smooth here", gain < 1e-6
                break
            par, value = trial, trial_value
        gradient = objective.gradient(par)
    return Optimum(par, value, feval, converged, message, name, gradient=gradient, decrement=gain)


def _newton_step(
    objective: Any, par: np.ndarray, gradient: np.ndarray, free: np.ndarray, lower: np.ndarray, upper: np.ndarray
) -> tuple[np.ndarray, float]:
    """The step over the free parameters, and what it gains."""
    step = np.zeros_like(par)
    where = np.flatnonzero(free & (gradient != 0.0))
    if not len(where):
        return step, 0.0
    hessian = np.empty((len(where), len(where)))
    for row, i in enumerate(where):
        h = 1e-4 * max(abs(par[i]), 0.1)
        ends = [min(par[i] + h, upper[i]), max(par[i] - h, lower[i])]  # inward at a bound
        slopes = []
        for end in ends:
            moved = par.copy()
            moved[i] = end
            slopes.append(objective.gradient(moved)[where])
        hessian[row] = (slopes[0] - slopes[1]) / (ends[0] - ends[1])
    values, vectors = np.linalg.eigh((hessian + hessian.T) / 2)
    size = np.maximum(np.abs(values), 1e-8 * max(np.abs(values).max(), 1e-300))
    slope = vectors.T @ gradient[where]
    step[where] = -vectors @ (slope / size)
    return step, float(0.5 * np.sum(slope**2 / size))


def _shortened(
    objective: Any, par: np.ndarray, value: float, step: np.ndarray, gain: float, lower: np.ndarray, upper: np.ndarray
) -> tuple[np.ndarray | None, float, int]:
    noise, length = _NOISE * (abs(value) + 1.0), 1.0
    for tries in range(1, 30):
        trial = np.clip(par + length * step, lower, upper)
        found = objective.value_and_gradient(trial, False)[0]
        if found < value - 1e-4 * length * gain or (gain < 100 * noise and found <= value + noise):
            return trial, found, tries
        length /= 2
    return None, value, 30


def _leave_zero(objective: Any, par: np.ndarray, value: float) -> tuple[np.ndarray | None, float]:
    """A lower point with a small standard deviation in the place of a zero, at several correlations, or None."""
    layout = objective.layout
    bounded = np.flatnonzero((layout.lower == 0.0) & (par == 0.0))
    correlations = np.flatnonzero(np.isfinite(layout.upper))
    best, lowest = None, value - 1e-9 * (abs(value) + 1.0)
    for i in bounded:
        for share in (None, 0.05, 0.5, 0.95) if len(correlations) else (None,):
            trial = par.copy()
            trial[i] = 0.03
            if share is not None:
                low, high = layout.lower[correlations], layout.upper[correlations]
                trial[correlations] = low + share * (high - low)
            found = objective.value_and_gradient(trial, False)[0]
            if found < lowest:
                best, lowest = trial, found
    return best, lowest
