"""The frozen design: formula + data → response, fixed-effects matrix, random terms, findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import numpy as np

from .contrasts import Contrasts, read_contrasts
from .errors import DataMessage, FormulaError, MereTypeError, MereValueError, RankDeficiencyMessage
from .frame import Factor, Matrix, Text, as_frame
from .language.algebra import Terms
from .language.formulas import Formula, parse_formula
from .modelframe import Finding, ModelFrame, evaluate_frame
from .modelmatrix import Coding, ModelMatrix, build_matrix
from .rank import aliased_columns
from .reterms import RandomTerm, build_random_terms

__all__ = [
    "Design",
    "Finding",
    "ModelFrame",
    "RandomTerm",
    "build_design",
    "design_at",
    "intercept_only",
    "matrix_of",
    "take_rows",
    "term_at",
]


@dataclass(frozen=True, eq=False)
class Design:
    """All that a fit needs to know about formula and data; see ``docs/architecture.md``.

    Attributes
    ----------
    formula : Formula
        `str` gives R's text.
    response : str
        R's name of the response, ``"log(y)"``.
    y : ndarray (n,), or (n, 2) for ``cbind(success, failure)``
        A factor is 0 at its first level and 1 elsewhere.
    X : ndarray (n, p), Fortran order
        Without aliased columns.
    names, assign : of the columns of X
    term_labels : tuple of str
    X_full, names_full, assign_full
        With the aliased columns; the same objects as X … when there are none.
    dropped : tuple of int
        The aliased columns of X_full.
    weights, offset : ndarray or None
        The offset is the sum of ``offset=`` and the ``offset()`` terms.
    random : tuple of RandomTerm
        In lme4's internal order.
    frame : ModelFrame
    findings : tuple of Finding
    codings : mapping
        How each factor of X is coded.
    contrasts : Contrasts
    terms : Terms
        Of the fixed part.
    """

    formula: Formula
    response: str
    y: np.ndarray
    X: np.ndarray
    names: tuple[str, ...]
    assign: np.ndarray
    term_labels: tuple[str, ...]
    X_full: np.ndarray
    names_full: tuple[str, ...]
    assign_full: np.ndarray
    dropped: tuple[int, ...]
    weights: np.ndarray | None
    offset: np.ndarray | None
    random: tuple[RandomTerm, ...]
    frame: ModelFrame
    findings: tuple[Finding, ...]
    codings: Mapping[str, Coding]
    contrasts: Contrasts
    columns: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """The number of rows used."""
        return len(self.y)

    @property
    def terms(self) -> Terms:
        """The terms of the fixed part."""
        return self.formula.terms(self.columns)

    @property
    def xlevels(self) -> dict[str, tuple[str, ...]]:
        """The levels of the factors in the fixed part (R's ``xlevels``)."""
        return {name: coding.levels for name, coding in self.codings.items()}


def build_design(
    formula: str | Formula,
    data: Any,
    *,
    weights: Any = None,
    offset: Any = None,
    subset: Any = None,
    na_action: str = "omit",
    contrasts: Any = None,
    env: Mapping[str, Any] | None = None,
) -> Design:
    """Make the design of a model from its formula and data (lme4's ``lFormula``).

    Parameters
    ----------
    formula : str or Formula
        ``"y ~ x + (1 + x | g)"``.
    data : table
        pandas, polars, pyarrow, or a dict of arrays; never changed.
    weights, offset, subset : str or array, optional
        A column name, an expression in the columns, or an array.
    na_action : {"omit", "exclude", "fail"}
    contrasts : dict or pair, optional
        ``{"f": "sum"}``, ``{"f": ("treatment", {"base": 2})}``, ``{"f": matrix}``.
    env : mapping, optional
        Functions and arrays of your own that the formula may use.

    Examples
    --------
    >>> d = {"y": [1.0, 2, 4, 3], "x": [0, 1, 0, 1], "g": ["a", "a", "b", "b"]}
    >>> design = build_design("y ~ x + (1 | g)", d)
    >>> design.names, design.random[0].levels
    (('(Intercept)', 'x'), ('a', 'b'))
    """
    parsed = parse_formula(formula)
    if parsed.response is None:
        raise FormulaError("the formula has no response: write 'y ~ …'", parsed.source, 0)
    evaluated = evaluate_frame(parsed, data, weights, offset, subset, na_action, env)
    frame, findings = evaluated.frame, evaluated.findings
    columns = as_frame(data).names if parsed.has_dot else ()
    terms, coding = parsed.terms(columns), read_contrasts(contrasts)
    response = terms.variables[0]
    full = build_matrix(terms, frame.variables, frame.n, coding)
    findings += _unused_contrasts(coding, terms)
    X, names, assign, dropped = _full_rank(full, findings)
    y = _numeric_response(frame.variables[response], response)
    _own_arrays(frame.variables, terms, full, y)
    return Design(
        formula=parsed,
        response=response,
        y=y,
        X=X,
        names=names,
        assign=assign,
        term_labels=full.term_labels,
        X_full=full.X,
        names_full=full.names,
        assign_full=full.assign,
        dropped=dropped,
        weights=evaluated.weights,
        offset=total_offset(evaluated.offset, terms, frame.variables),
        random=build_random_terms(parsed.bars, frame.variables, frame.n),
        frame=frame,
        findings=tuple(findings),
        codings=full.codings,
        contrasts=coding,
        columns=columns,
    )


def matrix_of(
    formula: str | Formula,
    data: Any,
    contrasts: Any = None,
    env: Mapping[str, Any] | None = None,
) -> ModelMatrix:
    """The model matrix of a formula without a model (R's ``model.matrix(~ a * b, data)``).

    Parameters
    ----------
    formula : str or Formula
        A response is ignored, random terms are an error.
    data : table
    contrasts, env : optional
        As in `build_design`.

    Examples
    --------
    >>> matrix_of("~ f", {"f": ["a", "b"]}, contrasts={"f": "sum"}).names
    ('(Intercept)', 'f1')
    """
    parsed = parse_formula(formula)
    if parsed.bars:
        raise FormulaError("random terms have no place in a model matrix", parsed.source, 0)
    frame = evaluate_frame(parsed, data, env=env).frame
    terms = parsed.terms(as_frame(data).names if parsed.has_dot else ())
    return build_matrix(terms, frame.variables, frame.n, read_contrasts(contrasts))


def total_offset(offset: np.ndarray | None, terms: Terms, variables: Mapping[str, Any]) -> np.ndarray | None:
    """The sum of the ``offset=`` argument and the ``offset()`` terms; None if there are none."""
    total = offset
    for v in terms.offsets:
        value = variables[terms.variables[v]]
        if not isinstance(value, np.ndarray):
            raise MereTypeError(f"{terms.variables[v]} must be a numeric vector")
        total = value.astype(np.float64) if total is None else total + value
    if total is not None and not isfinite(np.dot(total, total)) and not np.isfinite(total).all():
        raise MereValueError(
            f"the offset is infinite in {int((~np.isfinite(total)).sum())} rows (log of an exposure of zero?); "
            "leave them out by subset="
        )
    return total


def _numeric_response(value: Any, name: str) -> np.ndarray:
    """The response as numbers; infinite values are an error, a matrix of one column (``scale(y)``) is a vector."""
    if isinstance(value, Factor):
        return (value.codes > 0).astype(np.float64)
    if isinstance(value, Matrix):
        y = value.values
        y = np.ascontiguousarray(y[:, 0]) if y.shape[1] == 1 else y
    else:
        y = np.array(value, dtype=np.float64)
    flat = y.ravel(order="K")
    if not isfinite(np.dot(flat, flat)) and not np.isfinite(y).all():
        raise MereValueError(f"the response {name!r} has infinite values")
    return y


def refuse_factor_response(design: Design) -> None:
    """A linear model needs numbers: a factor, or text among the numbers of a column, is an error that shows them."""
    value = design.frame.variables.get(design.response)
    if not isinstance(value, Factor):
        return
    odd = [level for level in value.levels if not _is_number(level)]
    if isinstance(value, Text) and len(odd) < len(value.levels):
        raise MereValueError(
            f"the response {design.response!r} has text among its numbers: {', '.join(map(repr, odd[:3]))}; "
            "make them numbers or missing values"
        )
    shown = ", ".join(map(repr, value.levels[:3])) + (", ..." if len(value.levels) > 3 else "")
    raise MereValueError(
        f"the response {design.response!r} is a factor with the levels {shown}: a linear model needs numbers; "
        "glm() and glmer() with family='binomial' take a factor of two levels"
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _unused_contrasts(contrasts: Contrasts, terms: Terms) -> list[Finding]:
    """What ``contrasts=`` says about variables that the fixed part does not have."""
    return [
        Finding(f"variable {name!r} is absent, its contrasts are ignored", DataMessage, (name,))
        for name in contrasts.by_name
        if name not in terms.variables
    ]


def _own_arrays(variables: dict[str, Any], terms: Terms, full: ModelMatrix, y: np.ndarray) -> None:
    """Replace arrays of the user: by columns of X and y where they are there anyway, else copy."""
    ours = {terms.variables[0]: y}
    assign = full.assign.tolist()
    for j, term in enumerate(terms.terms):
        if len(term) == 1 and j + 1 in assign:
            ours[terms.variables[term[0]]] = full.X[:, assign.index(j + 1)]
    for name, value in variables.items():
        if isinstance(value, np.ndarray):
            shared = value.dtype == np.float64 and name in ours
            variables[name] = ours[name] if shared else value.copy()


def _full_rank(
    full: ModelMatrix, findings: list[Finding]
) -> tuple[np.ndarray, tuple[str, ...], np.ndarray, tuple[int, ...]]:
    """X without aliased columns, and the message about them in lme4's words."""
    try:
        dropped = aliased_columns(full.X)
    except MereValueError:
        bad = [n for n, x in zip(full.names, full.X.T) if not np.isfinite(x).all()]
        shown = ", ".join(bad) or "overflow"
        raise MereValueError(f"infinite values in the fixed-effects columns: {shown}") from None
    if not dropped:
        return full.X, full.names, full.assign, ()
    keep = [j for j in range(len(full.names)) if j not in set(dropped)]
    names = tuple(full.names[j] for j in dropped)
    plural = "s" if len(dropped) > 1 else ""
    message = (
        f"fixed-effect model matrix is rank deficient so dropping {len(dropped)} column{plural} / coefficient{plural}"
    )
    findings.append(Finding(message, RankDeficiencyMessage, names))
    X = np.asfortranarray(full.X[:, keep])
    return X, tuple(full.names[j] for j in keep), full.assign[keep], dropped


def intercept_only(design: Design) -> Design:
    """The same rows, weights, offset and random effects; of the fixed effects the intercept alone."""
    X = np.ones((design.n, 1), order="F")
    names, assign = ("(Intercept)",), np.zeros(1, dtype=int)
    return replace(design, X=X, names=names, assign=assign, X_full=X, names_full=names, assign_full=assign, dropped=())


def take_rows(design: Design, rows: np.ndarray) -> Design:
    """The design of some of its rows, in increasing order; levels that are then empty leave their grouping factors.

    Columns of X stay, aliased or not.
    """
    random = []
    for t in design.random:
        used, codes = np.unique(np.asarray(t.codes)[rows], return_inverse=True)
        random.append(term_at(t, rows, codes, tuple(t.levels[i] for i in used)))
    frame = design.frame
    own = rows if frame.rows is None else np.asarray(frame.rows)[rows]
    names = None if frame.row_names is None else [frame.row_names[i] for i in rows.tolist()]
    return design_at(design, rows, tuple(random), own, names)


def term_at(term: RandomTerm, rows: np.ndarray, codes: np.ndarray, levels: tuple[str, ...]) -> RandomTerm:
    """A random term at some rows, any number of times each, with the levels they then have."""
    values = None if term.values is None else np.asfortranarray(term.values[rows])
    return replace(term, codes=codes.astype(np.int32), levels=levels, values=values)


def design_at(
    design: Design, rows: np.ndarray, random: tuple[RandomTerm, ...], own: np.ndarray | None, names: Any
) -> Design:
    """A design at some rows, any number of times each, with random terms at these rows (`term_at`).

    `own` and `names` are the rows' numbers in the table and their names, None for a table of its own.
    """
    variables = {
        name: value[rows] if isinstance(value, np.ndarray) else value.take(rows)
        for name, value in design.frame.variables.items()
    }
    X = np.asfortranarray(design.X[rows])
    return replace(
        design,
        y=np.ascontiguousarray(design.y[rows]),
        X=X,
        X_full=X if design.X_full is design.X else np.asfortranarray(design.X_full[rows]),
        weights=None if design.weights is None else np.ascontiguousarray(design.weights[rows]),
        offset=None if design.offset is None else np.ascontiguousarray(design.offset[rows]),
        random=random,
        frame=replace(design.frame, variables=variables, rows=own, row_names=names),
        findings=(),
    )
