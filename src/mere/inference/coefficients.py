"""Summaries: coefficients with their tests, by the model's covariance or by another one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from .. import generics as g
from ..accessors.generalized_linear import SummaryGLM, summary_glm
from ..accessors.intervals import chosen_parameters, percent_labels
from ..accessors.linear import SummaryLM, confint_lm, summary_lm
from ..arguments import check_flags
from ..generalized import GLM, GLMM
from ..generalized_summaries import SummaryGLMM, summary_glmm
from ..model import LM, LMM
from ..summaries import SummaryLMM, coefficient_frame, criteria, fit_messages, method_title
from .methods import method_name, reference_of, title_of
from .reference import Reference, p_of_t

__all__ = ["intervals_with"]

S = TypeVar("S", SummaryLM, SummaryGLM, SummaryGLMM)


@g.summary.register(LMM)
def _mixed(m: LMM, ddf: str | None = None, correlation: bool | None = None, vcov: Any = None) -> SummaryLMM:
    if correlation is not None:
        check_flags(correlation=correlation)
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
        title = f"{title}. t-tests use {title_of(reference, vcov)}"
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


@g.summary.register(LM)
def _linear(m: LM, vcov: Any = None) -> SummaryLM:
    found = summary_lm(m)
    if vcov is None:
        return found
    reference = reference_of(m, vcov=vcov)
    found = _with_errors(found, m, reference, vcov)
    slopes = np.eye(len(m.beta))[np.asarray(m.design.assign) > 0]
    if found.fstatistic is None or not len(slopes):
        return found
    test = g.contest(m, slopes, vcov=reference)
    F, df1, df2 = (float(test[c].iloc[0]) for c in ("F value", "NumDF", "DenDF"))
    return replace(found, fstatistic=(F, df1, df2))


@g.summary.register(GLM)
def _generalized(m: GLM, dispersion: float | None = None, vcov: Any = None) -> SummaryGLM:
    found = summary_glm(m, dispersion)
    return found if vcov is None else _with_errors(found, m, reference_of(m, vcov=vcov), vcov)


@g.summary.register(GLMM)
def _generalized_mixed(
    m: GLMM, correlation: bool | None = None, use_hessian: bool | None = None, vcov: Any = None
) -> SummaryGLMM:
    found = summary_glmm(m, correlation, use_hessian)
    return found if vcov is None else _with_errors(found, m, reference_of(m, vcov=vcov), vcov)


def _with_errors(found: S, m: Any, reference: Reference, vcov: Any) -> S:
    """A summary with the standard errors and tests of another covariance."""
    V, names = np.asarray(reference.V), list(m.design.names)
    se, df = np.sqrt(np.diag(V)), reference.df(np.eye(len(names)))
    normal = bool(np.isinf(df).all())
    with np.errstate(divide="ignore", invalid="ignore"):
        p = p_of_t(m.beta / se, df)
    table = coefficient_frame(m.beta, se, names, None if normal else df, p, "z" if normal else "t")
    return replace(found, coefficients=table, vcov=pd.DataFrame(V, names, names), errors=title_of(reference, vcov))


@g.confint.register(LM)
def _confint(m: LM, parm: Any = None, level: float = 0.95, vcov: Any = None) -> pd.DataFrame:
    return confint_lm(m, parm, level) if vcov is None else intervals_with(m, vcov, parm, level)


def intervals_with(m: Any, vcov: Any, parm: Any = None, level: float = 0.95) -> pd.DataFrame:
    """estimate -+ t SE of the coefficients by another covariance, with its degrees of freedom.

    Parameters
    ----------
    m : LM, LMM, GLM or GLMM
    vcov : str, (name, cluster), (p, p) array or function of the model
    parm : str, int or list of these, optional
    level : float
    """
    from scipy.special import ndtri, stdtrit

    labels = percent_labels(level)
    reference = reference_of(m, vcov=vcov)
    names, kept = list(m.design.names_full), list(m.design.names)
    df = reference.df(np.eye(len(kept)))
    q = (1 + level) / 2
    quantile = np.where(np.isinf(df), ndtri(q), stdtrit(np.where(np.isinf(df), 1.0, df), q))
    half = quantile * np.sqrt(np.diag(reference.V))
    table = pd.DataFrame(np.column_stack([m.beta - half, m.beta + half]), kept, labels)
    if isinstance(m, (LM, GLM)):
        table = table.reindex(names)
    wanted = None if isinstance(parm, str) and parm == "beta_" else parm
    return table.iloc[chosen_parameters(wanted, list(table.index))]
