"""Helmert coding: each level against the mean of those before it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["helmert"]


def helmert(levels: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """R's ``contr.helmert``; its columns have numbers, not names.

    Examples
    --------
    >>> helmert(["a", "b", "c"])[0].tolist()
    [[-1.0, -1.0], [1.0, -1.0], [0.0, 2.0]]
    """
    k = len(levels)
    rows, columns = np.indices((k, k - 1))
    values = np.where(rows <= columns, -1.0, 0.0)
    values[np.arange(1, k), np.arange(k - 1)] = np.arange(1, k)
    return values, None
