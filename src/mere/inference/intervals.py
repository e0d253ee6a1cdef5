"""Confidence intervals of a mixed model, by method."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..accessors.intervals import chosen_parameters, interval_frame, percent_labels
from ..errors import MereValueError
from ..generalized import GLMM
from ..model import LMM
from ..variance_parameters import variance_parameters
from .bootstrap_intervals import KINDS
from .coefficients import intervals_with

__all__: list[str] = []


@g.confint.register(LMM)
@g.confint.register(GLMM)
def _confint(
    m: LMM | GLMM,
    parm: Any = None,
    level: float = 0.95,
    method: str = "profile",
    signames: bool = False,
    vcov: Any = None,
    **kwargs: Any,
) -> pd.DataFrame:
    if vcov is not None:
        return intervals_with(m, vcov, parm, level)
    if method == "Wald":
        if kwargs:
            raise MereValueError(f"confint(method='Wald') knows no argument {next(iter(kwargs))!r}")
        return _wald(m, parm, level, signames)
    percent_labels(level)
    if method == "profile":
        alphamax = kwargs.pop("alphamax", min(0.01, 1 - level))
        return pd.DataFrame(g.confint(g.profile(m, parm, alphamax=alphamax, signames=signames, **kwargs), level=level))
    if method == "boot":
        kind = kwargs.pop("boot_type", "perc")
        if kind not in KINDS:
            raise MereValueError(f"boot_type must be one of {', '.join(map(repr, KINDS))}, not {kind!r}")
        groups = kwargs.pop("groups", None)
        table = g.confint(g.bootMer(m, **kwargs), parm, level=level, type=kind, groups=groups)
        if signames:
            parameters = variance_parameters(m.design.random)
            table = table.rename(index=dict(zip(parameters.names, parameters.signames, strict=True)))
        return pd.DataFrame(table)
    raise MereValueError(f"method must be 'profile', 'Wald' or 'boot', not {method!r}")


def _wald(m: LMM | GLMM, parm: Any, level: float, signames: bool) -> pd.DataFrame:
    """estimate -+ z SE of the fixed effects; NaN for the variance parameters."""
    from scipy.special import ndtri

    parameters, fixed = variance_parameters(m.design.random), list(m.design.names)
    if isinstance(m, GLMM):
        parameters = replace(parameters, items=parameters.items[:-1])  # no sigma
    n = len(parameters.items)
    kinds = (parameters.signames, parameters.names) if signames else (parameters.names, parameters.signames)
    names, aliases = [kind + fixed for kind in kinds]
    se = np.concatenate([np.full(n, np.nan), np.sqrt(np.diag(g.vcov(m)))])
    estimate = np.concatenate([np.full(n, np.nan), m.beta])
    labels = percent_labels(level)
    table = interval_frame(estimate, se, names, float(ndtri((1 + level) / 2)), labels)
    return table.iloc[chosen_parameters(parm, names, aliases, n)]
