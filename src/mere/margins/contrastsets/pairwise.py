"""Pairwise comparisons: mu_i - mu_j for i < j, or reversed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .made import ContrastSet, chosen, unit

__all__ = ["pairwise", "revpairwise", "tukey"]


def pairwise(labels: Sequence[str], reverse: bool = False, exclude: Any = None, include: Any = None) -> ContrastSet:
    """mu_i - mu_j for i < j.

    Examples
    --------
    >>> pairwise(["a", "b", "c"]).names
    ('a - b', 'a - c', 'b - c')
    """
    if reverse:
        return revpairwise(labels, False, exclude, include)
    use, k = chosen(labels, exclude, include), len(labels)
    pairs = [(i, j) for n, i in enumerate(use) for j in use[n + 1 :]]
    return _differences(labels, pairs, k, "pairwise differences")


def revpairwise(labels: Sequence[str], reverse: bool = False, exclude: Any = None, include: Any = None) -> ContrastSet:
    """mu_j - mu_i for i < j, ordered by j.

    Examples
    --------
    >>> revpairwise(["a", "b", "c"]).names
    ('b - a', 'c - a', 'c - b')
    """
    if reverse:
        return pairwise(labels, False, exclude, include)
    use, k = chosen(labels, exclude, include), len(labels)
    pairs = [(j, i) for n, j in enumerate(use) for i in use[:n]]
    return _differences(labels, pairs, k, "pairwise differences")


def tukey(labels: Sequence[str], reverse: bool = False, exclude: Any = None, include: Any = None) -> ContrastSet:
    """Pairwise comparisons under another name."""
    return pairwise(labels, reverse, exclude, include)


def _differences(labels: Sequence[str], pairs: list[tuple[int, int]], k: int, text: str) -> ContrastSet:
    names = tuple(f"{labels[i]} - {labels[j]}" for i, j in pairs)
    rows = np.array([unit(k, i) - unit(k, j) for i, j in pairs]).reshape(len(pairs), k)
    return ContrastSet(names, rows, "tukey", True, text)
