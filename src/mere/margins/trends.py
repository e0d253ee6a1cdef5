"""Trends: derivatives of the linear predictor by a covariate, as rows of a grid.

d eta / dx = (dX/dx) beta, with dX/dx by central differences and Richardson's extrapolation (relative
error about 1e-10, where a difference quotient over a thousandth of the range leaves 1e-3 of the
curvature). By a function g(x) it is that over g'(x); of degree k it is the k-th derivative over k!.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from ..errors import MereValueError
from ..frame import as_frame
from ..language.evaluate import Evaluator
from ..language.parser import parse_expression
from ..language.syntax import Name, names_in
from .basis import Basis, is_factor
from .grid import EmmGrid
from .refgrid import build_grid
from .rescaling import materialized

__all__ = ["trend_grid"]

_DEGREES = ("linear", "quadratic", "cubic", "quartic")


def trend_grid(
    basis: Basis, var: str, max_degree: int = 1, regrid: Any = None, delta: float | None = None, **options: Any
) -> EmmGrid:
    """The reference grid with the derivative of each row by `var` in place of the row.

    Parameters
    ----------
    basis : Basis
    var : str
        A covariate, or an expression in one, such as ``"log(x)"``.
    max_degree : int
    regrid : {"response", None}
        Trends of the mean on the response scale.
    delta : float, optional
        Step of the differences; default a hundredth of the range.
    **options
        Of `build_grid`.
    """
    node = parse_expression(var)
    names = [n for n in dict.fromkeys(names_in(node)) if n in basis.predictors]
    if len(names) != 1 or is_factor(basis.predictors[names[0]]):
        raise MereValueError(
            f"var must be an expression in one covariate, not {var!r}; there are {', '.join(basis.predictors)}"
        )
    name = names[0]
    x = np.asarray(basis.predictors[name], dtype=float)
    spread = float(np.ptp(x)) or 1.0
    h = spread / 100 if delta is None else float(delta)
    outer = None if isinstance(node, Name) else _slope_of(node, name, h)
    plain = build_grid(basis, **options)
    parts = []
    for degree in range(1, max_degree + 1):
        build = _derivative(basis.build, name, degree, h, outer)
        offset = None if basis.offset is None else _offset_derivative(basis.offset, name, degree, h, outer)
        parts.append(
            build_grid(replace(basis, build=build, offset=offset, scale=None, nested=basis.nested), **_quiet(options))
        )
    if regrid is not None and plain.about.scale is not None and max_degree == 1:
        parts = [_on_response(plain, parts[0])]
    grid = parts[0] if max_degree == 1 else _by_degree(parts)
    return replace(grid, about=replace(grid.about, name=f"{var}.trend", kind="prediction", scale=None))


def _quiet(options: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(options)
    out.setdefault("nesting", None)
    out.pop("tran", None)
    out.pop("type", None)
    return out


def _central(f: Callable[[float], np.ndarray], degree: int, h: float) -> np.ndarray:
    """The derivative of f at 0 by central differences with Richardson's extrapolation."""
    levels = 5 if degree == 1 else 4
    step = h if degree == 1 else 10 * h
    weights = [(-1) ** i * math.comb(degree, i) for i in range(degree + 1)]

    def quotient(s: float) -> np.ndarray:
        total: np.ndarray = sum(w * f((degree / 2 - i) * s) for i, w in enumerate(weights)) / s**degree  # type: ignore[assignment]
        return total

    table = [quotient(step / 2**i) for i in range(levels)]
    for k in range(1, levels):
        table = [(4**k * b - a) / (4**k - 1) for a, b in pairwise(table)]
    return table[0] / math.factorial(degree)


def _moved(values: Mapping[str, Any], name: str, by: Any) -> dict[str, Any]:
    return {**values, name: np.asarray(values[name], dtype=float) + by}


def _derivative(
    build: Callable[[Mapping[str, Any]], np.ndarray], name: str, degree: int, h: float, outer: Any
) -> Callable[[Mapping[str, Any]], np.ndarray]:
    def rows(values: Mapping[str, Any]) -> np.ndarray:
        out = _central(lambda s: build(_moved(values, name, s)), degree, h)
        scale = np.abs(build(values)).max(axis=0)
        out[np.abs(out) < 1e-9 * np.maximum(scale, 1.0) / h**degree * 1e-3] = 0.0
        return out if outer is None else out / outer(np.asarray(values[name], dtype=float))[:, None] ** degree

    return rows


def _offset_derivative(offset: Any, name: str, degree: int, h: float, outer: Any) -> Any:
    def value(values: Mapping[str, Any]) -> np.ndarray:
        out = _central(lambda s: np.asarray(offset(_moved(values, name, s)), dtype=float), degree, h)
        return out if outer is None else out / outer(np.asarray(values[name], dtype=float)) ** degree

    return value


def _slope_of(node: Any, name: str, h: float) -> Callable[[np.ndarray], np.ndarray]:
    """g'(x) of an expression."""

    def g(x: np.ndarray) -> np.ndarray:
        return np.asarray(Evaluator(as_frame({name: x})).value(node), dtype=float)

    return lambda x: _central(lambda s: g(x + s), 1, h)


def _on_response(plain: EmmGrid, slopes: EmmGrid) -> EmmGrid:
    """d h(eta) / dx = h'(eta) eta', with the gradient of both factors by beta."""
    scale = plain.about.scale
    assert scale is not None
    eta, _, _ = plain.evaluate()
    rise, _, df = slopes.evaluate()
    kept = plain.estimates.kept
    G = scale.curvature(eta)[:, None] * rise[:, None] * plain.L[:, kept] + scale.slope(eta)[:, None] * slopes.L[:, kept]
    V = G @ plain.estimates.V @ G.T
    return materialized(slopes, scale.slope(eta) * rise, V, df, scale=None)


def _by_degree(parts: list[EmmGrid]) -> EmmGrid:
    """The degrees one after the other, as a by-variable."""
    names = [_DEGREES[d] if d < len(_DEGREES) else f"degree {d + 1}" for d in range(len(parts))]
    first = parts[0]
    tables = []
    for label, part in zip(names, parts):
        frame = part.table.copy()
        frame.insert(len(frame.columns), "degree", pd.Categorical([label] * len(frame), names))
        tables.append(frame)
    offset = None if first.offset is None else np.concatenate([p.offset for p in parts if p.offset is not None])
    table = pd.concat(tables, ignore_index=True)
    weight = np.concatenate([p.weight for p in parts])
    return EmmGrid(first.estimates, table, np.vstack([p.L for p in parts]), weight, offset, first.about)
