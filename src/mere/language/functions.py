"""The functions of the formula language: a closed registry, R's names.

A function takes values (see `values`) and gives a value; those in `NEEDS_NODES` take the
evaluator and the call itself. Dots in the names of arguments are underscores here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from ..contrasts import CODINGS
from ..errors import MereValueError
from ..frame import Matrix, Text, as_factor, text_of
from .factors import (
    as_ordered,
    contrast_function,
    cut,
    droplevels,
    dummy,
    factor,
    interaction,
    ordered,
    relevel,
    with_contrasts,
)
from .syntax import Call, Name
from .values import (
    MAX_LENGTH,
    as_character,
    as_integer,
    as_numeric,
    compare,
    ifelse,
    is_in,
    is_na,
    string_list,
    to_logical,
    to_number,
)

__all__ = ["FUNCTIONS", "NEEDS_NODES"]


def _cbind(evaluator: Any, node: Call) -> Matrix:
    """R's cbind(): columns side by side, with R's names: of the arguments, or of bare variables."""
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
    if all(np.ndim(p) < 2 for p in parts):
        values = np.empty((n, len(parts)), order="F")
        for j, part in enumerate(parts):
            values[:, j] = part
    else:
        full = [p if np.ndim(p) else np.full(n, p) for p in parts]
        values = np.asfortranarray(np.column_stack(full), dtype=np.float64)
    return Matrix(values, tuple(names) if any(names) else None)


def combine(*values: Any, **named: Any) -> Any:
    """R's c() of constants."""
    values = (*values, *named.values())
    if any(isinstance(v, (str, tuple, Text)) for v in values):
        return tuple(s for v in values for s in string_list(v))
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
    step = (1.0 if to >= from_ else -1.0) if by is None else float(by)
    count = abs(to - from_) / abs(step) if length_out is None else length_out
    if not 0 <= count <= MAX_LENGTH:
        raise MereValueError(f"a sequence may have {MAX_LENGTH} elements")
    if length_out is not None:
        return np.linspace(from_, to, int(length_out))
    return from_ + step * np.arange(int((to - from_) / step + 1e-10) + 1)


def rank(x: Any) -> np.ndarray:
    """R's rank(): 1, 2, ..., ties share the mean of their places; missing values stay missing."""
    from scipy.stats import rankdata

    values = np.asarray(x, dtype=float)
    out: np.ndarray = rankdata(values, nan_policy="omit")
    return out


def identity(x: Any) -> Any:
    """R's I() and offset(): the value itself."""
    return x


_UFUNCS: dict[str, Callable[[Any], Any]] = {
    "log2": np.log2,
    "log10": np.log10,
    "log1p": np.log1p,
    "inverse": lambda v: 1.0 / v,
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
    "plogis": lambda v: 1.0 / (1.0 + np.exp(-v)),
    "qlogis": lambda v: np.log(v / (1.0 - v)),
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "I": identity,
    "offset": identity,
    "identity": identity,
    "c": combine,
    "cbind": _cbind,
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
    "C": with_contrasts,
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
    "rank": rank,
    "rev": lambda x: x[::-1],
    "xor": lambda x, y: compare("!=", to_logical(x), to_logical(y)),
    **{f"contr.{name}": contrast_function(name) for name in CODINGS},
    **{name: _elementwise(ufunc) for name, ufunc in _UFUNCS.items()},
}
NEEDS_NODES = frozenset(["C", "cbind"])
