"""The summary of a mixed model: coefficients with degrees of freedom and p-values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..model import LMM
from ..summaries import SummaryLMM, coefficient_frame, criteria, fit_messages, method_title
from .methods import method_name, reference_of
from .reference import p_of_t

__all__: list[str] = []


@g.summary.register(LMM)
def _summary(m: LMM, ddf: str | None = None, correlation: bool | None = None, vcov: Any = None) -> SummaryLMM:
    name = method_name(ddf)
    bare = name == "lme4" and vcov is None
    names = list(m.design.names)
    reference = reference_of(m, name, vcov)
    V = np.asarray(reference.V)
    se = np.sqrt(np.diag(V))
    df = p = None
    title = method_title(m)
    if not bare and len(names):
        df = reference.df(np.eye(len(names)))
        with np.errstate(divide="ignore", invalid="ignore"):
            p = p_of_t(m.beta / se, df)
        title = f"{title}. t-tests use {reference.title}"
    return SummaryLMM(
        title=title,
        kind="lmerMod" if bare else "lmerModLmerTest",
        call=m.call,
        formula=str(m.design.formula),
        criteria=criteria(m),
        residuals=g.residuals(m, type="pearson", scaled=True),
        varcor=g.VarCorr(m),
        nobs=g.nobs(m),
        ngrps=g.ngrps(m),
        coefficients=coefficient_frame(m.beta, se, names, df, p),
        vcov=pd.DataFrame(V, names, names),
        sigma=m.sigma,
        optinfo=m.optinfo,
        messages=fit_messages(m),
        ddf=name,
        correlation=correlation,
    )
