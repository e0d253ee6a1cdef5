"""Damped Newton in C (csrc/newton.c): the default.

For covariance structures that are not linear in their parameters, BOBYQA on the criterion finds the neighbourhood and
Newton's method within bounds (active_set.py) finishes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .active_set import active_set
from .nloptwrap import nlopt
from .optimum import Optimum
from .units import InUnits

if TYPE_CHECKING:
    from ..objective import LMMObjective

__all__ = ["newton"]

_MESSAGES = {0: "converged", 1: "stalled: the criterion is flat or not smooth here", 2: "maxeval reached"}


def newton(objective: LMMObjective, start: np.ndarray | None, options: Mapping[str, Any]) -> Optimum:
    """The optimum by damped Newton; BOBYQA takes over where it stalls, Newton polishes, the better one is returned."""
    if not objective.layout.linear:
        return _structured(objective, start, options)
    first = _run(objective, objective.work.start() if start is None else start, options)
    if first.converged:
        return first
    rescue = nlopt("nloptwrap", objective, np.maximum(first.par, objective.layout.lower), options)
    second = _run(objective, rescue.par, options)
    return second if second.value <= first.value else first


def _run(objective: LMMObjective, start: np.ndarray, options: Mapping[str, Any]) -> Optimum:
    # a large model pays for an iteration what a small one pays for a fit: stop at 1e-9 of the criterion there
    default = 1e-12 if objective.plan.rest < 400 else 1e-9
    par, gradient, matrix, outcome = objective.work.newton(
        start, objective.reml, float(options.get("decrement", default)), int(options.get("maxeval", 1000))
    )
    return Optimum(
        par=par,
        value=outcome["d"],
        feval=outcome["n_eval"],
        converged=outcome["code"] == 0,
        message=_MESSAGES[outcome["code"]],
        optimizer="Newton",
        gradient=gradient,
        matrix=matrix,
        decrement=outcome["decrement"],
        n_null=outcome["n_null"],
        current=True,
        iterations=outcome["n_gradient"],
    )


def _structured(objective: LMMObjective, start: np.ndarray | None, options: Mapping[str, Any]) -> Optimum:
    scaled = InUnits(objective, objective.units())
    first = None if start is None else np.asarray(start, dtype=np.float64) / scaled.units
    rough = nlopt("nloptwrap", scaled, first, {"xtol_abs": 1e-4, "ftol_abs": 1e-4, **options})  # type: ignore[arg-type]
    with objective.threads:
        return scaled.back(active_set(scaled, rough.par, rough.value, rough.feval, 1e-10, "BOBYQA + Newton"))
