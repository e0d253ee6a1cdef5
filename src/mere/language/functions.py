"""The functions of the formula language: a closed registry, R's names.

A function takes values (see `evaluate`) and gives a value; those in `NEEDS_NODES` take the
evaluator and the call itself. Dots in the names of arguments are underscores here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from ..contrasts import CODINGS, Counted
from ..errors import FormulaError, MereTypeError, MereValueError
from ..frame import Factor, Matrix, Text, as_factor, factor_of, text_of
from .syntax import Call, Name, format_number

__all__ = ["FUNCTIONS", "NEEDS_NODES", "compare", "to_logical", "to_number"]


def to_number(value: Any) -> np.ndarray:
    """A value as float64 (missing = NaN); factors are refused."""
    if isinstance(value, Matrix):
        return value.values if value.values.shape[1] > 1 else value.values[:, 0]
    if isinstance(value, (Factor, str, tuple)) or value is None:
        raise MereTypeError("a number was expected, not a factor or a string")
    array = np.asarray(value)
    if array.dtype == np.int8:
        return np.where(array < 0, np.nan, array.astype(np.float64))
    return array.astype(np.float64, copy=False)


def to_logical(value: Any) -> np.ndarray:
    """A value as a logical: bool, or int8 with -1 = missing."""
    if isinstance(value, (Factor, str, tuple, Matrix)) or value is None:
        raise MereTypeError("a logical was expected, not a factor, string or matrix")
    array = np.asarray(value)
    if array.dtype in (bool, np.int8):
        return array
    return logical(array != 0, np.isnan(array))


def logical(flags: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """A logical with missing places; bool where there are none."""
    if not missing.any():
        return np.asarray(flags, dtype=bool)
    return np.where(missing, np.int8(-1), flags.astype(np.int8))


def compare(op: str, left: Any, right: Any) -> np.ndarray:
    """R's comparisons; a factor compares by its labels, an ordered one by its order."""
    if isinstance(right, Factor) and not isinstance(left, Factor):
        op = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(op, op)
        left, right = right, left
    if isinstance(left, Factor):
        return _compare_factor(op, left, right)
    if isinstance(left, str) or isinstance(right, str):
        raise MereTypeError(f"'{op}' compares a number with a string")
    a, b = to_number(left), to_number(right)
    with np.errstate(invalid="ignore"):
        flags = _COMPARE[op](a, b)
    return logical(flags, np.isnan(a) | np.isnan(b))


_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    ">": np.greater,
    "<=": np.less_equal,
    ">=": np.greater_equal,
}


def _compare_factor(op: str, left: Factor, right: Any) -> np.ndarray:
    if not isinstance(right, Factor):
        if isinstance(right, np.ndarray) and right.ndim:
            right = as_character(right)
        else:
            text = right if isinstance(right, str) else str(_as_text(right))
            right = factor_of([text], [text])
    if op not in ("==", "!=") and not left.ordered and type(left) is not Text:
        raise MereTypeError(f"'{op}' is not meaningful for unordered factors")
    if left.ordered and op not in ("==", "!="):
        place = {level: i for i, level in enumerate(left.levels)}
        unknown = [level for level in right.levels if level not in place]
        if unknown:
            raise MereValueError(f"{unknown[0]!r} is no level of the ordered factor {left.levels}")
    else:
        place = {s: i for i, s in enumerate(sorted({*left.levels, *right.levels}))}
    a = np.array([place[s] for s in left.levels] + [-1])[left.codes]
    b = np.array([place[s] for s in right.levels] + [-1])[right.codes]
    return logical(_COMPARE[op](a, b), (a < 0) | (b < 0))


def _as_text(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "TRUE" if value else "FALSE"
    return value if isinstance(value, str) else format_number(float(value))


def as_character(x: Any) -> Text:
    """R's as.character: numbers with 15 digits."""
    if isinstance(x, Text):
        return x
    if isinstance(x, (str, bool, float)):
        return text_of([_as_text(x)])
    if isinstance(x, tuple):
        return text_of(x)
    factor = as_factor(x)
    order = sorted(range(len(factor.levels)), key=factor.levels.__getitem__)
    rank = np.full(len(order) + 1, -1, dtype=np.int32)
    rank[order] = np.arange(len(order))
    return Text(rank[factor.codes], tuple(factor.levels[i] for i in order))


def as_numeric(x: Any) -> Any:
    """R's as.numeric: the codes of a factor (from 1), the numbers in strings."""
    if isinstance(x, Text):
        return np.array([*map(_parse_number, x.levels), np.nan])[x.codes]
    if isinstance(x, Factor):
        return np.where(x.codes < 0, np.nan, x.codes + 1.0)
    return _parse_number(x) if isinstance(x, str) else to_number(x)


def _parse_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def as_integer(x: Any) -> Any:
    """R's as.integer: truncated towards zero."""
    return np.trunc(as_numeric(x))


def _strings(value: Any) -> list[str]:
    """Constants as a list of strings: levels, labels."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Factor):
        return [value.levels[c] for c in value.codes]
    return [_as_text(v) for v in np.atleast_1d(np.asarray(value)).tolist()]


def factor(x: Any, levels: Any = None, labels: Any = None, ordered: Any = None) -> Factor:
    """R's factor(): levels in order, unused ones dropped unless `levels` names them."""
    base = as_factor(x) if not isinstance(x, str) else as_factor(as_character(x))
    is_ordered = base.ordered if ordered is None else bool(ordered)
    if levels is None:
        out = base.drop_unused()
    else:
        wanted = _strings(levels)
        place = {level: i for i, level in enumerate(wanted)}
        new = np.array([place.get(s, -1) for s in base.levels] + [-1], dtype=np.int32)
        out = Factor(new[base.codes], tuple(wanted))
    names = out.levels
    codes = out.codes
    if labels is not None:
        given = _strings(labels)
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


def interaction(
    *factors: Any, drop: bool = False, sep: str = ".", lex_order: bool = False
) -> Factor:
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
        codes = np.where(values == (edges[0] if right else edges[-1]),
                         0 if right else len(edges) - 2, codes)
    codes = np.where((codes < 0) | (codes >= len(edges) - 1) | np.isnan(values), -1, codes)
    if labels is False:
        return np.where(codes < 0, np.nan, codes + 1.0)
    if labels is None:
        names = _interval_labels(edges, int(dig_lab), right, include_lowest)
    else:
        names = _strings(labels)
        if len(names) != len(edges) - 1:
            raise MereValueError(f"{len(names)} labels for {len(edges) - 1} intervals")
    return Factor(codes.astype(np.int32), tuple(names), bool(ordered_result))


def _interval_labels(edges: np.ndarray, digits: int, right: bool, lowest: bool) -> list[str]:
    shown: list[str] = []
    for d in range(digits, max(13, digits) + 1):
        shown = [format_number(float(f"{e:.{d - 1}e}")) for e in edges]
        if len(set(shown)) == len(shown):
            break
    pairs = list(zip(shown, shown[1:]))
    names = [f"({a},{b}]" if right else f"[{a},{b})" for a, b in pairs]
    if lowest and right:
        names[0] = "[" + names[0][1:]
    elif lowest:
        names[-1] = names[-1][:-1] + "]"
    return names


def ifelse(test: Any, yes: Any, no: Any) -> Any:
    """R's ifelse(): element by element, missing where the test is."""
    flags = to_logical(test)
    true, missing = flags == 1, flags.astype(np.int8) < 0
    if isinstance(yes, (str, Text)) or isinstance(no, (str, Text)):
        a, b = (as_character(v).strings() for v in (yes, no))
        out = np.where(true, a, b)
        return text_of(None if gone else s for s, gone in zip(out.tolist(), missing))
    kinds = [np.asarray(v).dtype for v in (yes, no) if not isinstance(v, Factor)]
    if kinds and all(k == bool for k in kinds):
        return logical(np.where(true, yes, no), np.broadcast_to(missing, flags.shape))
    a, b = as_numeric(yes), as_numeric(no)
    return np.where(missing, np.nan, np.where(true, a, b))


def is_na(x: Any) -> np.ndarray:
    """R's is.na()."""
    if isinstance(x, Factor):
        return x.codes < 0
    return np.asarray(np.isnan(to_number(x)))


def cbind(*columns: Any, **named: Any) -> Matrix:
    """R's cbind(): columns side by side; see `_cbind` for their names."""
    raise AssertionError("handled with its nodes")


def _cbind(evaluator: Any, node: Call) -> Matrix:
    """cbind with R's names: of the arguments, or of bare variables."""
    parts, names = [], []
    for key, arg in zip(node.names, node.args):
        value = evaluator.value(arg)
        if isinstance(value, Matrix):
            k = value.values.shape[1]
            parts.append(value.values)
            names += list(value.columns or ("",) * k)
        else:
            parts.append(as_numeric(value))
            names.append(key or (arg.name if isinstance(arg, Name) else ""))
    n = max((len(p) for p in parts if np.ndim(p)), default=1)
    full = [p if np.ndim(p) else np.full(n, p) for p in parts]
    values = np.asfortranarray(np.column_stack(full), dtype=np.float64)
    return Matrix(values, tuple(names) if any(names) else None)


def _contrasts(evaluator: Any, node: Call) -> Factor:
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


def _contrast_function(name: str) -> Callable[..., Matrix]:
    """``contr.sum(3)``: the contrast matrix of a number of levels, or of named levels."""

    def make(n: Any, **options: Any) -> Matrix:
        levels = _strings(n) if not isinstance(n, float) else [str(i + 1) for i in range(int(n))]
        if isinstance(options.get("base"), float):
            options["base"] = int(options["base"])
        return Matrix(*CODINGS[name](levels, **options))

    if name == "treatment":
        return lambda n, base=1.0: make(n, base=base)
    if name == "poly":
        return lambda n, scores=None: make(n, scores=scores)
    return lambda n: make(n)


def dummy(f: Any, levelsToKeep: Any = None) -> Matrix:  # noqa: N803 (lme4's name)
    """lme4's dummy(): indicators of some levels, by default all but the first."""
    base = as_factor(f)
    keep = list(base.levels[1:]) if levelsToKeep is None else _strings(levelsToKeep)
    for level in keep:
        if level not in base.levels:
            raise MereValueError(f"dummy(): {level!r} is no level; the levels are {base.levels}")
    columns = [(base.codes == base.levels.index(s)).astype(np.float64) for s in keep]
    out = np.asfortranarray(np.column_stack(columns))
    out[base.codes < 0] = np.nan
    return Matrix(out, tuple(keep))


def combine(*values: Any, **named: Any) -> Any:
    """R's c() of constants."""
    values = (*values, *named.values())
    if any(isinstance(v, (str, tuple, Text)) for v in values):
        return tuple(s for v in values for s in _strings(v))
    return np.concatenate([np.atleast_1d(to_number(v)) for v in values]) if values else np.empty(0)


def paste(*values: Any, sep: str = " ") -> Text:
    """R's paste() of columns and constants."""
    parts = [[v] if isinstance(v, str) else as_character(v).strings().tolist() for v in values]
    n = max(map(len, parts))
    rows = zip(*(p * (n // len(p)) for p in parts))
    return text_of(sep.join("NA" if s is None else s for s in row) for row in rows)


def paste0(*values: Any) -> Text:
    """R's paste0()."""
    return paste(*values, sep="")


def log(x: Any, base: Any = None) -> Any:
    """R's log(), natural by default."""
    with np.errstate(all="ignore"):
        out = np.log(to_number(x))
        return _shape(x, out if base is None else out / np.log(to_number(base)))


def _shape(x: Any, out: np.ndarray) -> Any:
    """The result of an elementwise function in the shape of its argument."""
    if isinstance(x, Matrix):
        return Matrix(np.asfortranarray(out.reshape(x.values.shape)), x.columns)
    return out if np.ndim(out) else float(out)


def _elementwise(ufunc: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def apply(x: Any) -> Any:
        with np.errstate(all="ignore"):
            return _shape(x, ufunc(to_number(x)))

    return apply


def round_(x: Any, digits: float = 0.0) -> Any:
    """R's round(), to even at halves."""
    return _shape(x, np.round(to_number(x), int(digits)))


def signif(x: Any, digits: float = 6.0) -> Any:
    """R's signif()."""
    values = np.atleast_1d(to_number(x))
    out = np.array([float(f"{v:.{max(1, int(digits)) - 1}e}") for v in values.ravel().tolist()])
    return _shape(x, out.reshape(values.shape) if np.ndim(to_number(x)) else out[0])


def _parallel(ufunc: Callable[[Any, Any], Any], skip: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def apply(*values: Any, na_rm: bool = False) -> Any:
        out = reduce(skip if na_rm else ufunc, [to_number(v) for v in values])
        return out if np.ndim(out) else float(out)

    return apply


def _aggregate(fn: Callable[[Any], Any], skip: Callable[[Any], Any]) -> Callable[..., float]:
    def apply(x: Any, na_rm: bool = False) -> float:
        return float((skip if na_rm else fn)(to_number(x)))

    return apply


def quantile(x: Any, probs: Any = None, na_rm: bool = False) -> Any:
    """R's quantile(), type 7."""
    values = to_number(x)
    if na_rm:
        values = values[~np.isnan(values)]
    out = np.quantile(values, np.linspace(0, 1, 5) if probs is None else to_number(probs))
    return out if np.ndim(out) else float(out)


def seq(from_: Any = 1.0, to: Any = 1.0, by: Any = None, length_out: Any = None) -> np.ndarray:
    """R's seq() of numbers."""
    if length_out is not None:
        return np.linspace(from_, to, int(length_out))
    step = (1.0 if to >= from_ else -1.0) if by is None else float(by)
    return from_ + step * np.arange(int((to - from_) / step + 1e-10) + 1)


def is_in(x: Any, table: Any) -> np.ndarray:
    """R's %in%."""
    if isinstance(x, Factor):
        wanted = set(_strings(table))
        return np.array([s in wanted for s in x.levels] + [False])[x.codes]
    return np.isin(to_number(x), to_number(table))


def identity(x: Any) -> Any:
    """R's I() and offset(): the value itself."""
    return x


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "I": identity,
    "offset": identity,
    "identity": identity,
    "c": combine,
    "cbind": cbind,
    "factor": factor,
    "as.factor": lambda x: as_factor(x),
    "ordered": ordered,
    "as.ordered": as_ordered,
    "relevel": relevel,
    "droplevels": droplevels,
    "interaction": interaction,
    "cut": cut,
    "as.numeric": as_numeric,
    "as.double": as_numeric,
    "as.integer": as_integer,
    "as.character": as_character,
    "as.logical": to_logical,
    "ifelse": ifelse,
    "is.na": is_na,
    "%in%": is_in,
    "dummy": dummy,
    "C": _contrasts,
    "paste": paste,
    "paste0": paste0,
    "nlevels": lambda x: float(len(as_factor(x).levels)),
    "levels": lambda x: as_factor(x).levels,
    "length": lambda x: float(len(x)),
    "log": log,
    "logb": log,
    "round": round_,
    "signif": signif,
    "pmin": _parallel(np.minimum, np.fmin),
    "pmax": _parallel(np.maximum, np.fmax),
    "min": _aggregate(np.min, np.nanmin),
    "max": _aggregate(np.max, np.nanmax),
    "mean": _aggregate(np.mean, np.nanmean),
    "median": _aggregate(np.median, np.nanmedian),
    "sum": _aggregate(np.sum, np.nansum),
    "sd": _aggregate(lambda v: np.std(v, ddof=1), lambda v: np.nanstd(v, ddof=1)),
    "var": _aggregate(lambda v: np.var(v, ddof=1), lambda v: np.nanvar(v, ddof=1)),
    "quantile": quantile,
    "seq": seq,
    "rev": lambda x: x[::-1],
    "xor": lambda x, y: compare("!=", to_logical(x), to_logical(y)),
    "plogis": _elementwise(lambda v: 1.0 / (1.0 + np.exp(-v))),
    "qlogis": _elementwise(lambda v: np.log(v / (1.0 - v))),
    **{f"contr.{name}": _contrast_function(name) for name in CODINGS},
    **{
        name: _elementwise(ufunc)
        for name, ufunc in {
            "log2": np.log2,
            "log10": np.log10,
            "log1p": np.log1p,
            "exp": np.exp,
            "expm1": np.expm1,
            "sqrt": np.sqrt,
            "abs": np.abs,
            "sign": np.sign,
            "sin": np.sin,
            "cos": np.cos,
            "tan": np.tan,
            "asin": np.arcsin,
            "acos": np.arccos,
            "atan": np.arctan,
            "sinh": np.sinh,
            "cosh": np.cosh,
            "tanh": np.tanh,
            "floor": np.floor,
            "ceiling": np.ceil,
            "trunc": np.trunc,
            "cumsum": np.cumsum,
        }.items()
    },
}
FUNCTIONS["cbind"] = _cbind
NEEDS_NODES = frozenset(["C", "cbind"])

