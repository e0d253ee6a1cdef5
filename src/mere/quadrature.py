"""Adaptive Gauss-Hermite quadrature: the rule, and for which models it is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np

from .errors import MereValueError
from .reterms import RandomTerm

__all__ = ["check_quadrature", "gauss_hermite"]

_MOST_FACTORS, _MOST_EFFECTS = 4, 8  # of csrc/glmm.h, csrc/quadrature.c
_MOST_ROWS = 1e9  # rows times nodes in one evaluation: some ten seconds


@lru_cache(maxsize=128)
def gauss_hermite(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and logarithms of weights for the standard normal distribution.

    Examples
    --------
    >>> x, log_w = gauss_hermite(3)
    >>> x.round(4), np.exp(log_w).round(4)
    (array([-1.7321,  0.    ,  1.7321]), array([0.1667, 0.6667, 0.1667]))
    """
    from scipy.special import roots_hermitenorm

    x, w = roots_hermitenorm(n)
    x = (x - x[::-1]) / 2  # exactly symmetric
    w = (w + w[::-1]) / 2
    return np.ascontiguousarray(x), np.ascontiguousarray(np.log(w / w.sum()))


def check_quadrature(terms: Sequence[RandomTerm], n: int, nAGQ: int) -> None:
    """Is there a quadrature for these terms, and is it feasible with n rows? Else an error that says what to do."""
    groups: dict[str, list[RandomTerm]] = {}
    for term in terms:
        groups.setdefault(term.group, []).append(term)
    dimensions = sum(t.k for t in terms)
    if len(groups) > 1:
        _check_nested(groups)
    elif dimensions > _MOST_EFFECTS:
        raise MereValueError(
            f"nAGQ > 1 is for at most {_MOST_EFFECTS} random effects a level, not {dimensions}; use nAGQ=1"
        )
    rows = n * float(nAGQ) ** dimensions
    if rows > _MOST_ROWS:
        feasible = int((_MOST_ROWS / n) ** (1 / dimensions))
        raise MereValueError(
            f"nAGQ={nAGQ} in {dimensions} dimensions visits {rows:.2g} rows an evaluation; "
            + (f"use nAGQ={feasible} or less" if feasible > 1 else "use nAGQ=1")
        )


def _check_nested(groups: dict[str, list[RandomTerm]]) -> None:
    """Several grouping factors: one effect a level, and each nested in the next larger one."""
    text = "nAGQ > 1 is for a single grouping factor, or for nested ones with one random effect each, (1 | a/b)"
    for group, terms in groups.items():
        k = sum(t.k for t in terms)
        if k > 1:
            raise MereValueError(f"{text}: {group} has {k} effects a level beside other factors; use nAGQ=1")
    if len(groups) > _MOST_FACTORS:
        raise MereValueError(f"{text}, at most {_MOST_FACTORS} of them, not {len(groups)}; use nAGQ=1")
    inside = sorted((ts[0] for ts in groups.values()), key=lambda t: -len(t.levels))
    for inner, outer in pairwise(inside):
        pairs = np.unique(inner.codes.astype(np.int64) * len(outer.levels) + outer.codes)
        if len(pairs) > len(np.unique(inner.codes)):
            raise MereValueError(f"{text}: levels of {inner.group} occur with several of {outer.group}; use nAGQ=1")
