"""Intervals for the coefficients of a generalized linear model by the profile of its deviance.

With D(b) the deviance minimized over the other coefficients and phi the dispersion, the ends are where the signed root
z(b) = sign(b - estimate) sqrt((D(b) - D) / phi) is a normal quantile (Venables and Ripley 2002, 8.4).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..accessors.generalized_linear import dispersion
from ..accessors.intervals import chosen_parameters, interval_frame, percent_labels
from ..errors import DataMessage, MereValueError, tell
from ..generalized import GLM
from ..irls import irls
from .coefficients import intervals_with

__all__ = ["profile_end"]

_MOST = 60  # fits that look for a bracket


def profile_end(zeta: Callable[[float], float], estimate: float, step: float, target: float) -> float:
    """Where a signed root reaches `target`, from the estimate in the direction of `step`; infinite where it never does.

    Examples
    --------
    >>> round(profile_end(lambda x: (x - 1) / 2, 1.0, -3.0, -1.96), 4)
    -2.92
    """
    from scipy.optimize import brentq

    inner, gap = estimate, step
    for _ in range(_MOST):
        value = zeta(inner + gap)
        if not math.isfinite(value):  # too far at once, or out of the range of the family
            gap /= 2
            if abs(gap) < 1e-6 * abs(step):
                break
        elif abs(value) >= abs(target):
            try:
                found = brentq(lambda x: zeta(x) - target, inner, inner + gap, xtol=1e-10 * abs(step), rtol=1e-12)
            except ValueError:  # no value somewhere between
                break
            return float(found)
        else:
            inner += gap
            gap *= 2 if abs(gap) >= abs(step) else 1
    return math.copysign(math.inf, step)


def _zeta(m: GLM, j: int) -> Callable[[float], float]:
    """The signed root of coefficient j among those that were estimated."""
    X, y, wt, family, scale = m.design.X, m.response.y, m.response.weights, m.model_family, dispersion(m)
    best = family.descent(y, m.fit.mu, wt, m.fit.deviance)
    others = np.delete(np.arange(X.shape[1]), j)
    shift = np.zeros(len(X)) if m.design.offset is None else m.design.offset
    start = m.beta[others].copy()

    def zeta(b: float) -> float:
        if b == m.beta[j]:
            return 0.0
        deviance = math.nan
        if not len(others):
            mu = family.link.inverse(shift + b * X[:, j])
            deviance = family.descent(y, mu, wt, float((wt * family.unit_deviance(y, mu)).sum()))
        for first in (start, m.beta[others], None) if len(others) else ():
            try:
                fit = irls(X[:, others], m.response, family, shift + b * X[:, j], 1e-12, 100, first)
            except MereValueError:
                continue
            start[:], deviance = fit.beta, family.descent(y, fit.mu, wt, fit.deviance)
            break
        return math.copysign(math.sqrt(max(deviance - best, 0.0) / scale), b - m.beta[j])

    return zeta


@g.confint.register(GLM)
def _confint(m: GLM, parm: Any = None, level: float = 0.95, method: str = "profile", vcov: Any = None) -> pd.DataFrame:
    from scipy.special import ndtri

    if vcov is not None:
        return intervals_with(m, vcov, parm, level)
    if method not in ("profile", "Wald"):
        raise MereValueError(f"method must be 'profile' or 'Wald', not {method!r}")
    labels = percent_labels(level)
    estimate, quantile = g.coef(m), float(ndtri((1 + level) / 2))
    se = np.sqrt(np.diag(g.vcov(m)))
    names = [str(name) for name in estimate.index]
    table = interval_frame(estimate.to_numpy(), se, names, quantile, labels)
    wanted = chosen_parameters(parm, names)
    if method == "Wald":
        return table.iloc[wanted]
    place = {name: j for j, name in enumerate(m.design.names)}
    for i in wanted:
        if names[i] not in place:
            continue
        zeta, b, half = _zeta(m, place[names[i]]), float(estimate.iloc[i]), quantile * float(se[i])
        table.iloc[i] = [profile_end(zeta, b, side * half, side * quantile) for side in (-1, 1)]
    endless = [names[i] for i in wanted if np.isinf(table.iloc[i]).any()]
    if endless:
        tell(
            f"the profile of {', '.join(endless)} does not reach the limit: a predictor separates the outcomes, or the "
            "range of the family ends before; the interval has no end on that side",
            DataMessage,
        )
    return table.iloc[wanted]
