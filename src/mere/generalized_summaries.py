"""The summary of a generalized linear mixed model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from . import generics as g
from .families import Family
from .generalized import GLMM
from .generalized_fitting import GeneralizedInfo
from .model import Call
from .results import VarianceComponents, _Printed
from .summaries import coefficient_frame, fit_messages

__all__ = ["SummaryGLMM", "generalized_criteria", "generalized_title", "summary_glmm"]


@dataclass(frozen=True, repr=False, eq=False)
class SummaryGLMM(_Printed):
    """Summary of a generalized linear mixed model; prints as R prints it.

    Attributes
    ----------
    title : str
    call : Call
    formula : str
    family : Family
    criteria : Series
        ``AIC, BIC, logLik, deviance, df.resid``; the deviance is -2 log L.
    residuals : Series
        Pearson residuals divided by sigma.
    varcor : VarianceComponents
    nobs : int
    ngrps : Series
    coefficients : DataFrame
        ``Estimate, Std. Error, z value, Pr(>|z|)``.
    vcov : DataFrame
    sigma : float
    optinfo : GeneralizedInfo
    messages : tuple of str
    correlation : bool or None
    errors : str
        Where the standard errors come from, if not from the model.
    """

    title: str
    call: Call
    formula: str
    family: Family
    criteria: pd.Series
    residuals: pd.Series
    varcor: VarianceComponents
    nobs: int
    ngrps: pd.Series
    coefficients: pd.DataFrame
    vcov: pd.DataFrame
    sigma: float
    optinfo: GeneralizedInfo
    messages: tuple[str, ...] = ()
    correlation: bool | None = None
    errors: str = ""

    def to_frame(self) -> pd.DataFrame:
        """The table of coefficients."""
        return self.coefficients


def generalized_title(m: GLMM) -> str:
    """How the model was fitted, in R's words."""
    how = "Laplace Approximation" if m.nAGQ == 1 else f"Adaptive Gauss-Hermite Quadrature, nAGQ = {m.nAGQ}"
    return f"Generalized linear mixed model fit by maximum likelihood ({how})"


def generalized_criteria(m: GLMM) -> pd.Series:
    """AIC and its company."""
    return pd.Series(
        {
            "AIC": g.AIC(m),
            "BIC": g.BIC(m),
            "logLik": float(g.logLik(m)),
            "deviance": m.criterion,
            "df.resid": g.df_residual(m),
        }
    )


def summary_glmm(m: GLMM, correlation: bool | None = None, use_hessian: bool | None = None) -> SummaryGLMM:
    """The summary by the model's own covariance."""
    from scipy.special import ndtr

    covariance = g.vcov(m, use_hessian=use_hessian)
    statistic = "t" if m.model_family.has_scale else "z"
    se = np.sqrt(np.diag(covariance.to_numpy()))
    table = coefficient_frame(m.beta, se, m.design.names, statistic=statistic)
    table["Pr(>|z|)"] = 2 * ndtr(-table[f"{statistic} value"].abs().to_numpy())
    return SummaryGLMM(
        title=generalized_title(m),
        call=m.call,
        formula=str(m.design.formula),
        family=m.model_family,
        criteria=generalized_criteria(m),
        residuals=g.residuals(m, type="pearson", scaled=True),
        varcor=g.VarCorr(m),
        nobs=g.nobs(m),
        ngrps=g.ngrps(m),
        coefficients=table,
        vcov=covariance,
        sigma=m.sigma,
        optinfo=m.optinfo,
        messages=fit_messages(m),
        correlation=correlation,
    )


@g.coef.register(SummaryGLMM)
def _coef(s: SummaryGLMM) -> pd.DataFrame:
    return s.coefficients


@g.vcov.register(SummaryGLMM)
def _vcov(s: SummaryGLMM, **kwargs: Any) -> pd.DataFrame:
    return s.vcov
