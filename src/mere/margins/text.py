"""Text and HTML of grids, summaries and lists, laid out as R lays them out.

The digits of estimates, SE and limits: 3, or as many as show the estimate to about a quarter of
its standard error, log10(|estimate| / SE) + 0.41 rounded up, plus one.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..printing.html import table_html
from ..printing.numbers import format_numbers, format_pvalues, justify
from .grid import EmmGrid, EmmList, by_groups, text_of_value
from .results import JointTests, Listing
from .summarizing import SummaryEmm

__all__ = ["grid_table", "optimal_digits"]

WIDTH = 80


def optimal_digits(value: np.ndarray, se: np.ndarray) -> int:
    """The significant digits of a table of estimates.

    Examples
    --------
    >>> optimal_digits(np.array([100.0]), np.array([1.0])), optimal_digits(np.array([1e4]), np.array([1.0]))
    (3, 5)
    """
    with np.errstate(all="ignore"):
        ratio = np.abs(value) / se
    ratio = ratio[np.isfinite(ratio)]
    if not len(ratio):
        return 3
    return max(3, 1 + int(np.ceil(np.log10((ratio.max() + 2.018) / 3.909132))))


def _digits(s: SummaryEmm, table: pd.DataFrame) -> int:
    """The digits of a table; without standard errors as many as show an interval's ends apart."""
    if "SE" in table:
        return optimal_digits(table[s.name].to_numpy(dtype=float), table["SE"].to_numpy(dtype=float))
    if "lower.HPD" not in table:
        return 3
    values = table[["lower.HPD", s.name, "upper.HPD"]].to_numpy(dtype=float)
    with np.errstate(all="ignore"):
        share = np.ptp(values, axis=1) / np.abs(values).max(axis=1)
        wanted = np.round(1.51 - np.log10(share))
    wanted = wanted[np.isfinite(wanted)]
    return max(3, int(wanted.max())) if len(wanted) else 3


def grid_table(columns: Sequence[tuple[str, list[str], bool]], width: int = WIDTH) -> str:
    """Columns of text, left (True) or right justified, wrapped at 80 characters as R does."""
    blocks: list[list[str]] = []
    lines: list[str] = []
    used = 0
    for name, cells, left in columns:
        size = max(len(s) for s in [name, *cells])
        column = [(s.ljust(size) if left else s.rjust(size)) for s in [name, *cells]]
        if blocks and used + 1 + size > width:
            lines += ["".join(f" {c}" for c in row) for row in zip(*blocks)]
            blocks, used = [], 0
        blocks.append(column)
        used += 1 + size
    lines += ["".join(f" {c}" for c in row) for row in zip(*blocks)]
    return "\n".join(lines)


def _cells(s: SummaryEmm, table: pd.DataFrame) -> list[tuple[str, list[str], bool]]:
    """The printed columns of all rows; the by-variables are left out."""
    digits = _digits(s, table)
    estimable = np.ones(len(table), dtype=bool) if s.estimable is None else s.estimable
    out: list[tuple[str, list[str], bool]] = []
    for name in table.columns:
        if name in s.by:
            continue
        column, kind = table[name], s.kind.get(name)
        if name in s.labels:
            numeric = pd.api.types.is_numeric_dtype(column.dtype)
            cells = _together(column.to_numpy(dtype=float), digits) if numeric else [text_of_value(v) for v in column]
            if set(cells) <= {"TRUE", "FALSE"}:  # truth values stand to the right under a heading to the left
                cells = justify(cells, "right")
            out.append((str(name), cells, not numeric))
            continue
        if kind == "text":
            out.append((str(name), [str(v) for v in column], True))
            continue
        numbers = column.to_numpy(dtype=float) if pd.api.types.is_numeric_dtype(column.dtype) else None
        if numbers is None:
            cells = [str(v) for v in column]
        elif name == s.name:
            cells = _together(numbers, digits)
            cells = [c if ok else "nonEst" for c, ok in zip(cells, estimable)]
        elif kind == "df":
            cells = _together(np.round(numbers, 2), 3)
        elif kind == "t":
            cells = [f"{v:.3f}" if np.isfinite(v) else _special(v) for v in _no_minus_zero(numbers, 3)]
        elif kind == "p":
            cells = [_p_text(p) for p in numbers]
        else:
            cells = _together(numbers, digits if kind in ("se", "cl") else 3)
        out.append((str(name), cells, False))
    return out


def _no_minus_zero(x: np.ndarray, places: int) -> np.ndarray:
    rounded = np.round(x, places)
    return np.where(rounded == 0, 0.0, x)


def _special(v: float) -> str:
    return "NA" if np.isnan(v) else ("Inf" if v > 0 else "-Inf")


def _together(numbers: np.ndarray, digits: int) -> list[str]:
    return [c.strip() for c in format_numbers(_zapped(numbers), digits)]


def _zapped(numbers: np.ndarray) -> np.ndarray:
    """Noise beside the largest number is zero."""
    finite = np.abs(numbers[np.isfinite(numbers)])
    if not len(finite):
        return numbers
    return np.where(np.abs(numbers) < 1e-12 * finite.max(), 0.0, numbers)


def _p_text(p: float) -> str:
    if np.isnan(p):
        return "NA"
    return "<.0001" if p < 0.00005 else f"{p:.4f}"


def _blocks(s: SummaryEmm) -> list[tuple[str, list[tuple[str, list[str], bool]]]]:
    """The table of each by-group under its heading; columns are as wide as in the whole."""
    columns = _cells(s, s.table)
    rows = np.arange(len(s.table))
    if not s.by:
        return [("", columns)]
    out = []
    for mine in by_groups(s.table, s.by, rows):
        first = s.table.iloc[mine[0]]
        head = ", ".join(f"{b} = {_by_text(s.table[b], first[b])}" for b in s.by)
        part = []
        for name, cells, left in columns:
            size = max((len(c) for c in cells), default=0)
            padded = [(c.ljust(size) if left else c.rjust(size)) for c in cells]
            part.append((name, [padded[i] for i in mine], left))
        out.append((head, part))
    return out


def _by_text(column: pd.Series, value: Any) -> str:
    if pd.api.types.is_numeric_dtype(column.dtype):
        place = list(column).index(value)
        return format_numbers(column, 7)[place]
    return text_of_value(value)


@g.to_text.register(SummaryEmm)
def _summary(s: SummaryEmm) -> str:
    lines = []
    for head, columns in _blocks(s):
        if head:
            lines.append(f"{head}:")
        lines.append(grid_table(columns))
        lines.append("")
    lines += [f"{note} " for note in s.notes]
    return "\n".join(lines)


@g.to_text.register(EmmGrid)
def _grid(grid: EmmGrid, **options: Any) -> str:
    return g.to_text(g.summary(grid, **options))


@g.to_text.register(EmmList)
def _list(parts: EmmList) -> str:
    pieces = []
    for name, part in parts.items():
        pieces.append(f"${name if name.isidentifier() else f'`{name}`'}\n{g.to_text(part)}")
        pieces.append("" if pieces[-1].endswith("\n") else "\n")
    return "\n".join(p.rstrip("\n") if i % 2 else p for i, p in enumerate(pieces)).rstrip("\n") + "\n"


@g.to_text.register(JointTests)
def _joint(tests: JointTests) -> str:
    table = tests.table
    out = []
    columns: list[tuple[str, list[str], bool]] = []
    for name in table.columns:
        if name in tests.by:
            continue
        column = table[name]
        if name in ("model term", "note"):
            cells = [str(v) for v in column]
            size = max(map(len, cells), default=0)
            left = name == "model term"
            columns.append((str(name), [c.ljust(size) if left else c for c in cells], left))
        elif name == "p.value":
            columns.append((str(name), [_p_text(v) for v in column], False))
        elif name in ("F.ratio", "Chisq", "T.square"):
            columns.append((str(name), [f"{v:.3f}" if np.isfinite(v) else "NA" for v in column], False))
        elif pd.api.types.is_numeric_dtype(column.dtype):
            columns.append((str(name), _together(column.to_numpy(dtype=float), 7), False))
        else:
            columns.append((str(name), [text_of_value(v) for v in column], True))
    if tests.by:
        for mine in by_groups(table, tests.by, np.arange(len(table))):
            first = table.iloc[mine[0]]
            out.append(", ".join(f"{b} = {_by_text(table[b], first[b])}" for b in tests.by) + ":")
            out.append(grid_table([(n, [c[i] for i in mine], left) for n, c, left in columns]))
            out.append("")
    else:
        out += [grid_table(columns), ""]
    return "\n".join([*out, *(note if note[1:2] == ":" else f"{note} " for note in tests.notes)])


@g.to_text.register(Listing)
def _listing(listing: Listing) -> str:
    return listing.text


# -- HTML ---------------------------------------------------------------------------
def _html_table(columns: list[tuple[str, list[str], bool]]) -> str:
    rows = [[c.strip() for c in row] for row in zip(*(cells for _, cells, _ in columns))]
    names = [name for name, _, _ in columns]
    return table_html([r[1:] for r in rows], [r[0] for r in rows], names[1:]).replace(
        "<th></th>", f"<th>{escape(names[0])}</th>", 1
    )


def _notes_html(notes: Sequence[str]) -> str:
    return "".join(f"<div><small>{escape(n)}</small></div>" for n in notes)


@g.to_html.register(SummaryEmm)
def _summary_html(s: SummaryEmm) -> str:
    parts = []
    for head, columns in _blocks(s):
        parts.append((f"<p>{escape(head)}:</p>" if head else "") + _html_table(columns))
    return f"<div>{''.join(parts)}{_notes_html(s.notes)}</div>"


@g.to_html.register(EmmGrid)
def _grid_html(grid: EmmGrid) -> str:
    return g.to_html(g.summary(grid))


@g.to_html.register(EmmList)
def _list_html(parts: EmmList) -> str:
    return "".join(f"<h4>{escape(name)}</h4>{g.to_html(part)}" for name, part in parts.items())


@g.to_html.register(JointTests)
@g.to_html.register(Listing)
def _plain_html(result: Any) -> str:
    return f"<pre>{escape(g.to_text(result))}</pre>"


def p_values(p: np.ndarray) -> list[str]:
    """p-values as R's general rule writes them."""
    return format_pvalues(p, 4)
