"""Functions of the formula language that make and change factors."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from ..contrasts import CODINGS, Counted
from ..errors import FormulaError, MereTypeError, MereValueError
from ..frame import Factor, Matrix, as_factor
from .syntax import Call, Name, format_number
from .values import MAX_LENGTH, as_character, string_list, to_number

__all__ = [
    "as_ordered",
    "contrast_function",
    "cut",
    "droplevels",
    "dummy",
    "factor",
    "interaction",
    "ordered",
    "relevel",
    "with_contrasts",
]


def factor(x: Any, levels: Any = None, labels: Any = None, ordered: Any = None) -> Factor:
    """R's factor(): levels in order, unused ones dropped unless `levels` names them."""
    base = as_factor(x) if not isinstance(x, str) else as_factor(as_character(x))
    is_ordered = base.ordered if ordered is None else bool(ordered)
    if levels is None:
        out = base.drop_unused()
    else:
        wanted = string_list(levels)
        place = {level: i for i, level in enumerate(wanted)}
        new = np.array([place.get(s, -1) for s in base.levels] + [-1], dtype=np.int32)
        out = Factor(new[base.codes], tuple(wanted))
    names = out.levels
    codes = out.codes
    if labels is not None:
        given = string_list(labels)
        if len(given) == 1 and len(names) > 1:
            given = [f"{given[0]}{i + 1}" for i in range(len(names))]
        if len(given) != len(names):
            raise MereValueError(f"{len(given)} labels for {len(names)} levels")
        names = tuple(dict.fromkeys(given))
        codes = np.array([names.index(g) for g in given] + [-1], dtype=np.int32)[codes]
    return Factor(codes, names, is_ordered)


def ordered(x: Any, levels: Any = None, labels: Any = None) -> Factor:
    """R's ordered()."""
    return factor(x, levels, labels, True)


def as_ordered(x: Any) -> Factor:
    """R's as.ordered()."""
    base = as_factor(x)
    return base if base.ordered else factor(base, ordered=True)


def relevel(x: Any, ref: Any) -> Factor:
    """R's relevel(): one level first."""
    base = as_factor(x)
    if base.ordered:
        raise MereTypeError("relevel() is for unordered factors only")
    if isinstance(ref, str):
        if ref not in base.levels:
            raise MereValueError(f"ref={ref!r} is no level; the levels are {base.levels}")
        ref = base.levels.index(ref) + 1
    first = base.levels[int(ref) - 1]
    return factor(base, [first, *(s for s in base.levels if s != first)])


def droplevels(x: Any) -> Factor:
    """R's droplevels()."""
    return as_factor(x).drop_unused()


def interaction(*factors: Any, drop: bool = False, sep: str = ".", lex_order: bool = False) -> Factor:
    """R's interaction(): all combinations; the first factor varies fastest unless lex.order."""
    parts = [as_factor(f) for f in factors]
    order = parts if lex_order else parts[::-1]
    codes = np.zeros(len(parts[0]), dtype=np.int64)
    missing = np.zeros(len(parts[0]), dtype=bool)
    labels: list[tuple[str, ...]] = [()]
    for part in order:
        codes = codes * len(part.levels) + part.codes
        missing |= part.codes < 0
        labels = [(*left, right) for left in labels for right in part.levels]
    names = tuple(sep.join(t if lex_order else t[::-1]) for t in labels)
    out = Factor(np.where(missing, -1, codes).astype(np.int32), names)
    return out.drop_unused() if drop else out


def cut(
    x: Any,
    breaks: Any,
    labels: Any = None,
    include_lowest: bool = False,
    right: bool = True,
    dig_lab: float = 3.0,
    ordered_result: bool = False,
) -> Any:
    """R's cut(): intervals (a,b] by default, labelled with 3 digits."""
    values = to_number(x)
    edges = np.atleast_1d(np.asarray(breaks, dtype=np.float64))
    if len(edges) == 1:
        if not 2 <= edges[0] <= MAX_LENGTH:
            raise MereValueError("cut() needs a number of intervals of 2 or more, or the breaks")
        low, high = np.nanmin(values), np.nanmax(values)
        width = high - low
        edges = np.linspace(low, high, int(edges[0]) + 1)
        if width == 0:
            width = abs(low)
            edges = np.linspace(low - width / 1000, high + width / 1000, len(edges))
        else:
            edges[0], edges[-1] = low - width / 1000, high + width / 1000
    edges = np.sort(edges)
    if len(np.unique(edges)) != len(edges):
        raise MereValueError("the breaks of cut() are not all different")
    codes = np.searchsorted(edges, values, side="left" if right else "right") - 1
    if include_lowest:
        codes = np.where(values == (edges[0] if right else edges[-1]), 0 if right else len(edges) - 2, codes)
    codes = np.where((codes < 0) | (codes >= len(edges) - 1) | np.isnan(values), -1, codes)
    if labels is False:
        return np.where(codes < 0, np.nan, codes + 1.0)
    if labels is None:
        names = _interval_labels(edges, int(dig_lab), right, include_lowest)
    else:
        names = string_list(labels)
        if len(names) != len(edges) - 1:
            raise MereValueError(f"{len(names)} labels for {len(edges) - 1} intervals")
    return Factor(codes.astype(np.int32), tuple(names), bool(ordered_result))


def _interval_labels(edges: np.ndarray, digits: int, right: bool, lowest: bool) -> list[str]:
    shown: list[str] = []
    for d in range(digits, max(13, digits) + 1):
        shown = [format_number(float(f"{e:.{d - 1}e}")) for e in edges]
        if len(set(shown)) == len(shown):
            break
    pairs = list(pairwise(shown))
    names = [f"({a},{b}]" if right else f"[{a},{b})" for a, b in pairs]
    if lowest and right:
        names[0] = "[" + names[0][1:]
    elif lowest:
        names[-1] = names[-1][:-1] + "]"
    return names


def with_contrasts(evaluator: Any, node: Call) -> Factor:
    """R's C(f, contr, …): a factor with contrasts of its own."""
    if not node.args:
        raise FormulaError("C() needs a factor", None, node.position)
    base = as_factor(evaluator.value(node.args[0]))
    if len(node.args) == 1:
        return base
    arg, options = node.args[1], {}
    for key, extra in zip(node.names[2:], node.args[2:]):
        value = evaluator.value(extra)
        options[key or "base"] = int(value) if isinstance(value, float) else value
    spec: Any
    if isinstance(arg, Name) and arg.name.removeprefix("contr.") in CODINGS:
        named = not arg.name.startswith("contr.")
        spec = (arg.name, options) if named else Counted(arg.name, options)
    else:
        spec = evaluator.value(arg)
        spec = _NamedArray(spec) if isinstance(spec, Matrix) else spec
        spec = (spec, options) if isinstance(spec, str) else spec
    return Factor(base.codes, base.levels, base.ordered, spec)


class _NamedArray:
    """A contrast matrix with column names, in the shape that `code_levels` reads."""

    def __init__(self, matrix: Matrix):
        self.values = matrix.values
        self.columns = list(matrix.columns) if matrix.columns else None


def contrast_function(name: str) -> Callable[..., Matrix]:
    """``contr.sum(3)``: the contrast matrix of a number of levels, or of named levels."""

    def make(n: Any, **options: Any) -> Matrix:
        levels = string_list(n) if not isinstance(n, float) else [str(i + 1) for i in range(int(n))]
        if isinstance(options.get("base"), float):
            options["base"] = int(options["base"])
        return Matrix(*CODINGS[name](levels, **options))

    if name == "treatment":
        return lambda n, base=1.0: make(n, base=base)
    if name == "poly":
        return lambda n, scores=None: make(n, scores=scores)
    return lambda n: make(n)


def dummy(f: Any, levelsToKeep: Any = None) -> Matrix:
    """lme4's dummy(): indicators of some levels, by default all but the first."""
    base = as_factor(f)
    keep = list(base.levels[1:]) if levelsToKeep is None else string_list(levelsToKeep)
    for level in keep:
        if level not in base.levels:
            raise MereValueError(f"dummy(): {level!r} is no level; the levels are {base.levels}")
    columns = [(base.codes == base.levels.index(s)).astype(np.float64) for s in keep]
    out = np.asfortranarray(np.column_stack(columns))
    out[base.codes < 0] = np.nan
    return Matrix(out, tuple(keep))
