"""Polynomials: orthogonal over the data by the three-term recurrence, or raw powers.

    p_0 = 1,  p_1 = x − α_1,  p_{k+1} = (x − α_{k+1}) p_k − (ν_k / ν_{k−1}) p_{k−1},
    ν_k = Σ p_k²,  α_{k+1} = Σ x p_k² / ν_k;  the columns are p_k / √ν_k.

(Stieltjes' procedure; the α and ν are the state.) Several variables give the products
of their polynomials up to the total degree, named ``1.0, 2.0, 0.1, 1.1, …``.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from ..errors import MereValueError
from ..frame import Factor, Matrix

__all__ = ["PolyState", "apply_poly", "fit_poly"]


@dataclass(frozen=True, eq=False)
class PolyState:
    """The recurrence coefficients of each variable; None for raw powers."""

    degree: int
    coefficients: tuple[tuple[np.ndarray, np.ndarray], ...] | None
    n_variables: int


def fit_poly(
    x: Any, *more: Any, degree: float = 1.0, raw: bool = False, simple: bool = False
) -> tuple[PolyState, Matrix]:
    """R's ``poly(x, degree)``, ``poly(x, z, degree = 2)``, ``raw = TRUE``.

    Examples
    --------
    >>> state, value = fit_poly(np.arange(3.0), 2.0)
    >>> value.values.round(4).tolist()
    [[-0.7071, 0.4082], [0.0, -0.8165], [0.7071, 0.4082]]
    """
    data = [x]
    for arg in more:
        if isinstance(arg, float):
            degree = arg
        else:
            data.append(arg)
    columns = _columns(data)
    power = int(degree)
    if power < 1:
        raise MereValueError("the degree of poly() must be at least 1")
    coefficients = None if raw else tuple(_recurrence(c, power) for c in columns)
    state = PolyState(power, coefficients, len(columns))
    return state, _evaluate(state, columns)


def apply_poly(state: PolyState, *data: Any) -> Matrix:
    """The fitted polynomials at new data."""
    return _evaluate(state, _columns(list(data)))


def _columns(data: list[Any]) -> list[np.ndarray]:
    columns: list[np.ndarray] = []
    for item in data:
        if isinstance(item, Factor):
            raise MereValueError("poly() needs numbers, not a factor")
        values = item.values if isinstance(item, Matrix) else np.asarray(item, dtype=np.float64)
        columns += [values] if values.ndim == 1 else list(values.T)
    return columns


def _recurrence(x: np.ndarray, degree: int) -> tuple[np.ndarray, np.ndarray]:
    if np.isnan(x).any():
        raise MereValueError("missing values are not allowed in poly()")
    if degree >= len(np.unique(x)):
        raise MereValueError(f"poly() of degree {degree} needs more than {degree} distinct values")
    alpha, norm = np.empty(degree), np.empty(degree + 1)
    before, now = np.zeros_like(x), np.ones_like(x)
    norm[0] = len(x)
    for k in range(degree):
        alpha[k] = (x * now * now).sum() / norm[k]
        ratio = norm[k] / norm[k - 1] if k else 0.0
        before, now = now, (x - alpha[k]) * now - ratio * before
        norm[k + 1] = now @ now
    return alpha, norm


def _powers(state: PolyState, v: int, x: np.ndarray) -> list[np.ndarray]:
    """The polynomials of degree 0 … degree in one variable."""
    out = [np.ones_like(x)]
    if state.coefficients is None:
        for _ in range(state.degree):
            out.append(out[-1] * x)
        return out
    alpha, norm = state.coefficients[v]
    before, now = np.zeros_like(x), np.ones_like(x)
    for k in range(state.degree):
        ratio = norm[k] / norm[k - 1] if k else 0.0
        before, now = now, (x - alpha[k]) * now - ratio * before
        out.append(now / np.sqrt(norm[k + 1]))
    return out


def _evaluate(state: PolyState, columns: list[np.ndarray]) -> Matrix:
    if len(columns) != state.n_variables:
        raise MereValueError(f"poly() was fitted to {state.n_variables} variables")
    tables = [_powers(state, v, x) for v, x in enumerate(columns)]
    if len(tables) == 1:
        values = tables[0][1:]
        names = [str(k) for k in range(1, state.degree + 1)]
    else:
        grid = [d[::-1] for d in product(range(state.degree + 1), repeat=len(tables))]
        wanted = [d for d in grid if 0 < sum(d) <= state.degree]
        names = [".".join(map(str, d)) for d in wanted]
        values = [np.prod([t[k] for t, k in zip(tables, d)], axis=0) for d in wanted]
    return Matrix(np.asfortranarray(np.column_stack(values)), tuple(names))
