"""Coefficients of determination, and concordance."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from .. import generics as g
from ..design import intercept_only
from ..errors import MereValueError
from ..generalized import GLM, GLMM
from ..inference.concordance import concordance
from ..inference.refits import fit_as
from ..model import LM, LMM
from ..response import Response
from .variances import variance_parts

__all__ = ["is_binary", "likelihood_r2", "tjur"]


# -- numbers -------------------------------------------------------------------
def likelihood_r2(deviance: float, null: float, loglik: float, null_loglik: float, n: int) -> dict[str, float]:
    """Cox and Snell's, Nagelkerke's and McFadden's R^2."""
    cox, most = 1 - math.exp((deviance - null) / n), 1 - math.exp(-null / n)
    return {
        "R2_CoxSnell": cox,
        "R2_Nagelkerke": cox / most if most > 0 else math.nan,
        "R2_McFadden": 1 - loglik / null_loglik if null_loglik else math.nan,
    }


def tjur(y: np.ndarray, mu: np.ndarray) -> float:
    """The mean fitted value of ones less that of zeros."""
    ones = y > 0.5
    return float(mu[ones].mean() - mu[~ones].mean()) if 0 < ones.sum() < len(y) else math.nan


def is_binary(m: GLM | GLMM) -> bool:
    """Is the response of zeros and ones, one trial a row?"""
    r: Response = m.response
    return m.model_family.outcome == "proportion" and bool((r.weights <= 1).all() and np.isin(r.y, (0.0, 1.0)).all())


# -- methods -------------------------------------------------------------------
@g.r2.register(LM)
def _r2_linear(m: LM) -> pd.Series:
    table = g.summary(m)
    return pd.Series({"R2": table.r_squared, "R2_adjusted": table.adj_r_squared})


@g.r2.register(LMM)
@g.r2.register(GLMM)
def _r2_mixed(m: LMM | GLMM, at: str = "mean", approximation: str = "lognormal") -> pd.Series:
    v = variance_parts(m, at, approximation)
    return pd.Series({"R2_conditional": (v.fixed + v.random) / v.total, "R2_marginal": v.fixed / v.total})


def _null_loglik(m: GLM) -> float:
    """Of the null deviance's model: the intercept and the offset; without an intercept the offset alone."""
    if (np.asarray(m.design.assign_full) == 0).any():
        return float(g.logLik(fit_as(m, intercept_only(m.design))))
    if m.model_family.has_scale:
        return math.nan
    return float(g.logLik(m)) - (m.null_deviance - m.fit.deviance) / 2


@g.r2.register(GLM)
def _r2_generalized(m: GLM) -> pd.Series:
    if m.model_family.name == "gaussian":
        n, p = len(m.design.y), len(m.beta)
        value = 1 - m.fit.deviance / m.null_deviance
        return pd.Series({"R2": value, "R2_adjusted": 1 - (1 - value) * (n - 1) / (n - p)})
    if not m.model_family.has_likelihood:
        share = {"R2_deviance": 1 - m.fit.deviance / m.null_deviance if m.null_deviance else math.nan}
        return pd.Series({"R2_Tjur": tjur(m.response.y, m.fit.mu), **share} if is_binary(m) else share)
    null = _null_loglik(m)
    out = likelihood_r2(m.fit.deviance, m.null_deviance, float(g.logLik(m)), null, len(m.design.y))
    if is_binary(m):
        out = {"R2_Tjur": tjur(m.response.y, m.fit.mu), **out}
    return pd.Series(out)


@g.auc.register(GLM)
@g.auc.register(GLMM)
def _auc(m: GLM | GLMM) -> float:
    if m.model_family.outcome != "proportion":
        raise MereValueError(f"auc() is for binomial models; this one is of the {m.model_family.name} family")
    mu = m.fit.mu if isinstance(m, GLM) else m.mu
    y, trials = m.response.y, m.response.weights
    return concordance(mu, y * trials, (1 - y) * trials)
