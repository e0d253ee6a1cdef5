"""`drop1` and `add1` of models without random effects: each term left out, or put in, by itself.

As in R the rows stay those of the model: a term is left out by its columns of the model matrix, also where fewer
variables would have fewer missing values. AIC is on the scale of `extractAIC`; of a family with a dispersion it takes
that of the larger table's model as known.

Reference: Chambers (1992), Linear models, chapter 4 of Statistical Models in S.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..accessors.generalized_linear import dispersion
from ..arguments import number_of
from ..errors import ConvergenceWarning, MereTypeError, MereValueError, tell
from ..generalized import GLM
from ..irls import irls
from ..language.algebra import Terms, expand_terms
from ..language.formulas import parse_formula
from ..language.parser import parse_expression
from ..language.updating import update_formula
from ..linear import least_squares
from ..model import LM
from ..rank import aliased_columns
from ..results import AnovaTable
from .deletions_of_terms import droppable, read_test, wald_deletions
from .refits import refit_formula

__all__ = ["addable", "addition_table", "deletion_table", "terms_of_scope"]


# -- numbers -------------------------------------------------------------------
def _without(m: LM | GLM, label: str) -> tuple[int, float]:
    """Rank and deviance of the model without the columns of a term."""
    design = m.design
    kept = np.asarray(design.assign_full) != 1 + list(design.term_labels).index(label)
    X = design.X_full[:, kept]
    X = np.delete(X, aliased_columns(X), axis=1)
    if isinstance(m, LM):
        y = design.y if design.offset is None else design.y - design.offset
        return X.shape[1], least_squares(X, y, design.weights).rss
    epsilon, maxit = (m.call.arguments.get(name) for name in ("epsilon", "maxit"))
    fit = irls(np.asfortranarray(X), m.response, m.model_family, design.offset, epsilon or 1e-8, maxit or 25)
    if not fit.converged:
        tell(f"drop1: the model without {label} did not converge; raise maxit", ConvergenceWarning)
    return X.shape[1], fit.deviance


def _own(m: LM | GLM) -> tuple[int, float]:
    return len(m.beta), m.rss if isinstance(m, LM) else m.fit.deviance


def _minus_2(m: LM | GLM, deviance: np.ndarray) -> np.ndarray:
    """-2 log L up to a constant, as R has it in these tables."""
    if isinstance(m, LM) or m.model_family.name == "gaussian":
        with np.errstate(divide="ignore"):
            return np.asarray(g.nobs(m) * np.log(deviance / g.nobs(m)))
    return deviance / dispersion(m)


def _p_chisq(x: np.ndarray, df: np.ndarray) -> np.ndarray:
    from scipy.special import chdtrc

    return np.array([chdtrc(abs(d), v) if d and v >= 0 else math.nan for d, v in zip(df, x, strict=True)])


def _p_f(F: np.ndarray, df: np.ndarray, df2: np.ndarray) -> np.ndarray:
    from scipy.special import fdtrc

    every = zip(F, df, df2, strict=True)
    return np.array([fdtrc(abs(d), e, f) if d and e > 0 and f >= 0 else math.nan for f, d, e in every])


def deletion_table(m: LM | GLM, wanted: Sequence[str], k: float = 2, test: str = "none") -> pd.DataFrame:
    """The table of `drop1`: a row for the model, a row without each term."""
    number_of(k, "k")
    p, deviance = (np.array(x, dtype=float) for x in zip(_own(m), *(_without(m, w) for w in wanted), strict=True))
    df, excess = p[0] - p[1:], np.maximum(deviance[1:] - deviance[0], 0.0)
    F = _ratio(excess, df) / (deviance[0] / m.df if m.df else math.nan)
    return _table(m, ["<none>", *wanted], p, deviance, df, excess, F, np.full(len(df), float(m.df)), k, test)


def addition_table(m: LM | GLM, wanted: Sequence[str], k: float = 2, test: str = "none") -> pd.DataFrame:
    """The table of `add1`: a row for the model, a row with each term more."""
    larger = [refit_formula(m, update_formula(m.design.formula, f". ~ . + {label}")) for label in wanted]
    p, deviance = (np.array(x, dtype=float) for x in zip(_own(m), *(_own(each) for each in larger), strict=True))
    df, gain = p[1:] - p[0], np.maximum(deviance[0] - deviance[1:], 0.0)
    rest = m.df - df
    F = gain / df if not len(df) else _ratio(gain, df) / _ratio(deviance[1:], rest)
    return _table(m, ["<none>", *wanted], p, deviance, df, gain, F, rest, k, test)


def _ratio(x: np.ndarray, df: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(df > 0, x / df, math.nan)


def _table(
    m: LM | GLM, rows: Sequence[str], p: np.ndarray, deviance: np.ndarray, df: np.ndarray, change: np.ndarray,
    F: np.ndarray, df2: np.ndarray, k: float, test: str,
) -> pd.DataFrame:  # fmt: skip
    minus_2 = _minus_2(m, deviance)
    aic = minus_2 + k * p
    linear = isinstance(m, LM)
    aic += g.extractAIC(m, k=k)[1] - aic[0]
    first = {"Df": df, "Sum of Sq": change} if linear else {"Df": df}
    columns = {name: np.array([math.nan, *values]) for name, values in first.items()}
    columns |= {"RSS" if linear else "Deviance": deviance}
    if isinstance(m, LM) or m.model_family.has_likelihood:
        columns["AIC"] = aic
    if test == "Chisq":
        x = np.maximum((minus_2[0] - minus_2[1:]) * (1 if p[1:].max(initial=0) > p[0] else -1), 0.0)
        if isinstance(m, GLM):
            columns["scaled dev." if m.model_family.has_scale else "LRT"] = np.array([math.nan, *x])
        columns["Pr(>Chi)"] = np.array([math.nan, *_p_chisq(x, df)])
    elif test == "F":
        columns |= {"F value": np.array([math.nan, *F]), "Pr(>F)": np.array([math.nan, *_p_f(F, df, df2)])}
    return pd.DataFrame(columns, index=list(rows))


# -- which terms ---------------------------------------------------------------
def _variables(terms: Terms) -> list[frozenset[str]]:
    return [frozenset(terms.variables[v] for v in term) for term in terms.terms]


def terms_of_scope(m: LM | GLM, scope: str) -> Terms:
    """The terms of a formula such as ``". ~ .^2"`` or ``"~ a + b"``, which updates that of the model."""
    text = scope if "~" in scope else f"~ {scope}"
    return expand_terms(parse_formula(update_formula(m.design.formula, text)).fixed)


def _names(scope: Any) -> list[str]:
    names = [scope] if isinstance(scope, str) else list(scope) if isinstance(scope, Iterable) else []
    if not names or not all(isinstance(name, str) for name in names):
        raise MereTypeError(f"scope must be a formula such as '. ~ . + a', or terms, not {scope!r}")
    return names


def addable(m: LM | GLM, scope: str | Sequence[str]) -> list[str]:
    """The terms of `scope` (a formula, or names) that the model lacks and whose margins it has."""
    if isinstance(scope, str) and ("~" in scope or scope.strip().startswith(".")):
        asked = terms_of_scope(m, scope)
    else:
        asked = expand_terms(parse_expression(" + ".join(_names(scope))))
    has = _variables(m.design.terms)
    new = [(label, own) for label, own in zip(asked.labels, _variables(asked), strict=True) if own not in has]
    return [label for label, own in new if not any(other < own for _, other in new)]


# -- methods -------------------------------------------------------------------
@g.drop1.register(LM)
@g.drop1.register(GLM)
def _drop1(
    m: LM | GLM,
    scope: str | Sequence[str] | None = None,
    test: str | None = "none",
    k: float = 2,
    vcov: Any = None,
) -> AnovaTable:
    wanted, test = droppable(m, scope), read_test(test, ("Chisq", "F", "Wald"))
    if vcov is not None or test == "Wald":
        return wald_deletions(m, wanted, vcov)
    return AnovaTable(
        deletion_table(m, wanted, k, test), ("Single term deletions", "", "Model:", str(m.design.formula))
    )


@g.add1.register(LM)
@g.add1.register(GLM)
def _add1(m: LM | GLM, scope: str | Sequence[str], test: str | None = "none", k: float = 2) -> AnovaTable:
    wanted = addable(m, scope)
    number_of(k, "k")
    if not wanted:
        raise MereValueError("add1: scope has no term that could be added to the model")
    table = addition_table(m, wanted, k, read_test(test, ("Chisq", "F")))
    return AnovaTable(table, ("Single term additions", "", "Model:", str(m.design.formula)))
