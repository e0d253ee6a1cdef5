"""`ranova`: tests of random-effects terms by likelihood ratios."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..arguments import check_flags, count_of
from ..errors import MereValueError
from ..language.syntax import operand_text
from ..language.updating import update_formula
from ..model import LM, LMM
from ..results import AnovaTable
from ..reterms import RandomTerm
from ..simulation import read_seed
from .fixedterms import is_factor
from .one_variance import one_variance_p
from .refits import bar_text, join_formula, refit_formula

__all__ = ["Reduction", "ranova_table", "reductions"]


@dataclass(frozen=True)
class Reduction:
    """One way to make the random part smaller.

    Attributes
    ----------
    label : str
        ``"x in (x | g)"``, ``"(1 | g)"``.
    random : tuple of str
        The random terms that are left.
    order : int
        How many correlated effects the term had if one of them goes: the mixture at the boundary; 0 if more go.
    term : RandomTerm or None
        What goes if it is a term with one effect.
    """

    label: str
    random: tuple[str, ...]
    order: int
    term: RandomTerm | None = None


# -- numbers -----------------------------------------------------------------
def mixture_p(lrt: float, df: int) -> float:
    """P(LRT) when one variance is on the boundary: chi-squared with df - 1 and df degrees in equal parts.

    Reference: Stram and Lee (1994), Biometrics 50, 1171-1177.

    Examples
    --------
    >>> round(mixture_p(2.706, 1), 3)
    0.05
    """
    from scipy.special import chdtrc

    if not df > 0:
        return math.nan
    lrt = max(lrt, 0.0)  # a variance of zero: equal up to rounding
    low = float(lrt == 0) if df == 1 else float(chdtrc(df - 1, lrt))
    return 0.5 * low + 0.5 * float(chdtrc(df, lrt))


# -- models ------------------------------------------------------------------
def reductions(m: LMM, reduce_terms: bool = True) -> Iterator[Reduction]:
    """All reductions of the random part by one term, or by one effect of a term that no other effect contains."""
    bars = m.design.formula.bars
    for i, bar in enumerate(bars):
        rest = [bar_text(b) for b in bars[:i] + bars[i + 1 :]]
        terms = bar.terms
        text = bar_text(bar)
        shown = text if bar.structure != "us" else f"({text})"
        own = [t for t in m.design.random if t.bar is bar]
        k = sum(t.covariance.k for t in own)
        one = own[0] if k == 1 else None
        if not reduce_terms or not terms.terms or bar.structure != "us":
            yield Reduction(shown, tuple(rest), 1 if k == 1 else 0, one)
            continue
        sets = [frozenset(t) for t in terms.terms]
        for j, label in enumerate(terms.labels):
            if any(sets[j] < other for other in sets):  # what another effect contains stays with it
                continue
            kept = [":".join(operand_text(terms.nodes[v]) for v in t) for i2, t in enumerate(terms.terms) if i2 != j]
            if (
                not kept and not terms.intercept and not _one_column(m, bar, j)
            ):  # an intercept is inside a factor's levels
                yield Reduction(f"{label} in {shown}", (*rest, f"1 | {bar.group}"), 0)
                continue
            if not kept and not terms.intercept:
                yield Reduction(f"{label} in {shown}", tuple(rest), 1 if k == 1 else 0, one)
                continue
            left = " + ".join(kept) or "1"
            if not terms.intercept:
                left = f"0 + {left}"
            smaller = f"{left} | {bar.group}"
            yield Reduction(f"{label} in {shown}", (*rest, smaller), k if _one_column(m, bar, j) else 0)


def _one_column(m: LMM, bar: Any, j: int) -> bool:
    """Does effect j of a term have one column?"""
    values, terms = m.design.frame.variables, bar.terms
    return not any(is_factor(values[terms.variables[v]]) for v in terms.terms[j])


def restricted_log_likelihood(m: LM | LMM, reml: bool) -> tuple[float, int]:
    """Log-likelihood as the mixed model was fitted, and its number of parameters."""
    value = g.logLik(m, REML=reml)
    return float(value), int(value.df)


def ranova_table(
    m: LMM, ways: list[Reduction], boundary: bool | str = False, nsim: int = 10_000, seed: Any = None
) -> tuple[pd.DataFrame, list[LM | LMM]]:
    """The table of `ranova` and the smaller models."""
    from scipy.special import chdtrc

    fixed = m.design.formula.fixed_text
    smaller = [refit_formula(m, join_formula(fixed, way.random)) for way in ways]
    rows = [restricted_log_likelihood(each, m.reml) for each in (m, *smaller)]
    log_lik, npar = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    lrt = np.array([math.nan, *(2 * (log_lik[0] - log_lik[1:]))])
    df = np.array([math.nan, *(npar[0] - npar[1:])])
    p = [chdtrc(d, max(x, 0.0)) if d > 0 else math.nan for x, d in zip(lrt, df, strict=True)]
    columns = {
        "npar": npar, "logLik": log_lik, "AIC": 2 * npar - 2 * log_lik, "LRT": lrt, "Df": df, "Pr(>Chisq)": np.array(p),
    }  # fmt: skip
    table = pd.DataFrame(columns, index=["<none>", *(way.label for way in ways)])
    if boundary == "simulate":
        rng = np.random.default_rng(read_seed(seed))
        drawn = [
            one_variance_p(m, each, way.term, max(x, 0.0), nsim, rng) if way.term is not None else math.nan
            for x, way, each in zip(lrt[1:], ways, smaller, strict=True)
        ]
        table.insert(len(table.columns) - 1, "Pr(>simulated)", [math.nan, *drawn])
    elif boundary:
        mixed = [
            mixture_p(x, int(d)) if way.order else math.nan for x, d, way in zip(lrt[1:], df[1:], ways, strict=True)
        ]
        table.insert(len(table.columns) - 1, "Pr(>mixture)", [math.nan, *mixed])
    return table, smaller


@g.ranova.register(LMM)
def _ranova(
    m: LMM, reduce_terms: bool = True, boundary: bool | str = False, nsim: int = 10_000, seed: Any = None
) -> AnovaTable:
    check_flags(reduce_terms=reduce_terms)
    if not isinstance(boundary, (bool, str)) or boundary not in (True, False, "mixture", "simulate"):
        raise MereValueError(f"boundary must be True, False, 'mixture' or 'simulate', not {boundary!r}")
    if boundary == "simulate":
        count_of(nsim)
    table, _ = ranova_table(m, list(reductions(m, reduce_terms)), boundary, nsim, seed)
    parsed = m.design.formula
    shown = update_formula(join_formula(parsed.fixed_text, [bar_text(bar) for bar in parsed.bars]), ". ~ .")
    heading = ("ANOVA-like table for random-effects: Single term deletions", "", "Model:", shown)
    return AnovaTable(table, heading)


@g.ranova.register(LM)
def _ranova_lm(m: LM, *args: Any, **kwargs: Any) -> AnovaTable:
    raise MereValueError("ranova() tests random effects; a linear model has none")
