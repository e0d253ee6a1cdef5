"""Comparisons along the order of the means."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from .made import ContrastSet, chosen

__all__ = ["consecutive", "helmert", "mean_change"]


def consecutive(labels: Sequence[str], reverse: bool = False, exclude: Any = None, include: Any = None) -> ContrastSet:
    """mu_{i+1} - mu_i.

    Examples
    --------
    >>> consecutive(["a", "b", "c"]).names
    ('b - a', 'c - b')
    """
    use, k = chosen(labels, exclude, include), len(labels)
    rows, names = [], []
    for i, j in pairwise(use):
        row = np.zeros(k)
        row[j], row[i] = (-1.0, 1.0) if reverse else (1.0, -1.0)
        rows.append(row)
        names.append(f"{labels[i]} - {labels[j]}" if reverse else f"{labels[j]} - {labels[i]}")
    text = "changes between consecutive levels"
    return ContrastSet(tuple(names), np.array(rows).reshape(len(rows), k), "mvt", False, text)


def mean_change(labels: Sequence[str], reverse: bool = False, exclude: Any = None, include: Any = None) -> ContrastSet:
    """The average of the means after a place minus that of those up to it.

    Examples
    --------
    >>> mean_change(["a", "b", "c"]).coefficients
    array([[-1. ,  0.5,  0.5],
           [-0.5, -0.5,  1. ]])
    """
    use, k = chosen(labels, exclude, include), len(labels)
    rows, names = [], []
    for cut in range(1, len(use)):
        row = np.zeros(k)
        row[use[:cut]] = -1.0 / cut
        row[use[cut:]] = 1.0 / (len(use) - cut)
        rows.append(-row if reverse else row)
        names.append(f"{labels[use[cut - 1]]}|{labels[use[cut]]}")
    return ContrastSet(tuple(names), np.array(rows).reshape(len(rows), k), "mvt", False, "mean after minus mean before")


def helmert(labels: Sequence[str], reverse: bool = False, exclude: Any = None, include: Any = None) -> ContrastSet:
    """Each mean minus the average of those before it (after it when reversed)."""
    use, k = chosen(labels, exclude, include), len(labels)
    rows, names = [], []
    for n in range(len(use) - 1):
        row = np.zeros(k)
        if reverse:
            row[use[n]] = 1.0
            row[use[n + 1 :]] = -1.0 / (len(use) - n - 1)
            names.append(f"{labels[use[n]]} vs after")
        else:
            row[use[n + 1]] = 1.0
            row[use[: n + 1]] = -1.0 / (n + 1)
            names.append(f"{labels[use[n + 1]]} vs before")
        rows.append(row)
    return ContrastSet(tuple(names), np.array(rows).reshape(len(rows), k), "none", False, "Helmert contrasts")
