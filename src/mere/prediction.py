"""Predictions of linear models, with standard errors and intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from . import generics as g
from .accessors.rows import fitted_values, row_series
from .errors import MereValueError
from .frame import as_frame
from .model import LM
from .newdata import fixed_matrix, new_offset

__all__ = ["Prediction", "standard_errors"]


@dataclass(frozen=True, eq=False)
class Prediction:
    """Predictions with their standard errors.

    Attributes
    ----------
    fit, se_fit : Series
    df : float
        Degrees of freedom of the residual standard deviation.
    residual_scale : float
    """

    fit: Any
    se_fit: pd.Series
    df: float
    residual_scale: float


def standard_errors(X: np.ndarray, R: np.ndarray, sigma: float) -> np.ndarray:
    """sigma sqrt(x' (R'R)^-1 x) for each row of X."""
    if not len(R):
        return np.zeros(len(X))
    Q = np.linalg.solve(R.T, X.T)
    out: np.ndarray = sigma * np.sqrt(np.einsum("ij,ij->j", Q, Q))
    return out


@g.predict.register(LM)
def _predict(
    m: LM,
    newdata: Any = None,
    se_fit: bool = False,
    interval: str | None = None,
    level: float = 0.95,
) -> Any:
    from scipy.special import stdtrit

    if interval not in (None, "none", "confidence", "prediction"):
        raise MereValueError(f"interval must be 'confidence' or 'prediction', not {interval!r}")
    if newdata is None:
        X, fit = m.design.X, row_series(m.design, fitted_values(m))
    else:
        X = fixed_matrix(m.design, newdata)
        offset = new_offset(m.design, newdata)
        values = X @ m.beta + (0.0 if offset is None else offset)
        names = as_frame(newdata).row_names
        fit = pd.Series(values, pd.RangeIndex(len(values)) if names is None else pd.Index(names))
    wants_interval = interval not in (None, "none")
    if not se_fit and not wants_interval:
        return fit
    se = standard_errors(X, m.R, m.sigma)
    errors = row_series(m.design, se) if newdata is None else pd.Series(se, fit.index)
    result: Any = fit
    if wants_interval:
        width = errors if interval == "confidence" else np.sqrt(errors**2 + m.sigma**2)
        half = (float(stdtrit(m.df, (1 + level) / 2)) if m.df else math.nan) * width
        result = pd.DataFrame({"fit": fit, "lwr": fit - half, "upr": fit + half})
    return Prediction(result, errors, m.df, m.sigma) if se_fit else result
