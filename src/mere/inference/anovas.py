"""`anova` of one model, of several, and `drop1`: tests of fixed-effects terms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..accessors.comparison import compare_models, sequential_sums
from ..accessors.linear import lm_anova
from ..errors import MereTypeError, MereValueError
from ..generalized import GLM, GLMM
from ..model import LM, LMM
from ..naming import variable_names
from ..results import AnovaTable
from .hypotheses import hypotheses, read_type, removal
from .methods import method_name, reference_of
from .refits import refit_formula, without_terms
from .tables import f_table, terms_of

__all__ = ["droppable", "removal_table"]


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
    return AnovaTable(table, (f"{prefix} Analysis of Variance Table with {reference.title}",))


@g.anova.register(GLMM)
def _anova_glmm(m: GLMM, *models: Any, refit: bool = True, model_names: Sequence[str] | None = None) -> AnovaTable:
    if models:
        return _compare((m, *models), model_names, refit)
    table = sequential_sums(m.RX, m.beta, np.asarray(m.design.assign), m.design.term_labels, m.sigma)
    return AnovaTable(table, ("Analysis of Variance Table",))


@g.anova.register(LM)
def _anova_lm(m: LM, *models: Any, type: str | int | None = None, vcov: Any = None, **kwargs: Any) -> AnovaTable:
    if models or (type is None and vcov is None):
        return lm_anova(m, *models, **kwargs)
    kind = read_type("III" if type is None else type)
    reference = reference_of(m, kwargs.pop("ddf", None), vcov)
    if kwargs:
        raise MereTypeError(f"anova() of an lm has no argument {next(iter(kwargs))!r}")
    table = f_table(reference, hypotheses(terms_of(m), kind), m.sigma)
    return AnovaTable(table, (f"Type {kind} Analysis of Variance Table with {reference.title}",))


def _compare(models: Sequence[Any], model_names: Sequence[str] | None, refit: bool) -> AnovaTable:
    for each in models:
        if not isinstance(each, (LMM, LM, GLMM, GLM)):
            raise MereTypeError(
                f"anova() compares models; {each.__class__.__name__!r} is none (other arguments need their name)"
            )
    names = list(model_names) if model_names is not None else variable_names(models)
    if len(names) != len(models):
        raise MereValueError(f"model_names has {len(names)} names for {len(models)} models")
    return compare_models(models, names, refit)


# -- leaving out terms ---------------------------------------------------------
def droppable(m: LM | LMM, scope: str | Sequence[str] | None = None) -> list[str]:
    """The terms that may be left out: those that no other contains, or the terms of `scope`."""
    labels, sets = m.design.term_labels, [frozenset(t) for t in m.design.terms.terms]
    if scope is None:
        return [x for x, own in zip(labels, sets, strict=True) if not any(own < other for other in sets)]
    wanted = [scope] if isinstance(scope, str) else list(scope)
    unknown = [w for w in wanted if w not in labels]
    if unknown:
        raise MereValueError(f"scope has {unknown[0]!r}, which is no term of the model; there are {', '.join(labels)}")
    return wanted


def removal_table(m: LM | LMM, wanted: Sequence[str], ddf: str | None, vcov: Any = None) -> pd.DataFrame:
    """F tests of leaving out each of some terms."""
    terms, labels = terms_of(m), list(m.design.term_labels)
    tests = {label: removal(terms, labels.index(label)) for label in wanted}
    return f_table(reference_of(m, ddf, vcov), tests, m.sigma)


def _drop1(
    m: LM | LMM,
    scope: str | Sequence[str] | None = None,
    test: str = "F",
    ddf: str | None = None,
    k: float = 2,
    vcov: Any = None,
) -> AnovaTable:
    wanted = droppable(m, scope)
    if test in ("F", "user") and ddf != "lme4":
        reference = reference_of(m, ddf, vcov)
        heading = (f"Single term deletions using {reference.title}:", "", "Model:", str(m.design.formula))
        return AnovaTable(removal_table(m, wanted, ddf, vcov), heading)
    if test not in ("Chisq", "none", "F"):
        raise MereValueError(f"test must be 'F', 'Chisq' or 'none', not {test!r}")
    heading = ("Single term deletions", "", "Model:", str(m.design.formula))
    return AnovaTable(_likelihood_deletions(m, wanted, k, test == "Chisq"), heading)


def _likelihood_deletions(m: LM | LMM, wanted: Sequence[str], k: float, chisq: bool) -> pd.DataFrame:
    from scipy.special import chdtrc

    full = g.refitML(m)
    smaller = [refit_formula(full, without_terms(full.design, [label])) for label in wanted]
    likelihoods = [g.logLik(each) for each in (full, *smaller)]
    df = np.array([ll.df for ll in likelihoods])
    values = np.array([float(ll) for ll in likelihoods])
    npar = np.array([math.nan, *(df[0] - df[1:])])
    columns = {"npar": npar, "AIC": -2 * values + k * df}
    if chisq:
        lrt = np.array([math.nan, *np.maximum(0.0, 2 * (values[0] - values[1:]))])
        p = [chdtrc(d, x) if d > 0 else math.nan for d, x in zip(npar, lrt, strict=True)]
        columns |= {"LRT": lrt, "Pr(Chi)": np.array(p)}
    return pd.DataFrame(columns, index=["<none>", *wanted])


for _kind in (LM, LMM):
    g.drop1.register(_kind, _drop1)
