"""Marginal means: averages of the rows of a grid over the factors that are not asked for.

A mean is sum_c w_c L_c / sum_c w_c over the cells c that share its levels; `averaging` has the weights.

Reference: Searle, Speed and Milliken (1980), Population marginal means in the linear model,
The American Statistician 34.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ..errors import MarginsMessage, MereTypeError, MereValueError, tell
from .averaging import cells_of, row_weights, stages
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
    offset: Any = None,
    **options: Any,
) -> Any:
    """Means of a grid; see `mere.emmeans` for the arguments."""
    if isinstance(specs, Mapping) or (
        isinstance(specs, (list, tuple)) and any("~" in s or not isinstance(s, str) for s in specs)
    ):
        return _several(grid, specs, by, weights, adjust, offset, options)
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
    if offset is not None:
        means = replace(means, offset=np.resize(np.asarray(offset, dtype=float), len(means.table)))
    chosen = {k: v for k, v in options.items() if k in _DEFAULTS and v is not None}
    if "tran" in options:
        means = means.with_about(scale=options["tran"])
    means = means.with_about(**chosen)
    if method is None:
        _refuse_others(options, label)
        return means if adjust is None else means.with_about(adjust=adjust)
    extra = {k: v for k, v in options.items() if k not in _DEFAULTS and k != "tran"}
    contrasts = contrast(means, method, adjust=adjust, **extra)
    if isinstance(contrasts, EmmList):
        return EmmList([(label, means), *contrasts.items()])
    return EmmList(
        [(label, means), ("contrasts", contrasts.with_about(**{k: v for k, v in chosen.items() if k in _SHARED}))]
    )


_DEFAULTS = ("level", "type", "infer", "null", "side", "delta", "bias_adjust", "sigma", "df", "name")
_FOR_CONTRASTS = (
    "interaction", "scale", "simple", "combine", "ratios", "parens", "enhance_levels", "ref", "reverse", "exclude",
    "include", "max_degree", "scores", "wts", "family",
)  # fmt: skip
_SHARED = ("level", "type", "side", "delta", "bias_adjust")


def _refuse_others(options: Mapping[str, Any], caller: str) -> None:
    """Options that nothing would read: a misspelled argument must not be silent."""
    known = {*_DEFAULTS, *_FOR_CONTRASTS, "tran"}
    for name in options:
        if name == "submodel":
            raise MereValueError("submodel= is not offered; fit the smaller model and ask for its means")
        if name not in known:
            raise MereTypeError(
                f"{caller}() has no argument {name!r}; others than its own are {', '.join(sorted(known))}"
            )


def _several(
    grid: EmmGrid, specs: Any, by: Any, weights: Any, adjust: Any, offset: Any, options: Mapping[str, Any]
) -> EmmList:
    """A list or mapping of specifications: the parts in order, named as R names them."""
    items = specs.items() if isinstance(specs, Mapping) else [(None, s) for s in specs]
    out: list[tuple[str, EmmGrid]] = []
    for name, one in items:
        found = marginal_means(grid, one, by, weights, None, adjust, offset=offset, **options)
        several = isinstance(found, EmmList)
        parts = list(found.values()) if isinstance(found, EmmList) else [found]
        stem = ", ".join(parts[0].about.primary) or "overall"
        for part in parts:
            text = part.about.description
            if name is None:
                out.append((f"{text} of {stem}", part))
            else:
                out.append((f"{name} {text}" if several else str(name), _labelled(part, f"{name}.contrast")))
    return EmmList(out)


def _labelled(part: EmmGrid, label: str) -> EmmGrid:
    """Contrasts of a named part under that name, so that several can stand in one table."""
    if part.about.primary != ("contrast",):
        return part
    return replace(part, table=part.table.rename(columns={"contrast": label})).with_about(primary=(label,))


def _means(grid: EmmGrid, asked: Specs, weights: Any) -> EmmGrid:
    """Average a grid down to the factors asked for."""
    table, nesting = grid.table, dict(grid.about.nesting)
    wanted = list(dict.fromkeys([*asked.factors, *asked.by]))
    unknown = [f for f in wanted if f not in table.columns]
    if unknown:
        raise MereValueError(f"specs: there is no variable {unknown[0]!r}; there are {', '.join(table.columns)}")
    wanted = _with_nests(wanted, list(table.columns), nesting)
    by = _with_nests_of(asked.by, nesting)
    primary = [f for f in wanted if f not in by]
    rest = [c for c in table.columns if c not in wanted]
    averaged = [c for c in rest if len(levels_of(table[c])) > 1 and c not in grid.about.derived]
    averaged = [f for stage in stages(averaged, nesting) for f in stage]
    keys, cell = cells_of(table, wanted)
    share = row_weights(grid, averaged, weights, nesting)
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
        by=by,
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


def _with_nests(wanted: Sequence[str], known: Sequence[str], nesting: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Nested factors bring those they are nested in, and stand to their left."""
    inside = [f for f in wanted if f in nesting]
    outside = {o for f in inside for o in nesting[f]}
    return list(dict.fromkeys([*inside, *(f for f in known if f in outside), *wanted]))


def _with_nests_of(by: Sequence[str], nesting: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """A nested by-variable has groups within those it is nested in."""
    return tuple(dict.fromkeys(f for b in by for f in (*nesting.get(b, ()), b)))


def show_levels(grid: EmmGrid, averaged: Sequence[str]) -> pd.DataFrame:
    """The combinations that are averaged over, in the order that numeric weights need."""
    keys, _ = cells_of(grid.table, averaged)
    return keys


def _warn_of_interactions(grid: EmmGrid, averaged: Sequence[str], wanted: Sequence[str]) -> None:
    """A term with all of the factors asked for and one of those averaged over."""
    for _, names in grid.about.terms if wanted else ():
        if set(names) & set(averaged) and set(wanted) <= set(names):
            tell("Results may be misleading due to involvement in interactions", MarginsMessage)
            return
