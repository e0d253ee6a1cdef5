"""Scheffe's method, for all linear functions in a space of r dimensions: t^2 / r against F(r, df).

Reference: Scheffe (1953), A method for judging all contrasts in the analysis of variance, Biometrika 40.
"""

from __future__ import annotations

import numpy as np

from .adjusting import Adjustment, Family

__all__ = ["SCHEFFE", "f_quantile", "f_tail"]


def f_tail(F: np.ndarray, df1: np.ndarray | float, df2: np.ndarray | float) -> np.ndarray:
    """P(F > x); with infinite df2 that of chi^2 / df1."""
    from scipy.special import chdtrc, fdtrc

    F, df2 = np.asarray(F, dtype=float), np.asarray(df2, dtype=float)
    df1 = np.asarray(df1, dtype=float)
    far = np.isinf(df2)
    x = np.maximum(F, 0.0)
    with np.errstate(invalid="ignore"):
        p = np.where(far, chdtrc(df1, df1 * x), fdtrc(df1, np.where(far, 1.0, df2), x))
    return np.where(np.isnan(F), np.nan, p)


def f_quantile(level: float, df1: float, df2: np.ndarray) -> np.ndarray:
    """The quantile of F."""
    from scipy.special import chdtri, fdtri

    df2 = np.asarray(df2, dtype=float)
    far = np.isinf(df2)
    with np.errstate(invalid="ignore"):
        return np.where(far, chdtri(df1, 1.0 - level) / df1, fdtri(df1, np.where(far, 1.0, df2), level))


def _pvalues(t: np.ndarray, df: np.ndarray, family: Family) -> np.ndarray:
    return f_tail(t * t / family.rank, family.rank, df)


def _critical(level: float, df: np.ndarray, family: Family) -> np.ndarray:
    return np.sqrt(family.rank * f_quantile(level, family.rank, df))


def _text(family: Family, what: str) -> str:
    return f"scheffe method with rank {family.rank}"


SCHEFFE = Adjustment("scheffe", _pvalues, _critical, _text, two_sided_only=True)
