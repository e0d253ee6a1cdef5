"""The default optimizer of nonlinear mixed models: BFGS with exact gradients, then Newton steps.

The criterion is even in each column of an unstructured covariance factor, so the steps need no bounds there: signs are
settled at the end, and columns that vanish become exact zeros.
"""

from __future__ import annotations

import numpy as np

from .errors import ConvergenceError
from .nonlinear_objective import NLMMObjective
from .optimizers import Optimum

__all__ = ["quasi_newton"]


def quasi_newton(objective: NLMMObjective, start: np.ndarray, maxeval: int) -> tuple[Optimum, np.ndarray | None]:
    """BFGS, then Newton steps until they promise nothing; the Hessian at the end."""
    bounded = not objective.terms_layout.linear
    unit = objective.scale(start)
    x, f, count = start / unit, 0.0, 0
    inverse = np.diag(_curvatures(objective, len(x)))
    f, x, inverse, count = _bfgs(objective, x, unit, inverse, maxeval, bounded)
    hessian = None
    for _ in range(20):
        par = x * unit
        hessian = objective.hessian(par)
        slope = objective.gradient(par) * unit
        count += 2 * len(x) + 1
        held = _held(objective, par, slope) if bounded else np.zeros(len(x), dtype=bool)
        step = np.zeros(len(x))
        values, vectors = np.linalg.eigh((hessian * np.outer(unit, unit))[np.ix_(~held, ~held)])
        inner = vectors.T @ slope[~held]
        bent = values < -1e-6 * np.abs(values).max()
        curve = np.maximum(np.abs(values), 1e-8 * np.abs(values).max())
        move = -inner / curve
        saddle = bool(bent.any())
        if saddle:  # off the ridge, to a side: the slope may vanish there
            move[bent] = np.where(move[bent] < 0, -1.0, 1.0) * np.maximum(np.abs(move[bent]), 0.3)
        step[~held] = vectors @ move
        gain = 0.5 * float(np.sum(inner**2 / curve))
        if not saddle and gain < 1e-9:
            break
        moved, new, more = _downhill(objective, x, unit, step, f, bounded)
        count += more
        if moved is None or count > maxeval:
            break
        x, f = moved, new
        if not saddle and gain < 1e-6:  # the next Newton step would gain its square
            break
        if saddle or gain > 1e-2:
            f, x, inverse, more = _bfgs(objective, x, unit, inverse, maxeval - count, bounded)
            count += more
    par, f, changed = _settled(objective, x * unit, f)
    if changed:
        hessian = None
    converged = count <= maxeval
    message = "converged" if converged else "maxeval reached"
    return Optimum(par, f, count, converged, message, "auto"), hessian


def _curvatures(objective: NLMMObjective, n: int) -> np.ndarray:
    """Inverse second derivatives to start from, in units: the more levels, the more certain is a term's parameter."""
    out = np.full(n, 0.5)
    at = objective.terms_layout.par_at
    for t, term in enumerate(objective.design.random):
        out[at[t] : at[t + 1]] = 0.5 / len(term.levels)
    return out


def _held(objective: NLMMObjective, par: np.ndarray, slope: np.ndarray) -> np.ndarray:
    layout = objective.layout
    out: np.ndarray = ((par <= layout.lower) & (slope > 0)) | ((par >= layout.upper) & (slope < 0))
    return out


def _downhill(
    objective: NLMMObjective, x: np.ndarray, unit: np.ndarray, step: np.ndarray, f: float, bounded: bool
) -> tuple[np.ndarray | None, float, int]:
    size, layout = 1.0, objective.layout
    for count in range(1, 15):
        trial = x + size * step
        if bounded:
            trial = np.clip(trial, layout.lower / unit, layout.upper / unit)
        value = objective.value_and_gradient(trial * unit, False)[0]
        if value < f:
            return trial, value, count
        size /= 3
    return None, f, 14


def _bfgs(
    objective: NLMMObjective, x: np.ndarray, unit: np.ndarray, inverse: np.ndarray, maxeval: int, bounded: bool
) -> tuple[float, np.ndarray, np.ndarray, int]:
    """BFGS with backtracking, in units; steps end where they promise less than 1e-7."""
    layout = objective.layout
    lower, upper = layout.lower / unit, layout.upper / unit
    f, slope = objective.value_and_gradient(x * unit)
    if not np.isfinite(f) or slope is None:
        raise ConvergenceError("the conditional modes are not found at the start: give another start")
    g, count = slope * unit, 1
    while count < maxeval:
        held = _held(objective, x * unit, g) if bounded else np.zeros(len(x), dtype=bool)
        step = -inverse @ np.where(held, 0.0, g)
        step[held] = 0.0
        down = float(g @ step)
        if down >= 0:
            inverse = np.eye(len(x)) * 0.1
            step = -0.1 * np.where(held, 0.0, g)
            down = float(g @ step)
        if -down < 2e-7:
            break
        longest = float(np.abs(step).max())
        size = min(1.0, 3.0 / longest)
        for _ in range(25):
            trial = np.clip(x + size * step, lower, upper) if bounded else x + size * step
            new, slope = objective.value_and_gradient(trial * unit)
            count += 1
            if np.isfinite(new) and new <= f + 1e-4 * size * down:
                break
            size *= 0.1 if not np.isfinite(new) else 0.4
        else:
            break
        assert slope is not None
        moved, turned = trial - x, slope * unit - g
        x, f, g = trial, new, slope * unit
        curvature = float(moved @ turned)
        if curvature > 1e-12 * np.linalg.norm(moved) * np.linalg.norm(turned):
            w = inverse @ turned
            inverse = (
                inverse
                + (1 + float(turned @ w) / curvature) * np.outer(moved, moved) / curvature
                - (np.outer(w, moved) + np.outer(moved, w)) / curvature
            )
    return f, x, inverse, count


def _settled(objective: NLMMObjective, par: np.ndarray, f: float) -> tuple[np.ndarray, float, bool]:
    """Columns of the factors with positive diagonals, and exact zeros where the criterion does not mind."""
    layout = objective.terms_layout
    if not layout.linear:
        return par, f, False
    par, changed = par.copy(), False
    entries = layout.entries
    for t, row, column, place in entries:
        if row != column:
            continue
        own = [int(i) for u, _, c, i in entries if u == t and c == column]
        if par[place] < 0:
            par[own] = -par[own]
            changed = True
        zero = par.copy()
        zero[own] = 0.0
        if par[place] != 0 and np.abs(par[own]).max() < 0.05 * (np.abs(par[: objective.n_re]).max() + 1e-300):
            changed |= _adopt(objective, par, zero, f)
        zero = par.copy()
        zero[place] = 0.0
        if par[place] != 0:
            changed |= _adopt(objective, par, zero, f)
    if changed:
        f = objective.value(par)
    return par, f, changed


def _adopt(objective: NLMMObjective, par: np.ndarray, zero: np.ndarray, f: float) -> bool:
    if objective.value_and_gradient(zero, False)[0] > f + 1e-9:
        return False
    par[:] = zero
    return True
