"""The summary of a mixed model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from . import generics as g
from .errors import RankDeficiencyMessage
from .fitting import OptInfo
from .model import LMM, Call
from .results import VarianceComponents, _Printed

__all__ = ["SummaryLMM", "coefficient_frame", "criteria", "fit_messages", "method_title"]


@dataclass(frozen=True, repr=False, eq=False)
class SummaryLMM(_Printed):
    """Summary of a mixed model; prints as R prints it.

    Attributes
    ----------
    title : str
        How the model was fitted.
    kind : str
        R's class of the model.
    call : Call
    formula : str
    criteria : Series
        ``REML``; or ``AIC, BIC, logLik, deviance, df.resid``.
    residuals : Series
        Pearson residuals divided by sigma.
    varcor : VarianceComponents
    nobs : int
    ngrps : Series
    coefficients : DataFrame
        ``Estimate, Std. Error, [df,] t value[, Pr(>|t|)]``.
    vcov : DataFrame
    sigma : float
    optinfo : OptInfo
    messages : tuple of str
        About dropped columns.
    ddf : str
        Where the degrees of freedom come from.
    correlation : bool or None
        Whether to print correlations of fixed effects; None: when there are at
        most 12.
    """

    title: str
    kind: str
    call: Call
    formula: str
    criteria: pd.Series
    residuals: pd.Series
    varcor: VarianceComponents
    nobs: int
    ngrps: pd.Series
    coefficients: pd.DataFrame
    vcov: pd.DataFrame
    sigma: float
    optinfo: OptInfo
    messages: tuple[str, ...] = ()
    ddf: str = "lme4"
    correlation: bool | None = None

    def to_frame(self) -> pd.DataFrame:
        """The table of coefficients."""
        return self.coefficients


# -- numbers -----------------------------------------------------------------
def coefficient_frame(
    estimate: np.ndarray,
    se: np.ndarray,
    names: Any,
    df: np.ndarray | None = None,
    p_value: np.ndarray | None = None,
    statistic: str = "t",
) -> pd.DataFrame:
    """R's table of coefficients; the columns ``df`` and ``Pr(>|t|)`` where given."""
    columns = {"Estimate": estimate, "Std. Error": se}
    if df is not None:
        columns["df"] = df
    with np.errstate(divide="ignore", invalid="ignore"):
        columns[f"{statistic} value"] = estimate / se
    if p_value is not None:
        columns[f"Pr(>|{statistic}|)"] = p_value
    return pd.DataFrame(columns, index=list(names), dtype=float)


def method_title(m: LMM) -> str:
    """How the model was fitted, in R's words."""
    how = "REML" if m.reml else "maximum likelihood "
    return f"Linear mixed model fit by {how}"


def fit_messages(m: Any) -> tuple[str, ...]:
    """What was said about dropped columns."""
    found = (f for f in m.design.findings if issubclass(f.kind, RankDeficiencyMessage))
    return tuple(f.message for f in found)


def criteria(m: LMM) -> pd.Series:
    """What the header shows: the REML criterion, or AIC and its company."""
    if m.reml:
        return pd.Series({"REML": m.criterion})
    return pd.Series(
        {
            "AIC": g.AIC(m),
            "BIC": g.BIC(m),
            "logLik": float(g.logLik(m)),
            "deviance": m.criterion,
            "df.resid": g.df_residual(m),
        }
    )


# -- methods -----------------------------------------------------------------
@g.coef.register(SummaryLMM)
def _coef(s: SummaryLMM) -> pd.DataFrame:
    return s.coefficients


@g.vcov.register(SummaryLMM)
def _vcov(s: SummaryLMM, **kwargs: Any) -> pd.DataFrame:
    return s.vcov
