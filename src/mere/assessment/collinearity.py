"""Variance inflation factors and standardized coefficients: what the columns of X do to each other, and their scale."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .. import generics as g
from ..accessors.effects import correlation_of
from ..errors import DataMessage, MereValueError, tell
from ..generalized import GLM, GLMM
from ..model import LM, LMM

__all__ = ["inflation", "spread"]


# -- numbers -------------------------------------------------------------------
def inflation(R: np.ndarray, columns: np.ndarray) -> float:
    """det(R_t) det(R_-t) / det(R): how much the other columns inflate the covariance of some.

    Parameters
    ----------
    R : (p, p) array
        Correlations of coefficients.
    columns : array of int

    Examples
    --------
    >>> round(inflation(np.array([[1.0, 0.6], [0.6, 1.0]]), np.array([0])), 4)  # 1 / (1 - .6^2)
    1.5625
    """
    rest = np.setdiff1d(np.arange(len(R)), columns)
    parts = [np.linalg.slogdet(R[np.ix_(j, j)])[1] if len(j) else 0.0 for j in (columns, rest)]
    return float(np.exp(sum(parts) - np.linalg.slogdet(R)[1]))


def spread(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Standard deviations of columns with weights: sum w (x - mean)^2 / (1 - sum w^2), w summing to one.

    Examples
    --------
    >>> round(float(spread(np.array([1.0, 2.0, 3.0]), np.ones(3))), 12)
    1.0
    """
    w = weights / weights.sum()
    away = values - w @ values
    return np.asarray(np.sqrt(w @ away**2 / (1 - w @ w)))


def _fixed_covariance(m: LM | GLM | LMM | GLMM) -> np.ndarray:
    names = list(m.design.names)
    return np.asarray(g.vcov(m).loc[names, names])


# -- methods -------------------------------------------------------------------
@g.vif.register(LM)
@g.vif.register(GLM)
@g.vif.register(LMM)
@g.vif.register(GLMM)
def _vif(m: LM | GLM | LMM | GLMM) -> pd.Series | pd.DataFrame:
    assign = np.asarray(m.design.assign)
    kept = np.flatnonzero(assign > 0)
    terms = sorted(set(assign[kept].tolist()))
    if len(terms) < 2:
        raise MereValueError(f"vif() compares terms: the model needs two besides the intercept, it has {len(terms)}")
    if not (assign == 0).any():
        tell(
            "the model has no intercept: its variance inflation factors are relative to zero, not to means", DataMessage
        )
    R = correlation_of(_fixed_covariance(m)[np.ix_(kept, kept)])
    labels = [m.design.term_labels[t - 1] for t in terms]
    sizes = np.array([(assign == t).sum() for t in terms], dtype=float)
    values = np.array([inflation(R, np.flatnonzero(assign[kept] == t)) for t in terms])
    if (sizes == 1).all():
        return pd.Series(values, labels)
    return pd.DataFrame({"GVIF": values, "Df": sizes, "GVIF^(1/(2*Df))": values ** (1 / (2 * sizes))}, labels)


@g.standardize_parameters.register(LM)
@g.standardize_parameters.register(GLM)
@g.standardize_parameters.register(LMM)
@g.standardize_parameters.register(GLMM)
def _standardize(m: LM | GLM | LMM | GLMM, two_sd: bool = False) -> pd.DataFrame:
    design = m.design
    weights = np.ones(design.n) if design.weights is None else np.asarray(design.weights)
    factor = spread(design.X, weights) * (2 if two_sd else 1)
    factor[np.asarray(m.design.assign) == 0] = 0.0
    if isinstance(m, (LM, LMM)):
        factor = factor / spread(design.y, weights)
    se = np.sqrt(np.diag(_fixed_covariance(m)))
    return pd.DataFrame({"Std_Coefficient": m.beta * factor, "Std_Error": se * factor}, list(m.design.names))
