"""`glance`: a fit in one row."""

from __future__ import annotations

import pandas as pd

from .. import generics as g
from ..generalized import GLM, GLMM
from ..model import LM, LMM

__all__: list[str] = []


@g.glance.register(LMM)
@g.glance.register(GLMM)
def _mixed(m: LMM | GLMM) -> pd.DataFrame:
    reml = isinstance(m, LMM) and m.reml
    row = {"nobs": g.nobs(m), "sigma": g.sigma(m), "logLik": float(g.logLik(m)), "AIC": g.AIC(m), "BIC": g.BIC(m)}
    row["REMLcrit" if reml else "deviance"] = g.REMLcrit(m) if reml else g.deviance(m)
    return pd.DataFrame([row | {"df.residual": g.df_residual(m)}])


@g.glance.register(LM)
def _linear(m: LM) -> pd.DataFrame:
    from scipy.special import fdtrc

    s = g.summary(m)
    F, df1, df2 = s.fstatistic or (float("nan"),) * 3
    row = {
        "r.squared": s.r_squared, "adj.r.squared": s.adj_r_squared, "sigma": m.sigma, "statistic": F,
        "p.value": float(fdtrc(df1, df2, F)), "df": df1, "logLik": float(g.logLik(m)), "AIC": g.AIC(m), "BIC": g.BIC(m),
        "deviance": g.deviance(m), "df.residual": g.df_residual(m), "nobs": g.nobs(m),
    }  # fmt: skip
    return pd.DataFrame([row])


@g.glance.register(GLM)
def _generalized(m: GLM) -> pd.DataFrame:
    row = {
        "null.deviance": m.null_deviance, "df.null": m.df_null, "logLik": float(g.logLik(m)), "AIC": g.AIC(m),
        "BIC": g.BIC(m), "deviance": g.deviance(m), "df.residual": g.df_residual(m), "nobs": g.nobs(m),
    }  # fmt: skip
    return pd.DataFrame([row])
