"""A quick approximation for comparisons with a control: estimates with correlation 1/2.

The distribution of max |t_i| over k comparisons is taken as the mixture of (k - 1)/k Tukey's, with as many
means n as have k pairs, n (n - 1) / 2 = k, and 1/k of independent t's.
"""

from __future__ import annotations

import numpy as np

from .adjusting import Adjustment, Family, t_quantile, t_tail
from .tukey import tukey_probability

__all__ = ["DUNNETTX"]


def _pvalues(t: np.ndarray, df: np.ndarray, family: Family) -> np.ndarray:
    k = family.size
    share = (k - 1) / k
    with np.errstate(divide="ignore"):
        independent = -np.expm1(k * np.log1p(-np.minimum(t_tail(t, df, 0), 1.0)))
    means = (1 + np.sqrt(1 + 8 * k)) / 2
    return share * tukey_probability(t, df, means) + (1 - share) * independent


def _critical(level: float, df: np.ndarray, family: Family) -> np.ndarray:
    from scipy.optimize import brentq

    out = np.full(len(df), np.nan)
    for value in np.unique(df[~np.isnan(df)]):
        one = np.array([value])

        def miss(c: float, one: np.ndarray = one) -> float:
            return float(_pvalues(np.array([c]), one, family)[0]) - (1.0 - level)

        high = 2.0 * float(t_quantile(1.0 - (1.0 - level) / (2.0 * family.size), one)[0]) + 1.0
        out[df == value] = brentq(miss, 0.0, high, xtol=1e-9)
    return out


DUNNETTX = Adjustment("dunnettx", _pvalues, _critical, two_sided_only=True)
