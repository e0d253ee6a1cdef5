"""Random terms: bars → names, values, codes and covariance structure, in lme4's order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from typing import Any

import numpy as np

from .contrasts import read_contrasts
from .covariances import Covariance, make_covariance
from .errors import MereValueError
from .frame import Factor, as_factor
from .language.bars import Bar
from .language.syntax import deparse
from .modelmatrix import Coding, build_matrix

__all__ = ["RandomTerm", "build_random_terms", "cross_factors", "cross_labels", "term_order"]


@dataclass(frozen=True, eq=False)
class RandomTerm:
    """One random-effects term with one grouping factor.

    Attributes
    ----------
    group : str
        ``"Subject"``, ``"b:a"``.
    names : tuple of str
        The columns of the term, R's ``cnms``.
    values : ndarray (n, k) in Fortran order, or None
        None stands for one column of ones.
    codes : ndarray of int32 (n,)
        The level of each row.
    levels : tuple of str
    covariance : Covariance
    text : str
        ``"Days | Subject"``.
    codings : mapping
        How factors left of the bar were coded, for new data.
    bar : Bar
        The parsed term.
    """

    group: str
    names: tuple[str, ...]
    values: np.ndarray | None
    codes: np.ndarray
    levels: tuple[str, ...]
    covariance: Covariance
    text: str
    codings: Mapping[str, Coding]
    bar: Bar

    @property
    def k(self) -> int:
        """The number of columns."""
        return len(self.names)


def build_random_terms(bars: Sequence[Bar], variables: Mapping[str, Any], n: int) -> tuple[RandomTerm, ...]:
    """Build the random terms of a model in lme4's internal order.

    Parameters
    ----------
    bars : sequence of Bar
    variables : mapping
        The variables of the model frame.
    n : int
        Number of rows.

    Examples
    --------
    >>> from mere.language.formulas import parse_formula
    >>> g = Factor(np.array([0, 1, 1], dtype=np.int32), ("a", "b"))
    >>> term, = build_random_terms(parse_formula("y ~ (1 | g)").bars, {"g": g}, 3)
    >>> term.group, term.names, term.values, term.levels
    ('g', ('(Intercept)',), None, ('a', 'b'))
    """
    factors: dict[str, Factor] = {}
    terms = []
    for bar in bars:
        if bar.group not in factors:
            parts = [as_factor(variables[deparse(node)]) for node in bar.factors]
            factors[bar.group] = cross_factors(parts)
        terms.append(_build_term(bar, factors[bar.group], variables, n))
    return tuple(terms[i] for i in term_order([len(t.levels) for t in terms]))


def term_order(sizes: Sequence[int]) -> list[int]:
    """lme4's order of terms by their numbers of levels.

    Terms stay as written when their numbers of levels never increase; otherwise they are sorted
    by decreasing number, and ties come out in reverse.

    Examples
    --------
    >>> term_order([6, 6, 10]), term_order([10, 6, 6]), term_order([10, 6, 6, 7])
    ([2, 1, 0], [0, 1, 2], [0, 3, 2, 1])
    """
    if all(a >= b for a, b in pairwise(sizes)):
        return list(range(len(sizes)))
    return sorted(range(len(sizes)), key=sizes.__getitem__)[::-1]


def cross_factors(parts: Sequence[Factor]) -> Factor:
    """The interaction of grouping factors: observed combinations only, the first slowest.

    Examples
    --------
    >>> b = Factor(np.array([0, 1, 1], dtype=np.int32), ("x", "y"))
    >>> a = Factor(np.array([1, 0, 1], dtype=np.int32), ("1", "2"))
    >>> cross_factors([b, a]).levels
    ('x:2', 'y:1', 'y:2')
    """
    out = parts[0]
    for part in parts[1:]:
        out = _cross(out, part)
    return out


def _cross(left: Factor, right: Factor) -> Factor:
    """Two factors; integer arithmetic over the rows, strings only for the levels."""
    width = len(right.levels)
    total = len(left.levels) * width
    joint = left.codes.astype(np.int64 if total > 2**31 - 1 else np.int32)
    joint *= width
    joint += right.codes
    if total <= max(4 * len(joint), 10_000):
        present = np.zeros(total, dtype=bool)
        present[joint] = True
        cells = np.flatnonzero(present)
        rank = np.cumsum(present, dtype=np.int32)
        rank -= 1
        codes = rank[joint]
    else:
        cells, inverse = np.unique(joint, return_inverse=True)
        codes = inverse.astype(np.int32)
    a, b = np.divmod(cells, width)
    levels = tuple(f"{left.levels[i]}:{right.levels[j]}" for i, j in zip(a.tolist(), b.tolist()))
    return Factor(codes, levels)


def cross_labels(parts: Sequence[Factor]) -> np.ndarray:
    """The labels ``b:a`` of each row as an object array, None where a factor is missing."""
    if len(parts) == 1:
        return parts[0].strings()
    columns = [part.strings().tolist() for part in parts]
    rows = [None if None in row else ":".join(row) for row in zip(*columns)]
    return np.array(rows, dtype=object)


def _build_term(bar: Bar, group: Factor, variables: Mapping[str, Any], n: int) -> RandomTerm:
    names: tuple[str, ...]
    values: np.ndarray | None
    if bar.terms.intercept and not bar.terms.terms:
        names, values, codings = ("(Intercept)",), None, {}
    else:
        matrix = build_matrix(bar.terms, variables, n, read_contrasts(None))
        names, values, codings = matrix.names, matrix.X, dict(matrix.codings)
        flat = values.ravel(order="K")
        if not isfinite(np.dot(flat, flat)) and not np.isfinite(flat).all():
            raise MereValueError(f"infinite values in the random term ({bar.text})")
    if not names:
        raise MereValueError(f"the random term ({bar.text}) has no columns")
    covariance = make_covariance(bar.structure, len(names), dict(bar.options))
    return RandomTerm(bar.group, names, values, group.codes, group.levels, covariance, bar.text, codings, bar)
