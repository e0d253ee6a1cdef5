"""The weights with which the rows of a grid enter their marginal means.

    equal         1
    proportional  the frequency of the averaged combination in all the data
    outer         the product of the frequencies of the averaged levels, one factor at a time
    cells         the frequency of the cell itself
    flat          1 for cells with data, else 0

Nested factors are averaged one after the other, the innermost first, each within the levels of those it
is nested in; what does not exist has no weight. So a mean over b in a and t in b is a mean of means of t.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from ..errors import MereValueError
from .grid import EmmGrid, levels_of

__all__ = ["cells_of", "row_weights", "stages"]

WEIGHTS = ("equal", "proportional", "outer", "cells", "flat")


def cells_of(table: pd.DataFrame, wanted: Sequence[str]) -> tuple[pd.DataFrame, np.ndarray]:
    """All combinations of the levels of some variables, and which one each row of the grid belongs to."""
    if not wanted:
        return pd.DataFrame({"1": pd.Categorical(["overall"])}), np.zeros(len(table), dtype=np.int64)
    levels = {f: levels_of(table[f]) for f in wanted}
    combos = list(product(*(range(len(levels[f])) for f in reversed(wanted))))
    out: dict[str, Any] = {}
    cell = np.zeros(len(table), dtype=np.int64)
    size = 1
    for j, f in enumerate(wanted):
        codes = np.array([c[len(wanted) - 1 - j] for c in combos], dtype=np.int64)
        if isinstance(table[f].dtype, pd.CategoricalDtype):
            out[f] = pd.Categorical([levels[f][c] for c in codes], levels[f])
            mine = table[f].cat.codes.to_numpy().astype(np.int64)
        else:
            out[f] = np.asarray(levels[f])[codes]
            place = {v: i for i, v in enumerate(levels[f])}
            mine = np.array([place[v] for v in table[f].tolist()], dtype=np.int64)
        cell += size * mine
        size *= len(levels[f])
    return pd.DataFrame(out), cell


def stages(averaged: Sequence[str], nesting: Mapping[str, tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The factors to average over, in turn: first those that nothing else is nested in.

    Examples
    --------
    >>> stages(["b", "t", "c"], {"b": ("a",), "t": ("a", "b")})
    [('t', 'c'), ('b',)]
    """
    left = list(averaged)
    out: list[tuple[str, ...]] = []
    while left:
        outer = {o for f in left for o in nesting.get(f, ())}
        out.append(tuple(f for f in left if f not in outer) or tuple(left))
        left = [f for f in left if f not in out[-1]]
    return out


def row_weights(
    grid: EmmGrid, averaged: Sequence[str], weights: Any, nesting: Mapping[str, tuple[str, ...]]
) -> np.ndarray:
    """The weight of each row of the grid in its mean.

    Parameters
    ----------
    grid : EmmGrid
    averaged : sequence of str
        The factors that are averaged over.
    weights : str or sequence of float
    nesting : mapping
    """
    table = grid.table
    if not isinstance(weights, str):
        return _given(table, averaged, np.asarray(weights, dtype=float))
    begun = [known for known in WEIGHTS if known.startswith(weights)]
    weights = begun[0] if len(begun) == 1 else {"fq": "cells"}.get(weights, weights)
    if weights not in WEIGHTS:
        known = ", ".join(f"{w!r}" for w in (*WEIGHTS, "show.levels"))
        raise MereValueError(f"weights must be {known} or numbers, not {weights!r}")
    share = np.ones(len(table)) if grid.about.shown is None or not averaged else grid.about.shown.astype(float)
    left = [c for c in table.columns if c not in grid.about.derived]  # these follow the factors
    for factors in stages(averaged, nesting):
        own = _stage(grid, factors, left, weights, nesting)
        left = [f for f in left if f not in factors]
        _, target = cells_of(table, left)  # means of means: each target has weight one in the next stage
        total = np.bincount(target, own * share)[target]
        share = np.divide(own * share, total, out=np.zeros_like(share), where=total > 0)
    return share


def _stage(
    grid: EmmGrid, factors: Sequence[str], left: Sequence[str], weights: str, nesting: Mapping[str, tuple[str, ...]]
) -> np.ndarray:
    """Weights of one stage; `left` are the factors that the grid still has."""
    table, freq = grid.table, grid.weight
    _, here = cells_of(table, left)
    cell = np.bincount(here, freq)[here]
    if weights == "cells":
        return cell.astype(float)
    if weights == "flat":
        return (cell > 0).astype(float)
    outer = {o for g in factors for o in nesting.get(g, ())}
    nests = [f for f in left if f in outer and f not in factors]

    def count(names: Sequence[str]) -> np.ndarray:
        _, own = cells_of(table, [*nests, *names])
        return np.bincount(own, freq)[own]

    if weights == "proportional":
        return count(factors).astype(float)
    if weights == "outer":
        return np.prod([count([f]) for f in factors], axis=0, dtype=float)
    return np.ones(len(table))


def _given(table: pd.DataFrame, averaged: Sequence[str], weights: np.ndarray) -> np.ndarray:
    keys, own = cells_of(table, averaged)
    if weights.shape != (len(keys),):
        raise MereValueError(
            f"weights: {len(keys)} numbers are needed, one for each combination of {', '.join(averaged)}"
        )
    return weights[own]
