"""Centring and scaling of columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import MereTypeError, MereValueError
from ..frame import Factor, Matrix

__all__ = ["ScaleState", "apply_scale", "fit_scale"]


@dataclass(frozen=True, eq=False)
class ScaleState:
    """What is subtracted from and divided into each column."""

    center: np.ndarray
    scale: np.ndarray


def fit_scale(x: Any, center: Any = True, scale: Any = True) -> tuple[ScaleState, Matrix]:
    """R's ``scale()``: by means and standard deviations, missing values skipped.

    Without centring the scale is the root mean square, √(Σx²/(n−1)).

    Examples
    --------
    >>> state, value = fit_scale(np.array([1.0, 2.0, 3.0]))
    >>> value.values.ravel().tolist(), state.center.tolist()
    ([-1.0, 0.0, 1.0], [2.0])
    """
    values = _matrix(x)
    k = values.shape[1]
    shift = np.zeros(k)
    if center is True:
        shift = np.nanmean(values, axis=0)
    elif center is not False:
        shift = _given(center, k, "center")
    factor = np.ones(k)
    if scale is True:
        centred = values - shift
        count = (~np.isnan(values)).sum(axis=0)
        factor = np.sqrt(np.nansum(centred * centred, axis=0) / np.maximum(1, count - 1))
    elif scale is not False:
        factor = _given(scale, k, "scale")
    state = ScaleState(shift, factor)
    return state, apply_scale(state, x)


def apply_scale(state: ScaleState, x: Any) -> Matrix:
    """The same centring and scaling of new data."""
    with np.errstate(all="ignore"):
        values = (_matrix(x) - state.center) / state.scale
    return Matrix(np.asfortranarray(values), x.columns if isinstance(x, Matrix) else None)


def _matrix(x: Any) -> np.ndarray:
    if isinstance(x, Factor):
        raise MereTypeError("scale() needs numbers, not a factor")
    values = x.values if isinstance(x, Matrix) else np.asarray(x, dtype=np.float64)
    return values[:, None] if values.ndim == 1 else values


def _given(value: Any, k: int, name: str) -> np.ndarray:
    given = np.atleast_1d(np.asarray(value, dtype=np.float64))
    if given.shape != (k,):
        raise MereValueError(f"{name} of scale() must have {k} values")
    return given
