"""Diagnostics of the rows of a fit without refits: Cook's distances, studentized residuals, rows of an lm left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from . import generics as g
from .accessors.generalized_linear import generalized_residuals
from .accessors.linear import leverages
from .accessors.rows import fitted_values, row_series
from .errors import MereValueError
from .generalized import GLM
from .model import LM, LMM

__all__ = ["LinearInfluence", "ScaledRows", "scaled_rows"]


@dataclass(frozen=True, eq=False, repr=False)
class LinearInfluence:
    """R's ``influence`` of a linear or generalized linear model, of the latter by one step from the estimates.

    Attributes
    ----------
    model : LM or GLM
    hat : Series
        Leverages.
    coefficients : DataFrame
        With the row minus without it.
    sigma : Series
        The residual standard deviation without the row.
    wt_res : Series
        Weighted residuals; deviance residuals of a generalized model.
    """

    model: LM | GLM
    hat: pd.Series
    coefficients: pd.DataFrame
    sigma: pd.Series
    wt_res: pd.Series

    def __repr__(self) -> str:
        return f"<Influence of {len(self.hat)} rows on {self.model.design.formula}: hat, coefficients, sigma, wt_res>"


# -- numbers -----------------------------------------------------------------
@dataclass(frozen=True)
class ScaledRows:
    """X with its rows scaled by the roots of their weights, X'X = R'R, weighted residuals, leverages."""

    X: np.ndarray
    R: np.ndarray
    e: np.ndarray
    h: np.ndarray
    df: int

    @property
    def rest(self) -> np.ndarray:
        """1 - h, and 1 where a row determines a coefficient by itself: its residual is 0, and nothing changes."""
        return np.where(self.h < 1, 1 - self.h, 1.0)

    @property
    def sigma(self) -> np.ndarray:
        """sigma without each row: (sum e^2 - e^2 / (1 - h)) / (df - 1), its square root."""
        with np.errstate(divide="ignore", invalid="ignore"):
            rest = (self.e @ self.e - self.e**2 / self.rest) / (self.df - 1)
        return np.asarray(np.sqrt(np.maximum(rest, 0.0)))

    @property
    def change(self) -> np.ndarray:
        """(n, p): (X'X)^-1 x e / (1 - h)."""
        Q = np.linalg.solve(self.R, np.linalg.solve(self.R.T, self.X.T))
        return np.asarray((Q * (self.e / self.rest)).T)

    @property
    def scaled_change(self) -> np.ndarray:
        """Changes in units of the standard errors without each row."""
        unit = np.sqrt(np.diag(np.linalg.inv(self.R.T @ self.R)))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.change / (self.sigma[:, None] * unit))


def _weighted_residuals(m: LM | LMM) -> np.ndarray:
    e = m.design.y - fitted_values(m)
    return e if m.design.weights is None else e * np.sqrt(m.design.weights)


def _leverage(m: LM | LMM) -> np.ndarray:
    if isinstance(m, LMM):
        return np.asarray(m.objective.leverage(m.par))
    return scaled_rows(m).h


def scaled_rows(m: LM | GLM) -> ScaledRows:
    weights: np.ndarray | None
    if isinstance(m, GLM):
        weights, R = m.fit.working, m.fit.R
        e = generalized_residuals(m.response, m.model_family, m.fit.eta, m.fit.mu, "deviance")
    else:
        weights, R, e = m.design.weights, m.R, _weighted_residuals(m)
    X = m.design.X if weights is None else m.design.X * np.sqrt(weights)[:, None]
    return ScaledRows(X, R, e, leverages(X, R), m.df)


def cooks_distances(e: np.ndarray, h: np.ndarray, p: int, sigma: float) -> np.ndarray:
    """e^2 h / (p sigma^2 (1 - h)^2)."""
    return np.asarray(_over(e, sigma * (1 - h)) ** 2 * h / p)


def _over(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x / y, NaN where y is 0: nothing is known of a row that determines a coefficient by itself."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(y == 0, np.nan, x / y)


def _frame(m: LM | GLM, values: np.ndarray) -> pd.DataFrame:
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
    rows = scaled_rows(m)
    return row_series(m.design, _over(rows.e, rows.sigma * np.sqrt(1 - rows.h)))


@g.influence.register(LM)
@g.influence.register(GLM)
def _influence(m: LM | GLM, groups: None = None) -> LinearInfluence:
    if groups is not None:
        raise MereValueError("influence() of a model without random effects deletes rows; groups= is for mixed models")
    rows = scaled_rows(m)
    per_row = [row_series(m.design, values) for values in (rows.h, rows.sigma, rows.e)]
    return LinearInfluence(m, per_row[0], _frame(m, rows.change), per_row[1], per_row[2])


@g.dfbeta.register(LM)
@g.dfbeta.register(GLM)
def _dfbeta(m: LM | GLM, which: str = "fixed") -> pd.DataFrame:
    if which != "fixed":
        raise MereValueError(f"which must be 'fixed' for a model without random effects, not {which!r}")
    return _frame(m, scaled_rows(m).change)


@g.dfbetas.register(LM)
@g.dfbetas.register(GLM)
def _dfbetas(m: LM | GLM) -> pd.DataFrame:
    return _frame(m, scaled_rows(m).scaled_change)


@g.dfbeta.register(LinearInfluence)
def _dfbeta_of(i: LinearInfluence, which: str = "fixed") -> pd.DataFrame:
    return _dfbeta(i.model, which)


@g.dfbetas.register(LinearInfluence)
def _dfbetas_of(i: LinearInfluence) -> pd.DataFrame:
    return _dfbetas(i.model)


@g.cooks_distance.register(LinearInfluence)
def _cooks_of(i: LinearInfluence) -> pd.Series:
    out: pd.Series = g.cooks_distance(i.model)
    return out
