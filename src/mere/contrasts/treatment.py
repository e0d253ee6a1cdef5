"""Treatment coding: each level against a base level; R's default for unordered factors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import MereValueError

__all__ = ["treatment"]


def treatment(levels: Sequence[str], base: int | str = 1) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """R's ``contr.treatment``: indicators of all levels but the base.

    Parameters
    ----------
    levels : sequence of str
    base : int or str
        The base level: its number, counted from 1 as in R, or its name.

    Examples
    --------
    >>> treatment(["a", "b", "c"], base=2)[1]
    ('a', 'c')
    """
    if isinstance(base, str):
        if base not in levels:
            raise MereValueError(f"base={base!r} is no level; the levels are {tuple(levels)}")
        number = list(levels).index(base)
    else:
        number = int(base) - 1
        if not 0 <= number < len(levels):
            raise MereValueError(f"base={base} is out of range: there are {len(levels)} levels")
    keep = [i for i in range(len(levels)) if i != number]
    return np.eye(len(levels))[:, keep], tuple(levels[i] for i in keep)
