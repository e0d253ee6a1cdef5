"""Tables of text as R lays them out: 80 columns wide, wrapped by blocks of columns.

Everything here takes strings (from :mod:`mere.printing.numbers`) or frames and
returns text without a final newline. No module outside ``printing`` lays out a
table.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from .numbers import (
    STARS_LEGEND,
    format_numbers,
    format_pvalues,
    justify,
    stars,
)

__all__ = [
    "coefficient_table",
    "frame_text",
    "matrix_text",
    "named_vector_text",
    "vector_text",
    "wrap",
    "zapped",
]

WIDTH = 80


def matrix_text(
    cells: Sequence[Sequence[str]],
    rows: Sequence[str],
    columns: Sequence[str],
    right: bool = True,
    width: int = WIDTH,
) -> str:
    """A matrix of strings with row and column labels (R's ``print.default``).

    Parameters
    ----------
    cells : sequence of rows of strings
    rows, columns : sequence of str
        Labels; rows are left-justified.
    right : bool
        Justify cells and column labels to the right (else to the left).
    width : int
        Columns that do not fit are continued below.
    """
    side = "right" if right else "left"
    body = [justify([label, *(row[j] for row in cells)], side) for j, label in enumerate(columns)]
    stub = justify(["", *rows]) if rows else ["    "]
    lines: list[str] = []
    start = 0
    while start < len(body) or not lines:
        total, stop = len(stub[0]), start
        while stop < len(body) and (stop == start or total + 1 + len(body[stop][0]) <= width):
            total += 1 + len(body[stop][0])
            stop += 1
        for i, label in enumerate(stub):
            lines.append(" ".join([label, *(column[i] for column in body[start:stop])]))
        if stop == start:
            break
        start = stop
    return "\n".join(lines)


def named_vector_text(values: Sequence[str], names: Sequence[str], gap: int = 1) -> str:
    """Strings under their names (R's printing of a named vector)."""
    if not values:
        return "named numeric(0)"
    cell = max(len(s) for s in [*values, *names])
    per_line = max(1, WIDTH // (cell + gap))
    lines = []
    for start in range(0, len(values), per_line):
        for strings in (names, values):
            chunk = strings[start : start + per_line]
            lines.append("".join(s.rjust(cell) + " " * gap for s in chunk))
    return "\n".join(lines)


def vector_text(values: Sequence[str]) -> str:
    """Strings with R's ``[1]`` index at the start of each line."""
    cell = max((len(s) for s in values), default=0)
    stub = len(f"[{len(values)}]")
    per_line = max(1, (WIDTH - stub) // (cell + 1))
    lines = []
    for start in range(0, len(values), per_line):
        chunk = values[start : start + per_line]
        label = f"[{start + 1}]".rjust(stub)
        lines.append(" ".join([label, *(s.rjust(cell) for s in chunk)]))
    return "\n".join(lines)


def wrap(text: str, width: int = WIDTH, indent: int = 0, first: int = 0) -> list[str]:
    """Fill words into lines shorter than `width` (R's ``strwrap``)."""
    lines: list[str] = []
    line = " " * first
    empty = True
    for word in text.split():
        if not empty and len(line) + 1 + len(word) >= width:
            lines.append(line)
            line, empty = " " * indent, True
        line += word if empty else " " + word
        empty = False
    return [*lines, line]


def frame_text(frame: pd.DataFrame, digits: int = 7, na: str = "NA") -> str:
    """A data frame as R prints it: each column formatted on its own."""
    columns = [_column(frame.iloc[:, j], digits, na) for j in range(frame.shape[1])]
    rows = [str(label) for label in frame.index]
    cells = [list(row) for row in zip(*columns, strict=True)] if columns else []
    return matrix_text(cells, rows, [str(c) for c in frame.columns])


def _column(column: pd.Series, digits: int, na: str) -> list[str]:
    if column.dtype.kind in "fiu":
        return format_numbers(column.to_numpy(dtype=float), digits, na=na)
    return ["<NA>" if pd.isna(v) else _r_text(v) for v in column]


def _r_text(value: Any) -> str:
    return str(value).upper() if isinstance(value, (bool, np.bool_)) else str(value)


def coefficient_table(
    values: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    digits: int,
    estimates: Iterable[int] = (),
    statistics: Iterable[int] = (),
    p_value: int | None = None,
    zap: Iterable[int] = (),
    signif_stars: bool = True,
    legend: bool | None = None,
    test_digits: int | None = None,
    na: str = "NA",
) -> str:
    """Estimates, statistics and p-values as R's ``printCoefmat`` shows them.

    Parameters
    ----------
    values : (rows, columns) array
    rows, columns : sequence of str
    digits : int
        Least significant digits of the estimates.
    estimates : columns formatted together (estimates and standard errors)
    statistics : columns of test statistics, rounded to `test_digits` decimals
    p_value : column of p-values, last of the table
    zap : columns whose rounding errors are set to zero
    signif_stars : bool
        Add a column of stars when there are p-values.
    legend : bool, optional
        Explain the stars; default when any is shown.
    test_digits : int, optional
        Default ``max(1, min(5, digits - 1))``.
    na : str
        Text for missing values.
    """
    values = np.asarray(values, dtype=float).copy()
    n, k = values.shape
    dig_tst = max(1, min(5, digits - 1)) if test_digits is None else test_digits
    estimates, statistics, zap = list(estimates), list(statistics), list(zap)
    cells = [[na] * k for _ in range(n)]

    def put(i: int, j: int, text: str) -> None:
        if not math.isnan(values[i, j]):
            cells[i][j] = text

    for j in zap:
        values[:, j] = zapped(values[:, j], digits)
    if estimates:
        block = values[:, estimates]
        shown = np.abs(block[np.isfinite(block) & (block != 0)])
        places = digits
        if shown.size:
            powers = np.floor(np.log10([shown.min(), shown.max()])).astype(int)
            places = max(1, *(digits - 1 - int(e) for e in powers))
        texts = format_numbers((_round(v, places) for v in block.T.ravel()), digits)
        for c, j in enumerate(estimates):
            for i in range(n):
                put(i, j, texts[c * n + i])
    if statistics:
        block = values[:, statistics]
        texts = format_numbers((_round(v, dig_tst) for v in block.T.ravel()), digits)
        for c, j in enumerate(statistics):
            for i in range(n):
                put(i, j, texts[c * n + i])
    done = {*estimates, *statistics, p_value}
    for j in range(k):
        if j not in done:
            for i, text in enumerate(format_numbers(values[:, j], digits)):
                put(i, j, text)
    _show_tiny(values, cells, {*statistics, p_value}, digits)
    columns = list(columns)
    any_star = False
    if p_value is not None:
        shown_p = [i for i in range(n) if not math.isnan(values[i, p_value])]
        texts = format_pvalues((values[i, p_value] for i in shown_p), dig_tst)
        for i, text in zip(shown_p, texts, strict=True):
            cells[i][p_value] = text
        if signif_stars and shown_p:
            any_star = bool((values[shown_p, p_value] < 0.1).any())
            if any_star:
                columns.append("")
                marks = justify([stars(p) for p in values[:, p_value]])
                for row, mark in zip(cells, marks, strict=True):
                    row.append(mark)
    text = matrix_text(cells, rows, columns)
    if any_star and legend is not False:
        text += f"\n---\nSignif. codes:  {STARS_LEGEND}"
    return text


def _show_tiny(values: np.ndarray, cells: list[list[str]], without: set[int | None], digits: int) -> None:
    """Rewrite cells that would read as zero although the value is not."""
    places = [
        (i, j)
        for j in range(values.shape[1])
        if j not in without
        for i in range(values.shape[0])
        if np.isfinite(values[i, j]) and values[i, j] != 0 and float(cells[i][j]) == 0
    ]
    if places:
        texts = format_numbers((values[i, j] for i, j in places), max(1, digits - 1))
        for (i, j), text in zip(places, texts, strict=True):
            cells[i][j] = text


def _round(x: float, digits: int) -> float:
    return round(float(x), digits) if math.isfinite(x) else float(x)


def zapped(values: Iterable[float], digits: int) -> list[float]:
    """`values` without what is negligible beside the largest (R's ``zapsmall``)."""
    numbers = [float(v) for v in values]
    largest = max((abs(v) for v in numbers if math.isfinite(v)), default=0.0)
    places = digits - math.log10(largest) if largest > 0 else digits
    return [_round(v, max(0, math.floor(places + 0.5))) for v in numbers]
