"""Adjustments by the number of tests m: none, Bonferroni's min(1, m p), Sidak's 1 - (1 - p)^m."""

from __future__ import annotations

import numpy as np

from .adjusting import Adjustment, Family, t_quantile, t_tail

__all__ = ["BONFERRONI", "NONE", "SIDAK"]


def _tail(level: float, side: int) -> float:
    return (1.0 + level) / 2.0 if side == 0 else level


def _none(t: np.ndarray, df: np.ndarray, family: Family) -> np.ndarray:
    return t_tail(t, df, family.side)


def _none_critical(level: float, df: np.ndarray, family: Family) -> np.ndarray:
    return t_quantile(_tail(level, family.side), df)


def _bonferroni(t: np.ndarray, df: np.ndarray, family: Family) -> np.ndarray:
    return np.minimum(1.0, family.size * t_tail(t, df, family.side))


def _bonferroni_critical(level: float, df: np.ndarray, family: Family) -> np.ndarray:
    return t_quantile(_tail(1.0 - (1.0 - level) / family.size, family.side), df)


def _sidak(t: np.ndarray, df: np.ndarray, family: Family) -> np.ndarray:
    p = t_tail(t, df, family.side)
    with np.errstate(divide="ignore"):
        return -np.expm1(family.size * np.log1p(-np.minimum(p, 1.0)))


def _sidak_critical(level: float, df: np.ndarray, family: Family) -> np.ndarray:
    return t_quantile(_tail(level ** (1.0 / family.size), family.side), df)


NONE = Adjustment("none", _none, _none_critical)
BONFERRONI = Adjustment("bonferroni", _bonferroni, _bonferroni_critical)
SIDAK = Adjustment("sidak", _sidak, _sidak_critical)
