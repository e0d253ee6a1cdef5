"""Tukey's method for all pairwise comparisons: sqrt(2) |t| against the studentized range.

Reference: Tukey (1953); Kramer (1956), Biometrics 12.
"""

from __future__ import annotations

import math

import numpy as np

from ..studentized import ptukey, qtukey
from .adjusting import Adjustment, Family

__all__ = ["TUKEY", "tukey_probability"]


def tukey_probability(t: np.ndarray, df: np.ndarray, k: float) -> np.ndarray:
    """P(Q > sqrt(2) |t|) for degrees of freedom row by row."""
    out = np.full(len(t), np.nan)
    for value in np.unique(df[np.isfinite(t)]):
        mine = (df == value) & np.isfinite(t)
        out[mine] = ptukey(math.sqrt(2) * np.abs(t[mine]), k, float(value), upper=True)
    return out


def _pvalues(t: np.ndarray, df: np.ndarray, family: Family) -> np.ndarray:
    return tukey_probability(t, df, family.means)


def _critical(level: float, df: np.ndarray, family: Family) -> np.ndarray:
    known = {v: qtukey(level, family.means, float(v)) / math.sqrt(2) for v in np.unique(df[~np.isnan(df)])}
    return np.array([known.get(v, np.nan) for v in df])


def _text(family: Family, what: str) -> str:
    return f"tukey method for comparing a family of {family.means} estimates"


TUKEY = Adjustment("tukey", _pvalues, _critical, _text, two_sided_only=True, pairs_only=True)
