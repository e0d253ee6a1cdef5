"""Confidence intervals of a generalized mixed model: profile of -2 log L, Wald, bootstrap.

The profile of one parameter is the criterion minimized over all others with it held, by the exact gradient, each search
from the end of the last; an interval ends where its signed root reaches a normal quantile (Bates et al. 2015, 5.1).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..accessors.intervals import chosen_parameters, interval_frame, percent_labels
from ..errors import ConvergenceError, MereValueError
from ..generalized import GLMM
from ..variance_parameters import variance_parameters
from .deviance_intervals import profile_end

__all__ = ["signed_root"]


def signed_root(m: GLMM, i: int) -> Callable[[float], float]:
    """zeta of parameter i of (par, beta, ...): the signed root of how much the criterion rises when it is held."""
    from scipy.optimize import minimize

    objective = m.objective
    full = np.array(m.optinfo.full, dtype=float)
    lowest = objective.value(full)
    others = np.delete(np.arange(len(full)), i)
    lower, upper = objective.layout.lower[others], objective.layout.upper[others]
    scale = np.maximum(np.abs(full[others]), 0.1)
    last = {"at": full[others].copy()}

    def held(value: float) -> float:
        x = full.copy()
        x[i] = value

        def function(z: np.ndarray) -> tuple[float, np.ndarray]:
            x[others] = z * scale
            d, slope = objective.value_and_gradient(x)
            return (d, slope[others] * scale) if slope is not None and np.isfinite(d) else (1e10, np.zeros(len(z)))

        found = minimize(
            function, last["at"] / scale, jac=True, method="L-BFGS-B",
            bounds=list(zip(lower / scale, upper / scale, strict=True)), options={"ftol": 1e-15, "gtol": 1e-7},
        )  # fmt: skip
        if found.fun < 1e9:
            last["at"] = found.x * scale
        return float(found.fun)

    return lambda value: float(np.sign(value - full[i]) * np.sqrt(max(held(value) - lowest, 0.0)))


def _profiled(m: GLMM, wanted: list[int], n_variance: int, level: float) -> np.ndarray:
    """Limits of the parameters asked for; the others are NaN."""
    from scipy.special import ndtri

    target = float(ndtri((1 + level) / 2))
    se = np.sqrt(np.diag(g.vcov(m)))
    out = np.full((n_variance + len(m.beta), 2), np.nan)
    for i in wanted:
        root = signed_root(m, i if i < n_variance else len(m.par) + i - n_variance)
        if i < n_variance:
            estimate = float(m.par[i])
            low = 0.0 if estimate == 0 or root(0.0) > -target else profile_end(root, estimate, -estimate / 2, -target)
            out[i] = max(low, 0.0), profile_end(root, estimate, max(estimate, 0.1) / 2, target)
        else:
            estimate, step = float(m.beta[i - n_variance]), float(se[i - n_variance])
            out[i] = profile_end(root, estimate, -step, -target), profile_end(root, estimate, step, target)
    return out


@g.confint.register(GLMM)
def _confint(
    m: GLMM,
    parm: Any = None,
    level: float = 0.95,
    method: str = "profile",
    signames: bool = False,
    nsim: int = 500,
    boot_type: str = "perc",
    seed: Any = None,
) -> pd.DataFrame:
    if method not in ("profile", "Wald", "boot"):
        raise MereValueError(f"method must be 'profile', 'Wald' or 'boot', not {method!r}")
    parameters = variance_parameters(m.design.random)
    if method == "boot":
        table = g.confint(g.bootMer(m, nsim=nsim, seed=seed), parm, level=level, type=boot_type)
        return table.rename(index=dict(zip(parameters.names, parameters.signames, strict=True))) if signames else table
    from scipy.special import ndtri

    variance, numbered = parameters.names[:-1], parameters.signames[:-1]
    shown, hidden = (numbered, variance) if signames else (variance, numbered)
    fixed, n = list(m.design.names), len(variance)
    names = [*shown, *fixed]
    labels = percent_labels(level)
    chosen = chosen_parameters(parm, names, [*hidden, *fixed], n)
    if method == "profile":
        if m.nAGQ == 0:
            raise MereValueError("confint(method='profile') needs a likelihood: fit with nAGQ=1 or more, or use 'Wald'")
        try:
            correlated = any(t.covariance.name == "us" and t.covariance.k > 1 for t in m.design.random)
            if any(i < n for i in chosen) and (correlated or n != len(m.par)):
                wanted = [names[i] for i in chosen]
                return pd.DataFrame(
                    g.confint(g.profile(m, wanted, alphamax=min(0.01, 1 - level), signames=signames), level=level)
                )
            limits = _profiled(m, list(chosen), n, level)
        except ConvergenceError as error:
            raise MereValueError(f"the profile failed ({error}); use method='boot' or 'Wald'") from None
        return pd.DataFrame(limits, names, labels).iloc[chosen]
    estimate = np.concatenate([np.full(n, np.nan), m.beta])
    se = np.concatenate([np.full(n, np.nan), np.sqrt(np.diag(g.vcov(m)))])
    return interval_frame(estimate, se, names, float(ndtri((1 + level) / 2)), labels).iloc[chosen]
