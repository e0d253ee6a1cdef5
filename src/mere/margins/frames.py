"""Tables behind the pictures, and the matrix of p-values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..errors import MereValueError
from ..printing.numbers import format_numbers
from .contrasting import UNSET, contrast, row_labels
from .grid import EmmGrid, EmmList, by_groups, for_grids, names_tuple, text_of_value
from .results import Listing
from .specs import read_specs
from .summarizing import summarize
from .text import _p_text

__all__ = ["interaction_frame", "interaction_specs", "pairwise_frame", "pwpm"]


def interaction_specs(formula: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Traces, horizontal variables and panels of ``"trace ~ x | panel"``.

    Examples
    --------
    >>> interaction_specs("tension ~ wool | lab")
    (('tension',), ('wool',), ('lab',))
    """
    left, sign, right = formula.partition("~")
    if not sign:
        raise MereValueError("emmip needs a formula such as 'trace ~ x | panel' or '~ x'")
    parsed = read_specs("~" + right)
    traces = read_specs("~" + left).factors if left.strip() else ()
    return traces, parsed.factors, parsed.by


def interaction_frame(
    grid: EmmGrid, traces: Sequence[str], xs: Sequence[str], CIs: bool = False, **options: Any
) -> pd.DataFrame:
    """The estimates with ``yvar``, ``xvar``, ``tvar`` and, on request, ``LCL``, ``UCL``."""
    summary = g.summary(grid, infer=(CIs, False), **options)
    frame = summary.table.rename(columns={summary.name: "yvar"})
    ends = [c for c in frame.columns if str(c).endswith(("CL", ".HPD"))]
    frame = frame.rename(columns=dict(zip(ends, ("LCL", "UCL")))) if CIs else frame.drop(columns=ends)
    frame["tvar"] = row_labels(frame, list(traces), None, False) if traces else "1"
    numeric = len(xs) == 1 and pd.api.types.is_numeric_dtype(frame[xs[0]].dtype)
    frame["xvar"] = frame[xs[0]] if numeric else (row_labels(frame, list(xs), None, False) if xs else "")
    frame.attrs["name"], frame.attrs["notes"] = summary.name, list(summary.notes)
    return frame


def pairwise_frame(grid: EmmGrid, method: Any = "pairwise", by: Any = UNSET, **options: Any) -> pd.DataFrame:
    """p-values of comparisons: ``plus`` and ``minus`` are the means with positive and negative coefficients."""
    made = contrast(grid, method, by=grid.about.by if by is UNSET else by)
    tests = summarize(made, infer=(False, True), **options)
    frame = tests.table.copy()
    coefficients = made.about.coefficients
    assert coefficients is not None
    primary = [c for c in grid.table.columns if c not in made.about.by]
    labels = row_labels(coefficients, primary, None, False)
    K = coefficients[[f"c.{i + 1}" for i in range(len(made.L))]].to_numpy().T
    frame["plus"] = [labels[int(np.argmax(row))] for row in K]
    frame["minus"] = [labels[int(np.argmin(row))] for row in K]
    return frame


@for_grids
def pwpm(
    object: EmmGrid | EmmList,
    by: Any = UNSET,
    reverse: bool = False,
    pvals: bool = True,
    means: bool = True,
    diffs: bool = True,
    flip: bool = False,
    digits: int | None = None,
    **options: Any,
) -> Listing:
    """Matrix of means, differences and p-values (emmeans' ``pwpm``).

    Parameters
    ----------
    object : EmmGrid
    by : str or sequence, optional
    reverse : bool
        Later minus earlier means.
    pvals, means, diffs : bool
        What to show: p-values above the diagonal, means on it, differences below.
    flip : bool
        The triangles the other way round.
    digits : int, optional
    **options
        Of the summary: ``adjust``, ``type``, ``side``, ``delta``.

    Returns
    -------
    Listing
        A table of text that prints; ``.table`` has the cells.

    Examples
    --------
    >>> from mere import lm, emmeans, pwpm
    >>> from mere.datasets import warpbreaks
    >>> pwpm(emmeans(lm("breaks ~ tension", warpbreaks), "tension"))
           L      M      H
    L [36.4] 0.0385 0.0014
    M  10.00 [26.4] 0.4631
    H  14.72   4.72 [21.7]
    <BLANKLINE>
    Row and column labels: tension
    Upper triangle: P values   adjust = “tukey”
    Diagonal: [Estimates] (emmean)
    Lower triangle: Comparisons (estimate)   earlier vs. later
    """
    if isinstance(object, EmmList):
        object = object[0]
    groups = object.about.by if by is UNSET else names_tuple(by)
    grid = object.with_about(by=groups)
    show = summarize(
        grid, infer=(False, False), **{k: v for k, v in options.items() if k in ("type", "bias_adjust", "sigma")}
    )
    made = contrast(grid, "revpairwise" if reverse else "pairwise", by=groups)
    tests = summarize(made, infer=(False, True), **options)
    primary = [c for c in grid.table.columns if c not in groups]
    labels = row_labels(grid.table.iloc[grid.shown], primary, None, False)
    parts, tables, at = [], [], 0
    for mine in by_groups(show.table, groups, np.arange(len(show.table))):
        k = len(mine)
        rows = tests.table.iloc[at : at + k * (k - 1) // 2]
        at += len(rows)
        cells = _cells(
            show.table[show.name].to_numpy()[mine], rows, tests.name, digits, (pvals, means, diffs, flip), reverse
        )
        names = [labels[i] for i in mine]
        tables.append(pd.DataFrame(cells, index=names, columns=names))
        head = "".join(f"\n{b} = {text_of_value(show.table[b].iloc[mine[0]])}" for b in groups)
        parts.append(head + ("\n" if head else "") + _matrix_text(cells, names))
    notes = _pwpm_notes(primary, tests, show.name, (pvals, means, diffs, flip), reverse, options)
    text = "\n".join([*parts, "", *notes])
    return Listing(tables[0] if len(tables) == 1 else pd.concat(tables), text, tuple(notes))


def _cells(
    means: np.ndarray,
    tests: pd.DataFrame,
    name: str,
    digits: int | None,
    what: tuple[bool, bool, bool, bool],
    reverse: bool,
) -> np.ndarray:
    pvals, diag, diffs, flip = what
    k = len(means)
    cells = np.full((k, k), "", dtype=object)
    i, j = np.triu_indices(k, 1)
    if reverse:
        order = np.lexsort((i, j))
        i, j = i[order], j[order]
    p = [_p_text(v) for v in tests["p.value"]]
    d = format_numbers(tests[name], digits or 3)
    for n in range(len(i)):
        up, low = (i[n], j[n]), (j[n], i[n])
        if flip:
            up, low = low, up
        if pvals:
            cells[up] = p[n]
        if diffs:
            cells[low] = d[n]
    if diag:
        for n, text in enumerate(format_numbers(means, digits or 3)):
            cells[n, n] = f"[{text.strip()}]"
    return cells


def _matrix_text(cells: np.ndarray, names: Sequence[str]) -> str:
    stub = max(len(s) for s in names)
    widths = [max(len(names[j]), *(len(c) for c in cells[:, j])) for j in range(len(names))]
    lines = [" " * stub + "".join(f" {n.rjust(w)}" for n, w in zip(names, widths))]
    for name, row in zip(names, cells):
        lines.append(name.ljust(stub) + "".join(f" {c.rjust(w)}" for c, w in zip(row, widths)))
    return "\n".join(lines)


def _pwpm_notes(
    primary: Sequence[str], tests: Any, name: str, what: tuple[bool, bool, bool, bool], reverse: bool, options: Any
) -> list[str]:
    pvals, diag, diffs, flip = what
    upper, lower = ("Lower", "Upper") if flip else ("Upper", "Lower")
    out = [f"Row and column labels: {':'.join(primary)}"]
    extra = []
    if "null" in tests.table:
        extra.append(f"null = {tests.table['null'].iloc[0]:g}")
    if options.get("side"):
        extra.append(f"side = “{options['side']}”")
    if options.get("delta"):
        extra.append(f"delta = {options['delta']:g}")
    used = next((n.split()[3] for n in tests.notes if n.startswith("P value adjustment: ")), None)
    if used is not None:
        extra.append(f"adjust = “{used}”")
    if pvals:
        out.append(f"{upper} triangle: P values   " + "  ".join(extra))
    if diag:
        scale = f"  type = “{options['type']}”" if options.get("type") else ""
        out.append(f"Diagonal: [Estimates] ({name}) {scale}")
    if diffs:
        words = "later vs. earlier" if reverse else "earlier vs. later"
        out.append(f"{lower} triangle: Comparisons ({tests.name})   {words}")
    return out
