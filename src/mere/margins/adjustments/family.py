"""What an adjustment gets and gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Adjustment", "Family", "t_quantile", "t_tail"]


@dataclass(frozen=True, eq=False)
class Family:
    """A family of m tests.

    Attributes
    ----------
    size : int
        m, the tests that can be made.
    means : int
        The means that pairwise comparisons are of.
    rank : int
        Of the linear functions.
    correlation : callable
        The (m, m) correlation of the estimates; a function, for only `mvt` needs it.
    side : int
        0 two-sided, 1 right, -1 left.
    seed : int
    total : int
        With the tests that cannot be made.
    """

    size: int
    means: int
    rank: int
    correlation: Callable[[], np.ndarray]
    side: int = 0
    seed: Any = 20161
    total: int = 0


@dataclass(frozen=True, eq=False)
class Adjustment:
    """An adjustment.

    Attributes
    ----------
    name : str
    pvalues : callable
        (t, df, family) to p-values; t, df are arrays.
    critical : callable or None
        (level, df, family) to critical values; None: intervals are Bonferroni's.
    text : callable
        (family, what) to the words after ``P value adjustment:``.
    two_sided_only : bool
    pairs_only : bool
    """

    name: str
    pvalues: Callable[[np.ndarray, np.ndarray, Family], np.ndarray]
    critical: Callable[[float, np.ndarray, Family], np.ndarray] | None
    text: Callable[[Family, str], str] | None = None
    two_sided_only: bool = False
    pairs_only: bool = False

    def words(self, family: Family, what: str) -> str:
        """``sidak method for 3 tests``."""
        if self.text is not None:
            return self.text(family, what)
        return f"{self.name} method for {family.size} {what}"


def t_tail(t: np.ndarray, df: np.ndarray, side: int) -> np.ndarray:
    """p-values of t statistics; infinite degrees of freedom are the normal distribution."""
    from scipy.special import ndtr, stdtr

    t, df = np.asarray(t, dtype=float), np.asarray(df, dtype=float)
    below = -np.abs(t) if side == 0 else (-t if side > 0 else t)
    with np.errstate(invalid="ignore"):
        p = np.where(np.isinf(df), ndtr(below), stdtr(np.where(np.isinf(df), 1.0, df), below))
    p = np.where(np.isnan(t), np.nan, p)
    return 2 * p if side == 0 else p


def t_quantile(p: float | np.ndarray, df: np.ndarray) -> np.ndarray:
    """Quantiles of t for p >= 1/2, from the small tail."""
    from scipy.special import ndtri, stdtrit

    df = np.asarray(df, dtype=float)
    tail = 1.0 - np.asarray(p, dtype=float)
    with np.errstate(invalid="ignore"):
        return np.where(np.isinf(df), -ndtri(tail), -stdtrit(np.where(np.isinf(df), 1.0, df), tail))
