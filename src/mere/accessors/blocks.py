"""The blocks of Z and Lambda: what a random-effects term looks like as a matrix."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..reterms import RandomTerm

__all__ = [
    "random_design",
    "relative_covariance",
    "relative_factors",
    "term_effects",
    "term_matrix",
    "unique_names",
]


def relative_factors(random: Sequence[RandomTerm], theta: np.ndarray) -> list[np.ndarray]:
    """The k x k lower-triangular T of each term, from all thetas."""
    out, first = [], 0
    for term in random:
        entries = np.asarray(term.covariance.entries)
        T = np.zeros((term.covariance.k,) * 2)
        T[entries[:, 0], entries[:, 1]] = theta[first : first + len(entries)]
        first += len(entries)
        out.append(T)
    return out


def term_effects(random: Sequence[RandomTerm], effects: np.ndarray) -> list[np.ndarray]:
    """`effects` (q,) as one (levels, k) array a term."""
    sizes = [len(t.levels) * t.covariance.k for t in random]
    parts = np.split(effects, np.cumsum(sizes)[:-1])
    return [p.reshape(len(t.levels), t.covariance.k) for t, p in zip(random, parts, strict=True)]


def term_matrix(term: RandomTerm) -> np.ndarray:
    """The raw model matrix of a term, (n, k)."""
    if term.values is None:
        return np.ones((len(term.codes), 1))
    return np.asarray(term.values)


def random_design(random: Sequence[RandomTerm]) -> Any:
    """Z, (n, q) sparse: term by term, level by level, coefficient within level."""
    import scipy.sparse as sp

    blocks = []
    for term in random:
        values, k = term_matrix(term), term.covariance.k
        n = len(values)
        rows = np.repeat(np.arange(n), k)
        columns = (np.asarray(term.codes, dtype=np.int64)[:, None] * k + np.arange(k)).ravel()
        shape = (n, len(term.levels) * k)
        blocks.append(sp.coo_array((values.ravel(), (rows, columns)), shape=shape))
    return sp.csc_array(sp.hstack(blocks, format="csc"))


def relative_covariance(random: Sequence[RandomTerm], theta: np.ndarray) -> Any:
    """Lambda, (q, q) sparse lower triangular, block diagonal."""
    import scipy.sparse as sp

    blocks = []
    for term, T in zip(random, relative_factors(random, theta), strict=True):
        blocks.append(sp.kron(sp.eye_array(len(term.levels)), _pattern(term, T), format="csc"))
    return sp.csc_array(sp.block_diag(blocks, format="csc"))


def _pattern(term: RandomTerm, T: np.ndarray) -> Any:
    """T with its structural zeros only: entries of theta that are 0 are stored."""
    import scipy.sparse as sp

    entries = np.asarray(term.covariance.entries)
    return sp.coo_array((T[entries[:, 0], entries[:, 1]], tuple(entries.T)), shape=T.shape)


def unique_names(names: Iterable[str]) -> list[str]:
    """Names made distinct by ``.1``, ``.2`` (R's ``make.unique``)."""
    names = list(names)
    taken, count, out = set(names), dict.fromkeys(names, 0), []
    seen: set[str] = set()
    for name in names:
        new = name
        if name in seen:
            while new in taken:
                count[name] += 1
                new = f"{name}.{count[name]}"
        seen.add(name)
        taken.add(new)
        out.append(new)
    return out
