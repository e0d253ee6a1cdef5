"""Other factors for the same rows: grouped, combined, split, reordered; subsets and other defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from ..errors import MereKeyError, MereValueError
from ..frame import as_frame
from ..language.evaluate import Evaluator
from ..language.parser import parse_expression
from ..language.values import to_logical
from .grid import About, EmmGrid, for_grids, levels_of, names_tuple, text_of_value
from .scales import find_scale

__all__ = ["add_grouping", "as_list", "comb_facs", "permute_levels", "split_fac", "subset_grid", "update_grid"]


def _column(grid: EmmGrid, name: str) -> pd.Series:
    if name not in grid.table.columns:
        raise MereKeyError(f"there is no variable {name!r}; there are {', '.join(grid.table.columns)}")
    return grid.table[name]


def _texts(column: pd.Series) -> list[str]:
    return [text_of_value(v) for v in column.tolist()]


def add_grouping(object: EmmGrid, newname: str, refname: str, newlevs: Any) -> EmmGrid:
    """A factor that groups the levels of another, which is then nested in it (emmeans' ``add_grouping``).

    Parameters
    ----------
    object : EmmGrid
    newname : str
    refname : str
        The factor to be grouped.
    newlevs : sequence of str
        The group of each of its levels.

    Returns
    -------
    EmmGrid

    Examples
    --------
    >>> from mere import lm, emmeans, ref_grid, add_grouping
    >>> from mere.datasets import warpbreaks
    >>> rg = add_grouping(ref_grid(lm("breaks ~ tension", warpbreaks)), "load", "tension", ["low", "high", "high"])
    >>> emmeans(rg, "load").to_frame()["emmean"].round(2).to_list()
    [24.03, 36.39]
    """
    column = _column(object, refname)
    known = [text_of_value(v) for v in levels_of(column)]
    if len(newlevs) != len(known):
        raise MereValueError(f"newlevs: {refname!r} has {len(known)} levels, not {len(newlevs)}")
    given = newlevs.categories.tolist() if isinstance(newlevs, pd.Categorical) else sorted(set(map(str, newlevs)))
    group = dict(zip(known, map(str, newlevs)))
    n, rows, table = len(object.table), [], []
    for level in given:
        mine = np.array([group[t] == level for t in _texts(column)])
        frame = object.table.copy()
        frame[newname] = pd.Categorical([level] * n, given)
        table.append(frame)
        rows.append(mine)
    there = np.concatenate(rows)
    if object.about.shown is not None:
        there &= np.tile(object.about.shown, len(given))
    m = len(given)
    offset = None if object.offset is None else np.tile(object.offset, m)
    weight = np.where(there, np.tile(object.weight, m), 0.0)
    about = replace(
        object.about,
        shown=there,
        nesting={**object.about.nesting, refname: (newname, *object.about.nesting.get(refname, ()))},
        primary=(*object.about.primary, newname),
        coefficients=None,
    )
    return EmmGrid(
        object.estimates, pd.concat(table, ignore_index=True), np.tile(object.L, (m, 1)), weight, offset, about
    )


def comb_facs(object: EmmGrid, facs: Sequence[str], newname: str | None = None, drop: bool = False) -> EmmGrid:
    """One factor for the combinations of several (emmeans' ``comb_facs``).

    Parameters
    ----------
    object : EmmGrid
    facs : sequence of str
    newname : str, optional
        Default the names with points between.
    drop : bool
        Without combinations that have no data.

    Returns
    -------
    EmmGrid

    Examples
    --------
    >>> from mere import lm, ref_grid, comb_facs
    >>> from mere.datasets import warpbreaks
    >>> comb_facs(ref_grid(lm("breaks ~ wool * tension", warpbreaks)), ["wool", "tension"]).levels
    {'wool.tension': ['A:L', 'B:L', 'A:M', 'B:M', 'A:H', 'B:H']}
    """
    names = list(facs)
    label = newname or ".".join(names)
    texts = [":".join(parts) for parts in zip(*(_texts(_column(object, f)) for f in names))]
    known = [[text_of_value(v) for v in levels_of(object.table[f])] for f in names]
    order = [":".join(reversed(c)) for c in product(*reversed(known))]
    keep = list(dict.fromkeys(t for t in order if t in set(texts)))
    frame = object.table.copy()
    place = list(frame.columns).index(names[0])
    frame.insert(place, label, pd.Categorical(texts, keep))
    out = replace(object, table=frame.drop(columns=names), about=_renamed(object.about, names, label))
    return out.rows(out.weight > 0) if drop else out


def _renamed(about: About, gone: Sequence[str], new: str) -> About:
    def swap(names: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(new if n in gone else n for n in names))

    terms = tuple((label, swap(names)) for label, names in about.terms)
    nesting = {f: swap(o) for f, o in about.nesting.items() if f not in gone}
    return replace(
        about, by=swap(about.by), primary=swap(about.primary), terms=terms, nesting=nesting, coefficients=None
    )


def split_fac(object: EmmGrid, fac: str, newfacs: Mapping[str, Sequence[Any]]) -> EmmGrid:
    """Several factors in place of one, the first varying fastest (emmeans' ``split_fac``).

    Parameters
    ----------
    object : EmmGrid
    fac : str
    newfacs : mapping of str to sequence
        Names and levels.

    Returns
    -------
    EmmGrid

    Examples
    --------
    >>> from mere import lm, ref_grid, comb_facs, split_fac
    >>> from mere.datasets import warpbreaks
    >>> rg = comb_facs(ref_grid(lm("breaks ~ wool * tension", warpbreaks)), ["wool", "tension"], "cell")
    >>> split_fac(rg, "cell", {"w": ["a", "b"], "t": [1, 2, 3]}).levels
    {'w': ['a', 'b'], 't': ['1', '2', '3']}
    """
    column = _column(object, fac)
    known = levels_of(column)
    combos = [tuple(reversed(c)) for c in product(*(list(v) for v in reversed(list(newfacs.values()))))]
    if len(combos) != len(known):
        raise MereValueError(f"newfacs: {fac!r} has {len(known)} levels, but these make {len(combos)}")
    code = {level: i for i, level in enumerate(known)}
    frame = object.table.copy()
    place = list(frame.columns).index(fac)
    frame = frame.drop(columns=fac)
    for j, (name, levels) in enumerate(newfacs.items()):
        values = [text_of_value(combos[code[v]][j]) for v in column.tolist()]
        frame.insert(place + j, name, pd.Categorical(values, [text_of_value(v) for v in levels]))
    new = tuple(newfacs)

    def spread(names: Sequence[str]) -> tuple[str, ...]:
        return tuple(x for n in names for x in (new if n == fac else (n,)))

    about = object.about
    about = replace(
        about, by=spread(about.by), primary=spread(about.primary), coefficients=None,
        terms=tuple((label, spread(names)) for label, names in about.terms),
    )  # fmt: skip
    return replace(object, table=frame, about=about)


def permute_levels(object: EmmGrid, fac: str, pos: Sequence[int]) -> EmmGrid:
    """The levels of a factor in another order (emmeans' ``permute_levels``).

    Parameters
    ----------
    object : EmmGrid
    fac : str
    pos : sequence of int
        Where each level goes, counted from 0.

    Returns
    -------
    EmmGrid

    Examples
    --------
    >>> from mere import lm, ref_grid, permute_levels
    >>> from mere.datasets import warpbreaks
    >>> permute_levels(ref_grid(lm("breaks ~ tension", warpbreaks)), "tension", [2, 0, 1]).levels
    {'tension': ['M', 'H', 'L']}
    """
    known = levels_of(_column(object, fac))
    if sorted(pos) != list(range(len(known))):
        raise MereValueError(f"pos must have each of 0 … {len(known) - 1} once")
    order = [known[int(i)] for i in np.argsort(pos)]
    rank = {v: i for i, v in enumerate(order)}
    keys = []
    for name in object.table.columns:
        column = object.table[name]
        place = rank if name == fac else {v: i for i, v in enumerate(levels_of(column))}
        keys.append(np.array([place[v] for v in column.tolist()]))
    out = object.rows(np.lexsort(keys))
    frame = out.table.copy()
    if isinstance(frame[fac].dtype, pd.CategoricalDtype):
        frame[fac] = frame[fac].cat.reorder_categories(order)
    return replace(out, table=frame)


def subset_grid(object: EmmGrid, condition: Any) -> EmmGrid:
    """Rows that satisfy a condition (R's ``subset``).

    Parameters
    ----------
    object : EmmGrid
    condition : str, array or callable
        An expression in the variables, such as ``"wool == 'A'"``.
    """
    if callable(condition):
        keep = np.asarray(condition(object.table))
    elif isinstance(condition, str):
        keep = np.asarray(to_logical(Evaluator(as_frame(object.table)).value(parse_expression(condition))) == 1)
    else:
        keep = np.asarray(condition)
    return object.rows(keep)


def update_grid(object: EmmGrid, **changes: Any) -> EmmGrid:
    """Other defaults of the summary (emmeans' ``update``).

    Parameters
    ----------
    object : EmmGrid
    **changes
        ``by``, ``adjust``, ``level``, ``infer``, ``type``, ``null``, ``side``, ``delta``, ``df``, ``tran``,
        ``sigma``, ``bias_adjust``, ``calc``, ``estName``, ``nesting``, ``famSize``; ``predict_type`` is ``type``.
    """
    known = {f.name for f in fields(About)}
    names = {"tran": "scale", "estName": "name", "famSize": "family", "estType": "kind", "initMesg": "messages",
             "predict_type": "type"}  # fmt: skip
    out: dict[str, Any] = {}
    for key, value in changes.items():
        field = names.get(key, key)
        if field not in known:
            raise MereKeyError(f"update: there is no option {key!r}; there are {', '.join(sorted({*known, *names}))}")
        if field == "scale":
            value = None if value in (None, False) else find_scale(value)
        elif field in ("by", "primary", "averaged", "messages"):
            value = names_tuple(value)
        elif field == "infer":
            value = (bool(value), bool(value)) if isinstance(value, bool) else tuple(value)
        elif field == "adjust":
            from .adjustments import find_adjustment

            value = find_adjustment(value).name
        out[field] = value
    if "sigma" in out:
        out["bias_sigma"] = out["sigma"]
    return object.with_about(**out)


@for_grids
def as_list(object: EmmGrid) -> dict[str, Any]:
    """The parts of a grid as a plain dictionary (R's ``as.list``).

    Parameters
    ----------
    object : EmmGrid

    Returns
    -------
    dict
        Coefficients, covariance, levels, linear functions, table, and the defaults of the summary.

    Examples
    --------
    >>> from mere import lm, emmeans, as_list
    >>> from mere.datasets import warpbreaks
    >>> sorted(as_list(emmeans(lm("breaks ~ tension", warpbreaks), "tension")))[:4]
    ['V', 'adjust', 'averaged', 'back_label']
    """
    own = {f.name: getattr(object.about, f.name) for f in fields(About) if f.name not in ("coefficients", "scale")}
    scale = object.about.scale
    return {
        "bhat": object.estimates.beta.copy(), "V": object.estimates.V.copy(), "levels": object.levels,
        "linfct": object.L.copy(), "grid": object.table.copy(), "tran": None if scale is None else scale.name, **own,
    }  # fmt: skip
