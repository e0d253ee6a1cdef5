"""Compact letter displays: means that share a symbol were not shown to differ.

The symbols are the columns of a table that starts as one column of all means; each significant pair
splits every column that holds both (insertion), and columns inside others go (absorption).

Reference: Piepho (2004), An algorithm for a letter-based representation of all-pairwise comparisons,
J. Comput. Graph. Statist. 13.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .contrasting import UNSET, contrast
from .grid import EmmGrid, EmmList, by_groups, for_grids, names_tuple
from .summarizing import SummaryEmm, summarize

__all__ = ["cld", "letter_groups"]

SYMBOLS = "1234567890ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def letter_groups(different: np.ndarray) -> list[set[int]]:
    """The groups of means that were not shown to differ.

    Parameters
    ----------
    different : (k, k) array of bool

    Examples
    --------
    >>> far = np.array([[False, False, True], [False, False, False], [True, False, False]])
    >>> letter_groups(far)
    [{0, 1}, {1, 2}]
    """
    k = len(different)
    columns: list[set[int]] = [set(range(k))]
    for i in range(k):
        for j in range(i + 1, k):
            if not different[i, j]:
                continue
            split: list[set[int]] = []
            for column in columns:
                split += [column - {i}, column - {j}] if i in column and j in column else [column]
            columns = _absorbed(split)
    return sorted(columns, key=lambda c: sorted(c))


def _absorbed(columns: list[set[int]]) -> list[set[int]]:
    """Without the columns that lie inside others."""
    out = []
    for n, c in enumerate(columns):
        if not any(c < o or (c == o and n > m) for m, o in enumerate(columns)):
            out.append(c)
    return out


@for_grids
def cld(
    object: EmmGrid | EmmList,
    sort: bool = True,
    by: Any = UNSET,
    alpha: float = 0.05,
    Letters: str | Sequence[str] = SYMBOLS,
    reversed: bool = False,
    decreasing: bool | None = None,
    signif_sets: bool = False,
    delta: float = 0.0,
    adjust: str | None = None,
    **options: Any,
) -> SummaryEmm:
    """Compact letter display of pairwise comparisons (emmeans' ``cld``).

    Parameters
    ----------
    object : EmmGrid
    sort : bool
        By the estimates.
    by : str or sequence, optional
    alpha : float
        Significance level.
    Letters : str or sequence of str
        The symbols.
    reversed, decreasing : bool
        From the largest estimate down.
    signif_sets : bool
        Symbols instead join means that *were* shown to differ.
    delta : float
        Symbols instead join means that were shown to be within this distance.
    adjust : str, optional
        Of the tests (default ``"tukey"``), and of the intervals if given.
    **options
        Of the summary.

    Returns
    -------
    SummaryEmm
        With a last column ``.group`` (``.signif.set``, ``.equiv.set``).

    References
    ----------
    Piepho (2004), J. Comput. Graph. Statist. 13.

    Examples
    --------
    >>> from mere import lm, emmeans, cld
    >>> from mere.datasets import warpbreaks
    >>> cld(emmeans(lm("breaks ~ tension", warpbreaks), "tension")).to_frame()[".group"].to_list()
    [' 1 ', ' 1 ', '  2']
    """
    if isinstance(object, EmmList):
        object = object[0]
    groups = object.about.by if by is UNSET else names_tuple(by)
    down = reversed if decreasing is None else decreasing
    grid = object.with_about(by=groups)
    summary = summarize(grid, adjust=adjust, **options)
    value = summary.table[summary.name].to_numpy(dtype=float)
    pairs = contrast(grid, "pairwise", by=groups)
    scale = {k: v for k, v in options.items() if k == "type"}
    tested = summarize(pairs, infer=(False, True), adjust=adjust, delta=delta, **scale)
    p = tested.table["p.value"].to_numpy()
    labels = np.empty(len(value), dtype="O")
    order: list[int] = []
    at = 0
    for mine in by_groups(summary.table, groups, np.arange(len(value))):
        k = len(mine)
        i, j = np.triu_indices(k, 1)
        far = np.zeros((k, k), dtype=bool)
        hit = p[at : at + len(i)] < alpha
        at += len(i)
        far[i, j] = far[j, i] = hit if delta == 0 else ~hit
        rank = np.argsort(-value[mine] if down else value[mine], kind="stable")
        order += list(mine[rank] if sort else mine)
        joined = far[np.ix_(rank, rank)]
        if signif_sets:
            joined = ~joined & ~np.eye(k, dtype=bool)
        columns = letter_groups(joined)
        for place, row in enumerate(rank):
            marks = (Letters[c % len(Letters)] if place in column else " " for c, column in enumerate(columns))
            labels[mine[row]] = " " + "".join(marks)
    column = ".signif.set" if signif_sets else ".equiv.set" if delta else ".group"
    table = summary.table.assign(**{column: labels}).iloc[order].reset_index(drop=True)
    estimable = None if summary.estimable is None else summary.estimable[order]
    notes = (*summary.notes, *(n for n in tested.notes if n not in summary.notes), *_explain(alpha, signif_sets, delta))
    return replace(summary, table=table, notes=notes, estimable=estimable, kind={**summary.kind, column: "text"})


def _explain(alpha: float, signif_sets: bool, delta: float) -> list[str]:
    head = f"significance level used: alpha = {alpha:g}"
    if signif_sets:
        return [head, "Estimates sharing the same symbol are significantly different"]
    if delta:
        return [head, "Estimates sharing the same symbol test as equivalent"]
    return [
        head,
        "NOTE: If two or more means share the same grouping symbol,",
        "      then we cannot show them to be different.",
        "      But we also did not show them to be the same.",
    ]
