"""Profiles of linear mixed models: which parameters, from where, how far; the refits are done in C (csrc/profile.c)."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import _core
from .. import generics as g
from ..accessors.intervals import chosen_parameters
from ..arguments import check_flags, threads_of
from ..errors import RefitMessage, tell
from ..fitting import settle
from ..model import LMM, mixed_model
from ..objective import LMMObjective
from ..optimizers import minimize
from ..refitting import theta_rows
from ..replicates import available_cpus
from ..variance_parameters import VarianceParameter, VarianceParameters, variance_parameters
from .constrained import Quantity, constrained_path
from .curves import Steps, make_curve, outward_steps
from .focal_plans import FocalPlan, FocalPlans, triangular
from .held import Limits
from .profile_results import Profile, ProfileTable
from .structured_paths import structured_path

__all__: list[str] = []


@dataclass(frozen=True, eq=False)
class _Path:
    """The points of one parameter: all parameters (n, n_all) and zeta, slope, d (n,); the kernels' par at each."""

    values: np.ndarray
    zeta: np.ndarray
    slope: np.ndarray
    d: np.ndarray
    par: np.ndarray
    focal: FocalPlan
    held: np.ndarray | None = None  # the values of a quantity that is no parameter, the optimum's last


@g.profile.register(LMM)
def _profile(
    m: LMM,
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
    parameters = variance_parameters(m.design.random)
    fixed = list(m.design.names)
    names, n = parameters.names + fixed, len(parameters.items)
    chosen = chosen_parameters(which, names, parameters.signames + fixed, n)
    chosen = list(dict.fromkeys(chosen))
    steps = outward_steps(len(names), alphamax, maxpts, delta, delta_cutoff, prof_scale)
    ml = _by_ml(m)
    for _ in range(5):
        paths = _paths(ml, parameters, chosen, steps, width)
        better = _better(ml, paths)
        if better is None:
            break
        tell(
            f"profile: found a lower criterion, {better.criterion:.8g} against {ml.criterion:.8g}; goes on from there",
            RefitMessage,
        )
        ml = better
    at = np.concatenate([parameters.values(ml.theta, ml.sigma), ml.beta])
    kinds = tuple(p.kind for p in parameters.items) + ("beta",) * len(fixed)
    signs = tuple(parameters.signames + fixed)
    tables = tuple(_table(j, path, at, parameters) for j, path in zip(chosen, paths, strict=True))
    result = Profile(ml, tuple(names), signs, kinds, tables, at, bool(signames), "sdcor")
    return result.covariances(parameters.correlations).variances() if steps.covariances else result


def _table(j: int, path: _Path, at: np.ndarray, parameters: VarianceParameters) -> ProfileTable:
    n = len(parameters.items)
    lower, upper = (parameters.items[j].lower, parameters.items[j].upper) if j < n else (-np.inf, np.inf)
    if path.held is not None:
        lower, upper = -np.inf, np.inf
    if len(path.zeta) == 0:  # not identified: zeta is zero between the bounds
        values = np.vstack([at, at])
        values[:, j] = lower, upper
        return ProfileTable(j, values, make_curve(values[:, j], np.zeros(2), np.zeros(2), lower, upper))
    values = np.vstack([path.values, at])
    zeta, slope = np.append(path.zeta, 0.0), np.append(path.slope, np.nan)
    value = values[:, j] if path.held is None else path.held
    order = np.argsort(value, kind="stable")
    return ProfileTable(j, values[order], make_curve(value, zeta, slope, lower, upper))


def _by_ml(m: LMM) -> LMM:
    if not m.reml:
        return m
    tell("profile: refitted by ML (instead of REML)", RefitMessage)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ml: LMM = g.refitML(m)
    return ml


def _paths(ml: LMM, parameters: VarianceParameters, chosen: list[int], steps: Steps, ncpus: int) -> list[_Path]:
    plans = FocalPlans(ml)
    n = len(parameters.items)

    def one(j: int) -> _Path:
        linear = ml.objective.layout.linear
        with ml.objective.threads:
            if j >= n:
                path = _fixed_path if linear else _fixed_path_by_refits
                return path(ml, plans, parameters, j - n, steps)
            p = parameters.items[j]
            if steps.covariances and j in parameters.correlations:
                return _slow_path(
                    ml, plans, parameters, _covariance_of(ml, parameters, j), (-np.inf, np.inf), steps, True
                )
            if linear:
                return _variance_path(ml, plans, parameters, p, steps)
            if p.kind == "cor" and not parameters.is_determined(p, ml.theta):
                return _nothing(ml, plans)
            points = structured_path(ml, p, Limits(steps.delta, steps.cutoff, steps.points))
            if points is not None:
                out = _natural(points, plans.own(), plans, parameters)
                out.values[:, j] = points[0]  # also where it is a correlation with a standard deviation of zero
                return out
            return _slow_path(ml, plans, parameters, _parameter_of(ml, parameters, j), (p.lower, p.upper), steps, False)

    if ncpus > 1 and len(chosen) > 1 and not steps.covariances:
        for j in chosen:  # plans are made once, before the threads start
            if j < n - 1 and ml.objective.layout.linear:
                plans.for_variance(parameters.items[j])
        with ThreadPoolExecutor(ncpus) as pool:
            return list(pool.map(one, chosen))
    return [one(j) for j in chosen]


def _nothing(ml: LMM, plans: FocalPlans) -> _Path:
    """The path of a parameter that is not identified."""
    nothing = np.empty(0)
    return _Path(np.empty((0, 0)), nothing, nothing, nothing, np.empty((0, len(ml.par))), plans.own())


def _start(focal: FocalPlan, response: np.ndarray) -> tuple[Any, np.ndarray, float]:
    """A workspace of the plan, and the optimum in it."""
    work = _core.Work(focal.plan)
    work.set_response(response)
    par, _, _, outcome = work.newton(focal.par, False, 1e-12)
    return work, par, outcome["d"]


def _sigma(work: Any, n: int) -> float:
    """The ML estimate of sigma where the workspace stands."""
    return float(np.sqrt(work.state()[4][2] / n))


def _variance_path(
    ml: LMM, plans: FocalPlans, parameters: VarianceParameters, p: VarianceParameter, steps: Steps
) -> _Path:
    focal, first, second = (plans.own(), 0, 0) if p.kind == "sigma" else plans.for_variance(p)
    work, par, d = _start(focal, plans.response)
    sigma = _sigma(work, len(plans.response))
    if p.kind == "sigma":
        at, step = sigma, steps.delta * sigma / np.sqrt(2 * len(plans.response))
    elif p.kind == "sd":
        at = sigma * par[first]
        levels = len(plans.design.random[p.term].levels)
        values = plans.design.random[p.term].values
        unit = 1.0 if values is None else float(np.sqrt(np.mean(values[:, p.row] ** 2))) or 1.0
        step = steps.delta * max(at / np.sqrt(2 * levels), 0.05 * sigma / unit)
    else:
        norm = np.hypot(par[first], par[second])
        if norm == 0.0 or par[first - 1] == 0.0:
            return _nothing(ml, plans)
        at, step = par[first] / norm, 0.1 * steps.delta
    path = _core.profile(
        work, p.kind, par, at, d, sigma, p.lower, p.upper, step, steps.delta, steps.cutoff,
        first, second, None, False, steps.points,
    )  # fmt: skip
    out = _natural(path, focal, plans, parameters)
    out.values[:, parameters.items.index(p)] = path[0]
    return out if p.kind != "cor" else _beside_zero(out, at, d, plans, parameters, p, steps)


def _beside_zero(
    path: _Path,
    at: float,
    d: float,
    plans: FocalPlans,
    parameters: VarianceParameters,
    p: VarianceParameter,
    steps: Steps,
) -> _Path:
    """The profile of a correlation where a standard deviation of zero is better: there every correlation does.

    Beyond the criterion without one of the two effects zeta is flat, as far as the bound.
    """
    found = min((plans.without(p.term, column) for column in (p.row, p.column)), key=lambda one: one[0])
    flat = float(np.sqrt(max(found[0] - d, 0.0)))
    j = parameters.items.index(p)
    other = np.concatenate([parameters.of_grams(found[1], found[2]), found[3]])
    higher = path.d > found[0]
    values, zeta, slope, best = path.values.copy(), path.zeta.copy(), path.slope.copy(), path.d.copy()
    held = values[:, j].copy()
    values[higher] = other
    values[:, j] = held
    zeta[higher] = np.sign(zeta[higher]) * flat
    slope[higher], best[higher] = 0.0, found[0]
    par = path.par
    for bound, sign in ((p.lower, -1.0), (p.upper, 1.0)):
        side = sign * (held - at) > 0
        if flat < steps.cutoff and at != bound and not (held[side] == bound).any():
            end = other.copy()
            end[j] = bound
            values, par = np.vstack([values, end]), np.vstack([par, np.full(par.shape[1], np.nan)])
            zeta, slope, best = np.append(zeta, sign * flat), np.append(slope, 0.0), np.append(best, found[0])
    return replace(path, values=values, zeta=zeta, slope=slope, d=best, par=par)


def _fixed_path(ml: LMM, plans: FocalPlans, parameters: VarianceParameters, j: int, steps: Steps) -> _Path:
    focal = plans.for_fixed(j)
    work = _core.Work(focal.plan)
    shift = _core.Shift(work, plans.response, np.ascontiguousarray(ml.design.X[:, j]))
    shift.apply(ml.beta[j])
    par, _, _, outcome = work.newton(focal.par, False, 1e-12)
    se = float(ml.sigma * np.linalg.norm(np.linalg.solve(ml.RX.T, np.eye(len(ml.beta))[:, j])))
    path = _core.profile(
        work, "beta", par, ml.beta[j], outcome["d"], ml.sigma, -np.inf, np.inf, steps.delta * se, steps.delta,
        steps.cutoff, 0, 0, shift, False, steps.points,
    )  # fmt: skip
    beta = np.insert(path[6], j, path[0], axis=1)
    return _natural((*path[:6], beta), focal, plans, parameters)


def _parameter_of(ml: LMM, parameters: VarianceParameters, j: int) -> Quantity:
    def value(par: np.ndarray, sigma: float) -> float:
        return float(parameters.values(ml.objective.theta(par), sigma)[j])

    return value


def _covariance_of(ml: LMM, parameters: VarianceParameters, j: int) -> Quantity:
    p = parameters.items[j]

    def value(par: np.ndarray, sigma: float) -> float:
        return float(sigma**2 * parameters.grams(ml.objective.theta(par))[p.term][p.row, p.column])

    return value


def _slow_path(
    ml: LMM,
    plans: FocalPlans,
    parameters: VarianceParameters,
    quantity: Quantity,
    bounds: tuple[float, float],
    steps: Steps,
    held: bool,
) -> _Path:
    at = quantity(ml.par, ml.sigma)
    if np.isnan(at):
        return _nothing(ml, plans)
    path = constrained_path(ml, quantity, *bounds, steps.delta, steps.cutoff, steps.points)
    out = _natural(path, plans.own(), plans, parameters)
    return replace(out, held=np.append(path[0], at)) if held else out


def _fixed_path_by_refits(ml: LMM, plans: FocalPlans, parameters: VarianceParameters, j: int, steps: Steps) -> _Path:
    """Structured terms: the optimizer is in Python; every point is a fit without the column to y - v x."""
    design, x = ml.design, ml.design.X[:, j]
    reduced = LMMObjective(replace(design, X=np.asfortranarray(np.delete(design.X, j, axis=1))), False)
    se = float(ml.sigma * np.linalg.norm(np.linalg.solve(ml.RX.T, np.eye(len(ml.beta))[:, j])))
    rows, pars, betas = [], [], []
    for sign in (-1.0, 1.0):
        value, zeta, step, par = float(ml.beta[j]), 0.0, steps.delta * se, ml.par
        for _ in range(steps.points):
            trial = value + sign * step
            own = reduced.with_response(design.y - trial * x)
            state = own.state(minimize(own, "auto", par, {}).par)
            z = float(np.sqrt(max(state.criterion - ml.criterion, 0.0)))
            rows.append((trial, sign * z, np.nan, state.criterion, state.sigma))
            pars.append(state.par)
            betas.append(np.insert(state.beta, j, trial))
            if z > steps.cutoff:
                break
            step *= float(np.clip(steps.delta / max(z - zeta, 1e-8), 0.3, 4.0))
            value, zeta, par = trial, z, state.par
    columns = np.array(rows).T
    return _natural((*columns, np.array(pars), np.array(betas)), plans.own(), plans, parameters)


def _natural(path: Any, focal: FocalPlan, plans: FocalPlans, parameters: VarianceParameters) -> _Path:
    """The kernels' parameters as standard deviations, correlations, sigma and fixed effects."""
    _, zeta, slope, d, sigma, par, beta = path
    theta = theta_rows(plans.objective, par)
    grams = plans.grams(focal, parameters.grams(theta))
    values = np.hstack([parameters.of_grams(grams, sigma), beta])
    return _Path(values, zeta, slope, d, par, focal)


def _better(ml: LMM, paths: list[_Path]) -> LMM | None:
    """The model refitted from a point of a path with a criterion lower than the optimum's, if there is one."""
    lowest, start, focal = ml.criterion - 1e-6, None, None
    for path in paths:
        if len(path.d) and path.d.min() < lowest:
            lowest, focal = float(path.d.min()), path.focal
            start = path.par[int(np.argmin(path.d))]
    if start is None or focal is None:
        return None
    layout, par = ml.objective.layout, start.copy()
    if focal.term >= 0:
        entries = ml.design.random[focal.term].covariance.entries
        own = slice(layout.par_at[focal.term], layout.par_at[focal.term + 1])
        T = np.zeros((len(focal.order),) * 2)
        T[entries[:, 0], entries[:, 1]] = start[own]
        L = triangular(T[np.argsort(focal.order)])
        par[own] = L[entries[:, 0], entries[:, 1]]
    with ml.objective.threads, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        optimum = minimize(ml.objective, "auto", par, {})
        if optimum.value > ml.criterion - 1e-6:
            return None
        return mixed_model(settle(ml.objective, optimum, ml.control), ml.control, ml.call)
