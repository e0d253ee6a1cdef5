"""A user's optimizer: any callable with R's signature."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import MereValueError
from .optimum import Optimum

if TYPE_CHECKING:
    from ..objective import LMMObjective

__all__ = ["user"]


def user(
    optimizer: Callable[..., Any], objective: LMMObjective, start: np.ndarray | None, options: Mapping[str, Any]
) -> Optimum:
    """Call ``optimizer(fun, start, lower, upper, control)``; it returns a mapping (or object) with ``par``."""
    layout, count = objective.layout, [0]

    def fun(par: Any) -> float:
        count[0] += 1
        return objective.value(par)

    first = np.array(layout.start if start is None else start)
    result = optimizer(fun, first, layout.lower.copy(), layout.upper.copy(), dict(options))
    found = result if isinstance(result, Mapping) else vars(result)
    raw = found["par"] if "par" in found else found.get("x")
    if raw is None:
        raise MereValueError(
            "the optimizer must return a mapping with 'par' (and, if it likes, 'convergence', 'message')"
        )
    par = np.array(raw, dtype=np.float64)
    if par.shape != (layout.n_par,) or not np.isfinite(par).all():
        raise MereValueError(
            f"the optimizer returned par of shape {par.shape}; {layout.n_par} finite numbers are needed"
        )
    return Optimum(
        par=np.clip(par, layout.lower, layout.upper),
        value=objective.value(par),
        feval=count[0],
        converged=not found.get("convergence", 0),
        message=str(found.get("message", "")),
        optimizer=getattr(optimizer, "__name__", "user"),
    )
