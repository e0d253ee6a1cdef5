"""Likelihoods, criteria and counts of a mixed model."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..arguments import number_of
from ..errors import MereWarning, tell
from ..generalized import GLMM
from ..model import LMM
from ..naming import variable_names
from ..results import LogLik

__all__ = ["criterion_from_parts"]


# -- numbers -----------------------------------------------------------------
def criterion_from_parts(
    ldL2: float, ldRX2: float, pwrss: float, n: int, p: int, log_weights: float, reml: bool
) -> float:
    """-2 log L, or the REML criterion, profiled over beta and sigma.

    Parameters
    ----------
    ldL2, ldRX2 : float
        log|L|^2 and log|RX|^2.
    pwrss : float
        Penalized weighted residual sum of squares.
    n, p : int
        Rows; columns of X.
    log_weights : float
        Sum of the logarithms of the prior weights.
    reml : bool

    References
    ----------
    Bates et al. (2015), J. Stat. Soft. 67(1), eqs. 34 and 41.
    """
    df = n - p if reml else n
    value = ldL2 + df * (1 + math.log(2 * math.pi * pwrss / df)) - log_weights
    return value + ldRX2 if reml else value


def _criterion(m: LMM, reml: bool) -> float:
    if reml == m.reml:
        return m.criterion
    design, parts = m.design, m.devcomp
    n, p = design.X.shape
    log_weights = 0.0 if design.weights is None else float(np.log(design.weights).sum())
    return criterion_from_parts(parts["ldL2"], parts["ldRX2"], parts["pwrss"], n, p, log_weights, reml)


# -- methods -----------------------------------------------------------------
@g.logLik.register(LMM)
def _log_lik(m: LMM, REML: bool | None = None) -> LogLik:
    reml = m.reml if REML is None else bool(REML)
    df = len(m.beta) + len(m.par) + 1
    return LogLik(-_criterion(m, reml) / 2, df=df, nobs=len(m.design.y))


@g.deviance.register(LMM)
def _deviance(m: LMM, REML: bool | None = None) -> float:
    if REML is None and m.reml:
        tell(
            "deviance() of a REML fit is its REML criterion, which is no deviance: use REMLcrit() "
            "for the criterion or deviance(m, REML=False) for -2 log L at the REML estimates",
            MereWarning,
        )
    return _criterion(m, m.reml if REML is None else bool(REML))


@g.REMLcrit.register(LMM)
def _reml_crit(m: LMM) -> float:
    return m.criterion


@g.AIC.register(object)
def _aic(model: Any, *models: Any, k: float = 2) -> Any:
    return _criteria("AIC", (model, *models), [number_of(k, "k")] * (1 + len(models)))


@g.BIC.register(object)
def _bic(model: Any, *models: Any) -> Any:
    penalties = [math.log(g.nobs(each)) for each in (model, *models)]
    return _criteria("BIC", (model, *models), penalties)


def _criteria(name: str, models: tuple[Any, ...], penalties: list[float]) -> Any:
    """-2 logLik + penalty df: a float, or a frame for several models."""
    likelihoods = [g.logLik(m) for m in models]
    values = [-2 * float(ll) + k * ll.df for ll, k in zip(likelihoods, penalties, strict=True)]
    if len(models) == 1:
        return values[0]
    table = {"df": [ll.df for ll in likelihoods], name: values}
    return pd.DataFrame(table, index=variable_names(models))


@g.extractAIC.register(LMM)
def _extract_aic(m: LMM, scale: float = 0, k: float = 2) -> np.ndarray:
    likelihood = g.logLik(g.refitML(m))
    return np.array([likelihood.df, -2 * float(likelihood) + number_of(k, "k") * likelihood.df])


@g.nobs.register(LMM)
@g.nobs.register(GLMM)
def _nobs(m: LMM | GLMM) -> int:
    return len(m.design.y)


@g.ngrps.register(LMM)
@g.ngrps.register(GLMM)
def _ngrps(m: LMM | GLMM) -> pd.Series:
    counts = {t.group: len(t.levels) for t in m.design.random}
    return pd.Series(list(counts.values()), list(counts), dtype=int)


@g.df_residual.register(LMM)
def _df_residual(m: LMM) -> int:
    return len(m.design.y) - len(m.beta) - len(m.par) - 1


@g.isREML.register(LMM)
def _is_reml(m: LMM) -> bool:
    return m.reml


@g.isLMM.register(LMM)
def _is_lmm(m: LMM) -> bool:
    return True
