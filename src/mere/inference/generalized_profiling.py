"""Profiles of generalized mixed models: standard deviations, correlations and fixed effects.

Each parameter is a coordinate of a chart (charts.py), after the columns of its random-effects term are put in order
(focal_plans.py); the criterion is minimized over the others by exact gradients (held.py).
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import generics as g
from ..accessors.intervals import chosen_parameters
from ..arguments import check_flags, threads_of
from ..errors import DataMessage, MereValueError, RefitMessage, tell
from ..generalized import GLMM, generalized_mixed_model
from ..generalized_fitting import settle_generalized
from ..generalized_objective import GLMMObjective
from ..generalized_optimum import optimize_generalized
from ..replicates import available_cpus
from ..variance_parameters import VarianceParameter, VarianceParameters, variance_parameters
from .charts import Chart, Coordinate, Correlation, Covariance
from .curves import Steps, make_curve, outward_steps
from .focal_plans import triangular
from .held import Held, HeldPath, Limits, both_sides, optimum
from .profile_results import Profile, ProfileTable

__all__: list[str] = []


@dataclass(frozen=True, eq=False)
class _Focus:
    """A parameter as a coordinate: the criterion, its optimum and its chart; the term whose columns were moved."""

    objective: GLMMObjective
    x: np.ndarray
    chart: Chart
    lower: float
    upper: float
    term: int = -1
    order: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class _Path:
    """A profile's points, and the optimum's value last: all parameters (n, n_all), criterion, slope, x of the model."""

    value: np.ndarray
    values: np.ndarray
    d: np.ndarray
    slope: np.ndarray
    x: np.ndarray
    bounds: tuple[float, float]
    endless: tuple[bool, bool] = (False, False)


@g.profile.register(GLMM)
def _profile(
    m: GLMM,
    which: Any = None,
    alphamax: float = 0.01,
    maxpts: int = 100,
    delta: float | None = None,
    delta_cutoff: float = 1 / 8,
    signames: bool = False,
    prof_scale: str = "sdcor",
    ncpus: int | None = 1,
) -> Profile:
    check_flags(signames=signames)
    width = threads_of(ncpus) or available_cpus()
    parameters, fixed = variance_parameters(m.design.random), list(m.design.names)
    names, signs = parameters.names[:-1] + fixed, parameters.signames[:-1] + fixed
    n = len(parameters.items) - 1
    chosen = list(dict.fromkeys(chosen_parameters(which, names, signs, n)))
    steps = outward_steps(len(names), alphamax, maxpts, delta, delta_cutoff, prof_scale)
    if m.nAGQ == 0:
        raise MereValueError("profile() needs a likelihood: fit with nAGQ=1 or more")
    for _ in range(5):
        paths = _paths(m, parameters, chosen, steps, width)
        better = _better(m, paths)
        if better is None:
            break
        tell(
            f"profile: found a lower criterion, {better.criterion:.8g} against {m.criterion:.8g}; goes on from there",
            RefitMessage,
        )
        m = better
    _say_endless([names[j] for j, path in zip(chosen, paths, strict=True) if any(path.endless)])
    at = _all_parameters(m.objective, parameters, m.optinfo.full)
    kinds = tuple(p.kind for p in parameters.items[:-1]) + ("beta",) * len(fixed)
    tables = tuple(_table(j, path, at, m.criterion) for j, path in zip(chosen, paths, strict=True))
    result = Profile(m, tuple(names), tuple(signs), kinds, tables, at, bool(signames), "sdcor")
    return result.covariances(parameters.correlations).variances() if steps.covariances else result


def _say_endless(names: list[str]) -> None:
    if names:
        tell(
            f"the profile of {', '.join(names)} levels off: a predictor or the random effects separate the outcomes; "
            "the interval has no end on that side",
            DataMessage,
        )


def _table(j: int, path: _Path, at: np.ndarray, lowest: float) -> ProfileTable:
    if len(path.d) == 0:  # not identified: zeta is zero between the bounds
        values = np.vstack([at, at])
        values[:, j] = path.bounds
        return ProfileTable(j, values, make_curve(np.array(path.bounds), np.zeros(2), np.zeros(2), *path.bounds))
    value, values = path.value, np.vstack([path.values, at])
    sign = np.sign(value[:-1] - value[-1])
    root = np.sqrt(np.maximum(path.d - lowest, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.append(sign * path.slope / (2 * root), np.nan)
    zeta = np.append(sign * root, 0.0)
    slope[~np.isfinite(slope)] = np.nan
    order = np.argsort(value, kind="stable")
    curve = make_curve(value, zeta, slope, *path.bounds)
    return ProfileTable(j, values[order], replace(curve, endless=path.endless))


def _all_parameters(objective: GLMMObjective, parameters: VarianceParameters, x: np.ndarray) -> np.ndarray:
    """Standard deviations, correlations and fixed effects at x."""
    variance = parameters.values(objective.theta(x[: objective.n_re]), 1.0)[:-1]
    return np.concatenate([variance, x[objective.n_re : objective.n_re + objective.p]])


# -- one parameter -----------------------------------------------------------------
def _paths(m: GLMM, parameters: VarianceParameters, chosen: list[int], steps: Steps, ncpus: int) -> list[_Path]:
    n = len(parameters.items) - 1

    def one(j: int) -> _Path:
        objective = m.objective.twin()
        with objective.threads:
            if j >= n:
                x = np.array(m.optinfo.full)
                focus = _Focus(objective, x, Coordinate(objective.n_re + j - n), -math.inf, math.inf)
                return _path(m, parameters, focus, steps)
            p = parameters.items[j]
            as_covariance = steps.covariances and j in parameters.correlations
            focus = _focus(m, objective, p, as_covariance)
            if p.kind == "cor" and not as_covariance and not parameters.is_determined(p, m.theta):
                nothing = np.empty(0)
                return _Path(nothing, nothing, nothing, nothing, np.empty((0, len(focus.x))), (p.lower, p.upper))
            if p.kind == "cor" and not as_covariance and objective.terms_layout.linear:
                return _correlation_path(m, parameters, focus, p, j, steps)
            path = _path(m, parameters, focus, steps)
            if not as_covariance:  # also where it is a correlation with a standard deviation of zero
                path.values[:, j] = path.value[:-1]
            return path

    if ncpus > 1 and len(chosen) > 1:
        with ThreadPoolExecutor(ncpus) as pool:
            return list(pool.map(one, chosen))
    return [one(j) for j in chosen]


def _focus(m: GLMM, objective: GLMMObjective, p: VarianceParameter, as_covariance: bool) -> _Focus:
    """The chart of a variance parameter, its term's columns in order."""
    layout, covariance = objective.terms_layout, m.design.random[p.term].covariance
    first, x = layout.par_at[p.term], np.array(m.optinfo.full)
    if covariance.name != "us":
        if covariance.linear is not None:
            place = first + int(np.asarray(covariance.linear)[p.row])
        elif p.kind == "cor":
            place = layout.par_at[p.term + 1] - 1
        else:
            place = first + p.row
        return _Focus(objective, x, Coordinate(place), p.lower, p.upper)
    lead = (p.row,) if p.kind == "sd" else (p.column, p.row)
    order = lead + tuple(j for j in range(covariance.k) if j not in lead)
    own = slice(first, layout.par_at[p.term + 1])
    entries = np.asarray(covariance.entries)
    T = np.zeros((covariance.k, covariance.k))
    T[entries[:, 0], entries[:, 1]] = x[own]
    x[own] = triangular(T[list(order)])[entries[:, 0], entries[:, 1]]
    if order != tuple(range(covariance.k)):
        objective = _with_columns(m, p.term, order)
    if p.kind == "sd":
        return _Focus(objective, x, Coordinate(first), 0.0, math.inf, p.term, order)
    if as_covariance:
        return _Focus(objective, x, Covariance(first, first + 1), -math.inf, math.inf, p.term, order)
    return _Focus(objective, x, Correlation(first, first + 1, first + covariance.k), -1.0, 1.0, p.term, order)


def _with_columns(m: GLMM, t: int, order: tuple[int, ...]) -> GLMMObjective:
    """The criterion with the columns of a term in another order."""
    random = list(m.design.random)
    term, values = random[t], random[t].values
    names = tuple(term.names[i] for i in order)
    random[t] = replace(term, names=names, values=None if values is None else np.asfortranarray(values[:, list(order)]))
    design = replace(m.design, random=tuple(random))
    o = m.objective
    return GLMMObjective(design, o.family, o.response, o.nAGQ, o.tolPwrss, o.joint_theta)


def _held(focus: _Focus) -> Held:
    objective, chart = focus.objective, focus.chart
    layout = objective.terms_layout

    def criterion(x: np.ndarray) -> tuple[float, np.ndarray]:
        d, slope = objective.value_and_gradient(x)
        return d, np.zeros(len(x)) if slope is None else slope

    units = np.abs(objective.layout.start)
    held = chart.i if isinstance(chart, Coordinate) else -1
    zeros = tuple(int(i) for i in np.flatnonzero(layout.lower == 0.0) if i != held)
    bounds = None if layout.linear else (objective.layout.lower, objective.layout.upper)
    return Held(criterion, chart, zeros, np.where(units > 0, units, 1.0), bounds)


def _path(m: GLMM, parameters: VarianceParameters, focus: _Focus, steps: Steps, ceiling: float = math.inf) -> _Path:
    limits = Limits(steps.delta, steps.cutoff, steps.points, ceiling)
    at, sides = both_sides(_held(focus), focus.x, m.criterion, (focus.lower, focus.upper), limits)
    return _joined(parameters, focus, at, sides)


def _joined(parameters: VarianceParameters, focus: _Focus, at: float, sides: list[HeldPath]) -> _Path:
    x = np.vstack([side.x for side in sides])
    own = np.array([_own_order(focus, row) for row in x]).reshape(x.shape)
    values = np.array([_all_parameters(focus.objective, parameters, row) for row in own])
    value = np.concatenate([side.value for side in sides])
    return _Path(
        np.append(value, at), values.reshape(len(x), len(parameters.items) - 1 + focus.objective.p),
        np.concatenate([side.d for side in sides]), np.concatenate([side.slope for side in sides]), own,
        (focus.lower, focus.upper), (sides[0].endless, sides[1].endless),
    )  # fmt: skip


def _own_order(focus: _Focus, x: np.ndarray) -> np.ndarray:
    """x with the columns of the term as the model has them."""
    if focus.term < 0:
        return x
    layout = focus.objective.terms_layout
    own = slice(layout.par_at[focus.term], layout.par_at[focus.term + 1])
    entries = np.asarray(focus.objective.design.random[focus.term].covariance.entries)
    T = np.zeros((len(focus.order),) * 2)
    T[entries[:, 0], entries[:, 1]] = x[own]
    out = x.copy()
    out[own] = triangular(T[np.argsort(focus.order)])[entries[:, 0], entries[:, 1]]
    return out


# -- correlations --------------------------------------------------------------------
def _correlation_path(
    m: GLMM, parameters: VarianceParameters, focus: _Focus, p: VarianceParameter, j: int, steps: Steps
) -> _Path:
    """Where a standard deviation of zero fits better than a correlation does, its profile is flat up to the bound."""
    flat, other = _without_one(m, parameters, p)
    path = _path(m, parameters, focus, steps, flat)
    value, values, d, slope, x = path.value, path.values.copy(), path.d.copy(), path.slope, path.x
    over = d >= flat
    values[over], d[over] = other, flat
    values[:, j] = value[:-1]
    ends = []  # flat from the kink to the bound
    for bound in (-1.0, 1.0):
        side = (value[:-1] - value[-1]) * bound > 0
        reached = abs(value[-1] - bound) < 1e-9 or (side & (value[:-1] == bound)).any()
        if flat - m.criterion < steps.cutoff**2 and not reached:
            ends += [bound, *(value[:-1][side & over] + 1e-6 * bound)]
    rows = np.tile(other, (len(ends), 1))
    rows[:, j] = ends
    return replace(
        path, value=np.concatenate([ends, value]), values=np.vstack([rows, values]),
        d=np.append(np.full(len(ends), flat), d), slope=np.append(np.zeros(len(ends)), slope),
        x=np.vstack([np.full((len(ends), x.shape[1]), np.nan), x]),
    )  # fmt: skip


def _without_one(m: GLMM, parameters: VarianceParameters, p: VarianceParameter) -> tuple[float, np.ndarray]:
    """The lowest criterion with one of two standard deviations zero, and all parameters there."""
    best: tuple[float, np.ndarray] = (math.inf, np.empty(0))
    for row in (p.row, p.column):
        focus = _focus(m, m.objective.twin(), replace(p, kind="sd", row=row, column=row), False)
        held = _held(focus)
        start, _, _ = optimum(held, focus.x, m.criterion)
        found = held.minimum(0.0, start.z, start.matrix)
        if found.d < best[0]:
            x = _own_order(focus, focus.chart.join(0.0, found.z))
            best = found.d, _all_parameters(focus.objective, parameters, x)
    return best


# -- a better optimum --------------------------------------------------------------
def _better(m: GLMM, paths: list[_Path]) -> GLMM | None:
    """The model refitted from a point of a path with a criterion lower than the optimum's, if there is one."""
    lowest, start = m.criterion - 1e-5, None
    for path in paths:
        if len(path.d) and path.d.min() < lowest:
            i = int(np.argmin(path.d))
            if np.isfinite(path.x[i]).all():
                lowest, start = float(path.d[i]), path.x[i]
    if start is None:
        return None
    objective, control = m.objective.twin(), replace(m.control, optimizer="auto")
    n_re = objective.n_re
    given = {"par": start[:n_re], "fixef": start[n_re : n_re + objective.p]}
    optimum = optimize_generalized(objective, control, given)
    if optimum.value > m.criterion - 1e-6:
        return None
    return generalized_mixed_model(settle_generalized(objective, optimum, control), m.control, m.call)
