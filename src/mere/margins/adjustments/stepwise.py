"""Adjustments of p-values alone; intervals take Bonferroni's.

With p_(1) <= ... <= p_(m):

    holm       max_{j<=i} (m - j + 1) p_(j)          hochberg   min_{j>=i} (m - j + 1) p_(j)
    BH (fdr)   min_{j>=i} m p_(j) / j                BY         BH times 1 + 1/2 + ... + 1/m
    hommel     the closed test procedure of Simes

References
----------
Holm (1979), Scand. J. Statist. 6. Hochberg (1988), Biometrika 75. Hommel (1988), Biometrika 75.
Benjamini and Hochberg (1995), JRSS B 57. Benjamini and Yekutieli (2001), Ann. Statist. 29.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .adjusting import Adjustment, Family, t_tail

__all__ = ["BH", "BY", "FDR", "HOCHBERG", "HOLM", "HOMMEL", "RULES", "adjust_pvalues"]


def _holm(p: np.ndarray) -> np.ndarray:
    m = len(p)
    return np.maximum.accumulate((m - np.arange(m)) * p)


def _hochberg(p: np.ndarray) -> np.ndarray:
    m = len(p)
    return np.minimum.accumulate(((m - np.arange(m)) * p)[::-1])[::-1]


def _bh(p: np.ndarray) -> np.ndarray:
    m = len(p)
    return np.minimum.accumulate((m / np.arange(1, m + 1) * p)[::-1])[::-1]


def _by(p: np.ndarray) -> np.ndarray:
    return _bh(p) * (1.0 / np.arange(1, len(p) + 1)).sum()


def _hommel(p: np.ndarray) -> np.ndarray:
    """The largest Simes p-value of the intersections that hold each hypothesis."""
    m = len(p)
    out = p.copy()
    for size in range(2, m + 1):  # intersections of this many hypotheses
        top = p[m - size + 1 :]  # the size - 1 largest
        c = np.min(size * top / np.arange(2, size + 1))
        lead = np.minimum(c, size * p[: m - size + 1])
        out[: m - size + 1] = np.maximum(out[: m - size + 1], lead)
        out[m - size + 1 :] = np.maximum(out[m - size + 1 :], c)
    return out


RULES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "holm": _holm,
    "hochberg": _hochberg,
    "hommel": _hommel,
    "BH": _bh,
    "BY": _by,
    "fdr": _bh,
}


def adjust_pvalues(p: np.ndarray, rule: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Apply a rule for sorted p-values; NaN stay and do not count.

    Examples
    --------
    >>> adjust_pvalues(np.array([0.02, 0.01, 0.3]), _holm).round(2)
    array([0.04, 0.03, 0.3 ])
    """
    out = np.full(len(p), np.nan)
    good = np.flatnonzero(np.isfinite(p))
    order = good[np.argsort(p[good], kind="stable")]
    if len(order):
        out[order] = np.minimum(1.0, rule(p[order]))
    return out


def _adjustment(name: str, rule: Callable[[np.ndarray], np.ndarray]) -> Adjustment:
    def pvalues(t: np.ndarray, df: np.ndarray, family: Family) -> np.ndarray:
        return adjust_pvalues(t_tail(t, df, family.side), rule)

    return Adjustment(name, pvalues, None)


HOLM = _adjustment("holm", _holm)
HOCHBERG = _adjustment("hochberg", _hochberg)
HOMMEL = _adjustment("hommel", _hommel)
BH = _adjustment("BH", _bh)
BY = _adjustment("BY", _by)
FDR = _adjustment("fdr", _bh)
