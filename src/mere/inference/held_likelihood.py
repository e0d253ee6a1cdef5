"""Likelihood profiles by optimization under a constraint, for models whose criterion has a gradient.

A `Likelihood` is -2 log L as a function of all free parameters x, with its gradient, and what x means: standard
deviations, correlations, sigma, fixed effects. Its profile in one of these is the criterion minimized with the quantity
held: as a coordinate of x where it is one, else by sequential quadratic programming with the quantity as an equality
constraint. Each search starts where the last one ended, and steps adapt to equal distances in zeta.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..accessors.intervals import chosen_parameters
from ..arguments import check_flags
from ..errors import ConvergenceError, MereUnavailableError
from ..reterms import RandomTerm
from ..variance_parameters import VarianceParameters
from .curves import Steps, make_curve, outward_steps
from .profile_results import Profile, ProfileTable

__all__ = ["Likelihood", "coordinate_scale", "effects_of", "natural_layout", "profile_likelihood", "vanishing"]


@dataclass(frozen=True, eq=False)
class Likelihood:
    """A criterion to be profiled.

    Attributes
    ----------
    value : callable
        x -> (-2 log L, gradient).
    natural : callable
        x -> all parameters: variance parameters, then fixed effects.
    at : ndarray
        x at the optimum.
    scale, lower, upper : ndarray
        About the standard error of each coordinate, and its bounds.
    coordinates : mapping
        Of a natural parameter that is a function of one coordinate: that, and the coordinate at a value.
    zeros : mapping
        Of a standard deviation: the coordinates that vanish with it.
    effects : mapping
        Of a correlation: its two standard deviations, where both are in `zeros`.
    bounds : tuple of pairs
        Of the natural parameters.
    names, signames, kinds : tuple of str
        Theirs.
    """

    value: Callable[[np.ndarray], tuple[float, np.ndarray]]
    natural: Callable[[np.ndarray], np.ndarray]
    at: np.ndarray
    scale: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    coordinates: Mapping[int, tuple[int, Callable[[float], float]]]
    zeros: Mapping[int, tuple[int, ...]]
    effects: Mapping[int, tuple[int, int]]
    bounds: tuple[tuple[float, float], ...]
    names: tuple[str, ...]
    signames: tuple[str, ...]
    kinds: tuple[str, ...]


def profile_likelihood(
    model: Any,
    likelihood: Likelihood,
    which: Any = None,
    alphamax: float = 0.01,
    maxpts: int = 100,
    delta: float | None = None,
    delta_cutoff: float = 1 / 8,
    signames: bool = False,
    prof_scale: str = "sdcor",
) -> Profile:
    """The profiles that `which` asks for."""
    check_flags(signames=signames)
    names, n_variance = list(likelihood.names), sum(kind != "beta" for kind in likelihood.kinds)
    chosen = list(dict.fromkeys(chosen_parameters(which, names, likelihood.signames, n_variance)))
    if prof_scale == "varcov" and "cor" in likelihood.kinds:
        raise MereUnavailableError("profiles of covariances are for lmer(): use prof_scale='sdcor' here")
    steps = outward_steps(len(names), alphamax, maxpts, delta, delta_cutoff, prof_scale)
    at = likelihood.natural(likelihood.at)
    lowest = likelihood.value(likelihood.at)[0]
    tables = tuple(_table(likelihood, i, at, lowest, steps) for i in chosen)
    result = Profile(
        model, likelihood.names, likelihood.signames, likelihood.kinds, tables, at, bool(signames), "sdcor"
    )
    return result if prof_scale == "sdcor" else result.variances()


def _table(likelihood: Likelihood, i: int, at: np.ndarray, lowest: float, steps: Steps) -> ProfileTable:
    lower, upper = likelihood.bounds[i]
    if np.isnan(at[i]):  # a correlation with an effect that does not vary: zeta is zero between the bounds
        values = np.vstack([at, at])
        values[:, i] = lower, upper
        return ProfileTable(i, values, make_curve(values[:, i], np.zeros(2), np.zeros(2), lower, upper))
    points = [(at, 0.0, np.nan)]
    without = _without(likelihood, i, lowest)
    for sign in (-1.0, 1.0):
        side = _side(likelihood, i, float(at[i]), lowest, sign, steps)
        points += side if without is None else _beside_zero(side, i, without, sign, (lower, upper), steps)
    points.sort(key=lambda point: float(point[0][i]))
    values = np.array([p[0] for p in points])
    zeta, slope = np.array([p[1] for p in points]), np.array([p[2] for p in points])
    return ProfileTable(i, values, make_curve(values[:, i], zeta, slope, lower, upper))


def _side(
    likelihood: Likelihood, i: int, at: float, lowest: float, sign: float, steps: Steps
) -> list[tuple[np.ndarray, float, float]]:
    """Points on one side of the optimum, outwards."""
    end = likelihood.bounds[i][0 if sign < 0 else 1]
    x, value, zeta, out = likelihood.at.copy(), at, 0.0, []
    step = steps.delta * _first_step(likelihood, i)
    for _ in range(steps.points):
        trial = value + sign * step
        if sign * (end - trial) < 0.2 * step:
            trial = end if likelihood.kinds[i] != "cor" else end - sign * 1e-6
        if sign * (trial - value) <= 1e-12 * max(1.0, abs(value)):
            break
        solved = _solve(likelihood, i, x, trial)
        if solved is None:
            if step < 1e-3 * steps.delta * _first_step(likelihood, i):
                break
            step *= 0.3
            continue
        x, d, slope = solved
        z = float(np.sqrt(max(d - lowest, 0.0)))
        natural = likelihood.natural(x)
        natural[i] = trial
        out.append((natural, sign * z, slope / (2.0 * sign * z) if z > 1e-3 and trial != end else np.nan))
        if z > steps.cutoff or trial in (end, end - sign * 1e-6):
            break
        moved, gained = abs(trial - value), max(z - zeta, 1e-8)
        step = float(np.clip(moved * steps.delta / gained, 0.3 * moved, 4.0 * moved))
        value, zeta = trial, z
    return out


def _without(likelihood: Likelihood, i: int, lowest: float) -> tuple[np.ndarray, float] | None:
    """Of a correlation: all parameters and zeta where the better one of its two effects does not vary."""
    best = None
    for sd in likelihood.effects.get(i, ()):
        x = _minimized(likelihood, i, likelihood.at, dict.fromkeys(likelihood.zeros[sd], 0.0), None)
        if x is not None:
            d = likelihood.value(x)[0]
            if best is None or d < best[1]:
                best = x, d
    return None if best is None else (likelihood.natural(best[0]), float(np.sqrt(max(best[1] - lowest, 0.0))))


def _beside_zero(
    side: list[tuple[np.ndarray, float, float]],
    i: int,
    without: tuple[np.ndarray, float],
    sign: float,
    bounds: tuple[float, float],
    steps: Steps,
) -> list[tuple[np.ndarray, float, float]]:
    """With an effect of no variance every correlation does: the profile is flat beyond its zeta, up to the bound."""
    natural, flat = without
    kept = [point for point in side if abs(point[1]) <= flat]
    if len(kept) == len(side) and (flat >= steps.cutoff or (side and abs(side[-1][1]) > steps.cutoff)):
        return side
    ends = [side[len(kept)][0][i]] if len(kept) < len(side) else []
    for value in [*ends, bounds[0 if sign < 0 else 1]]:
        point = natural.copy()
        point[i] = value
        kept.append((point, sign * flat, 0.0))
    return kept


def _first_step(likelihood: Likelihood, i: int) -> float:
    """About the standard error of a natural parameter."""
    return float(np.sqrt(np.sum((_slope_of(likelihood, i, likelihood.at) * likelihood.scale) ** 2))) or 0.1


def _slope_of(likelihood: Likelihood, i: int, x: np.ndarray) -> np.ndarray:
    """The gradient of a natural parameter, by differences of a simple function."""
    out = np.zeros(len(x))
    for j in range(len(x)):
        h = 1e-5 * max(float(likelihood.scale[j]), 1e-3 * abs(float(x[j])))
        up, down = x.copy(), x.copy()
        up[j] += h
        down[j] -= h
        out[j] = (likelihood.natural(up)[i] - likelihood.natural(down)[i]) / (2 * h)
    return np.where(np.isfinite(out), out, 0.0)


def _solve(likelihood: Likelihood, i: int, x: np.ndarray, value: float) -> tuple[np.ndarray, float, float] | None:
    """The optimum with natural parameter i at this value: x, -2 log L, and its derivative by the value."""
    fixed: dict[int, float] = {}
    if i in likelihood.coordinates:
        c, inverse = likelihood.coordinates[i]
        fixed[c] = inverse(value)
    elif value == 0.0 and i in likelihood.zeros:
        fixed = dict.fromkeys(likelihood.zeros[i], 0.0)
    held = None if fixed else value
    found = _minimized(likelihood, i, x, fixed, held)
    if found is None:
        return None
    d, slope = likelihood.value(found)
    along = _slope_of(likelihood, i, found) * likelihood.scale
    size = float(along @ along)
    return found, d, float((slope * likelihood.scale) @ along) / size if size > 0 else np.nan


def _minimized(
    likelihood: Likelihood, i: int, x: np.ndarray, fixed: Mapping[int, float], held: float | None
) -> np.ndarray | None:
    from scipy.optimize import Bounds, minimize

    free = np.array([j for j in range(len(x)) if j not in fixed], dtype=int)
    scale, whole = likelihood.scale[free], x.copy()
    for j, v in fixed.items():
        whole[j] = v
    unit = _first_step(likelihood, i)

    def full(z: np.ndarray) -> np.ndarray:
        out = whole.copy()
        out[free] = z * scale
        return out

    def function(z: np.ndarray) -> tuple[float, np.ndarray]:
        try:
            d, slope = likelihood.value(full(z))
        except ConvergenceError:
            return 1e10, np.zeros(len(z))
        return (d, slope[free] * scale) if np.isfinite(d) else (1e10, np.zeros(len(z)))

    if not len(free):
        return whole
    constraints: Any = ()
    if held is not None:
        constraints = [{
            "type": "eq",
            "fun": lambda z: (likelihood.natural(full(z))[i] - held) / unit,
            "jac": lambda z: _slope_of(likelihood, i, full(z))[free] * scale / unit,
        }]  # fmt: skip
    bounds = Bounds(likelihood.lower[free] / scale, likelihood.upper[free] / scale)
    found = minimize(
        function, whole[free] / scale, jac=True, method="SLSQP", bounds=bounds, constraints=constraints,
        options={"ftol": 1e-11, "maxiter": 300},
    )  # fmt: skip
    out = full(found.x)
    if not np.isfinite(found.fun) or found.fun > 1e9:
        return None
    if held is not None and not abs(likelihood.natural(out)[i] - held) < 1e-5 * unit:
        return None
    return out


def effects_of(parameters: VarianceParameters, zeros: Mapping[int, tuple[int, ...]]) -> dict[int, tuple[int, int]]:
    """Of each correlation of two effects its two standard deviations."""
    place = {(p.term, p.row): i for i, p in enumerate(parameters.items) if p.kind == "sd" and i in zeros}
    return {
        i: (place[p.term, p.row], place[p.term, p.column])
        for i, p in enumerate(parameters.items)
        if p.kind == "cor" and (p.term, p.row) in place and (p.term, p.column) in place
    }


def natural_layout(
    parameters: VarianceParameters, fixed: tuple[str, ...], with_sigma: bool
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[tuple[float, float], ...]]:
    """Names, short names, kinds and bounds of the natural parameters."""
    n = len(parameters.items) if with_sigma else len(parameters.items) - 1
    items = parameters.items[:n]
    names = (*(p.name for p in items), *fixed)
    signames = (*parameters.signames[:n], *fixed)
    kinds = (*(p.kind for p in items), *("beta" for _ in fixed))
    bounds = (*((p.lower, p.upper) for p in items), *((-np.inf, np.inf) for _ in fixed))
    return names, signames, kinds, bounds


def coordinate_scale(hessian: np.ndarray, at: np.ndarray, n_re: int) -> np.ndarray:
    """About the standard error of each coordinate: from the curvature, or its size where there is none."""
    curve = np.diag(hessian)
    size = np.maximum(np.abs(at), 0.1 * np.abs(at[:n_re]).max(initial=1e-2))
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(2.0 / curve)
    good = np.isfinite(error) & (curve > 0)
    wide = np.arange(len(at)) < n_re
    return np.where(good & ~(wide & (error > 10 * size)), error, size)


def vanishing(
    parameters: VarianceParameters, par_at: tuple[int, ...], random: tuple[RandomTerm, ...]
) -> dict[int, tuple[int, ...]]:
    """Of each standard deviation of an unstructured or diagonal term: the coordinates that vanish with it."""
    out = {}
    for i, p in enumerate(parameters.items):
        if p.kind != "sd":
            continue
        covariance = random[p.term].covariance
        if covariance.linear is not None:
            row = np.flatnonzero(np.asarray(covariance.entries)[:, 0] == p.row)
            out[i] = tuple(sorted({int(par_at[p.term] + np.asarray(covariance.linear)[r]) for r in row}))
    return out
