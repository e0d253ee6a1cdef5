"""Diagnostics of the rows of a fit without refits: Cook's distances, studentized residuals, rows of an lm left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from . import generics as g
from .accessors.rows import fitted_values, row_series
from .errors import MereValueError
from .model import LM, LMM

__all__ = ["LinearInfluence"]


@dataclass(frozen=True, eq=False, repr=False)
class LinearInfluence:
    """R's ``influence`` of a linear model.

    Attributes
    ----------
    model : LM
    hat : Series
        Leverages.
    coefficients : DataFrame
        With the row minus without it.
    sigma : Series
        The residual standard deviation without the row.
    wt_res : Series
        Weighted residuals.
    """

    model: LM
    hat: pd.Series
    coefficients: pd.DataFrame
    sigma: pd.Series
    wt_res: pd.Series

    def __repr__(self) -> str:
        return f"<Influence of {len(self.hat)} rows on {self.model.design.formula}: hat, coefficients, sigma, wt_res>"


# -- numbers -----------------------------------------------------------------
def _weighted_residuals(m: LM | LMM) -> np.ndarray:
    e = m.design.y - fitted_values(m)
    return e if m.design.weights is None else e * np.sqrt(m.design.weights)


def _leverage(m: LM | LMM) -> np.ndarray:
    if isinstance(m, LMM):
        return np.asarray(m.objective.leverage(m.par))
    X = m.design.X if m.design.weights is None else m.design.X * np.sqrt(m.design.weights)[:, None]
    Q = np.linalg.solve(m.R.T, X.T)
    return np.asarray(np.einsum("ij,ij->j", Q, Q))


def sigma_without(m: LM) -> np.ndarray:
    """sigma without each row: (df sigma^2 - e^2 / (1 - h)) / (df - 1), its square root."""
    e, h = _weighted_residuals(m), _leverage(m)
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = (m.rss - e**2 / (1 - h)) / (m.df - 1)
    return np.asarray(np.sqrt(np.maximum(rest, 0.0)))


def change_of_coefficients(m: LM) -> np.ndarray:
    """(n, p): (X'WX)^-1 x sqrt(w) e / (1 - h)."""
    X = m.design.X if m.design.weights is None else m.design.X * np.sqrt(m.design.weights)[:, None]
    e, h = _weighted_residuals(m), _leverage(m)
    Q = np.linalg.solve(m.R, np.linalg.solve(m.R.T, X.T))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((Q * (e / (1 - h))).T)


def cooks_distances(e: np.ndarray, h: np.ndarray, p: int, sigma: float) -> np.ndarray:
    """e^2 h / (p sigma^2 (1 - h)^2)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((e / (sigma * (1 - h))) ** 2 * h / p)


def _frame(m: LM, values: np.ndarray) -> pd.DataFrame:
    columns = {name: row_series(m.design, values[:, j]) for j, name in enumerate(m.design.names)}
    return pd.DataFrame(columns)


# -- methods -----------------------------------------------------------------
@g.cooks_distance.register(LM)
@g.cooks_distance.register(LMM)
def _cooks(m: LM | LMM) -> pd.Series:
    values = cooks_distances(_weighted_residuals(m), _leverage(m), len(m.beta), m.sigma)
    return row_series(m.design, values)


@g.rstandard.register(LM)
@g.rstandard.register(LMM)
@g.rstudent.register(LMM)
def _rstudent_mixed(m: LMM) -> pd.Series:
    return row_series(m.design, _weighted_residuals(m) / (m.sigma * np.sqrt(1 - _leverage(m))))


@g.rstudent.register(LM)
def _rstudent(m: LM) -> pd.Series:
    with np.errstate(divide="ignore", invalid="ignore"):
        return row_series(m.design, _weighted_residuals(m) / (sigma_without(m) * np.sqrt(1 - _leverage(m))))


@g.influence.register(LM)
def _influence(m: LM, groups: None = None) -> LinearInfluence:
    if groups is not None:
        raise MereValueError("influence(lm) deletes rows; groups= is for mixed models")
    return LinearInfluence(
        m,
        row_series(m.design, _leverage(m)),
        _frame(m, change_of_coefficients(m)),
        row_series(m.design, sigma_without(m)),
        row_series(m.design, _weighted_residuals(m)),
    )


@g.dfbeta.register(LM)
def _dfbeta(m: LM, which: str = "fixed") -> pd.DataFrame:
    if which != "fixed":
        raise MereValueError(f"which must be 'fixed' for a linear model, not {which!r}")
    return _frame(m, change_of_coefficients(m))


@g.dfbetas.register(LM)
def _dfbetas(m: LM) -> pd.DataFrame:
    unit = np.sqrt(np.diag(np.linalg.inv(m.R.T @ m.R)))
    return _frame(m, change_of_coefficients(m) / (sigma_without(m)[:, None] * unit))


@g.dfbeta.register(LinearInfluence)
def _dfbeta_of(i: LinearInfluence, which: str = "fixed") -> pd.DataFrame:
    return _dfbeta(i.model, which)


@g.dfbetas.register(LinearInfluence)
def _dfbetas_of(i: LinearInfluence) -> pd.DataFrame:
    return _dfbetas(i.model)


@g.cooks_distance.register(LinearInfluence)
def _cooks_of(i: LinearInfluence) -> pd.Series:
    return _cooks(i.model)
