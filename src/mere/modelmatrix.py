"""Variables to columns: R's model matrix.

The columns of a term are the products of the columns of its variables, the first variable
varying fastest. A factor contributes its contrast columns, or the indicators of all its levels
where the margin of the term is not in the model (`Terms.full`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from .contrasts import Contrasts, code_levels
from .errors import MereValueError
from .frame import Factor, Matrix, as_factor
from .language.algebra import Terms

__all__ = ["Coding", "ModelMatrix", "build_matrix"]

Value = Any  # np.ndarray | Factor | Matrix


@dataclass(frozen=True)
class Coding:
    """How a factor was coded: its levels, the contrast matrix, the names of its columns."""

    levels: tuple[str, ...]
    ordered: bool
    matrix: np.ndarray
    names: tuple[str, ...]
    spec: Any = None


@dataclass(frozen=True)
class ModelMatrix:
    """A model matrix with R's column names; `assign` is 0 for the intercept, j for term j."""

    X: np.ndarray
    names: tuple[str, ...]
    assign: np.ndarray
    term_labels: tuple[str, ...]
    codings: Mapping[str, Coding]


def build_matrix(
    terms: Terms,
    values: Mapping[str, Value],
    n: int,
    contrasts: Contrasts,
    codings: Mapping[str, Coding] | None = None,
) -> ModelMatrix:
    """The model matrix of some terms (R's ``model.matrix``).

    Parameters
    ----------
    terms : Terms
    values : mapping
        The variables by R's name, without missing values.
    n : int
        Number of rows.
    contrasts : Contrasts
    codings : mapping, optional
        Codings of an earlier matrix, to be used again for new data.

    Examples
    --------
    >>> from mere.language.formulas import parse_formula
    >>> from mere.contrasts import read_contrasts
    >>> f = Factor(np.array([0, 1, 2], dtype=np.int32), ("a", "b", "c"))
    >>> build_matrix(parse_formula("~ f").terms(), {"f": f}, 3, read_contrasts(None)).names
    ('(Intercept)', 'fb', 'fc')
    """
    full = _without_intercept(terms, values) if not terms.intercept else terms.full
    book = dict(codings or {})
    plans = [_plan(terms, j, full[j], values, contrasts, book) for j in range(len(terms.terms))]
    widths = [int(terms.intercept), *(len(names) for _, names in plans)]
    X = np.empty((n, sum(widths)), dtype=np.float64, order="F")
    names: list[str] = []
    if terms.intercept:
        X[:, 0] = 1.0
        names.append("(Intercept)")
    for pieces, labels in plans:
        _fill(X[:, len(names) : len(names) + len(labels)], pieces)
        names.extend(labels)
    assign = np.array([j for j, width in enumerate(widths) for _ in range(width)], dtype=np.int64)
    return ModelMatrix(X, tuple(names), assign, terms.labels, book)


class _Piece(NamedTuple):
    """The columns of one variable in a term: a table over codes, or plain columns."""

    labels: Sequence[str]
    codes: np.ndarray | None = None
    table: np.ndarray | None = None  # levels × columns
    columns: Sequence[np.ndarray] = ()


def _without_intercept(terms: Terms, values: Mapping[str, Value]) -> tuple[tuple[bool, ...], ...]:
    """Without an intercept the first factor of the first term that has one gets all levels."""
    full = list(terms.full)
    for j, term in enumerate(terms.terms):
        for place, v in enumerate(term):
            if _is_factor(values[terms.variables[v]]):
                flags = list(full[j])
                flags[place] = True
                full[j] = tuple(flags)
                return tuple(full)
    return tuple(full)


def _is_factor(value: Value) -> bool:
    return isinstance(value, Factor) or (isinstance(value, np.ndarray) and value.dtype.kind in "bi")


def _plan(
    terms: Terms,
    j: int,
    full: tuple[bool, ...],
    values: Mapping[str, Value],
    contrasts: Contrasts,
    book: dict[str, Coding],
) -> tuple[list[_Piece], list[str]]:
    """The pieces of term j and the names of its columns."""
    pieces = []
    for v, all_levels in zip(terms.terms[j], full):
        name = terms.variables[v]
        pieces.append(_piece(name, values[name], all_levels, contrasts, book))
    if len(pieces) == 1:
        return pieces, list(pieces[0].labels)
    combined = product(*(p.labels for p in reversed(pieces)))
    return pieces, [":".join(reversed(labels)) for labels in combined]


def _piece(name: str, value: Value, all_levels: bool, contrasts: Contrasts, book: dict[str, Coding]) -> _Piece:
    if isinstance(value, Matrix):
        k = value.values.shape[1]
        tags = value.columns or tuple(str(i + 1) for i in range(k))
        labels = [name] if k == 1 else [name + tag for tag in tags]
        return _Piece(labels, columns=[value.values[:, i] for i in range(k)])
    if not _is_factor(value):
        return _Piece([name], columns=[value])
    factor = _logical_factor(value) if isinstance(value, np.ndarray) else as_factor(value)
    if all_levels:
        labels = [name + level for level in factor.levels]
        return _Piece(labels, factor.codes, np.eye(len(factor.levels)))
    if name not in book:
        own = factor.contrasts if name not in contrasts.by_name else None
        spec = contrasts.of(name, factor.ordered) if own is None else own
        matrix, tags_or_none = code_levels(spec, factor.levels, name, complete=own is not None)
        tags = tags_or_none or tuple(str(i + 1) for i in range(matrix.shape[1]))
        book[name] = Coding(factor.levels, factor.ordered, matrix, tags, spec)
    coding = book[name]
    return _Piece([name + tag for tag in coding.names], factor.codes, coding.matrix)


def _logical_factor(value: np.ndarray) -> Factor:
    """A logical as a factor: both levels, whether they occur or not."""
    return Factor(value.astype(np.int32), ("FALSE", "TRUE"))


_SMALL = 20_000  # numbers that are cheaper to take at once than column by column


def _fill(block: np.ndarray, pieces: list[_Piece]) -> None:
    """Write the columns of a term into its block of X."""
    if len(pieces) == 1 and pieces[0].codes is None:
        for c, column in enumerate(pieces[0].columns):
            block[:, c] = column
        return
    if len(pieces) == 1 and pieces[0].table is not None and block.size <= _SMALL:
        block[:] = pieces[0].table[pieces[0].codes]
        return
    factors = [p for p in pieces if p.codes is not None]
    joint = _joint_codes(factors)
    wide = None
    ranges = [range(len(p.labels)) for p in reversed(pieces)]
    for c, reverse in enumerate(product(*ranges)):
        chosen = list(zip(pieces, reversed(reverse)))
        out = block[:, c]
        started = False
        if joint is not None:
            parts = [p.table[:, i] for p, i in chosen if p.table is not None]
            table = reduce(np.multiply.outer, parts).ravel()
            hits = np.flatnonzero(table)
            if len(hits) == 1 and table[hits[0]] == 1.0:
                np.equal(joint, hits[0], out=out, casting="unsafe")
            else:
                wide = joint.astype(np.intp) if wide is None else wide
                np.take(table, wide, out=out, mode="clip")
            started = True
        for p, i in chosen:
            if p.table is None:
                if started:
                    np.multiply(out, p.columns[i], out=out)
                else:
                    out[:] = p.columns[i]
                    started = True


def _joint_codes(factors: list[_Piece]) -> np.ndarray | None:
    """One code for the combination of the levels of several factors."""
    if not factors:
        return None
    sizes = [len(p.table) for p in factors if p.table is not None]
    if np.prod(sizes, dtype=np.float64) > 1e7:
        raise MereValueError("an interaction of factors has more than 10 million combinations")
    joint = factors[0].codes
    for p, size in zip(factors[1:], sizes[1:]):
        assert joint is not None and p.codes is not None
        joint = joint.astype(np.int64) * size + p.codes
    return joint
