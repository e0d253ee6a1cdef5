"""Sum-to-zero coding: deviations from the mean of the levels, the last level is −1."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["sum_to_zero"]


def sum_to_zero(levels: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """R's ``contr.sum``; its columns have numbers, not names.

    Examples
    --------
    >>> sum_to_zero(["a", "b", "c"])[0].tolist()
    [[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]]
    """
    k = len(levels) - 1
    return np.vstack([np.eye(k), -np.ones((1, k))]), None
