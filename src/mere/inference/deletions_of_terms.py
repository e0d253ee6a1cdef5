"""`drop1`: tests of leaving out each term that no other contains."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..accessors.generalized_linear import dispersion
from ..errors import MereValueError
from ..generalized import GLM, GLMM
from ..model import LM, LMM
from ..results import AnovaTable
from .hypotheses import removal
from .methods import reference_of
from .reference import p_of_f
from .refits import refit_formula, without_terms
from .tables import f_table, terms_of

__all__ = ["droppable", "removal_table"]


def droppable(m: LM | LMM | GLM | GLMM, scope: str | Sequence[str] | None = None) -> list[str]:
    """The terms that may be left out: those that no other contains, or the terms of `scope`."""
    labels, sets = m.design.term_labels, [frozenset(t) for t in m.design.terms.terms]
    if scope is None:
        return [x for x, own in zip(labels, sets, strict=True) if not any(own < other for other in sets)]
    wanted = [scope] if isinstance(scope, str) else list(scope)
    unknown = [w for w in wanted if w not in labels]
    if unknown:
        raise MereValueError(f"scope has {unknown[0]!r}, which is no term of the model; there are {', '.join(labels)}")
    return wanted


def removal_table(m: LM | LMM | GLM | GLMM, wanted: Sequence[str], ddf: str | None, vcov: Any = None) -> pd.DataFrame:
    """F tests of leaving out each of some terms."""
    terms, labels = terms_of(m), list(m.design.term_labels)
    tests = {label: removal(terms, labels.index(label)) for label in wanted}
    return f_table(reference_of(m, ddf, vcov), tests, g.sigma(m))


def _drop1(
    m: LM | LMM,
    scope: str | Sequence[str] | None = None,
    test: str = "F",
    ddf: str | None = None,
    k: float = 2,
    vcov: Any = None,
) -> AnovaTable:
    wanted, test = droppable(m, scope), _read_test(test, ("F", "Chisq", "user"), False)
    if test in ("F", "user") and ddf != "lme4":
        reference = reference_of(m, ddf, vcov)
        heading = (f"Single term deletions using {reference.title}:", "", "Model:", str(m.design.formula))
        return AnovaTable(removal_table(m, wanted, ddf, vcov), heading)
    heading = ("Single term deletions", "", "Model:", str(m.design.formula))
    return AnovaTable(_likelihood_deletions(m, wanted, k, test == "Chisq"), heading)


def _likelihood_deletions(m: LM | LMM | GLMM, wanted: Sequence[str], k: float, chisq: bool) -> pd.DataFrame:
    from scipy.special import chdtrc

    full = g.refitML(m)
    smaller = _without_each(full, wanted)
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


def _without_each(m: Any, wanted: Sequence[str]) -> list[Any]:
    return [refit_formula(m, without_terms(m.design, [label])) for label in wanted]


@g.drop1.register(GLMM)
@g.drop1.register(GLM)
def _drop1_generalized(
    m: GLM | GLMM,
    scope: str | Sequence[str] | None = None,
    test: str | None = "none",
    k: float = 2,
    vcov: Any = None,
) -> AnovaTable:
    wanted, model = droppable(m, scope), ["Model:", str(m.design.formula)]
    if vcov is not None or test == "Wald":
        reference = reference_of(m, None, vcov)
        heading = (f"Single term deletions, Wald tests with {reference.title}:", "", *model)
        return AnovaTable(removal_table(m, wanted, None, vcov), heading)
    if isinstance(m, GLM):
        table = _deviance_deletions(m, wanted, k, _read_test(test, ("Chisq", "F")))
    else:
        table = _likelihood_deletions(m, wanted, k, _read_test(test, ("Chisq",)) == "Chisq")
    return AnovaTable(table, ("Single term deletions", "", *model))


def _read_test(test: str | None, known: Sequence[str], wald: bool = True) -> str:
    """The name of a test, or the beginning of it."""
    test = "Chisq" if test == "LRT" else "none" if test is None else test
    begun = [name for name in ("none", *known) if name.startswith(str(test))]
    if len(begun) != 1:
        names = ("none", *(name for name in known if name != "user"), *(["Wald"] if wald else []))
        raise MereValueError(f"test must be {', '.join(map(repr, names))}, not {test!r}")
    return begun[0]


def _deviance_deletions(m: GLM, wanted: Sequence[str], k: float, test: str) -> pd.DataFrame:
    """Deviances without each term; AIC as R shifts it, to that of the full model."""
    from scipy.special import chdtrc

    smaller = _without_each(m, wanted)
    phi = dispersion(m)
    deviance = np.array([each.fit.deviance for each in (m, *smaller)])
    p = np.array([len(each.beta) for each in (m, *smaller)])
    df = p[0] - p[1:]
    aic = deviance / phi + k * p
    aic += g.extractAIC(m, k=k)[1] - aic[0]
    columns = {"Df": np.array([math.nan, *df]), "Deviance": deviance, "AIC": aic}
    excess = np.maximum(deviance[1:] - deviance[0], 0.0)
    if test == "Chisq":
        name = "scaled dev." if m.model_family.has_scale else "LRT"
        columns |= {
            name: np.array([math.nan, *(excess / phi)]),
            "Pr(>Chi)": np.array([math.nan, *(chdtrc(d, x) for d, x in zip(df, excess / phi, strict=True))]),
        }
    elif test == "F":
        F = excess / df / (deviance[0] / m.df)
        columns |= {
            "F value": np.array([math.nan, *F]),
            "Pr(>F)": np.array([math.nan, *(p_of_f(x, d, m.df) for x, d in zip(F, df, strict=True))]),
        }
    return pd.DataFrame(columns, index=["<none>", *wanted])


@g.drop1.register(LM)
def _drop1_linear(
    m: LM,
    scope: str | Sequence[str] | None = None,
    test: str | None = "none",
    ddf: str | None = None,
    k: float = 2,
    vcov: Any = None,
) -> AnovaTable:
    if vcov is not None:
        return _drop1(m, scope, "F", ddf, k, vcov)
    wanted, test = droppable(m, scope), _read_test(test, ("F", "Chisq"), False)
    table = _squares_deletions(m, wanted, k, test)
    return AnovaTable(table, ("Single term deletions", "", "Model:", str(m.design.formula)))


def _squares_deletions(m: LM, wanted: Sequence[str], k: float, test: str) -> pd.DataFrame:
    """Residual sums of squares without each term, and AIC = n log(RSS / n) + k p."""
    from scipy.special import chdtrc

    n, smaller = float(g.nobs(m)), _without_each(m, wanted)
    rss = np.array([g.deviance(each) for each in (m, *smaller)])
    p = np.array([len(each.beta) for each in (m, *smaller)])
    df = p[0] - p[1:]
    with np.errstate(divide="ignore"):
        aic = n * np.log(rss / n) + k * p
    squares = np.array([math.nan, *(rss[1:] - rss[0])])
    columns = {"Df": np.array([math.nan, *df]), "Sum of Sq": squares, "RSS": rss, "AIC": aic}
    if test == "F":
        F = squares[1:] / df / (rss[0] / m.df)
        columns |= {
            "F value": np.array([math.nan, *F]),
            "Pr(>F)": np.array([math.nan, *(p_of_f(x, d, m.df) for x, d in zip(F, df, strict=True))]),
        }
    elif test == "Chisq":
        ratio = np.maximum(n * (np.log(rss[1:]) - np.log(rss[0])), 0.0)
        columns["Pr(>Chi)"] = np.array([math.nan, *(chdtrc(d, x) for d, x in zip(df, ratio, strict=True))])
    return pd.DataFrame(columns, index=["<none>", *wanted])


g.drop1.register(LMM, _drop1)
