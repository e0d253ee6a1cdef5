"""`anova` of one model, of several, and `drop1`: tests of fixed-effects terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..accessors.comparison import compare_models, sequential_sums
from ..accessors.generalized_linear import glm_anova
from ..accessors.linear import lm_anova
from ..arguments import check_flags, texts_of
from ..errors import MereTypeError, MereValueError
from ..generalized import GLM, GLMM
from ..model import LM, LMM
from ..naming import variable_names
from ..nonlinear import NLMM
from ..results import AnovaTable
from .hypotheses import hypotheses, read_type
from .methods import method_name, reference_of, title_of
from .tables import f_table, terms_of, tests_of

__all__: list[str] = []


@g.anova.register(LMM)
def _anova(
    m: LMM,
    *models: Any,
    type: str | int = "III",
    ddf: str | None = None,
    vcov: Any = None,
    refit: bool = True,
    model_names: Sequence[str] | None = None,
) -> AnovaTable:
    if models:
        _refuse_covariance(vcov)
        return _compare((m, *models), model_names, refit)
    name = method_name(ddf)
    if name == "lme4" and vcov is None:
        assign, labels = np.asarray(m.design.assign), m.design.term_labels
        table = sequential_sums(m.RX, m.beta, assign, labels, m.sigma)
        return AnovaTable(table, ("Analysis of Variance Table",))
    kind = read_type(type)
    reference = reference_of(m, name, vcov)
    table = f_table(reference, hypotheses(terms_of(m), kind), m.sigma)
    prefix = f"Type {kind}" if kind != "marginal" else "Marginal"
    heading = f"{prefix} Analysis of Variance Table with {title_of(reference, vcov)}"
    return AnovaTable(table, (heading,), tests_of(m, kind))


@g.anova.register(GLMM)
def _anova_glmm(
    m: GLMM,
    *models: Any,
    type: str | int | None = None,
    ddf: str | None = None,
    vcov: Any = None,
    refit: bool = True,
    model_names: Sequence[str] | None = None,
) -> AnovaTable:
    if models:
        _refuse_covariance(vcov)
        return _compare((m, *models), model_names, refit)
    if ddf is not None:
        reference_of(m, ddf)  # an error if there is no such method
    if type is None and vcov is None:
        table = sequential_sums(m.RX, m.beta, np.asarray(m.design.assign), m.design.term_labels, m.sigma)
        return AnovaTable(table, ("Analysis of Variance Table",))
    return _wald_anova(m, "III" if type is None else type, ddf, vcov)


@g.anova.register(NLMM)
def _anova_nlmm(m: NLMM, *models: Any, refit: bool = True, model_names: Sequence[str] | None = None) -> AnovaTable:
    if models:
        return _compare((m, *models), model_names, refit)
    raise MereValueError(
        "anova() of one nonlinear mixed model tests nothing: its fixed effects are parameters; give two models, or see "
        "summary()"
    )


@g.anova.register(GLM)
def _anova_glm(
    m: GLM, *models: Any, type: str | int | None = None, ddf: str | None = None, vcov: Any = None, **kwargs: Any
) -> AnovaTable:
    if models:
        _refuse_covariance(vcov)
    if ddf is not None:
        reference_of(m, ddf)  # an error if there is no such method
    if models or (type is None and vcov is None):
        return glm_anova(m, *models, **kwargs)
    if kwargs:
        raise MereTypeError(f"anova() of a glm has no argument {next(iter(kwargs))!r} beside type= and vcov=")
    return _wald_anova(m, "III" if type is None else type, ddf, vcov)


def _wald_anova(m: GLM | GLMM, type: str | int, ddf: str | None, vcov: Any) -> AnovaTable:
    """Wald tests of the terms: chi-squared, or F where the reference has degrees of freedom."""
    kind, reference = read_type(type), reference_of(m, ddf, vcov)
    terms = terms_of(m)
    if kind in ("I", "II"):  # inner products of columns are those of the information, not of X
        root = np.linalg.cholesky(np.linalg.inv(g.vcov(m, full=False).to_numpy())).T
        terms = replace(terms, X=root, X_full=root, assign_full=terms.assign)
    joint = {label: reference.joint(L) for label, L in hypotheses(terms, kind).items()}
    of = [f"Response: {m.design.response}"]
    if np.isinf(reference.df(np.eye(len(reference.beta)))).all():
        columns = {
            "Chisq": [j.F * j.ndf for j in joint.values()],
            "Df": [j.ndf for j in joint.values()],
            "Pr(>Chisq)": [j.p_value for j in joint.values()],
        }
        title = f"Analysis of Deviance Table (Type {kind} Wald chisquare tests)"
        title += "" if vcov is None else f" with {title_of(reference, vcov)}"
    else:
        columns = {
            "NumDF": [j.ndf for j in joint.values()],
            "DenDF": [j.ddf for j in joint.values()],
            "F value": [j.F for j in joint.values()],
            "Pr(>F)": [j.p_value for j in joint.values()],
        }
        title = f"Analysis of Deviance Table (Type {kind} tests) with {title_of(reference, vcov)}"
    return AnovaTable(pd.DataFrame(columns, list(joint), dtype=float), (title, "", *of), tests_of(m, kind))


@g.anova.register(LM)
def _anova_lm(m: LM, *models: Any, type: str | int | None = None, vcov: Any = None, **kwargs: Any) -> AnovaTable:
    if models:
        _refuse_covariance(vcov)
    if models or (type is None and vcov is None):
        return lm_anova(m, *models, **kwargs)
    kind = read_type("III" if type is None else type)
    reference = reference_of(m, kwargs.pop("ddf", None), vcov)
    if kwargs:
        raise MereTypeError(f"anova() of an lm has no argument {next(iter(kwargs))!r}")
    table = f_table(reference, hypotheses(terms_of(m), kind), m.sigma)
    heading = f"Type {kind} Analysis of Variance Table with {title_of(reference, vcov)}"
    return AnovaTable(table, (heading,), tests_of(m, kind))


def _refuse_covariance(vcov: Any) -> None:
    if vcov is not None:
        raise MereValueError(
            "vcov= is for the terms of one model: a comparison of models has no place for it; contest(m, L, vcov=) "
            "tests any hypothesis"
        )


def _compare(models: Sequence[Any], model_names: Sequence[str] | None, refit: bool) -> AnovaTable:
    for each in models:
        if not isinstance(each, (LMM, LM, GLMM, GLM, NLMM)):
            raise MereTypeError(
                f"anova() compares models; {each.__class__.__name__!r} is none (other arguments need their name)"
            )
    check_flags(refit=refit)
    names = texts_of(model_names, "model_names") if model_names is not None else variable_names(models)
    if len(names) != len(models):
        raise MereValueError(f"model_names has {len(names)} names for {len(models)} models")
    return compare_models(models, names, refit)
