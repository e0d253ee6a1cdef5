"""The summary of a nonlinear mixed model."""

from __future__ import annotations

import numpy as np
import pandas as pd

from . import generics as g
from .nonlinear import NLMM
from .summaries import SummaryLMM, coefficient_frame, fit_messages

__all__ = ["TITLE", "nonlinear_criteria"]

TITLE = "Nonlinear mixed model fit by maximum likelihood "


def nonlinear_criteria(m: NLMM) -> pd.Series:
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


@g.summary.register(NLMM)
def _summary(m: NLMM, correlation: bool | None = None, use_hessian: bool | None = None) -> SummaryLMM:
    covariance = g.vcov(m, use_hessian=use_hessian)
    se = np.sqrt(np.diag(covariance.to_numpy()))
    return SummaryLMM(
        title=TITLE,
        kind="nlmerMod",
        call=m.call,
        formula=str(m.design.formula),
        criteria=nonlinear_criteria(m),
        residuals=g.residuals(m, type="pearson", scaled=True),
        varcor=g.VarCorr(m),
        nobs=g.nobs(m),
        ngrps=g.ngrps(m),
        coefficients=coefficient_frame(m.beta, se, m.design.names),
        vcov=covariance,
        sigma=m.sigma,
        optinfo=m.optinfo,  # type: ignore[arg-type]
        messages=fit_messages(m),
        correlation=correlation,
    )
