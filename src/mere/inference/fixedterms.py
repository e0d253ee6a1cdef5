"""From a design to what hypotheses about its terms need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..contrasts import read_contrasts
from ..design import Design
from ..frame import Factor, Matrix
from ..language.algebra import Terms
from ..modelmatrix import build_matrix
from .hypotheses import FixedTerms, contains

__all__ = ["fixed_terms", "is_factor"]


def is_factor(value: Any) -> bool:
    """Is a variable of the model frame coded by levels?"""
    return isinstance(value, Factor) or (isinstance(value, np.ndarray) and value.dtype.kind in "bi")


def fixed_terms(design: Design) -> FixedTerms:
    """The terms of the fixed part of a design.

    Rows are compressed without changing an inner product: to the distinct combinations of levels, weighted by the roots
    of their counts, or to the triangular factor of a QR decomposition.
    """
    terms, values = design.terms, design.frame.variables
    roles = [_roles(terms, term, values) for term in terms.terms]
    out = FixedTerms(
        X=design.X,
        assign=np.asarray(design.assign),
        X_full=design.X_full,
        assign_full=np.asarray(design.assign_full),
        X_over=None,
        assign_over=None,
        labels=tuple(terms.labels),
        factors=tuple(r[0] for r in roles),
        covariates=tuple(r[1] for r in roles),
    )
    used = sorted({v for term in terms.terms for v in term})
    names = [terms.variables[v] for v in used]
    rows, root = _distinct_rows([values[name] for name in names], len(design.y))
    chosen = {name: values[name] if rows is None else _take(values[name], rows) for name in names}
    n = len(design.y) if rows is None else len(rows)
    k = len(terms.labels)
    simple = terms.intercept and not design.dropped
    over = None
    if not simple or any(contains(out, i, j) for i in range(k) for j in range(k)):
        everything = replace(terms, full=tuple(tuple(True for _ in term) for term in terms.terms))
        over = build_matrix(everything, chosen, n, read_contrasts(design.contrasts), design.codings)
        if not _same_span(over.X, design.X if rows is None else design.X[rows]):
            over = None
    blocks = [design.X_full if rows is None else design.X_full[rows]]
    if over is not None:
        blocks.append(over.X)
    joint = np.hstack(blocks)
    if rows is None and n > joint.shape[1]:
        joint = np.asarray(np.linalg.qr(joint, mode="r"))
    else:
        joint = joint * root[:, None]
    X_full = joint[:, : design.X_full.shape[1]]
    return replace(
        out,
        X=np.delete(X_full, list(design.dropped), axis=1) if design.dropped else X_full,
        X_full=X_full,
        X_over=None if over is None else joint[:, X_full.shape[1] :],
        assign_over=None if over is None else over.assign,
    )


def _roles(terms: Terms, term: tuple[int, ...], values: Mapping[str, Any]) -> tuple[frozenset[str], frozenset[str]]:
    names = [terms.variables[v] for v in term]
    factors = frozenset(n for n in names if is_factor(values[n]))
    return factors, frozenset(names) - factors


def _same_span(over: np.ndarray, X: np.ndarray) -> bool:
    """A coding of one's own may have fewer columns than the factor has degrees of freedom."""
    scale = np.linalg.norm(over, axis=0)
    over = over[:, scale > 0] / scale[scale > 0]
    return int(np.linalg.matrix_rank(over.T @ over, tol=1e-10 * len(scale), hermitian=True)) == X.shape[1]


def _distinct_rows(values: list[Any], n: int) -> tuple[np.ndarray | None, np.ndarray]:
    """One row of each combination of levels and the root of its count; None, ones if there are covariates."""
    if not all(is_factor(v) for v in values):
        return None, np.ones(n)
    joint = np.zeros(n, dtype=np.int64)
    for value in values:
        codes = value.codes if isinstance(value, Factor) else value.astype(np.int64)
        width = len(value.levels) if isinstance(value, Factor) else 2
        joint = joint * width + codes
        if width and joint.max(initial=0) > 2**40:
            joint = np.unique(joint, return_inverse=True)[1]
    _, first, counts = np.unique(joint, return_index=True, return_counts=True)
    return first, np.sqrt(counts)


def _take(value: Any, rows: np.ndarray) -> Any:
    return value[rows] if isinstance(value, np.ndarray) else value.take(rows)


def covariate_means(value: Any) -> Any:
    """One row with the mean of a numeric variable."""
    if isinstance(value, Matrix):
        return replace(value, values=value.values.mean(axis=0, keepdims=True))
    return np.array([np.mean(value)])
