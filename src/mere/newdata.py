"""A stored design at new data: the same columns, the same transforms, the same levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .contrasts import read_contrasts
from .design import Design, total_offset
from .errors import MereTypeError, MereValueError
from .frame import Factor, Frame, Matrix, as_factor, as_frame
from .language.algebra import Terms
from .language.evaluate import Evaluator
from .language.parser import parse_expression
from .language.syntax import Name, Node
from .modelframe import missing_rows
from .modelmatrix import Coding, ModelMatrix, build_matrix
from .reterms import RandomTerm, cross_labels

__all__ = ["NewRandom", "fixed_matrix", "new_extra", "new_offset", "random_at"]


@dataclass(frozen=True, eq=False)
class NewRandom:
    """A random term at new data.

    Attributes
    ----------
    values : ndarray (n, k) or None
        As in `RandomTerm`; rows with missing values are NaN.
    codes : ndarray of int32 (n,)
        The level of each row among `term.levels`; -1 = a level that was not there.
    labels : ndarray of object (n,)
        The label of each row's level, None where it is missing.
    """

    term: RandomTerm
    values: np.ndarray | None
    codes: np.ndarray
    labels: np.ndarray


def fixed_matrix(design: Design, data: Any, full: bool = False) -> np.ndarray:
    """The fixed-effects matrix at new data (R's ``model.matrix`` of ``predict``).

    Parameters
    ----------
    design : Design
    data : table
        The response need not be there.
    full : bool
        With the aliased columns.

    Returns
    -------
    ndarray (n, p)
        Rows with missing values are NaN.

    Examples
    --------
    >>> from mere.design import build_design
    >>> d = {"y": [1.0, 2, 4, 3], "f": ["a", "b", "a", "b"], "g": ["u", "u", "v", "v"]}
    >>> fixed_matrix(build_design("y ~ f + (1 | g)", d), {"f": ["b", "a"]}).tolist()
    [[1.0, 1.0], [1.0, 0.0]]
    """
    table = as_frame(data)
    values = _variables(design, _used(design.terms), table)
    X = _matrix(design.terms, values, table.nrow, design, design.codings).X
    if full or not design.dropped:
        return X
    keep = [j for j in range(X.shape[1]) if j not in set(design.dropped)]
    return np.asfortranarray(X[:, keep])


def new_offset(design: Design, data: Any) -> np.ndarray | None:
    """The ``offset()`` terms at new data; None if the formula has none.

    Examples
    --------
    >>> from mere.design import build_design
    >>> d = {"y": [1.0, 2, 4, 3], "x": [1.0, 2, 3, 4]}
    >>> new_offset(build_design("y ~ 1 + offset(2 * x)", d), {"x": [5.0]})
    array([10.])
    """
    terms = design.terms
    nodes = {terms.variables[v]: terms.nodes[v] for v in terms.offsets}
    return total_offset(None, terms, _variables(design, nodes, as_frame(data)))


def new_extra(design: Design, text: str, data: Any) -> np.ndarray:
    """An argument that was given as a column or an expression (``weights="w"``), at new data.

    Examples
    --------
    >>> from mere.design import build_design
    >>> d = {"y": [1.0, 2, 4, 3], "x": [1.0, 2, 3, 4]}
    >>> new_extra(build_design("y ~ x", d), "2 * x", {"x": [5.0]})
    array([10.])
    """
    table = as_frame(data)
    node = Name(text) if text in table else parse_expression(text)
    value: Any = _evaluator(design, table).value(node)
    value = np.asarray(value.values if isinstance(value, Matrix) else value, dtype=np.float64)
    return np.full(table.nrow, float(value)) if value.ndim == 0 else value


def random_at(design: Design, data: Any, terms: Sequence[RandomTerm] | None = None) -> list[NewRandom]:
    """The random terms at new data.

    Parameters
    ----------
    design : Design
    data : table
    terms : sequence of RandomTerm, optional
        Some of ``design.random``; all by default.

    Examples
    --------
    >>> from mere.design import build_design
    >>> d = {"y": [1.0, 2, 4, 3], "g": ["u", "u", "v", "v"]}
    >>> new, = random_at(build_design("y ~ (1 | g)", d), {"g": ["v", "w"]})
    >>> new.codes.tolist(), new.labels.tolist()
    ([1, -1], ['v', 'w'])
    """
    table = as_frame(data)
    out = []
    for term in design.random if terms is None else terms:
        evaluator = _evaluator(design, table)
        parts = [evaluator.factor(node) for node in term.bar.factors]
        labels = cross_labels(parts)
        place = {level: i for i, level in enumerate(term.levels)}
        codes = np.array([place.get(s, -1) for s in labels.tolist()], dtype=np.int32)
        values = None
        if term.values is not None:
            found = _variables(design, _used(term.bar.terms), table)
            values = _matrix(term.bar.terms, found, table.nrow, design, term.codings).X
        out.append(NewRandom(term, values, codes, labels))
    return out


def _used(terms: Terms) -> dict[str, Node]:
    """The variables that the terms need: without the response and the offsets."""
    wanted = {v for term in terms.terms for v in term}
    return {terms.variables[v]: terms.nodes[v] for v in sorted(wanted)}


def _evaluator(design: Design, table: Frame) -> Evaluator:
    frame = design.frame
    return Evaluator(table, dict(frame.states), frame.env, fitted=True)


def _variables(design: Design, nodes: Mapping[str, Node], table: Frame) -> dict[str, Any]:
    evaluator = _evaluator(design, table)
    out = {}
    for name, node in nodes.items():
        value = evaluator.value(node)
        if not isinstance(value, (np.ndarray, Factor, Matrix)) or len(value) != table.nrow:
            raise MereValueError(f"'{name}' does not have {table.nrow} values in the new data")
        out[name] = _as_trained(name, value, design.frame.variables[name])
    return out


def _as_trained(name: str, value: Any, trained: Any) -> Any:
    """A new variable in the kind and with the levels of the one the model was fitted to."""
    if isinstance(trained, Factor):
        return _on_levels(name, as_factor(value), trained)
    if isinstance(value, Factor):
        raise MereTypeError(f"'{name}' was numeric when the model was fitted, now it is a factor")
    return value


def _on_levels(name: str, new: Factor, trained: Factor) -> Factor:
    if new.levels == trained.levels:
        return replace(trained, codes=new.codes)
    place = {level: i for i, level in enumerate(trained.levels)}
    rank = np.array([place.get(s, -2) for s in new.levels] + [-1], dtype=np.int32)
    codes = rank[new.codes]
    if (codes == -2).any():
        unseen = [new.levels[c] for c in np.unique(new.codes[codes == -2])]
        plural = "s" if len(unseen) > 1 else ""
        raise MereValueError(
            f"factor '{name}' has new level{plural} {', '.join(map(repr, unseen))}; "
            f"the model knows {', '.join(map(repr, trained.levels))}"
        )
    return replace(trained, codes=codes)


def _matrix(
    terms: Terms,
    values: dict[str, Any],
    n: int,
    design: Design,
    codings: Mapping[str, Coding],
) -> ModelMatrix:
    """The matrix of some terms with stored codings; incomplete rows are NaN."""
    gone = np.zeros(n, dtype=bool)
    for name, value in values.items():
        missing = missing_rows(value)
        if missing is not None:
            gone |= missing
            if isinstance(value, Factor):
                values[name] = replace(value, codes=np.maximum(value.codes, 0))
            elif isinstance(value, np.ndarray) and value.dtype == np.int8:
                values[name] = value > 0
    out = build_matrix(terms, values, n, read_contrasts(design.contrasts), codings)
    if gone.any():
        out.X[gone] = np.nan
    return out
