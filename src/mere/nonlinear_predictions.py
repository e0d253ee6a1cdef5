"""Nonlinear mixed models away from their data: predictions, simulated responses, updates."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from . import generics as g
from .accessors.blocks import relative_factors
from .accessors.rows import row_series
from .arguments import count_of
from .conditioning import RandomRows, contribution, kept_columns, random_rows
from .errors import MereTypeError, MereValueError
from .newdata import fixed_matrix
from .nonlinear import NLMM
from .nonlinear_design import parameter_rows
from .prediction import Prediction, assembled, check_interval, padded, prediction_variance, row_index, weights_at
from .refitting import fitted_again
from .simulation import read_seed

__all__ = ["draw_responses"]


def _by_row(values: np.ndarray, s: int) -> np.ndarray:
    """Values of long rows, parameter after parameter, as (n, s)."""
    return np.ascontiguousarray(values.reshape(s, -1).T)


def _linear_rows(rows: list[RandomRows], G: np.ndarray) -> list[RandomRows]:
    """Random terms of long rows as those of the model linearized with gradient G (n, s)."""
    n, s = G.shape
    out = []
    for r in rows:
        values = r.values.reshape(s, n, -1)
        labels = None if r.labels is None else r.labels[:n]
        out.append(replace(r, values=np.einsum("ns,snk->nk", G, values), codes=r.codes[:n], labels=labels))
    return out


def _variance(m: NLMM, X: np.ndarray, rows: list[RandomRows], kept: list[np.ndarray], G: np.ndarray) -> np.ndarray:
    """Variance of the mean, or of any function of phi with gradient G, in the linearized model at known theta."""
    n, s = G.shape
    w = np.ones(m.design.n) if m.design.weights is None else np.asarray(m.design.weights)
    fixed = np.einsum("ns,snp->np", G, X.reshape(s, n, -1))
    return prediction_variance(m, fixed, _linear_rows(rows, G), kept, w, m.sigma)


@g.predict.register(NLMM)
def _predict(
    m: NLMM,
    newdata: Any = None,
    re_form: Any = None,
    type: str = "response",
    allow_new_levels: bool = False,
    se_fit: bool = False,
    interval: str | None = None,
    level: float = 0.95,
) -> Any:
    """The mean at the parameters phi = X beta + Z b of each row; ``type="parameters"`` gives these.

    Standard errors are those of the model linearized at the prediction, at known theta.
    """
    from scipy.special import ndtri

    if type not in ("response", "link", "parameters"):
        raise MereValueError(f"type must be 'response' or 'parameters', not {type!r}")
    wants_interval = check_interval(interval, level)
    long, s = m.design.long, m.phi.shape[1]
    kept = kept_columns(long, re_form)
    if newdata is None:
        mean, X, rows = m.design.mean, long.X, random_rows(long, None)
    else:
        table, mean = parameter_rows(m.design, newdata)
        X, rows = fixed_matrix(long, table), random_rows(long, table, kept, allow_new_levels)
    phi = _by_row(X @ m.beta + contribution(long, rows, kept, m.b), s)
    index = None if newdata is None else row_index(newdata)
    if type == "parameters":
        if wants_interval:
            raise MereValueError("interval= is for type='response'; se_fit=True gives standard errors of parameters")
        columns = list(m.design.parameters)
        fit = padded(m, pd.DataFrame(phi, columns=columns)) if newdata is None else pd.DataFrame(phi, index, columns)
        if not se_fit:
            return fit
        each = [_variance(m, X, rows, kept, np.tile(unit, (len(phi), 1))) for unit in np.eye(s)]
        errors = pd.DataFrame(np.sqrt(np.column_stack(each)), columns=columns)
        errors = padded(m, errors) if index is None else errors.set_axis(index)
        return Prediction(fit, errors, math.inf, m.sigma)
    values, G = mean(phi)
    fit = row_series(m.design, values) if newdata is None else pd.Series(values, index)
    if not (se_fit or wants_interval):
        return fit
    variance = _variance(m, X, rows, kept, G)
    noise = m.sigma**2 / _weights(m, newdata)
    table, errors = assembled(pd.Series(values), variance, noise, interval, float(ndtri((1 + level) / 2)))
    if index is None:
        table, errors = padded(m, table), padded(m, errors)
    else:
        table, errors = table.set_axis(index), errors.set_axis(index)
    return Prediction(table, errors, math.inf, m.sigma) if se_fit else table


def _weights(m: NLMM, newdata: Any) -> np.ndarray:
    if newdata is not None:
        return weights_at(m, newdata)  # type: ignore[arg-type]
    return np.ones(m.design.n) if m.design.weights is None else np.asarray(m.design.weights)


def draw_responses(m: NLMM, kept: list[np.ndarray], seed: int, first: int, count: int) -> np.ndarray:
    """Responses (n, count) of replicates first, first + 1, …; effects that are not kept are drawn."""
    long, n, s = m.design.long, m.design.n, m.phi.shape[1]
    rows = random_rows(long, None)
    given = long.X @ m.beta + contribution(long, rows, kept, m.b)
    scale = m.sigma if m.design.weights is None else m.sigma / np.sqrt(m.design.weights)
    factors = relative_factors(long.random, m.theta)
    out = np.empty((n, count), order="F")
    for i in range(count):
        rng = np.random.Generator(np.random.Philox(key=[seed, first + i]))
        values = given.copy()
        for r, keep, T in zip(rows, kept, factors, strict=True):
            if not keep.all():
                drawn = m.sigma * rng.standard_normal((len(r.term.levels), len(T))) @ T.T * ~keep
                values += np.einsum("ij,ij->i", r.values, drawn[r.codes])
        out[:, i] = m.design.mean(_by_row(values, s))[0] + scale * rng.standard_normal(n)
    return out


@g.simulate.register(NLMM)
def _simulate(m: NLMM, nsim: int = 1, seed: Any = None, use_u: bool = False, re_form: Any = False) -> pd.DataFrame:
    nsim = count_of(nsim)
    number = read_seed(seed)
    kept = kept_columns(m.design.long, None if use_u else re_form)
    y = draw_responses(m, kept, number, 0, nsim)
    out = pd.DataFrame({f"sim_{i + 1}": row_series(m.design, y[:, i]) for i in range(nsim)})
    out.attrs["seed"] = number
    return out


@g.update.register(NLMM)
def _update(m: NLMM, formula: str | None = None, **changes: Any) -> Any:
    """Another whole formula of three parts, or other arguments."""
    arguments = dict(m.call.arguments)
    if formula is not None:
        if str(formula).count("~") != 2 or "." in str(formula).replace(" ", "").split("~"):
            raise MereTypeError("update() of a nonlinear mixed model takes a whole formula, 'y ~ mean ~ random terms'")
        arguments["formula"] = str(formula)
    data = changes.pop("data", m.call.data)
    if data is None:
        raise MereValueError("the model keeps no data: give update(m, …, data=)")
    arguments.update(changes)
    return fitted_again(m.call, arguments.pop("formula"), data, arguments)
