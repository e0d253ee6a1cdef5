"""Treatment coding: each level against a base level; R's default for unordered factors."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

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
    return _indicators(len(levels), number), (*levels[:number], *levels[number + 1 :])


@lru_cache(maxsize=256)
def _indicators(k: int, base: int) -> np.ndarray:
    """The unit matrix without a column, read-only: models share it."""
    out = np.delete(np.eye(k), base, axis=1)
    out.flags.writeable = False
    return out
