"""Profiles of linear mixed models with structured terms: the structure's parameters, and sigma.

The criterion d(par, tau = log sigma) has an exact gradient; a standard deviation is e^tau times a par, a correlation a
par. Each is held in a chart (charts.py, held.py) and d minimized over the rest within its bounds.
"""

from __future__ import annotations

import math

import numpy as np

from .. import _core
from ..model import LMM
from ..variance_parameters import VarianceParameter
from .charts import Chart, Coordinate, Exponential, Scaled
from .constrained import SigmaCriterion
from .held import Held, Limits, both_sides

__all__ = ["structured_path"]


def structured_path(m: LMM, p: VarianceParameter, limits: Limits) -> tuple[np.ndarray, ...] | None:
    """Values, zeta, its slope, d, sigma, par and beta along a profile; None where p is no coordinate."""
    chart = _chart(m, p)
    if chart is None:
        return None
    criterion, layout = SigmaCriterion(m), m.objective.layout

    def finite(x: np.ndarray) -> tuple[float, np.ndarray]:
        try:
            return criterion.value(x)
        except _core.KernelError:
            return math.inf, np.zeros(len(x))

    bounds = (np.append(layout.lower, -math.inf), np.append(layout.upper, math.inf))
    zeros = tuple(int(i) for i in np.flatnonzero(layout.lower == 0.0) if i != chart.without)
    held = Held(finite, chart, zeros, np.ones(layout.n_par + 1), bounds)
    at, sides = both_sides(held, np.append(m.par, math.log(m.sigma)), m.criterion, (p.lower, p.upper), limits)
    value, d, slope, x = (np.concatenate([getattr(s, name) for s in sides]) for name in ("value", "d", "slope", "x"))
    root = np.sqrt(np.maximum(d - m.criterion, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.sign(value - at) * slope / (2 * root)
    slope[~np.isfinite(slope)] = np.nan
    beta = np.array([criterion.beta(row) for row in x]).reshape(len(x), len(m.beta))
    return value, np.sign(value - at) * root, slope, d, np.exp(x[:, -1]), x[:, :-1], beta


def _chart(m: LMM, p: VarianceParameter) -> Chart | None:
    layout = m.objective.layout
    if p.kind == "sigma":
        return Exponential(layout.n_par)
    covariance = m.design.random[p.term].covariance
    if covariance.name == "us" and covariance.k > 1:
        return None
    if p.kind == "cor":
        return Coordinate(layout.par_at[p.term + 1] - 1)
    own = p.row if covariance.linear is None else int(np.asarray(covariance.linear)[p.row])
    return Scaled(layout.par_at[p.term] + own, layout.n_par)
