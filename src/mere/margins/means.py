"""Marginal means: averages of the rows of a grid over the factors that are not asked for.

A mean is sum_c w_c L_c / sum_c w_c over the cells c that share its levels. The weights are

    equal         1
    proportional  the frequency of the averaged combination in all the data
    outer         the product of the frequencies of the averaged levels, one factor at a time
    cells         the frequency of the cell itself
    flat          1 for cells with data, else 0

Reference: Searle, Speed and Milliken (1980), Population marginal means in the linear model,
The American Statistician 34.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from ..errors import MarginsMessage, MereValueError, tell
from .contrasting import contrast
from .grid import EmmGrid, EmmList, levels_of, names_tuple
from .specs import Specs, read_specs

__all__ = ["marginal_means", "show_levels"]


def marginal_means(
    grid: EmmGrid,
    specs: Any,
    by: Any = None,
    weights: Any = "equal",
    contr: Any = None,
    adjust: str | None = None,
    label: str = "emmeans",
    **options: Any,
) -> Any:
    """Means of a grid; see `mere.emmeans` for the arguments."""
    if isinstance(specs, Mapping) or (
        isinstance(specs, (list, tuple)) and any("~" in s or not isinstance(s, str) for s in specs)
    ):
        return _several(grid, specs, by, weights, adjust, options)
    known = tuple(grid.table.columns)
    asked = read_specs(specs, known)
    if by is not None:
        asked = Specs(asked.factors, names_tuple(by), asked.method)
    method = contr if contr is not None else asked.method
    if isinstance(weights, str) and weights in ("show.levels", "show_levels"):
        wanted = {*asked.factors, *asked.by}
        rest = [c for c in known if c not in wanted and len(levels_of(grid.table[c])) > 1]
        return show_levels(grid, rest)
    means = _means(grid, asked, weights)
    chosen = {k: v for k, v in options.items() if k in _DEFAULTS and v is not None}
    if "tran" in options:
        means = means.with_about(scale=options["tran"])
    means = means.with_about(**chosen)
    if method is None:
        return means if adjust is None else means.with_about(adjust=adjust)
    extra = {k: v for k, v in options.items() if k not in _DEFAULTS and k != "tran"}
    contrasts = contrast(means, method, adjust=adjust, **extra)
    if isinstance(contrasts, EmmList):
        return EmmList([(label, means), *contrasts.items()])
    return EmmList(
        [(label, means), ("contrasts", contrasts.with_about(**{k: v for k, v in chosen.items() if k in _SHARED}))]
    )


_DEFAULTS = ("level", "type", "infer", "null", "side", "delta", "bias_adjust", "sigma", "df", "name")
_SHARED = ("level", "type", "side", "delta", "bias_adjust")


def _several(grid: EmmGrid, specs: Any, by: Any, weights: Any, adjust: Any, options: Mapping[str, Any]) -> EmmList:
    """A list or mapping of specifications: the parts in order, named as R names them."""
    items = specs.items() if isinstance(specs, Mapping) else [(None, s) for s in specs]
    out: list[tuple[str, EmmGrid]] = []
    for name, one in items:
        found = marginal_means(grid, one, by, weights, None, adjust, **options)
        several = isinstance(found, EmmList)
        parts = list(found.values()) if isinstance(found, EmmList) else [found]
        stem = ", ".join(parts[0].about.primary) or "overall"
        for part in parts:
            text = part.about.description
            if name is None:
                out.append((f"{text} of {stem}", part))
            else:
                out.append((f"{name} {text}" if several else str(name), part))
    return EmmList(out)


def _means(grid: EmmGrid, asked: Specs, weights: Any) -> EmmGrid:
    """Average a grid down to the factors asked for."""
    table, nesting = grid.table, dict(grid.about.nesting)
    wanted = list(dict.fromkeys([*asked.factors, *asked.by]))
    unknown = [f for f in wanted if f not in table.columns]
    if unknown:
        raise MereValueError(f"specs: there is no variable {unknown[0]!r}; there are {', '.join(table.columns)}")
    primary = list(dict.fromkeys(f for f in asked.factors if f not in asked.by))
    for f in list(wanted):  # a nested factor brings those it is nested in
        for outer in nesting.get(f, ()):
            if outer in table.columns and outer not in wanted:
                wanted.append(outer)
                primary.append(outer)
    wanted = [*primary, *(b for b in asked.by if b not in primary)]
    rest = [c for c in table.columns if c not in wanted]
    averaged = [c for c in rest if len(levels_of(table[c])) > 1 and c not in grid.about.derived]
    keys, cell = _cells(table, wanted)
    share = _weights(grid, averaged, weights, len(keys), cell, wanted, nesting)
    total = np.bincount(cell, share, minlength=len(keys))
    L = np.zeros((len(keys), grid.L.shape[1]))
    np.add.at(L, cell, share[:, None] * grid.L)
    with np.errstate(invalid="ignore", divide="ignore"):
        L = np.where(total[:, None] > 0, L / total[:, None], 0.0)
        offset = None
        if grid.offset is not None:
            offset = np.bincount(cell, share * grid.offset, minlength=len(keys)) / total
    weight = np.bincount(cell, grid.weight, minlength=len(keys))
    shown = None
    if grid.about.shown is not None or (total == 0).any():
        there = np.ones(len(table), dtype=bool) if grid.about.shown is None else grid.about.shown
        shown = (np.bincount(cell, there, minlength=len(keys)) > 0) & (total > 0)
        shown = None if shown.all() else shown
    keep_nesting = {f: o for f, o in nesting.items() if f in wanted}
    _warn_of_interactions(grid, averaged, wanted)
    about = replace(
        grid.about,
        name="emmean" if grid.about.name == "prediction" else grid.about.name,
        infer=(True, False),
        by=tuple(asked.by),
        primary=tuple(primary) or (() if wanted else ("1",)),
        description="emmeans",
        averaged=tuple(dict.fromkeys([*grid.about.averaged, *averaged])),
        family=len(keys) if shown is None else int(shown.sum()),
        shown=shown,
        nesting=keep_nesting,
        is_grid=False,
        mult=tuple(m for m in grid.about.mult if m in wanted),
    )
    return EmmGrid(grid.estimates, keys, L, weight, offset, about)


def _cells(table: pd.DataFrame, wanted: Sequence[str]) -> tuple[pd.DataFrame, np.ndarray]:
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


def _weights(
    grid: EmmGrid,
    averaged: Sequence[str],
    weights: Any,
    n_keys: int,
    cell: np.ndarray,
    wanted: Sequence[str],
    nesting: Mapping[str, tuple[str, ...]],
) -> np.ndarray:
    """The weight of each row of the grid in its mean."""
    table, freq = grid.table, grid.weight
    n = len(table)
    if not isinstance(weights, str):
        return _given_weights(table, averaged, np.asarray(weights, dtype=float))
    if weights == "fq":
        weights = "cells"
    if not averaged:
        return np.ones(n)
    if weights == "equal":
        inside = [f for f in averaged if f in nesting]
        return _equal_nested(table, averaged, inside, nesting, freq, cell) if inside else _there(grid)
    if weights == "cells":
        return freq.astype(float)
    if weights == "flat":
        return (freq > 0).astype(float)
    nests = sorted({outer for f in averaged for outer in nesting.get(f, ())} - set(averaged))
    if weights == "proportional":
        _, own = _cells(table, [*nests, *averaged])
        return np.bincount(own, freq)[own]
    if weights == "outer":
        out = np.ones(n)
        for f in averaged:
            _, own = _cells(table, [*nests, f])
            out *= np.bincount(own, freq)[own]
        return out
    raise MereValueError(
        f"weights must be 'equal', 'proportional', 'outer', 'cells', 'flat', 'show.levels' or numbers, not {weights!r}"
    )


def _there(grid: EmmGrid) -> np.ndarray:
    n = len(grid.table)
    return np.ones(n) if grid.about.shown is None else grid.about.shown.astype(float)


def _equal_nested(
    table: pd.DataFrame,
    averaged: Sequence[str],
    inside: Sequence[str],
    nesting: Mapping[str, tuple[str, ...]],
    freq: np.ndarray,
    cell: np.ndarray,
) -> np.ndarray:
    """Equal weights within the nests first, then equal weights of the nests."""
    there = freq > 0
    share = there.astype(float)
    outer = [f for f in table.columns if f not in inside]
    _, nest = _cells(table, outer)
    count = np.bincount(nest, share)[nest]
    return np.where(there, 1.0 / np.maximum(count, 1.0), 0.0)


def _given_weights(table: pd.DataFrame, averaged: Sequence[str], weights: np.ndarray) -> np.ndarray:
    keys, own = _cells(table, averaged)
    if weights.shape != (len(keys),):
        raise MereValueError(
            f"weights: {len(keys)} numbers are needed, one for each combination of {', '.join(averaged)}"
        )
    return weights[own]


def show_levels(grid: EmmGrid, averaged: Sequence[str]) -> pd.DataFrame:
    """The combinations that are averaged over, in the order that numeric weights need."""
    keys, _ = _cells(grid.table, averaged)
    return keys


def _warn_of_interactions(grid: EmmGrid, averaged: Sequence[str], wanted: Sequence[str]) -> None:
    """A term with all of the factors asked for and one of those averaged over."""
    for _, names in grid.about.terms:
        if set(names) & set(averaged) and set(wanted) <= set(names):
            tell("Results may be misleading due to involvement in interactions", MarginsMessage)
            return
