"""Values of the formula language: conversions and comparisons, missing values as in R.

Numbers are float64 with NaN for missing, logicals are bool, or int8 with -1 for missing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import MereTypeError, MereValueError
from ..frame import Factor, Matrix, Text, as_factor, factor_of, text_of
from .syntax import format_number

__all__ = [
    "MAX_LENGTH",
    "as_character",
    "as_integer",
    "as_numeric",
    "compare",
    "ifelse",
    "is_in",
    "is_na",
    "logical",
    "string_list",
    "to_logical",
    "to_number",
]

MAX_LENGTH = 1_000_000  # of sequences that an expression makes


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
            text = right if isinstance(right, str) else str(text_of_constant(right))
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


def text_of_constant(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "TRUE" if value else "FALSE"
    return value if isinstance(value, str) else format_number(float(value))


def as_character(x: Any) -> Text:
    """R's as.character: numbers with 15 digits."""
    if isinstance(x, Text):
        return x
    if isinstance(x, (str, bool, float)):
        return text_of([text_of_constant(x)])
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


def string_list(value: Any) -> list[str]:
    """Constants as a list of strings: levels, labels."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Factor):
        return [value.levels[c] for c in value.codes]
    return [text_of_constant(v) for v in np.atleast_1d(np.asarray(value)).tolist()]


def is_na(x: Any) -> np.ndarray:
    """R's is.na()."""
    if isinstance(x, Factor):
        return x.codes < 0
    return np.asarray(np.isnan(to_number(x)))


def is_in(x: Any, table: Any) -> np.ndarray:
    """R's %in%."""
    if isinstance(x, Factor):
        wanted = set(string_list(table))
        return np.array([s in wanted for s in x.levels] + [False])[x.codes]
    return np.isin(to_number(x), to_number(table))


def ifelse(test: Any, yes: Any, no: Any) -> Any:
    """R's ifelse(): element by element, missing where the test is."""
    flags = to_logical(test)
    true, missing = flags == 1, flags.astype(np.int8) < 0
    if isinstance(yes, (str, Text)) or isinstance(no, (str, Text)):
        a, b = (as_character(v).strings() for v in (yes, no))
        out = np.where(true, a, b)
        return text_of(None if gone else s for s, gone in zip(out.tolist(), missing))
    kinds = [np.asarray(v).dtype for v in (yes, no) if not isinstance(v, Factor)]
    if kinds and all(k.kind == "b" for k in kinds):
        return logical(np.where(true, yes, no), np.broadcast_to(missing, flags.shape))
    a, b = as_numeric(yes), as_numeric(no)
    return np.where(missing, np.nan, np.where(true, a, b))
