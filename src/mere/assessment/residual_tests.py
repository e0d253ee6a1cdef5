"""Tests of residuals: equal variances, and the order of their signs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..errors import MereValueError
from ..generalized import GLM, GLMM
from ..model import LM, LMM

__all__ = ["breusch_pagan", "runs_of_signs"]


# -- numbers -------------------------------------------------------------------
def breusch_pagan(e: np.ndarray, Z: np.ndarray, weights: np.ndarray, studentize: bool) -> tuple[float, int]:
    """The statistic and its degrees of freedom.

    Parameters
    ----------
    e : (n,) array
        Residuals.
    Z : (n, k) array
    weights : (n,) array
    studentize : bool
        Koenker's form.
    """
    n = int((weights > 0).sum())
    s2 = float(weights @ e**2) / n
    w = e**2 - s2 if studentize else e**2 / s2 - 1
    root = np.sqrt(weights)
    b, _, rank, _ = np.linalg.lstsq(root[:, None] * Z, root * w, rcond=None)
    explained = float(weights @ (Z @ b) ** 2)
    return (n * explained / float(w @ w) if studentize else explained / 2), int(rank) - 1


def runs_of_signs(x: np.ndarray) -> tuple[int, int, int, float]:
    """Number of runs, of values from zero up, of values below, and the standardized number of runs.

    Examples
    --------
    >>> runs_of_signs(np.array([1.0, 2, -1, -3, 2, -1]))[:3]
    (4, 3, 3)
    """
    up = x >= 0
    n, n1 = len(x), int(up.sum())
    n2 = n - n1
    runs = 1 + int((up[1:] != up[:-1]).sum())
    pairs = 2.0 * n1 * n2
    variance = pairs * (pairs - n) / (n**2 * (n - 1)) if n > 1 else 0.0
    return runs, n1, n2, (runs - 1 - pairs / n) / math.sqrt(variance) if variance > 0 else math.nan


def _tail(z: float, alternative: str) -> float:
    from scipy.special import ndtr

    if alternative not in ("two-sided", "less", "greater"):
        raise MereValueError(f"alternative must be 'two-sided', 'less' or 'greater', not {alternative!r}")
    return float(2 * ndtr(-abs(z)) if alternative == "two-sided" else ndtr(z if alternative == "less" else -z))


# -- methods -------------------------------------------------------------------
@g.bptest.register(LM)
def _bptest(m: LM, varformula: str | None = None, studentize: bool = True) -> pd.Series:
    from scipy.special import chdtrc

    design = m.design
    Z = design.X if varformula is None else _variance_matrix(m, varformula)
    weights = np.ones(design.n) if design.weights is None else np.asarray(design.weights)
    e = np.asarray(g.residuals(m, type="response"), dtype=float)
    bp, df = breusch_pagan(e[~np.isnan(e)], Z, weights, studentize)
    if df < 1:
        raise MereValueError("bptest() needs a column besides the intercept that the variance may depend on")
    return pd.Series({"BP": bp, "df": float(df), "p_value": float(chdtrc(df, bp))})


def _variance_matrix(m: LM, formula: str) -> np.ndarray:
    """Z of a one-sided formula, at the rows that the model uses."""
    Z, rows = g.model_matrix(formula, g.getData(m)).to_numpy(), m.design.frame.rows
    if len(Z) != m.design.frame.nrow:
        raise MereValueError(
            f"varformula {formula!r} has values in {len(Z)} of the data's {m.design.frame.nrow} rows: leave incomplete "
            "rows out before fitting"
        )
    return np.asarray(Z if rows is None else Z[np.asarray(rows)])


def _runs(x: np.ndarray, alternative: str) -> pd.Series:
    if len(x) < 2:
        raise MereValueError(f"runs_test() needs at least two residuals, not {len(x)}")
    runs, n1, n2, z = runs_of_signs(x)
    names = {"runs": float(runs), "n1": float(n1), "n2": float(n2), "statistic": z}
    return pd.Series({**names, "p_value": _tail(z, alternative)})


@g.runs_test.register(LM)
@g.runs_test.register(GLM)
@g.runs_test.register(LMM)
@g.runs_test.register(GLMM)
def _runs_of_model(m: LM | GLM | LMM | GLMM, order: Any = None, alternative: str = "two-sided") -> pd.Series:
    kind = "deviance" if isinstance(m, (GLM, GLMM)) else "response"
    e = np.asarray(g.residuals(m, type=kind), dtype=float)
    if isinstance(order, str):
        data = g.getData(m)
        if order not in data:
            raise MereValueError(f"order={order!r} is no column of the data")
        order = np.asarray(data[order])
        if len(order) != len(e):
            rows = m.design.frame.rows
            order = order if rows is None else order[np.asarray(rows)]
    return _runs_in_order(e, order, alternative)


@g.runs_test.register(np.ndarray)
@g.runs_test.register(pd.Series)
@g.runs_test.register(list)
def _runs_of_values(x: Any, order: Any = None, alternative: str = "two-sided") -> pd.Series:
    return _runs_in_order(np.asarray(x, dtype=float), order, alternative)


def _runs_in_order(e: np.ndarray, order: Any, alternative: str) -> pd.Series:
    if order is not None:
        by = np.asarray(order)
        if by.shape != e.shape:
            raise MereValueError(f"order has {by.size} values, the model {e.size} residuals")
        e = e[np.argsort(by, kind="stable")]
    return _runs(e[~np.isnan(e)], alternative)
