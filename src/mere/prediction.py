"""Predictions of linear and linear mixed models, with standard errors and intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from . import generics as g
from .accessors.blocks import random_design, relative_covariance, relative_factors
from .accessors.contributions import term_parts
from .accessors.rows import fitted_values, row_series
from .arguments import check_flags, check_probability
from .conditioning import RandomRows, contribution, kept_columns, random_rows
from .errors import DataMessage, MereValueError, tell
from .frame import as_frame
from .model import LM, LMM
from .newdata import fixed_matrix, new_extra, new_offset

__all__ = [
    "Prediction",
    "acted",
    "assembled",
    "check_interval",
    "check_na_action",
    "offset_at",
    "padded",
    "prediction_variance",
    "row_index",
    "standard_errors",
    "theta_variance",
    "weights_at",
]


@dataclass(frozen=True, eq=False)
class Prediction:
    """Predictions with their standard errors.

    Attributes
    ----------
    fit, se_fit : Series
    df : float
        Degrees of freedom of the residual standard deviation; infinite for mixed models.
    residual_scale : float
    """

    fit: Any
    se_fit: pd.Series
    df: float
    residual_scale: float


# -- numbers -----------------------------------------------------------------
def standard_errors(X: np.ndarray, R: np.ndarray, sigma: float) -> np.ndarray:
    """sigma sqrt(x' (R'R)^-1 x) for each row of X."""
    if not len(R):
        return np.zeros(len(X))
    Q = np.linalg.solve(R.T, X.T)
    out: np.ndarray = sigma * np.sqrt(np.einsum("ij,ij->j", Q, Q))
    return out


def prediction_variance(
    m: Any, X: np.ndarray, rows: list[RandomRows], kept: list[np.ndarray], w: np.ndarray, scale: float
) -> np.ndarray:
    """Variance of x'(beta^ - beta) + z'(b^ - b) for each row, given theta; b of a new level is N(0, Sigma).

    With M = Lambda'Z'WZ Lambda + I and C = Lambda'Z'WX, v = Lambda'z:
    sigma^2 (v'M^-1 v + |RX^-T (x - C'M^-1 v)|^2).

    Parameters
    ----------
    m : LMM or GLMM
    X : (n, p) array
    rows, kept
        Random effects of these rows, and which of them count.
    w : array
        Weights of the rows of the fit.
    scale : float
        Sigma = scale^2 T T', T the relative factor.
    """
    V = np.asarray(m.sigma * np.linalg.solve(m.RX.T, X.T)) if len(m.beta) else np.zeros((0, len(X)))
    if not any(k.any() for k in kept):
        return np.asarray(np.einsum("ij,ij->j", V, V))
    import scipy.sparse as sp
    from scipy.sparse.linalg import splu

    design = m.design
    Lambda = relative_covariance(design.random, m.theta)
    ZL = sp.csc_array(random_design(design.random) @ Lambda)
    WZL = sp.csc_array(sp.diags_array(w) @ ZL)
    lu = splu(sp.csc_matrix(ZL.T @ WZL + sp.eye_array(ZL.shape[1])))
    C = WZL.T @ design.X
    N = sp.csr_array(_new_z(rows, kept) @ Lambda)
    out = np.empty(len(X))
    for at in range(0, len(X), 256):
        part = slice(at, min(at + 256, len(X)))
        v = N[part].toarray().T
        S = lu.solve(v)
        out[part] = np.einsum("ij,ij->j", v, S)
        if len(m.beta):
            R = np.linalg.solve(m.RX.T, X[part].T - C.T @ S)
            out[part] += np.einsum("ij,ij->j", R, R)
    out *= m.sigma**2
    for r, keep, T in zip(rows, kept, relative_factors(design.random, m.theta), strict=True):
        if keep.any() and (r.codes < 0).any():
            own = scale * (r.values * keep) @ T
            out += np.where(r.codes < 0, np.einsum("ij,ij->i", own, own), 0.0)
    return out


def theta_variance(m: LMM, X: np.ndarray, rows: list[RandomRows], kept: list[np.ndarray]) -> np.ndarray:
    """What the uncertainty of the covariance parameters adds to the variance of x'beta + z'b given them, for each row.

    g'V g, with V twice the inverse Hessian of the criterion by the parameters off their bounds, and g the gradient of
    x'beta + z'b: estimates and conditional modes move with the parameters.
    """
    free = [i for i in range(len(m.par)) if i not in set(m.optinfo.boundary)]
    if not free:
        return np.zeros(len(X))
    hessian = m.optinfo.hessian[np.ix_(free, free)]
    scale = np.sqrt(np.abs(np.diag(hessian)))
    scale[scale == 0] = 1.0
    values, vectors = np.linalg.eigh(hessian / np.outer(scale, scale))
    if not values[0] > 1e-10 * values[-1]:
        raise MereValueError("theta=True needs a positive definite Hessian of the criterion: the fit is at no optimum")
    V = 2 * (vectors / values) @ vectors.T / np.outer(scale, scale)
    lower, upper = m.objective.layout.lower, m.objective.layout.upper
    gradient = np.zeros((len(X), len(free)))
    for column, i in enumerate(free):
        step = 1e-4 * max(abs(m.par[i]), 0.1)
        ends, at = [], []
        for side in (step, -step):
            par = m.par.copy()
            par[i] = min(max(par[i] + side, lower[i]), upper[i])
            state = m.objective.state(par)
            ends.append(X @ state.beta + contribution(m.design, rows, kept, state.b))
            at.append(par[i])
        gradient[:, column] = (ends[0] - ends[1]) / (at[0] - at[1])
    return np.asarray(np.einsum("ij,jk,ik->i", gradient, V, gradient))


def _new_z(rows: list[RandomRows], kept: list[np.ndarray]) -> Any:
    """Z of the kept effects at some rows, (n, q) sparse; nothing for levels that are new."""
    import scipy.sparse as sp

    blocks = []
    for r, keep in zip(rows, kept, strict=True):
        n, k = len(r.codes), r.term.k
        known = np.flatnonzero(r.codes >= 0) if keep.any() else np.empty(0, dtype=int)
        values = (r.values * keep)[known]
        columns = (r.codes[known].astype(np.int64)[:, None] * k + np.arange(k)).ravel()
        entries = (values.ravel(), (np.repeat(known, k), columns))
        blocks.append(sp.coo_array(entries, shape=(n, len(r.term.levels) * k)))
    return sp.csr_array(sp.hstack(blocks))


# -- new data --------------------------------------------------------------------
def offset_at(m: Any, newdata: Any) -> np.ndarray | None:
    """The offset at new data: ``offset()`` terms, and ``offset=`` where it was given as a column or an expression."""
    out = new_offset(m.design, newdata)
    given = m.call.arguments.get("offset")
    if given is None:
        return out
    if not isinstance(given, str):
        raise MereValueError(
            "the model has offset= as an array, which newdata cannot follow: give the offset as a column, "
            "offset='o', or in the formula, + offset(o)"
        )
    extra = new_extra(m.design, given, newdata)
    return extra if out is None else out + extra


def weights_at(m: LMM | LM, newdata: Any) -> np.ndarray:
    """Prior weights at new data, where they were given as a column or an expression; else 1."""
    given = m.call.arguments.get("weights")
    if isinstance(given, str):
        return new_extra(m.design, given, newdata)
    if given is not None:
        tell("the model has weights= as an array: the weights of newdata are taken as 1", DataMessage)
    return np.ones(as_frame(newdata).nrow)


def row_index(newdata: Any) -> pd.Index:
    """Labels of the rows of new data."""
    table = as_frame(newdata)
    return pd.RangeIndex(table.nrow) if table.row_names is None else pd.Index(table.row_names)


def check_interval(interval: str | None, level: float) -> bool:
    """Is an interval wanted?"""
    if interval not in (None, "none", "confidence", "prediction"):
        raise MereValueError(f"interval must be 'confidence' or 'prediction', not {interval!r}")
    check_probability(level)
    return interval in ("confidence", "prediction")


def check_na_action(na_action: str) -> None:
    """Is it one of R's?"""
    if na_action not in ("pass", "omit", "exclude", "fail"):
        raise MereValueError(f"na_action must be 'pass', 'omit', 'exclude' or 'fail', not {na_action!r}")


def acted(result: Any, na_action: str, gone: np.ndarray) -> Any:
    """na_action for rows of newdata with missing values."""
    if na_action == "fail" and gone.any():
        raise MereValueError(f"newdata has missing values in {int(gone.sum())} rows, and na_action is 'fail'")
    return result[~gone] if na_action == "omit" else result


def assembled(
    fit: pd.Series, variance: np.ndarray, noise: np.ndarray, interval: str | None, quantile: float
) -> tuple[Any, pd.Series]:
    """The prediction, with its interval if one is wanted, and the standard errors."""
    se = pd.Series(np.sqrt(variance), fit.index)
    if interval in (None, "none"):
        return fit, se
    half = quantile * (se if interval == "confidence" else np.sqrt(variance + noise))
    return pd.DataFrame({"fit": fit, "lwr": fit - half, "upr": fit + half}), se


# -- methods -----------------------------------------------------------------
@g.predict.register(LMM)
def _predict_mixed(
    m: LMM,
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
) -> Any:
    from scipy.special import ndtri

    if type not in ("link", "response"):
        raise MereValueError(f"type must be 'link' or 'response', not {type!r}")
    wants_interval = check_interval(interval, level)
    check_flags(random_only=random_only, allow_new_levels=allow_new_levels, se_fit=se_fit, theta=theta)
    check_na_action(na_action)
    design = m.design
    kept = kept_columns(design, re_form)
    rows = random_rows(design, newdata, kept, allow_new_levels)
    X = design.X if newdata is None else fixed_matrix(design, newdata)
    fixed = np.zeros(len(X)) if random_only else X @ m.beta
    if not random_only:
        offset = design.offset if newdata is None else offset_at(m, newdata)
        fixed = fixed if offset is None else fixed + offset
    values = fixed + contribution(design, rows, kept, m.b)
    index = pd.RangeIndex(len(values)) if newdata is None else row_index(newdata)
    fit: Any = pd.Series(values, index)
    errors = fit
    if se_fit or wants_interval:
        own = np.ones(design.n) if design.weights is None else np.asarray(design.weights)
        shown = np.zeros_like(X) if random_only else X
        variance = prediction_variance(m, shown, rows, kept, own, m.sigma)
        if theta:
            variance = variance + theta_variance(m, shown, rows, kept)
        w = own if newdata is None else weights_at(m, newdata)
        fit, errors = assembled(fit, variance, m.sigma**2 / w, interval, float(ndtri((1 + level) / 2)))
    if newdata is None:
        fit, errors = padded(m, fit), padded(m, errors)
    else:
        gone = np.isnan(values)
        fit, errors = acted(fit, na_action, gone), acted(errors, na_action, gone)
    return Prediction(fit, errors, math.inf, m.sigma) if se_fit else fit


def padded(m: Any, result: Any) -> Any:
    """Values of the rows used as rows of the table, NaN at omitted rows under ``na_action="exclude"``."""
    if isinstance(result, pd.DataFrame):
        return pd.DataFrame({c: row_series(m.design, result[c].to_numpy()) for c in result})
    return row_series(m.design, result.to_numpy())


def terms_predicted(
    m: Any, R: np.ndarray, sigma: float, newdata: Any, se_fit: bool, interval: str | None, na_action: str
) -> Any:
    """What each term adds to the linear predictor, a column a term (R's ``type="terms"``)."""
    if interval is not None:
        raise MereValueError("predict: type='terms' has standard errors (se_fit=True), but no intervals")
    X = None if newdata is None else fixed_matrix(m.design, newdata)
    parts = term_parts(m.design, m.beta, X)
    results: list[Any] = [parts.values, *([parts.errors(R, sigma)] if se_fit else [])]
    if newdata is None:
        results = [padded(m, each) for each in results]
    else:
        gone = np.isnan(parts.X).any(axis=1)
        for each in results:
            each.index = row_index(newdata)
            each[gone] = math.nan
        results = [acted(each, na_action, gone) for each in results]
    results[0].attrs["constant"] = parts.values.attrs["constant"]
    return Prediction(results[0], results[1], m.df, sigma) if se_fit else results[0]


@g.predict.register(LM)
def _predict(
    m: LM,
    newdata: Any = None,
    se_fit: bool = False,
    interval: str | None = None,
    level: float = 0.95,
    na_action: str = "pass",
    type: str = "response",
) -> Any:
    from scipy.special import stdtrit

    if type == "terms":
        return terms_predicted(m, m.R, m.sigma, newdata, se_fit, interval, na_action)
    if type not in ("response", "link"):
        raise MereValueError(f"type must be 'response' or 'terms', not {type!r}")
    wants_interval = check_interval(interval, level)
    check_flags(se_fit=se_fit)
    check_na_action(na_action)
    if newdata is None:
        X, values, index = m.design.X, fitted_values(m), pd.RangeIndex(m.design.n)
    else:
        X, offset, index = fixed_matrix(m.design, newdata), offset_at(m, newdata), row_index(newdata)
        values = X @ m.beta + (0.0 if offset is None else offset)
    fit: Any = pd.Series(values, index)
    errors = fit
    if se_fit or wants_interval:
        variance = standard_errors(X, m.R, m.sigma) ** 2
        quantile = float(stdtrit(m.df, (1 + level) / 2)) if m.df else math.nan
        w = m.design.weights if newdata is None else None
        outcome = np.full(len(X), m.sigma**2) if w is None else m.sigma**2 / np.asarray(w)
        fit, errors = assembled(fit, variance, outcome, interval, quantile)
    if newdata is None:
        fit, errors = padded(m, fit), padded(m, errors)
    else:
        gone = np.isnan(values)
        fit, errors = acted(fit, na_action, gone), acted(errors, na_action, gone)
    return Prediction(fit, errors, m.df, m.sigma) if se_fit else fit
