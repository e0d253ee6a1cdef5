"""The steps of `glmer` one by one; the last, `mkMerMod`, is that of `lmer`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..arguments import control_of
from ..checks import act
from ..control import GlmerControl
from ..design import build_design
from ..errors import MereValueError
from ..families import Family, make_family
from ..generalized_fitting import check_generalized
from ..generalized_objective import GLMMObjective
from ..generalized_optimum import optimize_generalized
from ..optimizers import Optimum
from ..quadrature import gauss_hermite
from .calls import record
from .modular import DevianceFunction, ParsedModel, step

__all__ = [
    "GHrule",
    "GeneralizedDeviance",
    "ParsedGeneralized",
    "glFormula",
    "mkGlmerDevfun",
    "optimizeGlmer",
    "updateGlmerDevfun",
]


@dataclass(frozen=True, eq=False, repr=False)
class ParsedGeneralized(ParsedModel):
    """What `glFormula` returns: the design of a generalized model, not fitted.

    Attributes
    ----------
    family : Family
    """

    family: Family


@dataclass(frozen=True, eq=False, repr=False)
class GeneralizedDeviance(DevianceFunction):
    """What `mkGlmerDevfun` returns: -2 log L as a function of (theta, fixed effects), without state.

    With ``nAGQ=0`` theta is enough: the fixed effects are found with the random effects.
    """

    objective: GLMMObjective
    parsed: ParsedGeneralized

    def __call__(self, theta: Any) -> float:
        par = np.ascontiguousarray(theta, dtype=np.float64)
        f = self.objective
        if f.nAGQ == 0 and par.shape == (f.n_re,):
            return f.joint(np.concatenate([par, f.layout.start[f.n_re :]]))[1]
        return f.value(par)


def glFormula(
    formula: str,
    data: Any,
    family: str | Family = "gaussian",
    weights: Any = None,
    offset: Any = None,
    subset: Any = None,
    na_action: str = "omit",
    contrasts: Any = None,
    control: GlmerControl | None = None,
    env: Mapping[str, Any] | None = None,
) -> ParsedGeneralized:
    """First step of `glmer`: read formula and data, check them.

    Parameters
    ----------
    formula, data, family, weights, offset, subset, na_action, contrasts, control, env
        As in `glmer`.

    Returns
    -------
    ParsedGeneralized

    Examples
    --------
    >>> from mere import glFormula
    >>> from mere.datasets import cbpp
    >>> glFormula("cbind(incidence, size - incidence) ~ period + (1 | herd)", cbpp, "binomial").X.shape
    (56, 4)
    """
    rows = {"weights": weights, "offset": offset, "subset": subset, "na_action": na_action, "contrasts": contrasts}
    shown = {**rows, "na_action": None if na_action == "omit" else na_action}
    chosen = make_family(family)
    chosen.need_likelihood("glmer()")
    call = record("glmer", data, formula=str(formula), family=family, **shown, control=control, env=env)
    design = build_design(formula, data, env=env, **rows)
    control = control_of(control, GlmerControl, "glmerControl")
    act(check_generalized(design, control))
    return ParsedGeneralized(design, False, control, call, chosen)


def mkGlmerDevfun(parsed: ParsedGeneralized, nAGQ: int = 1) -> GeneralizedDeviance:
    """Second step: -2 log L as a function of theta and the fixed effects.

    Parameters
    ----------
    parsed : ParsedGeneralized
        From `glFormula`.
    nAGQ : int
        As in `glmer`.

    Returns
    -------
    GeneralizedDeviance

    Examples
    --------
    >>> from mere import glFormula, mkGlmerDevfun
    >>> from mere.datasets import cbpp
    >>> parsed = glFormula("cbind(incidence, size - incidence) ~ period + (1 | herd)", cbpp, "binomial")
    >>> round(mkGlmerDevfun(parsed)([0.6423, -1.3985, -0.9923, -1.1287, -1.5803]), 4)
    184.0526
    >>> round(mkGlmerDevfun(parsed, nAGQ=0)([0.6418]), 4)
    184.1086
    """
    if not 0 <= nAGQ <= 100:
        raise MereValueError(f"nAGQ must be a whole number from 0 to 100, not {nAGQ!r}")
    made = step(parsed, ParsedGeneralized, "mkGlmerDevfun", "glFormula")
    objective = GLMMObjective(made.design, made.family, None, int(nAGQ), made.control.tolPwrss)
    return GeneralizedDeviance(objective, made)


def updateGlmerDevfun(devfun: GeneralizedDeviance, nAGQ: int = 1) -> GeneralizedDeviance:
    """The same function with another `nAGQ`.

    Parameters
    ----------
    devfun : GeneralizedDeviance
        From `mkGlmerDevfun`.
    nAGQ : int
        Quadrature points; 1 is Laplace's approximation.

    Returns
    -------
    GeneralizedDeviance

    Examples
    --------
    >>> from mere import glFormula, mkGlmerDevfun, updateGlmerDevfun
    >>> from mere.datasets import cbpp
    >>> f = mkGlmerDevfun(glFormula("incidence ~ 1 + (1 | herd)", cbpp, "poisson"), nAGQ=0)
    >>> updateGlmerDevfun(f, nAGQ=9).objective.nAGQ
    9
    """
    made = step(devfun, GeneralizedDeviance, "updateGlmerDevfun", "mkGlmerDevfun")
    return mkGlmerDevfun(made.parsed, nAGQ)


def optimizeGlmer(devfun: GeneralizedDeviance, start: Any = None, control: GlmerControl | None = None) -> Optimum:
    """Third step: minimize the criterion.

    Parameters
    ----------
    devfun : GeneralizedDeviance
    start : array or dict, optional
        As in `glmer`.
    control : GlmerControl, optional
        Default that of `glFormula`.

    Returns
    -------
    Optimum

    Examples
    --------
    >>> from mere import glFormula, mkGlmerDevfun, optimizeGlmer
    >>> from mere.datasets import cbpp
    >>> parsed = glFormula("cbind(incidence, size - incidence) ~ period + (1 | herd)", cbpp, "binomial")
    >>> optimizeGlmer(mkGlmerDevfun(parsed)).par.round(3)
    array([ 0.642, -1.399, -0.992, -1.129, -1.58 ])
    """
    made = step(devfun, GeneralizedDeviance, "optimizeGlmer", "mkGlmerDevfun")
    return optimize_generalized(made.objective, control or made.parsed.control, start)


def GHrule(ord: int) -> pd.DataFrame:  # noqa: A002 - R's name
    """The rule of Gauss-Hermite quadrature for the standard normal distribution (lme4's ``GHrule``).

    E f(Z) = sum_i w_i f(z_i), exact for polynomials of degree up to 2 ord - 1.

    Parameters
    ----------
    ord : int
        Number of nodes, 1 to 100.

    Returns
    -------
    DataFrame
        Nodes ``z``, weights ``w``, and ``ldnorm``, the log of the normal density at the nodes.

    References
    ----------
    Golub and Welsch (1969), Calculation of Gauss quadrature rules, Mathematics of Computation 23.

    Examples
    --------
    >>> from mere import GHrule
    >>> rule = GHrule(5)
    >>> [round(float((rule["w"] * rule["z"] ** p).sum()), 10) for p in (2, 4, 6, 8)]
    [1.0, 3.0, 15.0, 105.0]
    """
    if not isinstance(ord, (int, np.integer)) or not 1 <= ord <= 100:
        raise MereValueError(f"ord must be a whole number from 1 to 100, not {ord!r}")
    z, log_w = gauss_hermite(int(ord))
    return pd.DataFrame({"z": z, "w": np.exp(log_w), "ldnorm": -0.5 * (z * z + np.log(2 * np.pi))})
