"""Predictions of generalized models, with standard errors and intervals."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from . import generics as g
from .accessors.generalized_linear import dispersion
from .accessors.generalized_mixed import free_parameters, hessian_covariance
from .arguments import check_flags
from .conditioning import RandomRows, contribution, kept_columns, random_rows
from .errors import MereValueError
from .generalized import GLM, GLMM
from .generalized_simulation import new_weights
from .links import Link
from .newdata import fixed_matrix
from .outcome_intervals import outcome_quantile
from .prediction import (
    Prediction,
    acted,
    check_interval,
    check_na_action,
    offset_at,
    padded,
    prediction_variance,
    row_index,
    standard_errors,
    terms_predicted,
)

__all__: list[str] = []


# -- predictions ---------------------------------------------------------------
def parameter_variance(m: GLMM, X: np.ndarray, rows: list[RandomRows], kept: list[np.ndarray]) -> np.ndarray:
    """What the uncertainty of all parameters adds to the conditional variance of x'beta + z'b, for each row.

    g'V g, with V the covariance of the parameters from the Hessian of -2 log L and g the gradient of
    x'beta + z'b(parameters): the modes b move with the parameters.
    """
    free, _ = free_parameters(m)
    hessian = m.optinfo.hessian[np.ix_(free, free)]
    V = hessian_covariance(hessian, slice(None))
    if V is None:
        raise MereValueError("theta=True needs a positive definite Hessian of -2 log L; the fit is not at an optimum")
    n_re, at = len(m.par), m.optinfo.full
    gradient = np.zeros((len(X), len(free)))
    for column, i in enumerate(free):
        if n_re <= i < n_re + len(m.beta):
            gradient[:, column] = X[:, i - n_re]
        step = 1e-4 * max(abs(at[i]), 0.1)
        if any(k.any() for k in kept):
            ends = [m.objective.state(at + side * step * (np.arange(len(at)) == i)).b for side in (1, -1)]
            gradient[:, column] += contribution(m.design, rows, kept, (ends[0] - ends[1]) / (2 * step))
    return np.asarray(np.einsum("ij,jk,ik->i", gradient, V, gradient))


def conditional_variance(m: GLMM, rows: list[RandomRows], kept: list[np.ndarray]) -> np.ndarray:
    """Variance of z'b for each row, given all parameters."""
    nothing = np.zeros((len(rows[0].codes), len(m.beta)))
    known = replace(m, RX=np.zeros((0, 0)), beta=np.zeros(0))
    return prediction_variance(known, nothing, rows, kept, m.working, 1.0)


def on_scale(
    eta: pd.Series, variance: np.ndarray, link: Link, type: str, interval: bool, quantile: float
) -> tuple[Any, pd.Series]:
    """Predictions and standard errors on the scale that is wanted.

    The standard error of a mean is that of the linear predictor times |d mu / d eta|; an interval is that of the linear
    predictor carried over, so it stays in the range of the family.
    """
    values, se = eta.to_numpy(), np.sqrt(variance)
    ends = (values, values - quantile * se, values + quantile * se)
    if type == "response":
        se = se * np.abs(link.derivative(values))
        fit, low, high = (np.asarray(link.inverse(e)) for e in ends)
        ends = (fit, np.minimum(low, high), np.maximum(low, high))
    names = ("fit", "lwr", "upr")
    out = pd.DataFrame(dict(zip(names, ends, strict=True)), eta.index) if interval else pd.Series(ends[0], eta.index)
    return out, pd.Series(se, eta.index)


def _checked(type: str, interval: str | None, level: float) -> bool:
    if type not in ("link", "response"):
        raise MereValueError(f"type must be 'link' or 'response', not {type!r}")
    wanted = check_interval(interval, level)
    if interval == "prediction" and type != "response":
        raise MereValueError("interval='prediction' is for outcomes, which are on the scale type='response'")
    return wanted


def _outcomes(
    m: GLM | GLMM, fit: Any, eta: np.ndarray, variance: np.ndarray, newdata: Any, weights: Any, level: float, phi: float
) -> Any:
    """The table of predictions with the ends of intervals for outcomes."""
    own = m.response.size if newdata is None else new_weights(m, newdata, weights)
    se = np.sqrt(variance)
    for name, p in (("lwr", (1 - level) / 2), ("upr", (1 + level) / 2)):
        fit[name] = outcome_quantile(m.model_family, eta, se, own, phi, p)
    return fit


@g.predict.register(GLMM)
def _predict(
    m: GLMM,
    newdata: Any = None,
    re_form: Any = None,
    random_only: bool = False,
    type: str = "link",
    allow_new_levels: bool = False,
    na_action: str = "pass",
    se_fit: bool = False,
    interval: str | None = None,
    level: float = 0.95,
    theta: bool = False,
    weights: Any = None,
) -> Any:
    from scipy.special import ndtri

    wants_interval = _checked(type, interval, level)
    check_flags(random_only=random_only, allow_new_levels=allow_new_levels, se_fit=se_fit, theta=theta)
    check_na_action(na_action)
    design, kept = m.design, kept_columns(m.design, re_form)
    rows = random_rows(design, newdata, kept, allow_new_levels)
    X = design.X if newdata is None else fixed_matrix(design, newdata)
    values = contribution(design, rows, kept, m.b)
    if random_only:
        X = np.zeros_like(X)
    else:
        offset = design.offset if newdata is None else offset_at(m, newdata)
        values = values + X @ m.beta + (0.0 if offset is None else offset)
    eta = pd.Series(values, pd.RangeIndex(len(values)) if newdata is None else row_index(newdata))
    variance = np.zeros(len(values))
    if se_fit or wants_interval:
        if theta:
            variance = conditional_variance(m, rows, kept) + parameter_variance(m, X, rows, kept)
        else:
            variance = prediction_variance(m, X, rows, kept, m.working, 1.0)
    quantile = float(ndtri((1 + level) / 2))
    fit, errors = on_scale(eta, variance, m.model_family.link, type, wants_interval, quantile)
    if interval == "prediction":
        fit = _outcomes(m, fit, values, variance, newdata, weights, level, m.sigma**2)
    fit, errors = _placed(m, newdata, np.isnan(values), na_action, fit, errors)
    return Prediction(fit, errors, math.inf, m.sigma) if se_fit else fit


def _placed(m: Any, newdata: Any, gone: np.ndarray, na_action: str, *results: Any) -> list[Any]:
    """The rows of the table of the fit, or those of new data that na_action leaves."""
    if newdata is None:
        return [padded(m, r) for r in results]
    return [acted(r, na_action, gone) for r in results]


@g.predict.register(GLM)
def _predict_linear(
    m: GLM,
    newdata: Any = None,
    type: str = "link",
    se_fit: bool = False,
    interval: str | None = None,
    level: float = 0.95,
    na_action: str = "pass",
    weights: Any = None,
) -> Any:
    from scipy.special import ndtri, stdtrit

    if type == "terms":
        return terms_predicted(m, m.fit.R, math.sqrt(dispersion(m)), newdata, se_fit, interval, na_action)
    wants_interval = _checked(type, interval, level)
    if interval == "prediction":
        m.model_family.need_likelihood("an interval for outcomes", "take interval='confidence'")
    check_flags(se_fit=se_fit)
    check_na_action(na_action)
    if newdata is None:
        X, values, index = m.design.X, m.fit.eta, pd.RangeIndex(m.design.n)
    else:
        X, offset, index = fixed_matrix(m.design, newdata), offset_at(m, newdata), row_index(newdata)
        values = X @ m.beta + (0.0 if offset is None else offset)
    scale, p = math.sqrt(dispersion(m)), (1 + level) / 2
    variance = standard_errors(X, m.fit.R, scale) ** 2 if se_fit or wants_interval else np.zeros(len(values))
    quantile = float(stdtrit(m.df, p) if m.model_family.has_scale and m.df else ndtri(p))
    fit, errors = on_scale(pd.Series(values, index), variance, m.model_family.link, type, wants_interval, quantile)
    if interval == "prediction":
        fit = _outcomes(m, fit, values, variance, newdata, weights, level, scale**2)
    fit, errors = _placed(m, newdata, np.isnan(values), na_action, fit, errors)
    return Prediction(fit, errors, m.df, scale) if se_fit else fit
