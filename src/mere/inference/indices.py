"""Rows drawn, arranged or held out, as numbers: the draws behind `bootstrap`, `permutation_test` and `cross_validate`.

Replicate number i is a function of the seed and i alone, so any part of the draws can be made anywhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..errors import MereValueError
from ..simulation import read_seed
from .bootstraps.scheme import replicate_rng
from .crossvalidation.folds import fold_count, group_folds, row_folds
from .permutation.arrangements import Arrangements, make_plan

__all__ = ["bootstrap_indices", "fold_indices", "permutation_indices"]


def _rows(n: Any, least: int = 1) -> int:
    if not isinstance(n, (int, np.integer)) or isinstance(n, bool) or n < least:
        raise MereValueError(f"n must be an integer from {least}, not {n!r}")
    return int(n)


def bootstrap_indices(n: int, nsim: int, seed: Any = None, first: int = 0) -> np.ndarray:
    """Rows drawn with replacement, as `bootstrap(m, type="case")` of an `lm` or `glm` draws them.

    Parameters
    ----------
    n : int
        Rows, or clusters.
    nsim : int
    seed : int or numpy.random.Generator, optional
    first : int
        Number of the first replicate.

    Returns
    -------
    (nsim, n) array of int

    Examples
    --------
    >>> from mere import bootstrap_indices
    >>> rows = bootstrap_indices(10, 3, seed=1)
    >>> rows.shape, bool((rows[1:] == bootstrap_indices(10, 2, seed=1, first=1)).all())
    ((3, 10), True)
    """
    size, count, number = _rows(n), _rows(nsim), read_seed(seed)
    return np.array([replicate_rng(number, first + i).integers(0, size, size) for i in range(count)])


def permutation_indices(
    n: int, n_perm: int, seed: Any = None, cells: Any = None, strategy: str | None = None
) -> np.ndarray:
    """Arrangements of rows without the identity, as `permutation_test` takes them.

    Where there are no more than `n_perm`, all of them, each once.

    Parameters
    ----------
    n : int
    n_perm : int
    seed : int or numpy.random.Generator, optional
    cells : array of n labels, optional
        Exchangeability cells.
    strategy : {"global", "within", "between", "two-stage"}, optional

    Returns
    -------
    (n_perm, n) array of int

    Examples
    --------
    >>> from mere import permutation_indices
    >>> permutation_indices(3, 100).tolist()
    [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
    """
    plan = make_plan(_rows(n, 2), None if cells is None else pd.factorize(np.asarray(cells))[0], strategy)
    found = Arrangements.of(plan, n_perm, read_seed(seed))
    return np.asarray(found.block(0, found.count))


def fold_indices(n: int, k: Any = 10, seed: Any = None, groups: Any = None) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows to fit to and rows held out, as `cross_validate` takes them.

    Parameters
    ----------
    n : int
    k : int or "loo"
    seed : int or numpy.random.Generator, optional
    groups : array of n labels, optional
        Whole groups are held out together, folds as equal in rows as can be.

    Returns
    -------
    list of (train, test)

    Examples
    --------
    >>> from mere import fold_indices
    >>> [(len(train), len(test)) for train, test in fold_indices(10, 3, seed=1)]
    [(6, 4), (7, 3), (7, 3)]
    """
    size, rng = _rows(n, 2), np.random.Generator(np.random.Philox(key=read_seed(seed)))
    if groups is None:
        count = fold_count(k, size, "rows")
        labels = row_folds(size, count, rng)
    else:
        codes = pd.factorize(np.asarray(groups))[0]
        if len(codes) != size or (codes < 0).any():
            raise MereValueError(f"groups must have {size} labels and no missing ones, not {len(codes)}")
        count = fold_count(k, int(np.max(codes)) + 1, "groups")
        labels = group_folds(codes, count, rng)
    return [(np.flatnonzero(labels != i), np.flatnonzero(labels == i)) for i in range(count)]
