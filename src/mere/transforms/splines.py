"""Regression splines: B-splines (``bs``) and natural cubic splines (``ns``), with R's bases.

B-splines by the Cox–de Boor recurrence (de Boor, A Practical Guide to Splines, 1978). The natural
basis is the part of the cubic B-spline basis without second derivative at the boundary: with
C the second derivatives there and C' = QR by Householder reflections, it is B Q without the
first two columns. Outside the boundary a natural spline is linear, a B-spline a polynomial.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial
from typing import Any

import numpy as np

from ..contrasts.user import householder_q
from ..errors import MereTypeError, MereValueError
from ..frame import Factor, Matrix

__all__ = ["SplineState", "apply_spline", "bspline_basis", "fit_bs", "fit_ns"]


@dataclass(frozen=True, eq=False)
class SplineState:
    """Knots (with the repeated boundary knots), degree, and the map to the final columns."""

    knots: np.ndarray
    degree: int
    map: np.ndarray  # (columns of the B-spline basis) × (columns of the result)
    natural: bool


def fit_ns(
    x: Any,
    df: float | None = None,
    knots: Any = None,
    intercept: bool = False,
    Boundary_knots: Any = None,
) -> tuple[SplineState, Matrix]:
    """R's ``splines::ns()``.

    Examples
    --------
    >>> state, value = fit_ns(np.linspace(0, 1, 5), 2.0)
    >>> value.values.shape, value.columns
    ((5, 2), ('1', '2'))
    """
    values = _vector(x, "ns")
    boundary = _boundary(values, Boundary_knots)
    inner = _inner_knots(values, knots, boundary, None if df is None else df - 1 - intercept)
    full = np.concatenate([np.repeat(boundary[0], 4), inner, np.repeat(boundary[1], 4)])
    second = bspline_basis(full, boundary, 3, 2)
    size = second.shape[1]
    first = 0 if intercept else 1
    q = householder_q(second[:, first:].T)
    mapping = np.zeros((size, size - first - 2))
    mapping[first:] = q[:, 2:]
    state = SplineState(full, 3, mapping, True)
    return state, apply_spline(state, values)


def fit_bs(
    x: Any,
    df: float | None = None,
    knots: Any = None,
    degree: float = 3.0,
    intercept: bool = False,
    Boundary_knots: Any = None,
) -> tuple[SplineState, Matrix]:
    """R's ``splines::bs()``.

    Examples
    --------
    >>> state, value = fit_bs(np.linspace(0, 1, 5), degree=1.0, knots=0.5)
    >>> value.values.tolist()
    [[0.0, 0.0], [0.5, 0.0], [1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]
    """
    values, d = _vector(x, "bs"), int(degree)
    if d < 1:
        raise MereValueError("the degree of bs() must be at least 1")
    boundary = _boundary(values, Boundary_knots)
    count = None if df is None else df - d - intercept
    inner = _inner_knots(values, knots, boundary, count)
    full = np.concatenate([np.repeat(boundary[0], d + 1), inner, np.repeat(boundary[1], d + 1)])
    size = len(full) - d - 1
    state = SplineState(full, d, np.eye(size)[:, 0 if intercept else 1 :], False)
    return state, apply_spline(state, values)


def apply_spline(state: SplineState, x: Any) -> Matrix:
    """The fitted basis at new values."""
    values = _vector(x, "a spline")
    low, high = state.knots[0], state.knots[-1]
    missing = np.isnan(values)
    inside = np.where(missing, low, np.clip(values, low, high))
    basis = bspline_basis(state.knots, inside, state.degree, 0)
    with np.errstate(invalid="ignore"):
        for edge, rows in ((low, values < low), (high, values > high)):
            if rows.any():
                basis[rows] = _extended(state, edge, values[rows] - edge)
    out = basis @ state.map
    out[missing] = np.nan
    return Matrix(np.asfortranarray(out), tuple(str(j + 1) for j in range(out.shape[1])))


def _extended(state: SplineState, edge: float, step: np.ndarray) -> np.ndarray:
    """Taylor's polynomial at a boundary knot: linear for ns, of full degree for bs."""
    order = 1 if state.natural else state.degree
    at = np.array([edge])
    return sum(
        np.outer(step**d / factorial(d), bspline_basis(state.knots, at, state.degree, d)[0]) for d in range(order + 1)
    )  # type: ignore[return-value]


def bspline_basis(knots: np.ndarray, x: np.ndarray, degree: int, derivative: int) -> np.ndarray:
    """The B-splines on `knots`, or a derivative of them, at points inside; (n, len(knots)−d−1).

    Examples
    --------
    >>> bspline_basis(np.array([0, 0, 1, 1.0]), np.array([0.25]), 1, 0).tolist()
    [[0.75, 0.25]]
    """
    size = len(knots) - degree - 1
    cell = np.clip(np.searchsorted(knots, x, side="right") - 1, degree, size - 1)
    local = _local_basis(knots, x, cell, degree - derivative)
    out = np.zeros((len(x), len(knots) - (degree - derivative) - 1))
    rows = np.arange(len(x))
    for r in range(local.shape[1]):
        out[rows, cell - (degree - derivative) + r] = local[:, r]
    for d in range(degree - derivative + 1, degree + 1):
        span = knots[d:] - knots[:-d]
        weight = np.divide(d, span, out=np.zeros_like(span), where=span > 0)
        scaled = out * weight
        out = scaled[:, :-1] - scaled[:, 1:]
    return out


def _local_basis(knots: np.ndarray, x: np.ndarray, cell: np.ndarray, degree: int) -> np.ndarray:
    """The degree + 1 B-splines that do not vanish in each point's cell."""
    values = np.ones((len(x), degree + 1))
    for d in range(1, degree + 1):
        saved = np.zeros(len(x))
        for r in range(d):
            right, left = knots[cell + r + 1], knots[cell + r + 1 - d]
            term = values[:, r] / (right - left)
            values[:, r] = saved + (right - x) * term
            saved = (x - left) * term
        values[:, d] = saved
    return values


def _vector(x: Any, name: str) -> np.ndarray:
    if isinstance(x, Factor):
        raise MereTypeError(f"{name}() needs numbers, not a factor")
    values = x.values if isinstance(x, Matrix) else np.asarray(x, dtype=np.float64)
    return values.ravel(order="F")


def _boundary(x: np.ndarray, given: Any) -> np.ndarray:
    if given is None:
        return np.array([np.nanmin(x), np.nanmax(x)])
    boundary = np.sort(np.asarray(given, dtype=np.float64))
    if boundary.shape != (2,):
        raise MereValueError("Boundary.knots must be two numbers")
    return boundary


def _inner_knots(x: np.ndarray, given: Any, boundary: np.ndarray, count: float | None) -> np.ndarray:
    """The interior knots: given, or quantiles of the values inside the boundary."""
    if given is not None:
        return np.sort(np.atleast_1d(np.asarray(given, dtype=np.float64)))
    if count is None or count < 1:
        return np.empty(0)
    if count > len(x):
        raise MereValueError(f"df is larger than the number of values, {len(x)}")
    inside = x[(x >= boundary[0]) & (x <= boundary[1])]
    return np.quantile(inside, np.linspace(0, 1, int(count) + 2)[1:-1])
