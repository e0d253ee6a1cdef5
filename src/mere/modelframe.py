"""The model frame: every variable of a formula evaluated once, incomplete rows left out.

R's order of work: evaluate on all rows, take the subset, leave out rows with missing values,
drop the levels that no longer occur.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .arguments import environment_of
from .errors import DataMessage, FormulaError, MereTypeError, MereValueError, MereWarning
from .frame import Factor, Frame, Matrix, as_frame
from .language.evaluate import Evaluator
from .language.formulas import Formula
from .language.parser import parse_expression
from .language.syntax import Name, Node

__all__ = ["Finding", "ModelFrame", "evaluate_frame", "missing_rows"]

Value = Any  # np.ndarray | Factor | Matrix


@dataclass(frozen=True)
class Finding:
    """Something the user should know; one place (in the fit layer) says it aloud.

    Attributes
    ----------
    message : str
    kind : type of MereWarning
        The class to warn with.
    names : tuple of str
        The columns, rows or variables concerned.
    """

    message: str
    kind: type[MereWarning]
    names: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class ModelFrame:
    """The variables of a model, complete rows only.

    Attributes
    ----------
    variables : dict
        R's name of each variable → float64 array, logical, `Factor` or `Matrix`.
    nrow : int
        The rows of the user's table.
    rows : ndarray of int, or None
        The rows that are kept; None = all of them.
    omitted : ndarray of int
        The rows left out for missing values (not those outside the subset).
    na_action : str
    row_names, omitted_names : sequence or None
        Names of the kept rows; None = their numbers.
    states : mapping
        States of the transforms by the text of their calls.
    env : mapping
        The functions and arrays of the user.
    """

    variables: dict[str, Value]
    nrow: int
    rows: np.ndarray | None = None
    omitted: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    na_action: str = "omit"
    row_names: Sequence[Any] | None = None
    omitted_names: Sequence[Any] | None = None
    states: Mapping[str, Any] = field(default_factory=dict)
    env: Mapping[str, Any] = field(default_factory=dict)

    @property
    def n(self) -> int:
        """The number of rows kept."""
        return self.nrow if self.rows is None else len(self.rows)


@dataclass
class Evaluated:
    """What `evaluate_frame` hands to the design: the frame and the numeric extras."""

    frame: ModelFrame
    weights: np.ndarray | None
    offset: np.ndarray | None
    findings: list[Finding]


def evaluate_frame(
    formula: Formula,
    data: Any,
    weights: Any = None,
    offset: Any = None,
    subset: Any = None,
    na_action: str = "omit",
    env: Mapping[str, Any] | None = None,
) -> Evaluated:
    """Evaluate the variables of a formula (R's ``model.frame``).

    Parameters
    ----------
    formula : Formula
    data : table
    weights, offset, subset : str or array, optional
        A column, an expression in the columns, or an array with one value a row
        (`subset` also row numbers).
    na_action : {"omit", "exclude", "fail"}
    env : mapping, optional

    Examples
    --------
    >>> from mere.language.formulas import parse_formula
    >>> data = {"y": [1.0, 2.0, None], "g": ["a", "b", "c"]}
    >>> evaluate_frame(parse_formula("y ~ (1 | g)"), data).frame.variables["g"].levels
    ('a', 'b')
    """
    if na_action not in ("omit", "exclude", "fail"):
        raise MereValueError(f"na_action must be 'omit', 'exclude' or 'fail', not {na_action!r}")
    table = as_frame(data)
    columns = table.names if formula.has_dot else ()
    env = environment_of(env)
    evaluator = Evaluator(table, {}, env)
    groups = formula.grouping
    values: dict[str, Value] = {}
    for name, node in formula.variables(columns).items():
        try:
            found = evaluator.factor(node) if name in groups else evaluator.value(node)
        except FormulaError as error:
            if error.text is not None or error.position is None:
                raise
            raise FormulaError(str(error), formula.source, error.position) from None
        values[name] = _full_length(found, name, table.nrow)
    extras = {
        "weights": _extra(weights, "weights", evaluator, table),
        "offset": _extra(offset, "offset", evaluator, table),
    }
    findings: list[Finding] = []
    everything = [*values.items(), *((k, v) for k, v in extras.items() if v is not None)]
    chosen = _subset(subset, evaluator, table)
    rows, omitted = _complete_rows(everything, table.nrow, chosen, na_action)
    rows = _positive_weights(extras["weights"], rows, findings)
    if rows is not None:
        if not len(rows):
            raise MereValueError("no rows are left: all have missing values or are outside subset")
        values = {name: _take(value, rows) for name, value in values.items()}
        extras = {name: None if v is None else v[rows] for name, v in extras.items()}
    for name, value in values.items():
        values[name] = _settle(value)
    frame = ModelFrame(
        values,
        table.nrow,
        rows,
        omitted,
        na_action,
        _row_names(table, rows),
        _row_names(table, omitted) if len(omitted) else None,
        evaluator.states,
        dict(env or {}),
    )
    return Evaluated(frame, extras["weights"], extras["offset"], findings)


def _full_length(value: Value, name: str, n: int) -> Value:
    """Check the length of a variable; a constant is no variable."""
    if not isinstance(value, (np.ndarray, Factor, Matrix)) or (isinstance(value, np.ndarray) and value.ndim == 0):
        raise MereValueError(f"'{name}' is a constant or text, not a variable with {n} values")
    if len(value) != n:
        raise MereValueError(f"'{name}' has {len(value)} values, but the data has {n} rows")
    return value


def _extra(value: Any, role: str, evaluator: Evaluator, table: Frame) -> np.ndarray | None:
    """weights= and offset=: a column, an expression or an array."""
    if value is None:
        return None
    if isinstance(value, str):
        value = evaluator.value(_expression(value, table))
    else:
        value = as_frame({role: value}).column(role) if np.ndim(value) else value
    if isinstance(value, (Factor, Matrix)):
        raise MereTypeError(f"{role} must be numbers")
    out = np.asarray(value, dtype=np.float64)
    if out.ndim == 0:
        out = np.full(table.nrow, float(out))
    if out.shape != (table.nrow,):
        raise MereValueError(f"{role} has shape {out.shape}, but the data has {table.nrow} rows")
    if np.isinf(out).any():
        raise MereValueError(f"{role} has infinite values")
    if role == "weights" and (out < 0).any():
        raise MereValueError("weights must not be negative")
    return out


def _expression(text: str, table: Frame) -> Node:
    return Name(text) if text in table else parse_expression(text)


def _subset(subset: Any, evaluator: Evaluator, table: Frame) -> np.ndarray | None:
    """subset= as row numbers: a column, an expression, a logical array, or row numbers."""
    if subset is None:
        return None
    if isinstance(subset, str):
        value = evaluator.value(_expression(subset, table))
    else:
        value = as_frame({"subset": subset}).column("subset")
        if isinstance(subset, (list, tuple)) and not subset:
            value = np.empty(0)
    if not isinstance(value, np.ndarray):
        raise MereTypeError("subset must be logical or row numbers")
    if value.dtype.kind in "bi":
        if len(value) != table.nrow:
            message = f"subset has {len(value)} values, but the data has {table.nrow} rows"
            raise MereValueError(message)
        return np.flatnonzero(value == 1)
    index = value.astype(np.int64)
    if (index != value).any() or (index < -table.nrow).any() or (index >= table.nrow).any():
        raise MereValueError(f"subset has row numbers outside 0 … {table.nrow - 1}")
    return np.where(index < 0, index + table.nrow, index)


def missing_rows(value: Value) -> np.ndarray | None:
    """Where a variable is missing; None if nowhere."""
    if isinstance(value, Factor):
        return value.codes < 0 if value.counts()[0] else None
    array = value.values if isinstance(value, Matrix) else value
    if array.dtype == bool:
        return None
    if array.dtype == np.int8:
        gone = array < 0
        return gone if gone.any() else None
    flat = array.ravel(order="K")
    square = np.dot(flat, flat)  # one pass without a temporary; NaN here means NaN there
    if square == square:
        return None
    gone = np.isnan(array)
    return gone.any(axis=1) if gone.ndim == 2 else gone


def _complete_rows(
    values: Sequence[tuple[str, Value]], n: int, chosen: np.ndarray | None, na_action: str
) -> tuple[np.ndarray | None, np.ndarray]:
    """The rows to keep (None = all) and those left out for missing values."""
    gone: np.ndarray | None = None
    holes = []
    for name, value in values:
        missing = missing_rows(value)
        if missing is not None:
            holes.append(name)
            gone = missing if gone is None else gone | missing
    none = np.empty(0, dtype=np.int64)
    if gone is None:
        return chosen, none
    if chosen is not None:
        lost = gone[chosen]
        rows, omitted = chosen[~lost], chosen[lost]
    else:
        rows, omitted = np.flatnonzero(~gone), np.flatnonzero(gone)
    if len(omitted) and na_action == "fail":
        raise MereValueError(f"missing values in {', '.join(holes)}, and na_action is 'fail'")
    return (rows if len(omitted) or chosen is not None else None), omitted


def _positive_weights(
    weights: np.ndarray | None, rows: np.ndarray | None, findings: list[Finding]
) -> np.ndarray | None:
    """Leave out rows of weight zero: they say nothing, and log(0) would spoil the likelihood."""
    if weights is None:
        return rows
    here = weights if rows is None else weights[rows]
    zero = here == 0.0
    if not zero.any():
        return rows
    count = int(zero.sum())
    findings.append(Finding(f"{count} row{'s' * (count > 1)} with weight 0 left out", DataMessage))
    return np.flatnonzero(~zero) if rows is None else rows[~zero]


def _take(value: Value, rows: np.ndarray) -> Value:
    return value[rows] if isinstance(value, np.ndarray) else value.take(rows)


def _settle(value: Value) -> Value:
    """The final form of a variable: used levels only, logicals as bool."""
    if isinstance(value, Factor):
        return value.drop_unused()
    if isinstance(value, np.ndarray) and value.dtype == np.int8:
        return value.astype(bool)
    return value


def _row_names(table: Frame, rows: np.ndarray | None) -> Sequence[Any] | None:
    names = table.row_names
    if names is None or rows is None:
        return names
    take = getattr(names, "take", None)
    return take(rows) if take is not None else [names[i] for i in rows]
