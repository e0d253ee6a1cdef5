"""Putting grids of one model on top of each other (R's ``rbind``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ..errors import MereValueError
from .adjustments import find_adjustment
from .grid import EmmGrid, EmmList, for_grids, levels_of, text_of_value

__all__ = ["rbind", "stack_grids"]


@for_grids
def rbind(*grids: EmmGrid | EmmList, adjust: str = "bonferroni", which: Sequence[int] | None = None) -> EmmGrid:
    """Rows of several grids of one model as one family (R's ``rbind``).

    Parameters
    ----------
    *grids : EmmGrid or EmmList
    adjust : str
        Adjustment of the joint family.
    which : sequence of int, optional
        Only these parts, counted from 0 through all lists.

    Returns
    -------
    EmmGrid

    Examples
    --------
    >>> from mere import lm, emmeans, pairs, rbind
    >>> from mere.datasets import warpbreaks
    >>> m = lm("breaks ~ wool + tension", warpbreaks)
    >>> len(rbind(pairs(emmeans(m, "wool")), pairs(emmeans(m, "tension"))))
    4
    """
    parts: list[EmmGrid] = []
    for grid in grids:
        parts.extend(grid.values() if isinstance(grid, EmmList) else [grid])
    return stack_grids(parts if which is None else [parts[i] for i in which], find_adjustment(adjust).name)


def stack_grids(grids: Sequence[EmmGrid], adjust: str = "bonferroni") -> EmmGrid:
    """The grids one under the other; variables that one does not have are shown as a point."""
    first = grids[0]
    width = first.L.shape[1]
    if any(part.L.shape[1] != width for part in grids):
        raise MereValueError("rbind: the grids are not of one model")
    tables = [_by_first(part) for part in grids]
    columns = _union([list(t.columns) for t in tables])
    keep = [part.shown for part in grids]
    frame: dict[str, Any] = {}
    for name in columns:
        values: list[str] = []
        order: list[str] = []
        for table, rows in zip(tables, keep):
            if name in table.columns:
                order += [text_of_value(v) for v in levels_of(table[name])]
                values += [text_of_value(v) for v in table[name].iloc[rows].tolist()]
            else:
                values += ["."] * len(rows)
        order = list(dict.fromkeys([*order, "."] if "." in values else order))
        frame[name] = pd.Categorical(values, order)
    L = np.vstack([part.L[rows] for part, rows in zip(grids, keep)])
    offset = None
    if any(part.offset is not None for part in grids):
        offset = np.concatenate(
            [
                (np.zeros(len(part.table)) if part.offset is None else part.offset)[rows]
                for part, rows in zip(grids, keep)
            ]
        )
    weight = np.concatenate([part.weight[rows] for part, rows in zip(grids, keep)])
    names = {part.about.name for part in grids}
    primary = tuple(columns)
    about = replace(
        first.about, by=(), primary=primary, adjust=adjust, shown=None, nesting={}, coefficients=None,
        family=len(L), kind="contrast" if first.about.kind == "pairs" else first.about.kind,
        name=first.about.name if len(names) == 1 else "estimate",
        averaged=_averaged(grids), partly=len({p.about.averaged for p in grids}) > 1,
    )  # fmt: skip
    return EmmGrid(first.estimates, pd.DataFrame(frame), L, weight, offset, about)


def _averaged(grids: Sequence[EmmGrid]) -> tuple[str, ...]:
    """What the parts are averaged over; in R's words when they differ."""
    if len({p.about.averaged for p in grids}) == 1:
        return grids[0].about.averaged
    return tuple(dict.fromkeys(a for p in grids for a in p.about.averaged))


def _by_first(part: EmmGrid) -> pd.DataFrame:
    """The by-variables to the left."""
    by = [b for b in part.about.by if b in part.table.columns]
    return part.table[[*by, *(c for c in part.table.columns if c not in by)]]


def _union(columns: Sequence[list[str]]) -> list[str]:
    """All columns: those that are not in the first table go before its last one."""
    out = list(columns[0])
    for more in columns[1:]:
        new = [c for c in more if c not in out]
        out = [*out[:-1], *new, out[-1]] if out and out[-1] in more else [*out, *new]
    return out
