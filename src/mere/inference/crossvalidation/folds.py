"""Which rows are held out together."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import DataMessage, MereValueError, tell

__all__ = ["fold_count", "group_folds", "row_folds"]


def fold_count(k: Any, units: int, what: str) -> int:
    """The number of folds: an integer from 2, or ``"loo"`` for one a unit.

    Examples
    --------
    >>> fold_count("loo", 18, "groups"), fold_count(5, 18, "groups")
    (18, 5)
    """
    if units < 2:
        raise MereValueError(f"cross-validation needs two {what} at least; there is {units}")
    if k == "loo":
        return units
    if not isinstance(k, (int, np.integer)) or isinstance(k, bool):
        raise MereValueError(f"k must be an integer or 'loo', not {k!r}")
    if k < 2:
        raise MereValueError(f"k must be at least 2, not {k}")
    if k > units:
        if what == "rows":
            raise MereValueError(f"k={k} is more than the {units} rows")
        tell(f"k={k} is more than the {units} {what}: one of them is held out at a time", DataMessage)
        return units
    return int(k)


def row_folds(n: int, k: int, rng: np.random.Generator) -> np.ndarray:
    """The fold of each row, sizes as equal as can be.

    Examples
    --------
    >>> np.bincount(row_folds(10, 3, np.random.default_rng(1))).tolist()
    [4, 3, 3]
    """
    out = np.empty(n, dtype=np.int64)
    out[rng.permutation(n)] = np.arange(n) % k
    return out


def group_folds(codes: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """The fold of each row, whole groups together: the largest group left goes to the fold with fewest rows.

    Examples
    --------
    >>> np.bincount(group_folds(np.repeat(np.arange(4), [8, 4, 2, 2]), 2, np.random.default_rng(1))).tolist()
    [8, 8]
    """
    sizes = np.bincount(codes)
    shuffled = rng.permutation(len(sizes))
    order = shuffled[np.argsort(-sizes[shuffled], kind="stable")]
    fold, load = np.zeros(len(sizes), dtype=np.int64), np.zeros(k)
    for g in order:
        fold[g] = int(np.argmin(load))
        load[fold[g]] += sizes[g]
    out: np.ndarray = fold[codes]
    return out
