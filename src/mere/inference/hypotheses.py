"""Hypotheses about terms, as estimable functions: tests of Type I, II and III.

A hypothesis is a set of linear functions of beta, the rows of L; only their span matters. All three types are defined
by the column spaces of the design, so that neither the coding of the factors nor aliased columns change them. With X_E
the columns of a term E and P(.) the projection on columns:

Type I    E after the terms before it: L = X_E' (I - P(before)) X.
Type II   E after all terms that do not contain it: L = X_E' (I - P(not containing E)) X.
Type III  functions of E and of the terms that contain it only, orthogonal (as vectors of coefficients of the
          overparametrized model, all indicators of all factors) to those of the containing terms alone. In a design
          without empty cells this is the test of unweighted means, or of coefficients under sum-to-zero coding.
marginal  the coefficients of E as they stand.

A term F contains E if it has the same covariates and all factors of E and more. So a factor that interacts with a
covariate is tested at covariate zero, and the covariate by its slope averaged over the levels.

References: Searle (1987), Linear Models for Unbalanced Data; Goodnight (1978), Tests of hypotheses in fixed effects
linear models, SAS technical report R-101.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import MereValueError

__all__ = ["FixedTerms", "contains", "hypotheses", "read_type", "removal"]

_TOLERANCE = 1e-8


@dataclass(frozen=True, eq=False)
class FixedTerms:
    """The fixed part of a design, in rows that have its inner products (few, if it has factors only).

    Attributes
    ----------
    X : (u, p) array
        Columns that were kept.
    assign : (p,) array
        Term of each, 0 is the intercept.
    X_full, assign_full
        With the aliased columns.
    X_over, assign_over
        All indicators of all factors, or None where no term contains another and nothing is aliased.
    labels : tuple of str
    factors, covariates : tuple of frozenset of str
        Of each term.
    """

    X: np.ndarray
    assign: np.ndarray
    X_full: np.ndarray
    assign_full: np.ndarray
    X_over: np.ndarray | None
    assign_over: np.ndarray | None
    labels: tuple[str, ...]
    factors: tuple[frozenset[str], ...]
    covariates: tuple[frozenset[str], ...]


def contains(terms: FixedTerms, outer: int, inner: int) -> bool:
    """Does term `outer` contain term `inner` (numbers from 0)?"""
    return terms.covariates[outer] == terms.covariates[inner] and terms.factors[outer] > terms.factors[inner]


def read_type(type: str | int) -> str:
    """The type of a hypothesis as ``"I"``, ``"II"``, ``"III"`` or ``"marginal"``.

    Examples
    --------
    >>> read_type(3), read_type("ii")
    ('III', 'II')
    """
    known = {"1": "I", "2": "II", "3": "III", "I": "I", "II": "II", "III": "III", "MARGINAL": "marginal"}
    try:
        return known[str(type).upper()]
    except KeyError:
        raise MereValueError(f"type must be 'I', 'II', 'III' or 'marginal', not {type!r}") from None


def hypotheses(terms: FixedTerms, type: str) -> dict[str, np.ndarray]:
    """L of every term by its label; without rows where nothing of the term can be tested.

    Parameters
    ----------
    terms : FixedTerms
    type : {"I", "II", "III", "marginal"}

    Returns
    -------
    dict of str to (r, p) array
        Written so that the term's own coefficients stand alone where that is possible.
    """
    make = {"I": _sequential, "II": _partial, "III": _orthogonal, "marginal": _marginal}[type]
    found = {}
    for j, label in enumerate(terms.labels):
        L = _own_first(make(terms, j), np.flatnonzero(terms.assign == j + 1))
        found[label] = L
    return found


def removal(terms: FixedTerms, j: int) -> np.ndarray:
    """L of leaving out term j, whatever else is in the model."""
    return _own_first(_after(terms, j, terms.assign_full != j + 1), np.flatnonzero(terms.assign == j + 1))


def _sequential(terms: FixedTerms, j: int) -> np.ndarray:
    return _after(terms, j, terms.assign_full <= j)


def _partial(terms: FixedTerms, j: int) -> np.ndarray:
    others = [i + 1 for i in range(len(terms.labels)) if i != j and not contains(terms, i, j)]
    return _after(terms, j, np.isin(terms.assign_full, [0, *others]))


def _marginal(terms: FixedTerms, j: int) -> np.ndarray:
    return np.eye(len(terms.assign))[terms.assign == j + 1]


def _after(terms: FixedTerms, j: int, others: np.ndarray) -> np.ndarray:
    """X_E' (I - P(others)) X, reduced to independent rows."""
    own = terms.X_full[:, terms.assign_full == j + 1]
    rest = _independent_columns(terms.X_full[:, others])
    residual = own - rest @ (rest.T @ own)
    residual -= rest @ (rest.T @ residual)
    norms, left = np.linalg.norm(own, axis=0), np.linalg.norm(residual, axis=0)
    residual = residual[:, left > _TOLERANCE * norms]
    basis = _independent_columns(residual)
    return basis.T @ terms.X


def _orthogonal(terms: FixedTerms, j: int) -> np.ndarray:
    """Type III."""
    above = [i for i in range(len(terms.labels)) if contains(terms, i, j)]
    own = np.flatnonzero(terms.assign == j + 1)
    if terms.X_over is None or terms.assign_over is None:
        return np.eye(len(terms.assign))[own]
    B = _coordinates(terms.X, terms.X_over)
    inside = np.isin(terms.assign_over, [j + 1, *(i + 1 for i in above)])
    A = _null_rows(B[:, ~inside].T)  # functions of E and what contains it
    coefficients = A @ B
    only_above = _null_rows(coefficients[:, terms.assign_over == j + 1].T) @ coefficients
    return _null_rows(only_above @ coefficients.T) @ A if len(only_above) else A


# ------------------------------------------------------------------ linear algebra


def _independent_columns(A: np.ndarray) -> np.ndarray:
    """Orthonormal columns that span those of A, each weighed by its own length."""
    norms = np.linalg.norm(A, axis=0)
    A = A[:, norms > 0] / norms[norms > 0]
    if not A.size:
        return np.zeros((len(A), 0))
    U, d, _ = np.linalg.svd(A, full_matrices=False)
    return U[:, d > _TOLERANCE * d[0]]


def _coordinates(X: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """B with Y = X B, for X of full column rank; scaled so that units do not matter."""
    scale = np.linalg.norm(X, axis=0)
    out: np.ndarray = np.linalg.lstsq(X / scale, Y, rcond=None)[0] / scale[:, None]
    out[np.abs(out) < 1e-10 * np.abs(out).max(initial=0.0)] = 0.0
    return out


def _null_rows(A: np.ndarray) -> np.ndarray:
    """Rows z with A z = 0, orthonormal."""
    if not A.size:
        return np.eye(A.shape[1])
    norms = np.linalg.norm(A, axis=1)
    A = A[norms > 0] / norms[norms > 0][:, None]
    if not len(A):
        return np.eye(A.shape[1])
    _, d, Vt = np.linalg.svd(A)
    rank = int((d > _TOLERANCE * d[0]).sum())
    return Vt[rank:]


def _own_first(L: np.ndarray, own: Sequence[int] | np.ndarray) -> np.ndarray:
    """The same span with unit coefficients at the term's own columns, as far as there are such."""
    L = np.array(L, float)
    if not L.size:
        return L.reshape(0, L.shape[1])
    own = list(own)
    if len(L) == len(own) and np.array_equal(L, np.eye(L.shape[1])[own]):
        return L
    order = [*own, *(c for c in range(L.shape[1]) if c not in set(own))]
    row, pivots = 0, []
    for c in order:
        if row == len(L):
            break
        best = row + int(np.argmax(np.abs(L[row:, c])))
        if abs(L[best, c]) <= _TOLERANCE * np.abs(L[row:]).max(initial=0.0):
            continue
        L[[row, best]] = L[[best, row]]
        L[row] /= L[row, c]
        for i in range(len(L)):
            if i != row:
                L[i] -= L[i, c] * L[row]
        pivots.append(c)
        row += 1
    L = L[:row]
    L[np.abs(L) < 1e-10] = 0.0
    return L
