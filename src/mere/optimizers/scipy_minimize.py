"""Methods of ``scipy.optimize.minimize``, with the exact gradient where they take one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .optimum import Optimum

if TYPE_CHECKING:
    from ..objective import LMMObjective

__all__ = ["METHODS", "scipy_minimize"]

# name -> does the method use a gradient?
METHODS = {
    "nlminbwrap": True,
    "L-BFGS-B": True,
    "SLSQP": True,
    "TNC": True,
    "trust-constr": True,
    "Nelder-Mead": False,
    "Powell": False,
    "COBYLA": False,
}
_TIGHT = {
    "L-BFGS-B": {"ftol": 1e-14, "gtol": 1e-8, "maxiter": 10_000},
    "SLSQP": {"ftol": 1e-12, "maxiter": 10_000},
    "Nelder-Mead": {"xatol": 1e-8, "fatol": 1e-9, "maxiter": 100_000, "maxfev": 100_000},
}


def scipy_minimize(name: str, objective: LMMObjective, start: np.ndarray | None, options: Mapping[str, Any]) -> Optimum:
    """Minimize by SciPy within the bounds of par; ``"nlminbwrap"`` is L-BFGS-B, R's nlminb being of its kind."""
    from scipy.optimize import Bounds, minimize

    method = "L-BFGS-B" if name == "nlminbwrap" else name
    layout = objective.layout
    gradient = METHODS[name]
    with objective.threads:
        result = minimize(
            (lambda par: objective.value_and_gradient(par, True)) if gradient else objective.value,
            np.array(layout.start if start is None else start),
            jac=gradient or None,
            method=method,
            bounds=Bounds(layout.lower, layout.upper),
            options={**_TIGHT.get(method, {}), **options},
        )
    return Optimum(
        par=np.asarray(result.x, dtype=np.float64),
        value=float(result.fun),
        feval=int(result.nfev),
        converged=bool(result.success),
        message=str(result.message),
        optimizer=name,
        iterations=int(result.nit) if "nit" in result else None,
    )
