"""Transforms with a state: what is fitted on the data is kept for new data (R's predvars).

One file per transform. ``fit(x, …options) → (state, value)``; ``apply(state, x) → value``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .poly import apply_poly, fit_poly
from .scale import apply_scale, fit_scale
from .splines import apply_spline, fit_bs, fit_ns

__all__ = ["TRANSFORMS", "Transform"]


@dataclass(frozen=True)
class Transform:
    """A transform with a state.

    Attributes
    ----------
    fit : callable
        ``fit(x, …) → (state, value)``.
    apply : callable
        ``apply(state, x, …) → value``.
    multivariate : bool
        Does it take several data arguments, as ``poly(x, z)``?
    """

    fit: Callable[..., tuple[Any, Any]]
    apply: Callable[..., Any]
    multivariate: bool = False


TRANSFORMS: dict[str, Transform] = {
    "poly": Transform(fit_poly, apply_poly, multivariate=True),
    "ns": Transform(fit_ns, apply_spline),
    "bs": Transform(fit_bs, apply_spline),
    "scale": Transform(fit_scale, apply_scale),
}
