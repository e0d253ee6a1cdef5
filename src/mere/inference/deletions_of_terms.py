"""`drop1`: tests of leaving out each term that no other contains."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..arguments import number_of, texts_of
from ..errors import MereValueError
from ..generalized import GLM, GLMM
from ..model import LM, LMM
from ..results import AnovaTable
from .hypotheses import removal
from .methods import method_name, reference_of, title_of
from .refits import refit_formula, without_terms
from .tables import f_table, terms_of

__all__ = ["droppable", "read_test", "removal_table", "wald_deletions"]


def droppable(m: LM | LMM | GLM | GLMM, scope: str | Sequence[str] | None = None) -> list[str]:
    """The terms that may be left out: those that no other contains, or the terms of `scope`."""
    labels, sets = m.design.term_labels, [frozenset(t) for t in m.design.terms.terms]
    if scope is None:
        return [x for x, own in zip(labels, sets, strict=True) if not any(own < other for other in sets)]
    wanted = texts_of(scope, "scope")
    unknown = [w for w in wanted if w not in labels]
    if unknown:
        raise MereValueError(f"scope has {unknown[0]!r}, which is no term of the model; there are {', '.join(labels)}")
    return wanted


def removal_table(m: LM | LMM | GLM | GLMM, wanted: Sequence[str], ddf: str | None, vcov: Any = None) -> pd.DataFrame:
    """F tests of leaving out each of some terms; none of them may be contained in another term."""
    free = droppable(m)
    if held := [label for label in wanted if label not in free]:
        raise MereValueError(
            f"scope has {held[0]!r}, which other terms contain: its coefficients depend on the coding of these, and a "
            f"model without it is the same model; terms that can be left out are {', '.join(free)}"
        )
    terms, labels = terms_of(m), list(m.design.term_labels)
    tests = {label: removal(terms, labels.index(label)) for label in wanted}
    return f_table(reference_of(m, ddf, vcov), tests, g.sigma(m))


def wald_deletions(m: LM | GLM | GLMM, wanted: Sequence[str], vcov: Any) -> AnovaTable:
    """Wald tests of leaving out each of some terms."""
    title = title_of(reference_of(m, None, vcov), vcov)
    heading = (f"Single term deletions, Wald tests with {title}:", "", "Model:", str(m.design.formula))
    return AnovaTable(removal_table(m, wanted, None, vcov), heading)


@g.drop1.register(LMM)
def _drop1(
    m: LMM,
    scope: str | Sequence[str] | None = None,
    test: str = "F",
    ddf: str | None = None,
    k: float = 2,
    vcov: Any = None,
) -> AnovaTable:
    wanted, test = droppable(m, scope), read_test(test, ("F", "Chisq", "user"))
    if test in ("Chisq", "none") and vcov is not None:
        raise MereValueError(f"drop1(test={test!r}) is by likelihood, which has no place for vcov=: leave test out")
    if test in ("F", "user") and (vcov is not None or method_name(ddf) != "lme4"):
        reference = reference_of(m, ddf, vcov)
        heading = (f"Single term deletions using {title_of(reference, vcov)}:", "", "Model:", str(m.design.formula))
        return AnovaTable(removal_table(m, wanted, ddf, vcov), heading)
    heading = ("Single term deletions", "", "Model:", str(m.design.formula))
    return AnovaTable(_likelihood_deletions(m, wanted, k, test == "Chisq"), heading)


def _likelihood_deletions(m: LMM | GLMM, wanted: Sequence[str], k: float, chisq: bool) -> pd.DataFrame:
    from scipy.special import chdtrc

    number_of(k, "k")
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
def _drop1_generalized(
    m: GLMM,
    scope: str | Sequence[str] | None = None,
    test: str | None = "none",
    k: float = 2,
    vcov: Any = None,
) -> AnovaTable:
    wanted, test = droppable(m, scope), read_test(test, ("Chisq", "Wald"))
    if vcov is not None or test == "Wald":
        return wald_deletions(m, wanted, vcov)
    heading = ("Single term deletions", "", "Model:", str(m.design.formula))
    return AnovaTable(_likelihood_deletions(m, wanted, k, test == "Chisq"), heading)


def read_test(test: str | None, known: Sequence[str]) -> str:
    """The name of a test, or the beginning of it."""
    text = "none" if test is None else str(test)
    text = "Chisq" if text == "LRT" else text
    begun = [name for name in ("none", *known) if name.startswith(text)]
    if len(begun) != 1:
        names = ", ".join(repr(name) for name in ("none", *known) if name != "user")
        raise MereValueError(f"test must be {names}, not {test!r}")
    return begun[0]
